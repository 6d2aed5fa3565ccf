"""Text columns from Polars series."""

from __future__ import annotations

import polars as pl

from enricher.features.arrow import string_column
from enricher.features.columns import TEXT_LIMIT
from enricher.features.strings import distinct, hash_strings
from enricher.features.tensors import TextColumn


def text_of(series: pl.Series, limit: int = TEXT_LIMIT) -> TextColumn:
    """The strings of a series, each distinct one once, cut to ``limit`` bytes.

    Raises:
        TypeError: If the series does not hold strings.
    """
    column = string_column(series)
    data, offsets, codes = distinct(column, hash_strings(column, limit), limit)
    return TextColumn(data, offsets, codes)
