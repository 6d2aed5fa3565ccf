"""What a host or domain name looks like, as a whole and in its registered label."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from enricher.features.arithmetic import signed_log
from enricher.features.arrow import StringColumn
from enricher.features.declared import NumericFeature
from enricher.features.lexical import character_statistics, statistic_columns, statistic_features
from enricher.features.names_kernel import label_lengths, last_labels, name_parts
from enricher.features.ngrams import NameModel
from enricher.features.strings import hash_strings
from enricher.features.tensors import FloatArray, IntArray, TextColumn
from enricher.features.vocabulary import TOP_LEVEL, look_up

_WHOLE: Final = (
    "length", "entropy", "digits", "upper", "punctuation", "hex", "high", "vowels", "digit_run",
    "consonant_run", "distinct", "changes",
)  # fmt: skip
_CORE: Final = (
    "length", "entropy", "digits", "hex", "vowels", "digit_run", "consonant_run", "distinct",
    "changes",
)  # fmt: skip
_SUBDOMAIN: Final = ("length", "entropy", "digits", "vowels", "consonant_run", "distinct")


def name_features(prefix: str, what: str) -> tuple[NumericFeature, ...]:
    """The features that :func:`name_statistics` fills."""
    return (
        *statistic_features(prefix, what, only=_WHOLE),
        *statistic_features(f"{prefix}_core", f"the registered label of {what}", only=_CORE),
        *statistic_features(f"{prefix}_sub", f"what precedes the zone of {what}", only=_SUBDOMAIN),
        NumericFeature(f"{prefix}_labels", f"labels in {what}", "count", "text"),
        NumericFeature(
            f"{prefix}_longest_label", f"characters in the longest label of {what}", "count", "text"
        ),
        NumericFeature(f"{prefix}_mean_label", f"characters a label in {what}", "count", "text"),
        NumericFeature(
            f"{prefix}_model", f"how usual the letters of {what} are (0 is most)", "plain", "text"
        ),
        NumericFeature(
            f"{prefix}_core_model",
            f"how usual the letters of the registered label of {what} are (0 is most)",
            "plain",
            "text",
        ),
    )


def _places(text: TextColumn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Addresses and lengths of the distinct strings."""
    return text.data.ctypes.data + text.offsets[:-1], np.diff(text.offsets)


def name_statistics(text: TextColumn, model: NameModel | None) -> FloatArray:
    """float32 [M, S], the features of each distinct name; the model's are NaN without one."""
    begin = text.offsets[:-1]
    zone, core_end, end = name_parts(*_places(text))
    labels, longest = label_lengths(text.data, begin, begin + end)
    counts = np.stack([labels, longest, (end - labels + 1) / np.maximum(labels, 1)], axis=1)
    scores = np.full((begin.shape[0], 2), np.nan, np.float32)
    if model is not None:
        scores[:, 0] = model.score_parts(text.data, begin, begin + core_end)
        scores[:, 1] = model.score_parts(text.data, begin + zone, begin + core_end)
    before_zone = begin + np.maximum(zone - 1, 0)
    return np.concatenate(
        [
            character_statistics(text.data, begin, begin + end)[:, statistic_columns(_WHOLE)],
            character_statistics(text.data, begin + zone, begin + core_end)[
                :, statistic_columns(_CORE)
            ],
            character_statistics(text.data, begin, before_zone)[:, statistic_columns(_SUBDOMAIN)],
            signed_log(counts.ravel()).reshape(counts.shape),
            scores,
        ],
        axis=1,
    )


def top_level_domains(text: TextColumn) -> IntArray:
    """int32 [M], index of each distinct name's last label in the vocabulary of such."""
    addresses, lengths = _places(text)
    _, core_end, end = name_parts(addresses, lengths)
    last = last_labels(text.data, text.offsets[:-1], end)
    hashes = hash_strings(StringColumn(addresses + last, end - last))
    indices = look_up(hashes, TOP_LEVEL)
    indices[core_end == end] = 1  # a single label has no top-level domain
    return indices
