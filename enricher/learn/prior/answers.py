"""How names are asked for and answered: types, return codes, lifetimes, times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Hosts,
    Law,
    Rng,
    Site,
    amounts,
    chance,
    outside,
    pick,
    picks,
    some,
)
from enricher.learn.prior.text import BASE64URL, HEX, Strings, characters, escaped

Answer: TypeAlias = Callable[[Rng, str, str], list[str]]
"""Query and name of its type -> what is answered."""

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
    "SRV": 33, "DNSKEY": 48, "HTTPS": 65, "ANY": 255,
}  # fmt: skip
_ZEEK_NAMES = {"ANY": "*"}
_CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
_LIFETIMES = (0.0, 1.0, 5.0, 20.0, 60.0, 120.0, 300.0, 600.0, 3600.0, 14_400.0, 86_400.0)
_SIX = "2001:db8"


@dataclass(frozen=True, slots=True)
class Exchange:
    """The laws by which one family's, or one style's, names are asked for.

    Attributes:
        types: Names of query types, with repeats for frequent ones.
        missing: Share of names that do not exist.
        failing: Share that the server can not or does not want to answer.
        silent: Share without an answer.
        aliases: Share of answers that begin with an alias.
        addresses: Most addresses in an answer.
        lifetimes: Seconds that answers may be kept, to choose from.
        wait: Seconds to the answer.
        tcp: Share over TCP.
        recursive: Whether recursion is asked for.
        authoritative: Share of authoritative answers.
    """

    types: tuple[str, ...]
    missing: float
    failing: float
    silent: float
    aliases: float
    addresses: int
    lifetimes: tuple[float, ...]
    wait: Law
    tcp: float
    recursive: bool
    authoritative: float


def exchange(
    rng: Rng,
    types: Sequence[str] = ("A", "A", "A", "AAAA"),
    missing: tuple[float, float] = (0.0, 0.08),
    failing: float = 0.02,
    silent: float = 0.05,
) -> Exchange:
    """Laws with random constants.

    Args:
        rng: Source of chance.
        types: Query types.
        missing: Bounds of the share of names that do not exist.
        failing: Most that fail.
        silent: Most that are not answered.
    """
    return Exchange(
        types=tuple(types),
        missing=float(rng.uniform(*missing)),
        failing=float(rng.uniform(0.0, failing)) if chance(rng, 0.6) else 0.0,
        silent=float(rng.uniform(0.0, silent)) if chance(rng, 0.6) else 0.0,
        aliases=float(pick(rng, [0.0, 0.0, 0.2, 0.6])),
        addresses=int(rng.integers(1, 6)),
        lifetimes=tuple(picks(rng, _LIFETIMES, int(rng.integers(1, 4)))),
        wait=amounts(rng, 0.0005, 0.3),
        tcp=0.0 if chance(rng, 0.85) else float(rng.uniform(0.0, 0.6)),
        recursive=chance(rng, 0.92),
        authoritative=0.0 if chance(rng, 0.7) else float(rng.uniform(0.0, 1.0)),
    )


def addresses(most: int, aliases: float, site: Site) -> Answer:
    """Answers of ordinary names: addresses, at times below an alias; other types likewise."""

    def answer(rng: Rng, query: str, kind: str) -> list[str]:
        number = int(rng.integers(1, most + 1))
        if kind in ("A", "HTTPS", "ANY"):
            made = outside(rng, number)
        elif kind == "AAAA":
            parts = rng.integers(0, 65_536, (number, 3)).tolist()
            made = [f"{_SIX}:{a:x}::{b:x}:{c:x}" for a, b, c in parts]
        elif kind == "TXT":
            text = f"v=spf1 include:_spf.{pick(rng, site.names)} ~all"
            return [f"TXT {len(text)} {text}"]
        elif kind in ("PTR", "CNAME"):
            return [f"{query.split('.', maxsplit=1)[0]}.{pick(rng, site.names)}"]
        else:
            return [f"{label}.{query}" for label in picks(rng, ["mx1", "mx2", "ns1", "a"], number)]
        if chance(rng, aliases):
            node = characters(rng, HEX, np.array([8]))[0]
            made = [f"{node}.edge.{pick(rng, site.names[:20])}", *made]
        return made

    return answer


def data(sizes: Strings, zone: str) -> Answer:
    """Answers that carry data: the text, a name below the zone, or an address."""

    def answer(rng: Rng, query: str, kind: str) -> list[str]:
        del query
        if kind in ("A", "AAAA"):
            return outside(rng, 1)
        text = escaped(sizes(rng, 1)[0])
        if kind in ("TXT", "NULL"):
            text = text.replace(".", "")
            return [f"TXT {len(text)} {text}" if kind == "TXT" else text]
        return [f"{text}.{zone}"]

    return answer


def fixed(values: Sequence[str]) -> Answer:
    """One of a few fixed answers, as lists of reputation give them."""
    return lambda rng, _query, _kind: [pick(rng, values)]


def asked(
    rng: Rng,
    names: Sequence[str],
    laws: Exchange,
    who: Hosts,
    resolver: Hosts,
    answer: Answer,
) -> Columns:
    """Columns of the queries for ``names`` and their answers, all but the time."""
    number = len(names)
    kinds = picks(rng, laws.types, number)
    dice = rng.random(number)
    bounds = np.cumsum([laws.silent, laws.missing, laws.failing])
    failure = pick(rng, [2, 2, 5])
    codes: list[int | None] = []
    for value in dice.tolist():
        place = int(np.searchsorted(bounds, value, side="right"))
        codes.append((None, 3, failure, 0)[place])
    given = [
        answer(rng, name, kind) if code == 0 else None
        for name, kind, code in zip(names, kinds, codes, strict=True)
    ]
    ages = picks(rng, laws.lifetimes, number)
    heard = [code is not None for code in codes]
    waits = laws.wait(rng, number).tolist()
    authority = some(rng, number, laws.authoritative).tolist()
    return {
        "id.orig_h": who(rng, number),
        "id.resp_h": resolver(rng, number),
        "id.resp_p": 53,
        "proto": [("udp", "tcp")[over] for over in some(rng, number, laws.tcp).tolist()],
        "trans_id": rng.integers(0, 65_536, number),
        "rtt": [wait + 1e-5 if known else None for wait, known in zip(waits, heard, strict=True)],
        "query": list(names),
        "qclass": 1,
        "qtype": [TYPES[kind] for kind in kinds],
        "qtype_name": [_ZEEK_NAMES.get(kind, kind) for kind in kinds],
        "rcode": codes,
        "rcode_name": [None if code is None else _CODES[code] for code in codes],
        "AA": [own and code == 0 for own, code in zip(authority, codes, strict=True)],
        "TC": False,
        "RD": laws.recursive,
        "RA": [known and laws.recursive for known in heard],
        "Z": 0,
        "answers": given,
        "TTLs": [
            None if row is None else [age] * len(row) for row, age in zip(given, ages, strict=True)
        ],
        "rejected": [code == failure and code is not None for code in codes],
    }


def blob(rng: Rng, low: int, high: int) -> Strings:
    """Random texts of base64 characters, as answers carry them."""
    first, last = sorted(rng.integers(low, high + 1, 2).tolist())
    return lambda rng, number: characters(rng, BASE64URL, rng.integers(first, last + 1, number))
