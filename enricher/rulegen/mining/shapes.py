"""What names that were made by a program look like: labels of certain letters and lengths.

Where a family's names share no part, they may still share a form: so many labels, the letters and
lengths of the first ones, a set of endings, digits among letters. A form is written as an anchored
expression behind contents and a size that the engine tests first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from enricher.rulegen.matching.conditions import Content
from enricher.rulegen.mining import atoms
from enricher.rulegen.mining.atoms import Atom

_CLASSES = ("a-f0-9", "a-z", "a-z2-7", "a-z0-9", "a-z0-9-", "a-z0-9_-", "a-z0-9+=_\\x2f-")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FEW_LETTERS = 23
_MANY_LETTERS = 600
_FEW_WORDS = 8
_ENDINGS, _MOST_LABELS = 12, 6
_MOST = 0.9
_INNER = 0.02
_NAME = re.compile(rb"[a-z0-9_+/=-]+(?:\.[a-z0-9_+/=-]+)+")
_FURTHER = (
    ("", ""),
    (r"(?=[^.]*\d[^.]*\d)", ", two digits in the first label"),
    (r"(?=([^.\d]*\d){4})", ", four digits"),
    (r"(?=[^.]*[a-z]\d[^.]*\d[a-z])", ", digits among letters"),
    (r"(?=[^.]*[bcdfghjklmnpqrstvwxz]{5})", ", five consonants in a row"),
    (r"(?=[^.]*[bcdfghjklmnpqrstvwxz]{7})", ", seven consonants in a row"),
    (r"(?![^.]*[aeiou])", ", no vowels"),
)


@dataclass(frozen=True, slots=True)
class _Label:
    """What one label looks like: an expression, its least and most bytes, and words for it."""

    pattern: str
    low: int
    high: int
    about: str


@dataclass(frozen=True, slots=True)
class _Form:
    """Labels before an ending."""

    labels: tuple[_Label, ...]
    endings: tuple[str, ...]

    def pattern(self, further: str) -> str:
        """The form as an expression."""
        labels = "".join(f"{label.pattern}\\x2e" for label in self.labels)
        endings = "|".join(ending.replace(".", "\\x2e") for ending in self.endings)
        return f"^{further}{labels}({endings})$"

    def anchor(self) -> Content:
        """Bytes that every name of this form has, and about where."""
        if len(self.endings) == 1:
            return Content(f".{self.endings[0]}".encode(), nocase=True, endswith=True)
        return Content(b".", offset=self.labels[0].low or None)

    def sizes(self) -> tuple[int, int]:
        """Least and most bytes of a name."""
        low = sum(label.low + 1 for label in self.labels) + min(map(len, self.endings))
        high = sum(label.high + 1 for label in self.labels) + max(map(len, self.endings))
        return low, high

    def about(self, further: str) -> str:
        """What the form is, for a reader."""
        labels = ", then ".join(label.about for label in self.labels)
        return f"dns.query is {labels}, under {' '.join(self.endings[:_ENDINGS])}{further}"


def shape_atoms(names: Sequence[bytes], counts: Sequence[int], order: float) -> Iterator[Atom]:
    """Forms that many names have, narrow ones first.

    Args:
        names: Distinct names in lower case.
        counts: How many records have each.
        order: Of preference.
    """
    split = [
        (name.decode().split("."), count)
        for name, count in zip(names, counts, strict=True)
        if _NAME.fullmatch(name) and name.count(b".") < _MOST_LABELS
    ]
    for size in (1, 2):  # labels of an ending
        by_number: dict[int, list[tuple[list[str], int]]] = {}
        for labels, count in split:
            if len(labels) > size:
                by_number.setdefault(len(labels) - size, []).append((labels, count))
        for number, members in sorted(by_number.items()):
            form = _form(members, number)
            if form is None:
                continue
            for further, words in _FURTHER:
                yield atoms.expression(
                    "dns.query", form.pattern(further).encode(), form.anchor(), form.sizes(),
                    form.about(words), _bits(form), order,
                )  # fmt: skip


def long_name_atoms(names: Sequence[bytes], order: float) -> Iterator[Atom]:
    """Forms of names that carry data, whatever their domain: long labels, many of them.

    Args:
        names: Distinct names in lower case.
        order: Of preference.
    """
    if not names:
        return
    sizes = np.array([len(name) for name in names])
    firsts = np.array([name.find(b".") for name in names])
    for share in (0.05, 0.25, 0.5):
        size, first = int(np.quantile(sizes, share)), int(np.quantile(firsts, share))
        if first >= _LONG_LABEL and size >= _LONG_NAME:
            pattern = rf"^[^.]{{{first},63}}\x2e"
            yield atoms.expression(
                "dns.query", pattern.encode(), Content(b".", offset=first), (size, 255),
                f"dns.query has {size} bytes or more, {first} or more in its first label",
                size / 4.0, order,
            )  # fmt: skip


_LONG_LABEL, _LONG_NAME = 20, 40


def _form(members: Sequence[tuple[list[str], int]], number: int) -> _Form | None:
    """The form that most of some names have."""
    endings: Counter[str] = Counter()
    for labels, count in members:
        endings[".".join(labels[number:])] += count
    total = sum(endings.values())
    kept = [ending for ending, count in endings.most_common(_ENDINGS) if count > total * _INNER]
    kept = [ending for ending in kept if re.fullmatch(r"[a-z0-9.-]+", ending)]
    if sum(endings[ending] for ending in kept) < total * _MOST:
        return None
    found = []
    for place in range(number):
        own = [labels[place] for labels, _ in members]
        label = _label_of(own, words=place > 0)
        if label is None:
            return None
        found.append(label)
    return _Form(tuple(found), tuple(sorted(kept)))


def _label_of(labels: Sequence[str], *, words: bool) -> _Label | None:
    """What the labels in one place have in common."""
    lengths = np.array([len(label) for label in labels])
    low, high = np.quantile(lengths, [_INNER / 2, 1 - _INNER / 2]).astype(int).tolist()
    distinct = sorted(set(labels))
    if words and len(distinct) <= _FEW_WORDS:
        own = "|".join("".join(map(atoms.letter, one.encode())) for one in distinct)
        about = " or ".join(distinct)
        return _Label(f"({own})", min(map(len, distinct)), max(map(len, distinct)), about)
    letters = _class_of(labels)
    if letters is None:
        return None
    times = f"{{{low}}}" if low == high else f"{{{low},{high}}}"
    lengths_told = f"{low}" if low == high else f"{low} to {high}"
    return _Label(f"[{letters}]{times}", low, high, f"{lengths_told} of {letters}")


def _class_of(labels: Sequence[str]) -> str | None:
    """The narrowest class that has the letters of nearly all labels."""
    seen = Counter("".join(labels))
    total = sum(seen.values())
    only = "".join(letter for letter in _LETTERS if seen[letter])
    if total >= _MANY_LETTERS and set(seen) <= set(_LETTERS) and len(only) <= _FEW_LETTERS:
        return only
    for letters in _CLASSES:
        within = re.compile(f"[{letters}]+")
        if sum(within.fullmatch(label) is not None for label in labels) >= len(labels) * (
            1 - _INNER
        ):
            return letters
    return None


def _bits(form: _Form) -> float:
    """About how surprising a form is: by the length of its first label alone."""
    return 2.0 * form.labels[0].low
