"""How a text is written into a request: percent signs, forms, codes, tricks against filters."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote, quote_plus

from enricher.learn.prior.common import Rng, chance, pick

Encoding: TypeAlias = Callable[[Rng, str], str]

_BARE = {" ": "%20", "#": "%23", "\n": "%0a", "\t": "%09", "\r": "%0d"}
_LONGEST = 1500


def _barely(_rng: Rng, text: str) -> str:
    return "".join(_BARE.get(letter, letter) for letter in text)


def _spaces(sign: str) -> Encoding:
    return lambda _rng, text: _barely(_rng, text.replace(" ", sign))


def _every(_rng: Rng, text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _unicode(_rng: Rng, text: str) -> str:
    return "".join(
        letter if letter.isalnum() else f"%u{ord(letter) & 0xFFFF:04x}" for letter in text
    )


def _mixed_case(rng: Rng, text: str) -> str:
    upper = (rng.random(len(text)) < 0.5).tolist()  # noqa: PLR2004 - half of them
    return quote(
        "".join(a.upper() if up else a.lower() for a, up in zip(text, upper, strict=True)),
        safe="'()*,=/",
    )


def _patchy(rng: Rng, text: str) -> str:
    """Some characters percent-encoded, others not, at random."""
    coded = (rng.random(len(text)) < 0.4).tolist()  # noqa: PLR2004 - some of them
    return "".join(
        "".join(f"%{byte:02X}" for byte in letter.encode()) if code else _BARE.get(letter, letter)
        for letter, code in zip(text, coded, strict=True)
    )


def _base64(_rng: Rng, text: str) -> str:
    return quote(base64.b64encode(text.encode()).decode(), safe="=")


def _hexadecimal(_rng: Rng, text: str) -> str:
    return "0x" + text.encode().hex()


_ENCODINGS: dict[Encoding, float] = {
    _barely: 3.0,
    lambda _rng, text: quote_plus(text): 3.0,
    lambda _rng, text: quote(text, safe=""): 3.0,
    lambda _rng, text: quote(text, safe="'()*,=/;:<>"): 2.0,
    lambda _rng, text: quote(quote(text)): 1.0,
    _spaces("/**/"): 0.7,
    _spaces("%09"): 0.4,
    _spaces("+"): 1.5,
    _spaces("%0a"): 0.3,
    _spaces("${IFS}"): 0.2,
    _every: 0.5,
    _unicode: 0.4,
    _mixed_case: 0.8,
    _patchy: 0.8,
    _base64: 0.4,
    _hexadecimal: 0.2,
}


def encoding(rng: Rng) -> Encoding:
    """One encoding, or two that take turns; the result is bounded."""
    first, second = (pick(rng, list(_ENCODINGS), list(_ENCODINGS.values())) for _ in range(2))
    both = chance(rng, 0.25)

    def encode(rng: Rng, text: str) -> str:
        chosen = second if both and chance(rng, 0.5) else first
        return chosen(rng, text[:_LONGEST])[: 2 * _LONGEST]

    return encode
