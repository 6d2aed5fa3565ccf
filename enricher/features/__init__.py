"""Records to tensors: a declared specification per kind, and the functions that fill it."""

from __future__ import annotations

from enricher.features.context import ContextTracker
from enricher.features.extract import extract, without
from enricher.features.ngrams import NameModel
from enricher.features.spec import (
    ABSENT,
    OTHER,
    SPEC_VERSION,
    SPECS,
    CategoricalFeature,
    FeatureSpec,
    Group,
    NumericFeature,
    TextFeature,
)
from enricher.features.tensors import Features, TextColumn
from enricher.features.text import text_of

__all__ = [
    "ABSENT",
    "OTHER",
    "SPECS",
    "SPEC_VERSION",
    "CategoricalFeature",
    "ContextTracker",
    "FeatureSpec",
    "Features",
    "Group",
    "NameModel",
    "NumericFeature",
    "TextColumn",
    "TextFeature",
    "extract",
    "text_of",
    "without",
]
