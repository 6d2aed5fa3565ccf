"""What a URI carries: its structure, and the decoded values of its path and query."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.arithmetic import log1p
from enricher.features.compiled import kernel
from enricher.features.declared import NumericFeature
from enricher.features.lexical import (
    character_statistics,
    statistic_columns,
    statistic_features,
)
from enricher.features.tensors import FloatArray, TextColumn
from enricher.features.words import URI_WORDS, count_words

# Separates the pieces (path segments, parameter names and values) of a decoded URI.
_PIECE: Final = np.uint8(30)
_PERCENT, _PLUS, _SLASH, _QUESTION, _AND, _EQUALS = (ord(c) for c in "%+/?&=")
_DOT, _DASH, _STAR, _DOLLAR, _BRACE, _HASH = (ord(c) for c in ".-*${#")
_BACKSLASH: Final = ord("\\")
_MANY_TIMES: Final = 2

_STRUCTURE: Final = (
    ("uri_depth", "path segments"),
    ("uri_query_length", "characters after the question mark"),
    ("uri_parameters", "query parameters"),
    ("uri_encodings", "percent-encodings"),
    ("uri_double_encodings", "percent-encodings inside percent-encodings"),
    ("uri_longest_value", "characters in the longest part of the URI"),
    ("uri_quotes", "quotation marks in the decoded URI"),
    ("uri_angles", "angle brackets in the decoded URI"),
    ("uri_commands", "shell characters (; | ` $ {{ &) in decoded values"),
    ("uri_parentheses", "parentheses and brackets in the decoded URI"),
    ("uri_traversals", "steps up the directory tree (../)"),
    ("uri_controls", "control characters in the decoded URI"),
    ("uri_comments", "comment marks (-- /* #) in the decoded URI"),
    ("uri_spaces", "spaces in the decoded URI"),
    ("uri_comparisons", "equals signs inside values"),
    ("uri_worst_value", "unusual characters in the worst part of the URI"),
)
_WORST_SHARE = NumericFeature(
    "uri_worst_value_share", "unusual characters in the worst part of the URI", "share", "text"
)
_WIDTH: Final = len(_STRUCTURE) + 1
_STATISTICS_USED: Final = (
    "length", "entropy", "digits", "upper", "punctuation", "hex", "high", "vowels", "digit_run",
    "consonant_run", "distinct", "changes",
)  # fmt: skip
_VALUE_STATISTICS: Final = (
    "length", "entropy", "digits", "upper", "punctuation", "hex", "consonant_run", "changes",
)  # fmt: skip

URI_FEATURES: Final = (
    *statistic_features("uri", "the URI", only=_STATISTICS_USED),
    *statistic_features("uri_tail", "the decoded query", only=_VALUE_STATISTICS),
    *(NumericFeature(name, words, "count", "text") for name, words in _STRUCTURE),
    _WORST_SHARE,
    *(
        NumericFeature(f"uri_{name}_words", f"words of {name} in the decoded URI", "count", "text")
        for name in URI_WORDS
    ),
    NumericFeature("uri_words", "words in the decoded URI", "count", "text"),
    *(
        NumericFeature(
            f"uri_query_{name}_words", f"words of {name} in the decoded query", "count", "text"
        )
        for name in URI_WORDS
    ),
    NumericFeature("uri_query_words", "words in the decoded query", "count", "text"),
)


@kernel
def _hex(byte: Any) -> Any:
    """The value of a hexadecimal digit, or -1."""
    if 48 <= byte <= 57:  # noqa: PLR2004 - 0 to 9
        return byte - 48
    lower = byte | 32
    if 97 <= lower <= 102:  # noqa: PLR2004 - a to f
        return lower - 87
    return -1


@kernel
def _decode(  # noqa: C901 - one pass over the bytes
    data: Any, offsets: Any, decoded: Any, ends: Any, tails: Any, found: Any
) -> None:
    """Undo percent-encoding, up to twice, and put a mark where a piece ends."""
    write = 0
    for m in range(offsets.shape[0] - 1):
        query_from = parameter = False
        encodings = doubles = depth = parameters = query_length = 0
        tails[m] = -1
        i, last = offsets[m], offsets[m + 1]
        while i < last:
            byte = data[i]
            i += 1
            if byte == _PERCENT:
                times = 0
                while times < _MANY_TIMES and byte == _PERCENT and i + 1 < last:
                    high, low = _hex(data[i]), _hex(data[i + 1])
                    if high < 0 or low < 0:
                        break
                    byte = np.uint8(16 * high + low)
                    i += 2
                    times += 1
                encodings += times > 0
                doubles += times > 1
                decoded[write] = byte
            elif byte == _QUESTION and not query_from:
                query_from = True
                query_length = last - i
                parameters = 1 if i < last else 0
                decoded[write] = _PIECE
                tails[m] = write + 1
            elif query_from and byte == _AND:
                parameters += 1
                parameter = False
                decoded[write] = _PIECE
            elif query_from and byte == _EQUALS and not parameter:
                parameter = True
                decoded[write] = _PIECE
            elif not query_from and byte == _SLASH:
                depth += 1
                # The slash stays for 'words' and '../' to be seen; a mark follows it.
                decoded[write] = byte
            else:
                decoded[write] = 32 if query_from and byte == _PLUS else byte
            write += 1
        ends[m] = write
        if tails[m] < 0:
            tails[m] = write
        found[m, 0], found[m, 1], found[m, 2] = depth, query_length, parameters
        found[m, 3], found[m, 4] = encodings, doubles


@kernel
def _inspect(decoded: Any, begin: Any, end: Any, tail: Any, found: Any, shares: Any) -> None:  # noqa: C901 - one pass over the bytes
    for m in range(begin.shape[0]):
        for column in range(5, found.shape[1]):
            found[m, column] = 0
        shares[m] = 0.0
        length = odd = 0
        for i in range(begin[m], end[m] + 1):
            byte = decoded[i] if i < end[m] else _PIECE
            behind = decoded[i + 1] if i + 1 < end[m] else np.uint8(0)
            if byte == _PIECE or (byte == _SLASH and i < tail[m]):
                found[m, 5] = max(found[m, 5], length)
                found[m, 15] = max(found[m, 15], odd)
                if length > 3:  # noqa: PLR2004 - shares of a few characters say nothing
                    shares[m] = max(shares[m], odd / length)
                length = odd = 0
                continue
            length += 1
            plain = (
                48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122  # noqa: PLR2004
                or byte in (_DOT, _DASH, 95)
            )  # fmt: skip
            odd += not plain
            if byte in (34, 39, 96):  # quotation marks
                found[m, 6] += 1
            if byte in (60, 62):  # < >
                found[m, 7] += 1
            if byte in (59, 124, 96, 36, 123, 38):  # ; | ` $ { &
                found[m, 8] += 1
            if byte in (40, 41, 91, 93):  # ( ) [ ]
                found[m, 9] += 1
            if byte == _DOT and behind == _DOT:
                third = decoded[i + 2] if i + 2 < end[m] else np.uint8(0)
                found[m, 10] += third in (_SLASH, _BACKSLASH)
            if byte < 32 or byte == 127:  # noqa: PLR2004 - control characters
                found[m, 11] += 1
            two = (byte == _DASH and behind == _DASH) or (byte == _SLASH and behind == _STAR)
            found[m, 12] += two or byte == _HASH
            found[m, 13] += byte == 32  # noqa: PLR2004 - a space
            found[m, 14] += byte == _EQUALS


@kernel
def _logarithms(found: Any, out: Any, first_column: Any) -> None:
    for m in range(found.shape[0]):
        for column in range(found.shape[1]):
            out[m, first_column + column] = log1p(np.float64(found[m, column]))


def uri_statistics(text: TextColumn) -> FloatArray:
    """float32 [M, S], :data:`URI_FEATURES` of each distinct URI."""
    begin, end = text.offsets[:-1], text.offsets[1:]
    decoded = np.empty(max(1, text.data.shape[0]), np.uint8)
    ends = np.empty(begin.shape[0], np.int64)
    tails = np.empty(begin.shape[0], np.int64)
    found = np.zeros((begin.shape[0], len(_STRUCTURE)), np.int64)
    _decode(text.data, text.offsets, decoded, ends, tails, found)
    begins: npt.NDArray[np.int64] = np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: ends.size]
    shares = np.empty(begin.shape[0], np.float32)
    _inspect(decoded, begins, ends, tails, found, shares)
    structure = np.empty((begin.shape[0], _WIDTH), np.float32)
    _logarithms(found, structure, 0)
    structure[:, -1] = shares
    return np.concatenate(
        [
            character_statistics(text.data, begin, end)[:, statistic_columns(_STATISTICS_USED)],
            character_statistics(decoded, tails, ends)[:, statistic_columns(_VALUE_STATISTICS)],
            structure,
            count_words("uri", decoded, begins, ends),
            count_words("uri", decoded, tails, ends),
        ],
        axis=1,
    )
