"""Families of host names: what an algorithm or a person with a plan makes.

No list of names is used: characters and words come from rules with random constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from enricher.learn.prior.common import Rng, Site, chance, pick, picks, subset
from enricher.learn.prior.text import (
    BASE32,
    BASE36,
    HEX,
    Strings,
    characters,
    coded,
    escaped,
    joined_words,
    lengths,
    lexicon,
    mutated,
    random_text,
    token,
    word,
)
from enricher.simulate.names import WORDS, site_name

Encoder: TypeAlias = Callable[[Rng, int], list[str]]

COMMON = ("com", "net", "org", "info", "de", "fr", "nl", "io", "co", "eu", "uk", "it", "pl", "us")
CHEAP = ("biz", "ru", "cc", "tk", "ml", "ga", "cf", "gq", "xyz", "top", "club", "online", "site",
         "pw", "su", "ws", "in", "me", "cn", "to", "tv", "live", "la", "sx", "im", "kz", "space",
         "website", "icu", "shop", "fun")  # fmt: skip
_HOSTS = ("www", "mail", "ftp", "dev", "test", "api", "admin", "vpn", "portal", "stage", "smtp",
          "ns1", "ns2", "db", "git", "blog", "shop", "remote", "web", "app", "cdn", "static",
          "intranet", "backup", "mx", "support", "cloud", "login", "old", "beta")  # fmt: skip
_LABEL = 63
_NAME = 250


def _endings(rng: Rng, site: Site) -> Strings:
    """Zones that names are registered in: one, a few or many; at times those of others."""
    dice = pick(rng, ["one", "few", "many", "dynamic"], [4, 3, 2, 1])
    if dice == "one":
        pool = [pick(rng, COMMON if chance(rng, 0.5) else CHEAP)]
    elif dice == "dynamic":
        pool = [f"{word(rng, 2)}{pick(rng, ['dns', 'host', 'ip', ''])}.{pick(rng, COMMON)}"]
        pool += [pick(rng, site.names)] if chance(rng, 0.2) else []
    else:
        pool = subset(rng, COMMON + CHEAP, 5 if dice == "few" else 30, 2)
    return lambda rng, number: picks(rng, pool, number)


def _words_of(rng: Rng, site: Site) -> list[str]:
    """A word list that a family carries: of one language, of the site's, or of common words."""
    size = int(rng.integers(20, 600))
    return pick(
        rng,
        [
            lexicon(rng, size),
            subset(rng, WORDS, len(WORDS), 20),
            subset(rng, site.words, len(site.words), 20),
            subset(rng, [*WORDS, *lexicon(rng, 50)], 200, 20),
        ],
    )


def _labels(rng: Rng, site: Site, words: float) -> Strings:
    """Labels that a family registers: random characters, words, or slips of one name."""
    if chance(rng, words):
        return joined_words(rng, _words_of(rng, site))
    if chance(rng, 0.12):
        base = pick(rng, site.names).split(".", maxsplit=1)[0] + pick(rng, ["", word(rng, 2)])
        return lambda rng, number: [mutated(rng, base) for _ in range(number)]
    low = int(rng.integers(4, 14))
    return random_text(rng, low, low + int(rng.integers(0, 20)))


def generated(rng: Rng, site: Site, words: float = 0.35) -> Strings:
    """Names in the manner of a domain generation algorithm."""
    labels, endings = _labels(rng, site, words), _endings(rng, site)
    prefix = pick(rng, ["", "", "", "", "www.", f"{token(rng, BASE36, 4)}."])

    def draw(rng: Rng, number: int) -> list[str]:
        pairs = zip(labels(rng, number), endings(rng, number), strict=True)
        return [f"{prefix}{label[:_LABEL].strip('-')}.{ending}" for label, ending in pairs]

    return draw


def one_name(rng: Rng, site: Site) -> str:
    """A name that an attacker registered, or lives below."""
    return pick(
        rng,
        [
            pick(rng, ["", "www.", "api.", "cdn.", "static.", "m."]) + site_name(rng),
            pick(rng, ["", "", "www.", "cdn."]) + generated(rng, site)(rng, 1)[0],
            f"{pick(rng, _HOSTS)}.{site_name(rng)}",
            f"{word(rng, 2)}.{word(rng, 2)}{pick(rng, ['dns', 'host'])}.{pick(rng, COMMON)}",
        ],
    )


def guessed(rng: Rng, site: Site) -> Strings:
    """Hosts of one zone by guessing: usual host names, words, numbers, or all short labels."""
    zone = pick(rng, [site.own, pick(rng, site.names), site_name(rng)])
    style = pick(rng, ["hosts", "words", "numbered", "short", "mixed"])
    words = _words_of(rng, site)
    law = lengths(rng, 1, 5)

    def draw(rng: Rng, number: int) -> list[str]:
        hosts = picks(rng, _HOSTS, number)
        if style == "words":
            hosts = picks(rng, words, number)
        elif style == "numbered":
            numbers = rng.integers(0, 30, number).tolist()
            hosts = [f"{host}{n:02d}" for host, n in zip(hosts, numbers, strict=True)]
        elif style == "short":
            hosts = characters(rng, BASE36, law(rng, number))
        elif style == "mixed":
            ends = picks(rng, words, number)
            hosts = [f"{host}-{end}" for host, end in zip(hosts, ends, strict=True)]
        return [f"{host}.{zone}" for host in hosts]

    return draw


def drowned(rng: Rng, site: Site) -> Strings:
    """Random hosts of one zone, so that no cache has them (a random subdomain attack)."""
    zone = pick(rng, [site.own, pick(rng, site.names), site_name(rng)])
    labels = random_text(rng, 3, 24)
    depth = 2 if chance(rng, 0.15) else 1

    def draw(rng: Rng, number: int) -> list[str]:
        parts = [labels(rng, number) for _ in range(depth)]
        return [".".join([*row, zone]) for row in zip(*parts, strict=True)]

    return draw


def payloads(rng: Rng, sizes: tuple[int, int] = (4, 160)) -> Encoder:
    """Binary data as labels, with the bounds of the name system (RFC 1035, 2.3.4)."""
    code, law = coded(rng), lengths(rng, *sizes)
    label = int(pick(rng, [16, 30, 32, 48, 57, 60, 63]))
    joint = pick(rng, [".", ".", ".", "-"])
    idle = float(pick(rng, [0.0, 0.2, 0.5, 0.8]))
    small = int(rng.integers(2, 10))

    def draw(rng: Rng, number: int) -> list[str]:
        counts = np.where(rng.random(number) < idle, small, law(rng, number))
        data = rng.bytes(int(counts.sum()))
        ends = np.cumsum(counts).tolist()
        texts = [code(data[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        return [
            joint.join(text[at : at + label] for at in range(0, min(len(text), 190), label))
            for text in texts
        ]

    return draw


def tunnelled(rng: Rng, site: Site) -> tuple[Strings, str]:
    """Names that carry data to a zone, in order; and the zone."""
    data = payloads(rng, pick(rng, [(4, 24), (10, 60), (20, 110)]))
    zone = pick(rng, ["", "", "t.", "ns1.", "d.", "a.b."]) + one_name(rng, site)
    session = token(rng, pick(rng, [HEX, BASE32]), int(rng.integers(1, 9)))
    counter = pick(rng, ["none", "hex", "decimal", "letters"])
    order = pick(rng, ["scd", "csd", "dcs", "dsc", "s.c.d", "d.c.s", "c.d", "d"])

    def draw(rng: Rng, number: int) -> list[str]:
        first = int(rng.integers(0, 4096))
        made = []
        for step, text in enumerate(data(rng, number), start=first):
            count = {
                "none": "", "hex": f"{step:04x}", "decimal": str(step),
                "letters": f"{BASE32[step // 32 % 32]}{BASE32[step % 32]}",
            }[counter]  # fmt: skip
            parts = {"s": session, "c": count, "d": text, ".": "."}
            label = "".join(parts[letter] for letter in order)
            made.append(_tidy(f"{label}.{zone}"))
        return made

    return draw, zone


def _tidy(name: str) -> str:
    """No empty labels, none too long, and the whole within bounds."""
    labels = []
    for label in name.split("."):
        labels += [label[at : at + _LABEL] for at in range(0, len(label), _LABEL)]
    while len(labels) > 2 and sum(map(len, labels)) + len(labels) > _NAME:  # noqa: PLR2004 - the zone
        labels.pop(0)
    return escaped(".".join(labels))


def stolen(rng: Rng, site: Site) -> tuple[Strings, str]:
    """Facts about a host in plain or coded labels: user, computer, number, piece; and the zone."""
    zone = one_name(rng, site)
    users, hosts = lexicon(rng, int(rng.integers(1, 6))), lexicon(rng, int(rng.integers(1, 6)))
    pieces = payloads(rng, (2, 20))
    parts = "".join(subset(rng, "uhnp", 4, 2))

    def draw(rng: Rng, number: int) -> list[str]:
        columns = {
            "u": picks(rng, users, number),
            "h": [f"{host.upper()}-pc" for host in picks(rng, hosts, number)],
            "n": [str(n) for n in range(number)],
            "p": pieces(rng, number),
        }
        rows = zip(*(columns[part] for part in parts), strict=True)
        return [_tidy(f"{'.'.join(row)}.{zone}") for row in rows]

    return draw, zone


def backwards(rng: Rng, site: Site) -> Strings:
    """Addresses in order or at random, spelt backwards (a sweep of reverse lookups)."""
    net = rng.integers(1, 224, 2).tolist()
    ordered = chance(rng, 0.6)
    suffix = "in-addr.arpa" if chance(rng, 0.8) else f"bl.{pick(rng, site.names)}"

    def draw(rng: Rng, number: int) -> list[str]:
        first = int(rng.integers(0, 60_000))
        places = np.arange(first, first + number) if ordered else rng.integers(0, 65_536, number)
        return [
            f"{place % 256}.{place // 256 % 256}.{net[1]}.{net[0]}.{suffix}"
            for place in places.tolist()
        ]

    return draw
