"""Ordinary TLS sessions, with much that looks odd: old devices, own certificates, no names."""

from __future__ import annotations

from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Rng,
    Site,
    chance,
    pick,
    popular,
    sources,
    timing,
)
from enricher.learn.prior.names import COMMON
from enricher.learn.prior.sessions import Server, Sessions, alerts_of, few_clients, server, sessions
from enricher.learn.prior.text import BASE36, HEX, token, word

_PREFIXES = (
    "",
    "www.",
    "www.",
    "api.",
    "static.",
    "img.",
    "cdn.",
    "login.",
    "m.",
    "fonts.",
    "events.",
)


def _style(
    rng: Rng,
    site: Site,
    ends: list[Server],
    *,
    new: float = 0.9,
    alpn: float = 0.8,
    kinds: int = 1,
    most: int = 20,
    failed: float = 0.05,
    port: int | None = None,
    resumed: float | None = None,
    gaps: tuple[float, float] = (0.1, 120.0),
    inside: float = 1.0,
    client_chain: int = 0,
) -> Draw:
    again = float(pick(rng, [0.0, 0.1, 0.4, 0.8])) if resumed is None else resumed
    laws = Sessions(
        few_clients(rng, kinds, new, alpn), tuple(ends), sources(rng, site, inside, most),
        port or int(pick(rng, [443, 443, 443, 443, 8443, 9443])),
        float(rng.uniform(0.0, failed)), alerts_of(rng), again, client_chain=client_chain,
    )  # fmt: skip
    times = timing(rng, site, *gaps)

    def draw(rng: Rng, number: int) -> Columns:
        return {
            "ts": times(rng, number),
            **sessions(rng, laws, number, popular(rng, laws.servers, number)),
        }

    return draw


def browsing(rng: Rng, site: Site) -> Draw:
    """Browsers at sites that people use."""
    names = [pick(rng, _PREFIXES) + name for name in popular(rng, site.names, 60)]
    ends = [server(rng, site, name, "public", old=0.05) for name in names]
    return _style(rng, site, ends, kinds=6, most=40, gaps=(0.05, 20.0))


def programs(rng: Rng, site: Site) -> Draw:
    """A program that speaks to a few servers of its maker, mostly at steady times."""
    zone = pick(rng, site.names)
    names = [
        f"{pick(rng, site.words)}{pick(rng, ['', '-prod', '1', '.data'])}.{zone}" for _ in range(4)
    ]
    trust = "public" if chance(rng, 0.75) else "private"
    ends = [server(rng, site, name, trust, old=0.15) for name in names[: int(rng.integers(1, 5))]]
    failed = 0.9 if chance(rng, 0.15) else 0.05
    return _style(rng, site, ends, new=0.6, alpn=0.5, failed=failed, gaps=(1.0, 900.0))


def delivery_nodes(rng: Rng, site: Site) -> Draw:
    """Nodes of delivery networks, with names that look random."""
    zone = f"{word(rng, 2)}{pick(rng, ['cdn', 'cloud', 'edge', 'video'])}.{pick(rng, COMMON)}"
    alphabet, size = pick(rng, [HEX, BASE36]), int(rng.integers(5, 33))
    tag = pick(rng, ["", "r1---", "e", "sn-"])
    names = [f"{tag}{token(rng, alphabet, size)}.{zone}" for _ in range(40)]
    shared = server(rng, site, f"*.{zone}", "public", old=0.05)
    ends = [
        Server(
            made.address,
            name,
            shared.version,
            shared.cipher,
            shared.curve,
            shared.ja3s,
            shared.subject,
            shared.issuer,
            shared.chain,
            shared.status,
        )
        for name in names
        for made in [server(rng, site, name, "public", old=0.0)]
    ]
    return _style(rng, site, ends, kinds=4)


def devices(rng: Rng, site: Site) -> Draw:
    """Devices with old software, that call their maker by name, by address or by none."""
    named = pick(rng, ["name", "name", "none"])
    ends = []
    for _ in range(int(rng.integers(1, 4))):
        name = (
            f"{pick(rng, ['mqtt', 'api', 'dev', 'cam'])}.{pick(rng, site.names)}"
            if named == "name"
            else None
        )
        ends.append(server(rng, site, name, pick(rng, ["public", "private", "self"]), old=0.5))
    return _style(
        rng,
        site,
        ends,
        new=0.3,
        alpn=0.1,
        most=8,
        port=int(pick(rng, [443, 443, 8883, 8443])),
        gaps=(1.0, 900.0),
        client_chain=1 if chance(rng, 0.3) else 0,
    )


def appliances(rng: Rng, site: Site) -> Draw:
    """Servers and appliances of the site with certificates of its own."""
    trust = pick(rng, ["private", "self"])
    names = [
        f"{pick(rng, ['wiki', 'git', 'nas', 'printer', 'vpn', 'mail', 'ldap', 'fw'])}.{site.own}",
        None,
    ]
    ends = [
        server(rng, site, pick(rng, names), trust, old=0.4, inside=True)
        for _ in range(int(rng.integers(1, 5)))
    ]
    return _style(
        rng,
        site,
        ends,
        new=0.7,
        alpn=0.5,
        kinds=4,
        failed=0.3,
        port=int(pick(rng, [443, 8443, 636, 9443])),
    )


def mail(rng: Rng, site: Site) -> Draw:
    """Mail servers among themselves and their clients; names and certificates often do not fit."""
    ends = [
        server(
            rng,
            site,
            f"mx.{name}" if chance(rng, 0.5) else None,
            pick(rng, ["public", "public", "self"]),
            old=0.3,
        )
        for name in popular(rng, site.names, 20)
    ]
    return _style(
        rng,
        site,
        ends,
        new=0.6,
        alpn=0.0,
        kinds=2,
        most=3,
        port=int(pick(rng, [25, 587, 993, 465])),
    )


def guests(rng: Rng, site: Site) -> Draw:
    """People from outside at the site's own server."""
    ends = [server(rng, site, f"www.{site.own}", "public", old=0.1, inside=True)]
    return _style(rng, site, ends, kinds=30, most=200, inside=0.05)


def monitoring(rng: Rng, site: Site) -> Draw:
    """A monitor that says hello to every server at steady times."""
    ends = [
        server(
            rng,
            site,
            None if chance(rng, 0.4) else f"{word(rng, 1)}.{site.own}",
            "private",
            old=0.4,
            inside=True,
        )
        for _ in range(int(rng.integers(2, 20)))
    ]
    return _style(
        rng, site, ends, new=0.5, alpn=0.1, most=1, failed=0.5, resumed=0.0, gaps=(0.5, 60.0)
    )


def by_address(rng: Rng, site: Site) -> Draw:
    """Resolvers and proxies that are spoken to by address, session upon session."""
    ends = [server(rng, site, None, "public", old=0.0) for _ in range(2)]
    return _style(rng, site, ends, kinds=2, port=int(pick(rng, [853, 443])), gaps=(0.5, 60.0))


ORDINARY: dict[Construction, float] = {
    browsing: 5.0,
    programs: 3.0,
    delivery_nodes: 1.5,
    devices: 1.2,
    appliances: 1.2,
    mail: 0.7,
    guests: 0.8,
    monitoring: 0.7,
    by_address: 0.4,
}
"""Constructions of ordinary traffic, with how often each is taken."""
