"""Ordinary DNS traffic, with much that looks made up: nodes of networks, hashes, typing errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from enricher.learn.prior.answers import Answer, addresses, asked, blob, data, exchange, fixed
from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Rng,
    Site,
    chance,
    pick,
    picks,
    popular,
    sources,
    timing,
)
from enricher.learn.prior.names import COMMON, backwards, payloads
from enricher.learn.prior.text import (
    BASE36,
    HEX,
    Strings,
    characters,
    escaped,
    joined_words,
    lengths,
    mutated,
    random_text,
    token,
    word,
)
from enricher.simulate.names import site_name

_PREFIXES = ("", "", "www.", "www.", "m.", "api.", "static.", "img.", "cdn.", "login.", "mail.")


def _style(
    rng: Rng,
    site: Site,
    names: Strings,
    *,
    types: Sequence[str] = ("A", "A", "A", "AAAA", "HTTPS"),
    missing: tuple[float, float] = (0.0, 0.08),
    answer: Answer | None = None,
    most: int = 30,
    gaps: tuple[float, float] = (0.05, 60.0),
) -> Draw:
    laws = exchange(rng, types=types, missing=missing)
    times, who = timing(rng, site, *gaps), sources(rng, site, 1.0, most)
    server = site.resolvers[: int(rng.integers(1, len(site.resolvers) + 1))]
    given = answer or addresses(laws.addresses, laws.aliases, site)

    def draw(rng: Rng, number: int) -> Columns:
        asking = names(rng, number)
        columns = asked(rng, asking, laws, who, lambda rng, n: picks(rng, server, n), given)
        return {"ts": times(rng, number), **columns}

    return draw


def browsing(rng: Rng, site: Site) -> Draw:
    """People's sites, the popular ones mostly."""
    prefixes = picks(rng, _PREFIXES, 6)

    def names(rng: Rng, number: int) -> list[str]:
        pairs = zip(picks(rng, prefixes, number), popular(rng, site.names, number), strict=True)
        return [prefix + name for prefix, name in pairs]

    return _style(rng, site, names)


def busy_resolver(rng: Rng, site: Site) -> Draw:
    """One address behind which many hosts, or a crawler, ask for sites nobody asked for before."""

    def names(rng: Rng, number: int) -> list[str]:
        prefixes = picks(rng, ["", "", "www."], number)
        return [prefix + site_name(rng) for prefix in prefixes]

    return _style(rng, site, names, missing=(0.0, 0.25), most=1, gaps=(0.005, 0.5))


def delivery_nodes(rng: Rng, site: Site) -> Draw:
    """Nodes of delivery networks and clouds: random to look at, below few zones, and they exist."""
    zones = [f"{word(rng, 2)}{pick(rng, ['cdn', 'cloud', 'edge', 'net'])}.{pick(rng, COMMON)}"
             for _ in range(int(rng.integers(1, 5)))]  # fmt: skip
    labels = pick(
        rng,
        [random_text(rng, 6, 32), joined_words(rng, site.words, 3), _dashed(rng), _guid],
    )
    region = pick(rng, ["", "", f"{word(rng, 1)}-{int(rng.integers(1, 5))}.", "s3.", "r."])

    def names(rng: Rng, number: int) -> list[str]:
        pool = labels(rng, max(number // int(rng.integers(1, 8)), 1))
        zone = picks(rng, zones, number)
        chosen = popular(rng, pool, number)
        return [f"{label}.{region}{end}" for label, end in zip(chosen, zone, strict=True)]

    return _style(rng, site, names)


def _dashed(rng: Rng) -> Strings:
    prefix = word(rng, 1)

    def draw(rng: Rng, number: int) -> list[str]:
        rows = rng.integers(0, 256, (number, 4)).tolist()
        return [f"{prefix}-{a}-{b}-{c}-{d}" for a, b, c, d in rows]

    return draw


def _guid(rng: Rng, number: int) -> list[str]:
    texts = characters(rng, HEX, np.full(number, 32))
    return [f"{t[:8]}-{t[8:12]}-{t[12:16]}-{t[16:20]}-{t[20:]}" for t in texts]


def telemetry(rng: Rng, site: Site) -> Draw:
    """Programs that call home to a few fixed names."""
    zone = pick(rng, site.names)
    pool = [f"{joined_words(rng, site.words, 2)(rng, 1)[0]}.{zone}" for _ in range(4)]
    pool = pool[: int(rng.integers(1, 5))]
    return _style(rng, site, lambda rng, n: picks(rng, pool, n), gaps=(1.0, 900.0))


def reputation(rng: Rng, site: Site) -> Draw:
    """Programs against viruses and unwanted mail: hashes and addresses in labels."""
    zone = f"{pick(rng, ['hash', 'rep', 'fp', 'dl', 'bl'])}.{pick(rng, site.names)}"
    style = pick(rng, ["hash", "coded", "reversed"])
    law, pieces = lengths(rng, 20, 60), payloads(rng, (10, 90))
    alphabet = pick(rng, [HEX, HEX, BASE36])
    suffix = f".{token(rng, BASE36, 3)}.{zone}" if chance(rng, 0.4) else f".{zone}"
    spelt = backwards(rng, site)

    def names(rng: Rng, number: int) -> list[str]:
        if style == "reversed":
            return [name.split(".in-addr", maxsplit=1)[0] + suffix for name in spelt(rng, number)]
        labels = (
            pieces(rng, number) if style == "coded" else characters(rng, alphabet, law(rng, number))
        )
        return [escaped(label) + suffix for label in labels]

    text = blob(rng, 6, 60)
    answer = fixed(["127.0.0.2", "127.0.0.4"]) if chance(rng, 0.6) else data(text, zone)
    types = ("TXT",) if chance(rng, 0.4) else ("A",)
    return _style(rng, site, names, types=types, missing=(0.0, 0.95), answer=answer, most=6)


def mail(rng: Rng, site: Site) -> Draw:
    """What mail servers ask for: exchangers, policies and keys of senders."""
    forms = ("{}", "{}", "_dmarc.{}", "_spf.{}", "s1._domainkey.{}", "mail.{}", "mta-sts.{}")

    def names(rng: Rng, number: int) -> list[str]:
        zones = [
            site_name(rng) if chance(rng, 0.5) else pick(rng, site.names) for _ in range(number)
        ]
        return [
            form.format(zone) for form, zone in zip(picks(rng, forms, number), zones, strict=True)
        ]

    return _style(
        rng, site, names, types=("MX", "TXT", "TXT", "A", "PTR"), missing=(0.0, 0.4), most=2
    )


def local(rng: Rng, site: Site) -> Draw:
    """Names of the site itself: services of its directory, suffixes put on, single labels."""
    forms = ("_ldap._tcp.dc._msdcs.{z}", "_kerberos._tcp.{z}", "wpad.{z}", "{w}.{z}", "{w}", "wpad",
             "www.{n}.{z}", "{w}-pc.local", "_services._dns-sd._udp.local", "isatap.{z}",
    )  # fmt: skip
    few = [form for form in forms if chance(rng, 0.5)] or ["{w}.{z}"]

    def names(rng: Rng, number: int) -> list[str]:
        parts = zip(picks(rng, few, number), picks(rng, site.words, number),
                    popular(rng, site.names, number), strict=True)  # fmt: skip
        return [form.format(z=site.own, w=w, n=n) for form, w, n in parts]

    types = pick(rng, [("A", "AAAA"), ("SRV", "A", "SOA"), ("A", "PTR")])
    return _style(rng, site, names, types=types, missing=(0.2, 0.95))


def probes(rng: Rng, site: Site) -> Draw:
    """Random single labels, by which browsers find out whether a network answers everything."""
    law, own = lengths(rng, 7, 15), chance(rng, 0.5)

    def names(rng: Rng, number: int) -> list[str]:
        labels = characters(rng, BASE36[:26], law(rng, number))
        return [f"{label}.{site.own}" if own else label for label in labels]

    return _style(rng, site, names, types=("A",), missing=(0.9, 1.0))


def reverse(rng: Rng, site: Site) -> Draw:
    """Lookups of addresses that a server writes into its log."""
    return _style(rng, site, backwards(rng, site), types=("PTR",), missing=(0.1, 0.7), most=3)


def slips(rng: Rng, site: Site) -> Draw:
    """Typing errors, old links, and sites that are no more."""

    def names(rng: Rng, number: int) -> list[str]:
        pool = popular(rng, site.names, number)
        return [mutated(rng, name.split(".", maxsplit=1)[0]) + "." + name.split(".", maxsplit=1)[1]
                for name in pool]  # fmt: skip

    return _style(rng, site, names, types=("A", "AAAA"), missing=(0.5, 1.0))


ORDINARY: dict[Construction, float] = {
    browsing: 6.0,
    busy_resolver: 2.5,
    delivery_nodes: 3.0,
    telemetry: 1.5,
    reputation: 1.5,
    mail: 1.0,
    local: 1.0,
    probes: 0.5,
    reverse: 0.7,
    slips: 0.7,
}
"""Constructions of ordinary traffic, with how often each is taken."""
