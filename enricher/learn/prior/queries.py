"""Attack families that show in DNS: generated names, tunnels, enumeration, beacons, floods."""

from __future__ import annotations

from dataclasses import replace

from enricher.learn.prior.answers import (
    addresses,
    asked,
    blob,
    data,
    exchange,
)
from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Hosts,
    Rng,
    Site,
    chance,
    outside,
    pick,
    picks,
    sources,
    subset,
    timing,
)
from enricher.learn.prior.names import (
    backwards,
    drowned,
    generated,
    guessed,
    one_name,
    payloads,
    stolen,
    tunnelled,
)
from enricher.learn.prior.text import Strings


def _resolver(rng: Rng, site: Site, own: float = 0.8) -> Hosts:
    """The server that is asked: the site's own, or one out there."""
    pool = [pick(rng, site.resolvers)] if chance(rng, own) else outside(rng, 1)
    return lambda rng, number: picks(rng, pool, number)


def _lookups(
    rng: Rng, site: Site, names: Strings, missing: tuple[float, float], *, most: int, gap: float
) -> Draw:
    """Names from a source, asked for by hosts of the site."""
    laws = exchange(rng, types=pick(rng, [("A",), ("A", "AAAA"), ("A", "A", "A", "AAAA")]),
                    missing=missing, failing=0.2, silent=0.4)  # fmt: skip
    times, who = timing(rng, site, 0.005, gap), sources(rng, site, 0.95, most)
    resolver, answer = _resolver(rng, site), addresses(laws.addresses, laws.aliases, site)

    def draw(rng: Rng, number: int) -> Columns:
        columns = asked(rng, names(rng, number), laws, who, resolver, answer)
        return {"ts": times(rng, number), **columns}

    return draw


def generated_names(rng: Rng, site: Site) -> Draw:
    """Lookups of generated names; few to nearly all of them do not exist."""
    missing = pick(rng, [(0.85, 1.0), (0.6, 0.98), (0.2, 0.8), (0.0, 0.1)])
    return _lookups(rng, site, generated(rng, site, 0.1), missing, most=4, gap=60.0)


def worded_names(rng: Rng, site: Site) -> Draw:
    """The same with names of words, which are harder to tell."""
    missing = pick(rng, [(0.85, 1.0), (0.4, 0.95), (0.0, 0.2)])
    return _lookups(rng, site, generated(rng, site, 1.0), missing, most=4, gap=60.0)


def enumeration(rng: Rng, site: Site) -> Draw:
    """Hosts of one zone by guessing."""
    return _lookups(rng, site, guessed(rng, site), (0.4, 1.0), most=3, gap=5.0)


def random_hosts(rng: Rng, site: Site) -> Draw:
    """Random hosts of a victim's zone."""
    return _lookups(rng, site, drowned(rng, site), (0.1, 1.0), most=60, gap=2.0)


def tunnel(rng: Rng, site: Site) -> Draw:
    """Data in names and answers."""
    names, zone = tunnelled(rng, site) if chance(rng, 0.8) else stolen(rng, site)
    pool = [("TXT",), ("CNAME",), ("NULL",), ("MX",), ("A",), ("TXT", "CNAME", "MX"),
            ("A", "AAAA"), ("SRV",), ("PTR",)]  # fmt: skip
    laws = exchange(rng, types=pick(rng, pool), missing=(0.0, 0.3), silent=0.15)
    if chance(rng, 0.2):
        laws = replace(laws, missing=1.0)  # it carries data one way: every answer is 'no such name'
    times, who = timing(rng, site, 0.005, 60.0), sources(rng, site, 0.98, 2)
    resolver = _resolver(rng, site, 0.65)
    answer = data(blob(rng, 4, 180) if chance(rng, 0.5) else payloads(rng, (4, 90)), zone)

    def draw(rng: Rng, number: int) -> Columns:
        columns = asked(rng, names(rng, number), laws, who, resolver, answer)
        return {"ts": times(rng, number), **columns}

    return draw


def beacon(rng: Rng, site: Site) -> Draw:
    """One or a few names over and over, as a client whose server moves about asks for them."""
    pool = [one_name(rng, site) for _ in range(int(rng.integers(1, 5)))]
    missing = pick(rng, [(0.0, 0.05), (0.9, 1.0), (0.1, 0.6)])
    laws = exchange(rng, types=pick(rng, [("A",), ("A", "AAAA"), ("TXT",)]), missing=missing,
                    silent=0.3)  # fmt: skip
    laws = replace(laws, addresses=int(pick(rng, [1, 1, 3, 12])))
    times, who = timing(rng, site, 1.0, 1200.0), sources(rng, site, 0.98, 6)
    resolver, answer = _resolver(rng, site), addresses(laws.addresses, 0.0, site)
    if laws.types == ("TXT",):
        answer = data(blob(rng, 8, 220), pool[0])

    def draw(rng: Rng, number: int) -> Columns:
        columns = asked(rng, picks(rng, pool, number), laws, who, resolver, answer)
        return {"ts": times(rng, number), **columns}

    return draw


def reverse_sweep(rng: Rng, site: Site) -> Draw:
    """The names of a whole network by its addresses."""
    names = backwards(rng, site)
    laws = exchange(rng, types=("PTR",), missing=(0.2, 1.0), failing=0.3)
    times, who = timing(rng, site, 0.002, 2.0), sources(rng, site, 0.7, 2)
    resolver, answer = _resolver(rng, site), addresses(1, 0.0, site)

    def draw(rng: Rng, number: int) -> Columns:
        columns = asked(rng, names(rng, number), laws, who, resolver, answer)
        return {"ts": times(rng, number), **columns}

    return draw


def amplification(rng: Rng, site: Site) -> Draw:
    """Questions with large answers, or a search for servers that answer anybody."""
    zones = subset(rng, [*site.names[:40], site.own, "version.bind", ".", one_name(rng, site)], 3)
    laws = exchange(rng, types=subset(rng, ["ANY", "TXT", "DNSKEY", "A", "NS"], 2), failing=0.9,
                    silent=0.7)  # fmt: skip
    times, who = timing(rng, site, 0.001, 20.0), sources(rng, site, 0.1, 40)
    server, answer = picks(rng, [*site.servers, *site.resolvers], 6), addresses(6, 0.0, site)
    few = int(rng.integers(1, 7))

    def draw(rng: Rng, number: int) -> Columns:
        names = picks(rng, zones, number)
        columns = asked(rng, names, laws, who, lambda rng, n: picks(rng, server[:few], n), answer)
        return {"ts": times(rng, number), **columns}

    return draw


ATTACKS: dict[Construction, float] = {
    generated_names: 5.0,
    worded_names: 3.5,
    tunnel: 5.0,
    enumeration: 1.5,
    random_hosts: 1.0,
    beacon: 1.5,
    reverse_sweep: 0.5,
    amplification: 0.7,
}
"""Constructions of attack families, with how often each is taken."""
