"""The feature specification of each kind, put together from the kinds' own modules."""

from __future__ import annotations

from typing import Final

from enricher.features.blocks import KindFeatures
from enricher.features.conn import CONN
from enricher.features.context_spec import CONTEXT_FEATURES
from enricher.features.declared import (
    ABSENT,
    OTHER,
    CategoricalFeature,
    FeatureSpec,
    Group,
    NumericFeature,
    TextFeature,
)
from enricher.features.dns import DNS
from enricher.features.http import HTTP
from enricher.features.ssl import SSL
from enricher.logs import KINDS, Kind

__all__ = [
    "ABSENT",
    "KIND_FEATURES",
    "OTHER",
    "SPECS",
    "SPEC_VERSION",
    "CategoricalFeature",
    "FeatureSpec",
    "Group",
    "NumericFeature",
    "TextFeature",
]

# Counted up whenever a feature is added, taken away or made differently.
SPEC_VERSION: Final = 1

# How the features of each kind are made, in the order of the specification.
KIND_FEATURES: Final[dict[Kind, KindFeatures]] = {
    "conn": CONN,
    "http": HTTP,
    "dns": DNS,
    "ssl": SSL,
}


def _specify(kind: Kind) -> FeatureSpec:
    made = KIND_FEATURES[kind]
    return FeatureSpec(
        kind=kind,
        version=SPEC_VERSION,
        numeric=(
            *(feature for block in made.numeric for feature in block.features),
            *CONTEXT_FEATURES[kind],
        ),
        categorical=tuple(category.feature for category in made.categories),
        text=made.text,
    )


SPECS: Final[dict[Kind, FeatureSpec]] = {kind: _specify(kind) for kind in KINDS}
