"""What a user agent looks like: a browser, a tool, a scanner, or a payload in its place."""

from __future__ import annotations

from typing import Final

import numpy as np

from enricher.features.declared import NumericFeature
from enricher.features.lexical import character_statistics, statistic_columns, statistic_features
from enricher.features.tensors import FloatArray, TextColumn
from enricher.features.words import AGENT_WORDS, URI_WORDS, count_words

_USED: Final = (
    "length", "entropy", "digits", "upper", "punctuation", "high", "control", "digit_run",
    "distinct", "changes",
)  # fmt: skip

AGENT_FEATURES: Final = (
    *statistic_features("agent", "the user agent", only=_USED),
    *(
        NumericFeature(
            f"agent_{name}_words", f"words of a {name} in the user agent", "count", "text"
        )
        for name in AGENT_WORDS
    ),
    NumericFeature("agent_words", "words in the user agent", "count", "text"),
    *(
        NumericFeature(
            f"agent_payload_{name}_words", f"words of {name} in the user agent", "count", "text"
        )
        for name in URI_WORDS
    ),
)


def agent_statistics(text: TextColumn) -> FloatArray:
    """float32 [M, S], :data:`AGENT_FEATURES` of each distinct user agent."""
    begin, end = text.offsets[:-1], text.offsets[1:]
    return np.concatenate(
        [
            character_statistics(text.data, begin, end)[:, statistic_columns(_USED)],
            count_words("agent", text.data, begin, end),
            count_words("uri", text.data, begin, end)[:, : len(URI_WORDS)],
        ],
        axis=1,
    )
