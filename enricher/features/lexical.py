"""Statistics of the characters of strings, once for each distinct string."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.compiled import kernel
from enricher.features.declared import Group, NumericFeature
from enricher.features.tensors import ByteArray, FloatArray, IntArray
from enricher.features.units import Unit

Positions = npt.NDArray[np.int64]

# Bits of a byte's class.
_DIGIT, _LETTER, _UPPER, _PUNCTUATION, _HEX, _HIGH, _CONTROL, _VOWEL = (1 << i for i in range(8))

STATISTICS: Final[tuple[tuple[str, str, Unit], ...]] = (
    ("length", "characters in {what}", "count"),
    ("entropy", "entropy of {what} in bits a character", "plain"),
    ("digits", "digits in {what}", "share"),
    ("letters", "letters in {what}", "share"),
    ("upper", "capitals in {what}", "share"),
    ("punctuation", "punctuation in {what}", "share"),
    ("hex", "hexadecimal digits in {what}", "share"),
    ("high", "bytes outside ASCII in {what}", "share"),
    ("control", "spaces and control characters in {what}", "share"),
    ("vowels", "vowels among the letters of {what}", "share"),
    ("digit_run", "digits in a row in {what}", "count"),
    ("consonant_run", "consonants in a row in {what}", "count"),
    ("distinct", "distinct characters in {what}", "count"),
    ("changes", "changes between letters, digits and others in {what}", "share"),
)
_LONGEST = 513


def _byte_classes() -> npt.NDArray[np.uint8]:
    classes = np.zeros(256, np.uint8)
    for byte in range(256):
        character = chr(byte)
        if byte > 127:  # noqa: PLR2004 - the end of ASCII
            classes[byte] = _HIGH
        elif character.isdigit():
            classes[byte] = _DIGIT | _HEX
        elif character.isalpha():
            classes[byte] = _LETTER
            classes[byte] |= _UPPER if character.isupper() else 0
            classes[byte] |= _HEX if character in "abcdefABCDEF" else 0
            classes[byte] |= _VOWEL if character in "aeiouAEIOU" else 0
        elif byte <= 32 or byte == 127:  # noqa: PLR2004 - space, and what is below, and delete
            classes[byte] = _CONTROL
        else:
            classes[byte] = _PUNCTUATION
    return classes


_CLASSES: Final = _byte_classes()
# n * log2(n), for entropies.
_N_LOG_N: Final = np.array([0.0, *(n * np.log2(n) for n in range(1, _LONGEST))])
_LOG1P: Final = np.log1p(np.arange(_LONGEST, dtype=np.float64))


@kernel
def _statistics(
    data: Any, begin: Any, end: Any, classes: Any, n_log_n: Any, logs: Any, out: Any
) -> None:
    counts = np.zeros(256, np.int64)
    sums = np.zeros(8, np.int64)
    for m in range(begin.shape[0]):
        first, last = begin[m], min(end[m], begin[m] + logs.shape[0] - 1)
        length = last - first
        out[m, :] = 0.0
        if length <= 0:
            continue
        sums[:] = 0
        changes = digits = longest_digits = consonants = longest_consonants = 0
        before = 0
        for i in range(first, last):
            kind = classes[data[i]]
            counts[data[i]] += 1
            for bit in range(8):
                sums[bit] += (kind >> bit) & 1
            digits = digits + 1 if kind & _DIGIT else 0
            longest_digits = max(longest_digits, digits)
            consonants = consonants + 1 if (kind & _LETTER) and not (kind & _VOWEL) else 0
            longest_consonants = max(longest_consonants, consonants)
            coarse = 1 if kind & _DIGIT else 2 if kind & _LETTER else 3
            if i > first and coarse != before:
                changes += 1
            before = coarse
        distinct = 0
        spread = 0.0
        for i in range(first, last):
            count = counts[data[i]]
            if count > 0:
                distinct += 1
                spread += n_log_n[count]
                counts[data[i]] = 0
        out[m, 0] = logs[length]
        out[m, 1] = (n_log_n[length] - spread) / length
        for bit in range(7):
            out[m, 2 + bit] = sums[bit] / length
        out[m, 9] = sums[7] / sums[1] if sums[1] > 0 else 0.0
        out[m, 10] = logs[longest_digits]
        out[m, 11] = logs[longest_consonants]
        out[m, 12] = logs[distinct]
        out[m, 13] = changes / length


def character_statistics(data: ByteArray, begin: Positions, end: Positions) -> FloatArray:
    """float32 [M, 14], :data:`STATISTICS` of ``data[begin[m]:end[m]]``; zeros where it is empty."""
    out = np.empty((begin.shape[0], len(STATISTICS)), np.float32)
    _statistics(data, begin, end, _CLASSES, _N_LOG_N, _LOG1P, out)
    return out


def statistic_features(
    prefix: str, what: str, group: Group = "text", only: tuple[str, ...] = ()
) -> tuple[NumericFeature, ...]:
    """The features that :func:`character_statistics` fills, named ``<prefix>_<statistic>``."""
    return tuple(
        NumericFeature(f"{prefix}_{name}", words.format(what=what), unit, group)
        for name, words, unit in STATISTICS
        if not only or name in only
    )


def statistic_columns(only: tuple[str, ...]) -> list[int]:
    """Columns of :func:`character_statistics` of some statistics, in their order."""
    return [place for place, (name, _, _) in enumerate(STATISTICS) if name in only]


def spread_to_records(table: FloatArray, codes: IntArray) -> FloatArray:
    """float32 [N, S], each record's row of a table of distinct strings; NaN where it has none."""
    missing = np.full((1, table.shape[1]), np.nan, np.float32)
    return np.asarray(np.concatenate([table, missing])[codes])
