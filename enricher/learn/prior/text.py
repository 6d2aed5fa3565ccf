"""Text that rules with random constants make: characters, words, and codes of binary data."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from enricher.learn.prior.common import Floats, Ints, Rng, chance, pick, picks, some, subset

Lengths: TypeAlias = Callable[[Rng, int], Ints]
Strings: TypeAlias = Callable[[Rng, int], list[str]]

HEX = string.digits + "abcdef"
BASE32 = string.ascii_lowercase + "234567"
BASE36 = string.ascii_lowercase + string.digits
BASE62 = string.ascii_letters + string.digits
BASE64URL = BASE62 + "-_"
_VOWELS = "aeiouy"
_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_ONSETS = (
    *_CONSONANTS,
    *[
        "br",
        "ch",
        "cl",
        "cr",
        "dr",
        "fl",
        "gr",
        "kl",
        "pl",
        "pr",
        "qu",
        "sh",
        "sk",
        "sl",
        "sp",
        "st",
        "tr",
        "th",
        "wh",
        "sch",
    ],
)
_NUCLEI = (*"aaeeiioou", *["ai", "au", "ea", "ee", "ei", "ie", "oo", "ou", "ia", "io"])
_CODAS = ("", "", "", *"lmnrstkdx", *["nd", "rk", "st", "ng", "ck", "ll", "rt", "sh", "nt", "ss"])
_MODULUS = 2**32


def lengths(rng: Rng, low: int, high: int) -> Lengths:
    """A law of lengths between ``low`` and ``high``: fixed, a range, or a few."""
    first, last = sorted(rng.integers(low, high + 1, 2).tolist())
    few = rng.integers(low, high + 1, 3)
    style = pick(rng, ["fixed", "range", "range", "few"])

    def law(rng: Rng, number: int) -> Ints:
        if style == "fixed":
            return np.full(number, first, np.int64)
        if style == "few":
            return np.asarray(few[rng.integers(0, 3, number)], np.int64)
        return rng.integers(first, last + 1, number)

    return law


def cut(joined: str, sizes: Ints) -> list[str]:
    """Pieces of ``joined`` with the given sizes."""
    ends = np.cumsum(sizes).tolist()
    return [joined[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def characters(rng: Rng, alphabet: str, sizes: Ints, weights: Floats | None = None) -> list[str]:
    """Random text over ``alphabet``, one string for each of ``sizes``."""
    total = int(sizes.sum())
    if weights is None:
        places = rng.integers(0, len(alphabet), total)
    else:
        places = rng.choice(len(alphabet), total, p=weights)
    return cut("".join(map(alphabet.__getitem__, places.tolist())), sizes)


def token(rng: Rng, alphabet: str, size: int) -> str:
    """One random text."""
    return characters(rng, alphabet, np.array([size]))[0]


def _uniform(rng: Rng, law: Lengths) -> Strings:
    alphabet = "".join(subset(rng, string.ascii_lowercase, 26, 4)) + pick(
        rng, ["", "", "aeo", "xyz"]
    )
    alphabet = alphabet if chance(rng, 0.7) else alphabet + "".join(subset(rng, string.digits, 10))
    alphabet = pick(rng, [alphabet, string.ascii_lowercase, HEX, BASE32, BASE36])
    weights = None
    if chance(rng, 0.3):
        weights = rng.dirichlet(np.full(len(alphabet), float(rng.uniform(0.3, 4.0))))
    return lambda rng, number: characters(rng, alphabet, law(rng, number), weights)


def _pattern(rng: Rng, law: Lengths) -> Strings:
    """Vowels and consonants by a fixed pattern, over and over."""
    pattern = token(rng, "vccc" if chance(rng, 0.4) else "vc", int(rng.integers(2, 7)))
    vowels = "".join(subset(rng, _VOWELS, 6))
    consonants = "".join(subset(rng, _CONSONANTS, 20, 3))

    def draw(rng: Rng, number: int) -> list[str]:
        sizes = law(rng, number)
        made = []
        for size in sizes.tolist():
            wanted = (pattern * (size // len(pattern) + 1))[:size]
            chosen = rng.random(size).tolist()
            pools = [vowels if letter == "v" else consonants for letter in wanted]
            made.append("".join(p[int(u * len(p))] for p, u in zip(pools, chosen, strict=True)))
        return made

    return draw


def _chain(rng: Rng, law: Lengths) -> Strings:
    """A Markov chain over characters with a random matrix."""
    alphabet = pick(rng, [string.ascii_lowercase, string.ascii_lowercase, BASE36, HEX])
    size = len(alphabet)
    rows = rng.dirichlet(np.full(size, float(np.exp(rng.uniform(-2.5, 0.5)))), size)
    bounds = np.cumsum(rows, axis=1)

    def draw(rng: Rng, number: int) -> list[str]:
        sizes = law(rng, number)
        longest = int(sizes.max(initial=1))
        states = np.empty((number, longest), np.int64)
        states[:, 0] = rng.integers(0, size, number)
        for place in range(1, longest):
            chosen = (bounds[states[:, place - 1]] < rng.random((number, 1))).sum(axis=1)
            states[:, place] = np.minimum(chosen, size - 1)
        letters = np.array(list(alphabet))[states]
        return ["".join(row[:n]) for row, n in zip(letters.tolist(), sizes.tolist(), strict=True)]

    return draw


def _congruent(rng: Rng, law: Lengths) -> Strings:
    """A linear congruential generator, its constants random, picks the characters."""
    factor, add = 4 * int(rng.integers(1, 2**28)) + 1, 2 * int(rng.integers(1, 2**29)) + 1
    shift = int(rng.integers(0, 25))
    alphabet = pick(rng, [string.ascii_lowercase, BASE36, "".join(subset(rng, BASE36, 30, 5))])

    def draw(rng: Rng, number: int) -> list[str]:
        sizes = law(rng, number)
        state = int(rng.integers(_MODULUS))
        made = []
        for _ in range(int(sizes.sum())):
            state = (state * factor + add) % _MODULUS
            made.append(alphabet[(state >> shift) % len(alphabet)])
        return cut("".join(made), sizes)

    return draw


def _with_digits(rng: Rng, law: Lengths) -> Strings:
    """Another source's text with a number before, behind or in the middle."""
    inner = pick(rng, (_uniform, _pattern, _chain))(rng, law)
    width = int(rng.integers(1, 6))
    place = pick(rng, ["before", "behind", "between"])
    joint = pick(rng, ["", "", "-"])

    def draw(rng: Rng, number: int) -> list[str]:
        numbers = characters(rng, string.digits, np.full(number, width))
        made = []
        for text, digits in zip(inner(rng, number), numbers, strict=True):
            half = len(text) // 2
            made.append(
                digits + joint + text if place == "before"
                else text + joint + digits if place == "behind"
                else text[:half] + digits + text[half:]
            )  # fmt: skip
        return made

    return draw


def random_text(rng: Rng, low: int = 5, high: int = 32) -> Strings:
    """A source of text that no word is in, of one of several constructions."""
    law = lengths(rng, low, high)
    makers = (_uniform, _uniform, _pattern, _chain, _congruent, _with_digits)
    return pick(rng, makers)(rng, law)


def word(rng: Rng, syllables: int) -> str:
    """A word that can be spoken."""
    return "".join(
        pick(rng, _ONSETS) + pick(rng, _NUCLEI) + (pick(rng, _CODAS) if last else "")
        for last in ([False] * (syllables - 1) + [True])
    )


def lexicon(rng: Rng, size: int) -> list[str]:
    """Words of one made-up language: a part of the syllables only, so that languages differ."""
    onsets, nuclei = subset(rng, _ONSETS, 30, 8), subset(rng, _NUCLEI, 12, 3)
    codas = subset(rng, _CODAS, 12, 2)
    parts = rng.integers(1, 4, size)
    total = int(parts.sum())
    first, second = picks(rng, onsets, total), picks(rng, nuclei, total)
    third = picks(rng, [*codas, *[""] * len(codas)], total)
    syllables = [a + b + c for a, b, c in zip(first, second, third, strict=True)]
    ends = np.cumsum(parts).tolist()
    return ["".join(syllables[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def joined_words(rng: Rng, words: Sequence[str], most: int = 4) -> Strings:
    """A source of 1 to ``most`` words put together, always in the same manner."""
    least, last = sorted(rng.integers(1, most + 1, 2).tolist())
    joint = pick(rng, ["", "", "", "-"])
    digits = float(pick(rng, [0.0, 0.0, 0.3, 1.0]))

    def draw(rng: Rng, number: int) -> list[str]:
        counts = rng.integers(least, last + 1, number)
        pool = picks(rng, words, int(counts.sum()))
        ends = np.cumsum(counts).tolist()
        texts = [joint.join(pool[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        tails = rng.integers(0, 1000, number).tolist()
        return [
            f"{text}{tail}" if extra else text
            for text, tail, extra in zip(texts, tails, some(rng, number, digits), strict=True)
        ]

    return draw


def mutated(rng: Rng, base: str, alphabet: str = BASE36) -> str:
    """``base`` with one character changed, left out, doubled or put in."""
    place = int(rng.integers(len(base)))
    style = pick(rng, ["change", "change", "drop", "add", "swap"])
    letter = pick(rng, alphabet)
    if style == "drop" and len(base) > 1:
        return base[:place] + base[place + 1 :]
    if style == "add":
        return base[:place] + letter + base[place:]
    if style == "swap":
        return base[:place] + base[place : place + 2][::-1] + base[place + 2 :]
    return base[:place] + letter + base[place + 1 :]


def coded(rng: Rng) -> Callable[[bytes], str]:
    """A code for binary data in text: hexadecimal, base32, base64 or eight-bit characters."""
    upper = chance(rng, 0.15)
    style = pick(rng, ["hex", "hex", "base32", "base32", "base64", "high"])

    def code(data: bytes) -> str:
        if style == "hex":
            return data.hex().upper() if upper else data.hex()
        if style == "base32":
            text = base64.b32encode(data).decode()
            return (text if upper else text.lower()).rstrip("=")
        if style == "base64":
            return base64.urlsafe_b64encode(data).decode().rstrip("=")
        return "".join(chr(byte) if chr(byte).isalnum() else chr(byte | 128) for byte in data)

    return code


def escaped(text: str) -> str:
    """The text as a reader has it: what is beyond ASCII and no letter is written as an escape."""
    if text.isascii():
        return text
    return "".join(
        letter if letter.isascii() or letter.isalnum() else f"\\x{ord(letter):02x}"
        for letter in text
    )
