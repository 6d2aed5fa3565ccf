"""The pieces a kind's features are put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl

from enricher.features.arrow import string_column
from enricher.features.columns import Columns
from enricher.features.declared import CategoricalFeature, Group, NumericFeature, TextFeature
from enricher.features.ngrams import NameModel
from enricher.features.strings import hash_strings
from enricher.features.tensors import FloatArray, IntArray
from enricher.features.vocabulary import PORT_CLASSES, look_up, port_classes

NumericMaker: TypeAlias = Callable[[Columns, NameModel | None], FloatArray]
CategoryMaker: TypeAlias = Callable[[Columns], IntArray]


@dataclass(frozen=True, slots=True)
class NumericBlock:
    """Some numeric features that are made together.

    Attributes:
        features: K features.
        make: Gives float32 [N, K].
    """

    features: tuple[NumericFeature, ...]
    make: NumericMaker


@dataclass(frozen=True, slots=True)
class Category:
    """A categorical feature and how it is made (int32 [N])."""

    feature: CategoricalFeature
    make: CategoryMaker


@dataclass(frozen=True, slots=True)
class KindFeatures:
    """All that is made of one kind's columns; the context comes after these numbers."""

    numeric: tuple[NumericBlock, ...]
    categories: tuple[Category, ...]
    text: tuple[TextFeature, ...]
    prepare: Callable[[Columns], None]


def stacked(parts: Sequence[FloatArray]) -> FloatArray:
    """float32 [N, K] of K columns [N]."""
    return np.stack(parts, axis=1)


def string_category(
    name: str, column: str, vocabulary: tuple[str, ...], words: str, group: Group
) -> Category:
    """A category that is a column of strings."""
    return Category(
        CategoricalFeature(name, vocabulary, words, group),
        lambda columns: look_up(columns.hashes(column), vocabulary),
    )


def expression_category(
    name: str, expression: pl.Expr, vocabulary: tuple[str, ...], words: str, group: Group
) -> Category:
    """A category that is the text of a Polars expression; null is absent."""

    def make(columns: Columns) -> IntArray:
        series = columns.frame.select(expression.cast(pl.String())).to_series()
        return look_up(hash_strings(string_column(series)), vocabulary)

    return Category(CategoricalFeature(name, vocabulary, words, group), make)


def flag_category(name: str, column: str, words: str, group: Group) -> Category:
    """A category that is a column of booleans."""
    return expression_category(name, pl.col(column), ("false", "true"), words, group)


def port_category() -> Category:
    """The class of the responder's port."""
    return Category(
        CategoricalFeature("port_class", PORT_CLASSES, "kind of service by its port", "service"),
        lambda columns: port_classes(columns.numbers("id.resp_p")),
    )


def nothing_to_prepare(_columns: Columns) -> None:
    """For kinds that need no derived columns."""
