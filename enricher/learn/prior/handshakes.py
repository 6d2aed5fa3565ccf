"""Attack families that show in TLS: beacons, odd names and certificates, scans, guessing."""

from __future__ import annotations

from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Hosts,
    Rng,
    Site,
    chance,
    log_uniform,
    outside,
    pick,
    picks,
    sources,
    timing,
)
from enricher.learn.prior.names import COMMON, generated, one_name
from enricher.learn.prior.sessions import (
    Server,
    Sessions,
    alerts_of,
    few_clients,
    server,
    sessions,
)
from enricher.learn.prior.text import BASE32, characters, lengths, mutated, random_text

_PORTS = (8443, 4443, 9001, 447, 449, 993, 2222, 465, 8883)


def _port(rng: Rng) -> int:
    if chance(rng, 0.7):
        return 443
    return pick(rng, _PORTS) if chance(rng, 0.7) else int(log_uniform(rng, 100, 65_000))


def _laws(
    rng: Rng,
    who: Hosts,
    servers: list[Server],
    *,
    failed: float = 0.1,
    new: float = 0.5,
    most: int = 1,
) -> Sessions:
    return Sessions(
        clients=few_clients(rng, most, new, 0.4),
        servers=tuple(servers),
        who=who,
        port=_port(rng),
        failed=float(rng.uniform(0.0, failed)),
        alerts=alerts_of(rng),
        resumed=float(pick(rng, [0.0, 0.0, 0.3, 0.9])),
        mismatched=chance(rng, 0.3),
        client_chain=1 if chance(rng, 0.08) else 0,
    )


def _sent(rng: Rng, site: Site, laws: Sessions, low: float, high: float) -> Draw:
    times = timing(rng, site, low, high)
    return lambda rng, number: {"ts": times(rng, number), **sessions(rng, laws, number)}


def beacon(rng: Rng, site: Site) -> Draw:
    """Calls to one server or a few, with any certificate, by name or by address."""
    trust = pick(rng, ["self", "self", "private", "public"])
    named = pick(rng, ["name", "name", "none", "address"])
    ends = []
    for _ in range(int(pick(rng, [1, 1, 1, 3, 6]))):
        name = None if named == "none" else one_name(rng, site)
        ends.append(
            server(rng, site, outside(rng, 1)[0] if named == "address" else name, trust, old=0.4)
        )
    laws = _laws(rng, sources(rng, site, 0.98, 5), ends, failed=pick(rng, [0.02, 0.3, 1.0]))
    return _sent(rng, site, laws, 1.0, 1200.0)


def random_names(rng: Rng, site: Site) -> Draw:
    """A new name with every call: generated, or random with the certificates to match."""
    names = generated(rng, site, 0.2)
    if chance(rng, 0.4):
        labels, ending = random_text(rng, 8, 22), pick(rng, COMMON[:3])
        names = lambda rng, n: [f"www.{label}.{ending}" for label in labels(rng, n)]  # noqa: E731
    trust, old = pick(rng, ["self", "private", "public"]), float(rng.uniform(0.0, 0.9))
    pool = [server(rng, site, name, trust, old=old) for name in names(rng, 40)]
    laws = _laws(rng, sources(rng, site, 0.97, 3), pool, failed=pick(rng, [0.05, 0.5, 1.0]))
    if chance(rng, 0.5):
        return _sent(rng, site, laws, 0.5, 300.0)
    fronted = Sessions(
        laws.clients,
        laws.servers[:3],
        laws.who,
        laws.port,
        laws.failed,
        laws.alerts,
        laws.resumed,
        names,
        mismatched=True,
    )
    return _sent(rng, site, fronted, 0.5, 300.0)


def scan(rng: Rng, site: Site) -> Draw:
    """One handshake at many hosts, with an odd client, most of them failing."""
    inside = chance(rng, 0.6)
    name = one_name(rng, site) if chance(rng, 0.25) else None
    ends = [
        server(rng, site, name, "private", old=0.5, inside=inside)
        for _ in range(int(rng.integers(2, 40)))
    ]
    laws = _laws(rng, sources(rng, site, 0.15, 10), ends, failed=1.0, new=0.3, most=3)
    return _sent(rng, site, laws, 0.005, 300.0)


def probing(rng: Rng, site: Site) -> Draw:
    """One server is asked for every version and cipher it can do, by a new client each time."""
    ends = [
        server(rng, site, site.own if chance(rng, 0.5) else None, "public", old=0.9, inside=True)
        for _ in range(12)
    ]
    address = ends[0].address
    same = [
        Server(
            address,
            e.name,
            e.version,
            e.cipher,
            e.curve,
            e.ja3s,
            ends[0].subject,
            ends[0].issuer,
            ends[0].chain,
            ends[0].status,
        )
        for e in ends
    ]
    laws = _laws(rng, sources(rng, site, 0.1, 2), same, failed=0.9, new=0.4, most=30)
    return _sent(rng, site, laws, 0.01, 5.0)


def guessing(rng: Rng, site: Site) -> Draw:
    """Session after session with one server of the site, by a program."""
    ends = [
        server(
            rng,
            site,
            pick(rng, [f"vpn.{site.own}", f"www.{site.own}", None]),
            pick(rng, ["public", "self"]),
            old=0.3,
            inside=True,
        )
    ]
    laws = _laws(rng, sources(rng, site, 0.15, 20), ends, failed=pick(rng, [0.02, 0.3]))
    return _sent(rng, site, laws, 0.02, 20.0)


def lookalikes(rng: Rng, site: Site) -> Draw:
    """Names that look like those of known sites, from a page that lures."""
    bases = picks(rng, site.names[:30], int(rng.integers(1, 4)))
    words = picks(rng, ["login", "secure", "verify", "account", "update", "support"], 3)
    forms = ["{m}.{e}", "{w}-{b}.{e}", "{b}-{w}.{e}", "{b}.{w}.{e}", "{w}.{m}.{e}"]
    form = pick(rng, forms)
    names = []
    for base in picks(rng, bases, 8):
        label = base.split(".", maxsplit=1)[0]
        names.append(
            form.format(m=mutated(rng, label), b=label, w=pick(rng, words), e=pick(rng, COMMON))
        )
    ends = [
        server(rng, site, name, pick(rng, ["public", "public", "self"]), old=0.1) for name in names
    ]
    laws = _laws(rng, sources(rng, site, 0.98, 15), ends, new=0.9, most=6)
    return _sent(rng, site, laws, 1.0, 600.0)


def leaking(rng: Rng, site: Site) -> Draw:
    """Data in the labels of server names."""
    zone, law = one_name(rng, site), lengths(rng, 8, 60)
    end = server(rng, site, zone, "public", old=0.2)
    base = _laws(rng, sources(rng, site, 0.98, 2), [end], failed=0.5)
    laws = Sessions(
        base.clients,
        base.servers,
        base.who,
        base.port,
        base.failed,
        base.alerts,
        base.resumed,
        lambda rng, n: [f"{label}.{zone}" for label in characters(rng, BASE32, law(rng, n))],
    )
    return _sent(rng, site, laws, 0.05, 60.0)


def flood(rng: Rng, site: Site) -> Draw:
    """Handshakes as fast as can be, which cost the server more than the client."""
    ends = [server(rng, site, f"www.{site.own}", "public", old=0.2, inside=True)]
    laws = _laws(rng, sources(rng, site, 0.2, 100), ends, failed=1.0, most=4)

    def draw(rng: Rng, number: int) -> Columns:
        return {"ts": times(rng, number), **sessions(rng, laws, number)}

    times = timing(rng, site, 0.001, 0.2)
    return draw


ATTACKS: dict[Construction, float] = {
    beacon: 5.0,
    random_names: 2.5,
    scan: 2.0,
    probing: 0.8,
    guessing: 1.2,
    lookalikes: 1.0,
    leaking: 0.5,
    flood: 0.5,
}
"""Constructions of attack families, with how often each is taken."""
