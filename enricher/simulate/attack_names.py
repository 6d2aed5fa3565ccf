"""Attacks in DNS: tunnels, and names that an algorithm makes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.protocols import bursts, lognormal, lookup, sizes, someone, span
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import World, outside_address

_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_TUNNEL_ALPHABETS = [names.HEX, names.BASE32, names.BASE36, names.BASE64URL]


def dns_tunnel(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Data in the labels of queries and in the answers, to one zone."""
    number = max(int(lognormal(rng, 900, 0.9, 1, 12_000)[0]), 60)
    begin, end = span(world, rng, min(world.seconds, number * float(rng.choice([0.05, 0.5, 4.0]))))
    ts = np.sort(begin + rng.random(number) * (end - begin))
    zone = names.choose(rng, ["", "t.", "ns1.", "d."]) + names.site_name(rng)
    alphabet = names.choose(rng, _TUNNEL_ALPHABETS)
    longest = int(rng.choice([24, 40, 100, 180]))
    label = int(rng.choice([20, 32, 57, 63]))
    prefix = names.random_text(rng, int(rng.integers(0, 5)), names.BASE36)
    idle = float(rng.choice([0.1, 0.4, 0.7]))
    queries = []
    for i in range(number):
        room = longest if rng.random() > idle else int(rng.integers(8, 20))
        payload = names.random_text(rng, int(rng.integers(room // 2, room + 1)), alphabet)
        payload = f"{prefix}{i % 4096:03x}{payload}"
        labels = [payload[at : at + label] for at in range(0, len(payload), label)]
        queries.append(f"{'.'.join(labels)}.{zone}")
    pool = [[16], [10], [5], [1], [15], [28], [16, 5, 15], [1, 28]]
    types = rng.choice(pool[int(rng.integers(len(pool)))], number)
    back = sizes(rng, float(rng.choice([60, 140, 260])), 0.6, number) + 40
    answers, ttls = _answers(rng, alphabet, zone, types)
    lookup(
        world, traffic, rng,
        ts=ts, orig_h=someone(world, rng), query=queries, qtype=types,
        rcode=np.where(rng.random(number) < 0.02, 2, 0), answers=answers, ttls=ttls,  # noqa: PLR2004
        resolver=outside_address(rng) if rng.random() < 0.25 else None,  # noqa: PLR2004
        sizes_in=back, rtt=lognormal(rng, 0.06, 0.6, number),
    )  # fmt: skip


def _answers(
    rng: np.random.Generator, alphabet: str, zone: str, types: np.ndarray
) -> tuple[pl.Series, pl.Series]:
    ttl = float(rng.choice([0, 0, 1, 60]))
    given: list[list[str] | None] = []
    for kind in types.tolist():
        data = names.random_text(rng, int(rng.integers(6, 60)), alphabet)
        if rng.random() < 0.05:  # noqa: PLR2004
            given.append(None)
        elif kind == 16:  # noqa: PLR2004  # TXT, as Zeek writes it
            given.append([f"TXT {len(data)} {data}"])
        elif kind in {1, 28}:
            given.append([outside_address(rng)])
        else:
            given.append([f"{data}.{zone}"])
    answers = pl.Series(given, dtype=pl.List(pl.String))
    times = [None if a is None else [ttl] for a in given]
    return answers, pl.Series(times, dtype=pl.List(pl.Float64))


def _hexadecimal(rng: np.random.Generator) -> str:
    return names.random_text(rng, int(rng.integers(8, 33)), names.HEX)


def _consonants(rng: np.random.Generator) -> str:
    return names.random_text(rng, int(rng.integers(7, 20)), _CONSONANTS + "aeiouy")


def _letters_and_digits(rng: np.random.Generator) -> str:
    return names.random_text(rng, int(rng.integers(10, 28)), names.BASE36)


def _dictionary(rng: np.random.Generator) -> str:
    words = [names.choose(rng, names.WORDS) for _ in range(int(rng.integers(2, 4)))]
    return names.choose(rng, ["", "", "-"]).join(words)


def _spoken(rng: np.random.Generator) -> str:
    return names.invented_word(rng, int(rng.integers(4, 7)))


def _arithmetic(rng: np.random.Generator) -> Callable[[np.random.Generator], str]:
    """A linear congruential generator whose state gives the letters, as some families do."""
    state = int(rng.integers(1, 2**31))
    factor, add = (
        int(rng.choice([1_664_525, 22_695_477, 1_103_515_245])),
        int(rng.choice([1, 12_345])),
    )
    letters, base = int(rng.integers(8, 20)), int(rng.integers(18, 27))

    def draw(_: np.random.Generator) -> str:
        nonlocal state
        text = ""
        for _place in range(letters):
            state = (state * factor + add) % 2**32
            text += chr(ord("a") + (state >> 16) % base)
        return text

    return draw


def generated_names(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Bursts of lookups of made names; nearly all do not exist, one at last does."""
    grammars = [
        _hexadecimal,
        _consonants,
        _letters_and_digits,
        _dictionary,
        _spoken,
        _arithmetic(rng),
    ]
    grammar = names.choose(rng, grammars)
    endings = [names.top_level(rng) for _ in range(int(rng.integers(1, 6)))]
    if rng.random() < 0.3:  # noqa: PLR2004
        endings = [
            names.choose(rng, ["ru", "biz", "top", "xyz", "ws", "su", "pw"]) for _ in endings
        ]
    rounds = int(rng.integers(1, 9))
    counts = np.maximum(sizes(rng, float(rng.choice([20, 80, 300])), 0.5, rounds), 8)
    begin, end = span(world, rng, world.seconds)
    starts = np.sort(begin + rng.random(rounds) * (end - begin))
    pause = float(rng.choice([0.05, 0.5, 3.0]))
    _, ts = bursts(starts, counts, lognormal(rng, pause, 0.6, int(counts.sum())))
    queries = [f"{grammar(rng)}.{names.choose(rng, endings)}" for _ in range(len(ts))]
    found = rng.random(len(ts)) < float(rng.choice([0.0, 0.01, 0.03]))
    code = np.where(found, 0, np.where(rng.random(len(ts)) < 0.04, 2, 3))  # noqa: PLR2004
    answers = [[outside_address(rng)] if yes else None for yes in found]
    lookup(
        world, traffic, rng,
        ts=ts, orig_h=someone(world, rng), query=queries, rcode=code,
        answers=pl.Series(answers, dtype=pl.List(pl.String)),
        ttls=pl.Series([a and [300.0] for a in answers], dtype=pl.List(pl.Float64)),
        rtt=lognormal(rng, 0.04, 0.8, len(ts)),
    )  # fmt: skip
