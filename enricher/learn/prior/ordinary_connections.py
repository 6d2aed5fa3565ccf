"""Ordinary connections, with much that looks odd: polls, backups, failing services, many peers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Hosts,
    Law,
    Rng,
    Site,
    amounts,
    chance,
    log_uniform,
    outside,
    pick,
    picks,
    popular,
    sources,
    targets,
    timing,
)
from enricher.learn.prior.flows import USUAL_PORTS, port_of
from enricher.learn.prior.packets import Flows, connections, outcomes, stack

_GROUPS = ("224.0.0.251", "224.0.0.252", "239.255.255.250", "255.255.255.255")


def _style(
    rng: Rng,
    site: Site,
    service: str | None,
    *,
    to: Hosts,
    proto: str | None = None,
    states: dict[str, float] | None = None,
    sent: Law,
    received: Law,
    lasting: Law,
    most: int = 30,
    ports: Sequence[int] = (),
    gaps: tuple[float, float] = (0.05, 120.0),
    inside: float = 1.0,
) -> Draw:
    way = proto or (USUAL_PORTS[service][0] if service else "tcp")
    good = outcomes(
        rng,
        ["SF", "S0"] if way == "udp" else ["SF", "S1", "RSTO", "RSTR", "S0", "REJ"],
        float(rng.uniform(0.7, 0.99)),
    )
    laws = Flows(way, service, states or good, sent, received, lasting, stack(rng))
    pool = list(ports) or [port_of(rng, service)]
    times, who = timing(rng, site, *gaps), sources(rng, site, inside, most)

    def draw(rng: Rng, number: int) -> Columns:
        chosen = np.array(picks(rng, pool, number), np.int64)
        return {"ts": times(rng, number), **connections(rng, laws, number, who, to, chosen)}

    return draw


def _many(rng: Rng, number: int) -> Hosts:
    pool = outside(rng, number)
    return lambda rng, number: popular(rng, pool, number)


def browsing(rng: Rng, site: Site) -> Draw:
    """Sites on the web, by any of its protocols."""
    service = pick(rng, ["ssl", "ssl", "ssl", "http", "quic"])
    return _style(rng, site, service, to=_many(rng, 200), sent=amounts(rng, 300, 9000),
                  received=amounts(rng, 500, 300_000), lasting=amounts(rng, 0.05, 120.0),
    )  # fmt: skip


def names(rng: Rng, site: Site) -> Draw:
    """Lookups of names, and of the time."""
    service = pick(rng, ["dns", "dns", "dns", "ntp"])
    return _style(rng, site, service, to=lambda rng, n: picks(rng, site.resolvers, n),
                  sent=amounts(rng, 25, 90), received=amounts(rng, 40, 400),
                  lasting=amounts(rng, 0.0005, 0.3), gaps=(0.01, 30.0))  # fmt: skip


def servers(rng: Rng, site: Site) -> Draw:
    """Services of the site for its own hosts."""
    service = pick(
        rng, ["smb", "ldap_tcp", "krb_tcp", "mysql", "ssh", "http", "rdp", "imap", "dce_rpc"]
    )
    return _style(rng, site, service, to=targets(rng, site, 1.0, 6), sent=amounts(rng, 100, 50_000),
                  received=amounts(rng, 100, 500_000), lasting=amounts(rng, 0.01, 600.0),
    )  # fmt: skip


def guests(rng: Rng, site: Site) -> Draw:
    """People from outside at the site's own servers."""
    service = pick(rng, ["ssl", "http", "smtp", "ssh"])
    return _style(rng, site, service, to=targets(rng, site, 1.0, 3), inside=0.05, most=200,
                  sent=amounts(rng, 200, 20_000), received=amounts(rng, 300, 200_000),
                  lasting=amounts(rng, 0.05, 60.0))  # fmt: skip


def monitoring(rng: Rng, site: Site) -> Draw:
    """A monitor that asks every server whether it is there, at steady times."""
    service = pick(rng, ["snmp", "http", "ssh", None, None])
    proto = pick(rng, ["tcp", "icmp"]) if service is None else None
    closed = chance(rng, 0.3) and service != "snmp"
    states = outcomes(rng, ["RSTO", "SF", "REJ"], 0.6) if closed else None
    return _style(
        rng,
        site,
        service,
        to=targets(rng, site, 0.9, 30),
        proto=proto,
        states=states,
        most=2,
        sent=amounts(rng, 1, 300),
        received=amounts(rng, 1, 900),
        ports=[0] if proto == "icmp" else (),
        lasting=amounts(rng, 0.001, 2.0),
        gaps=(0.5, 300.0),
    )


def backup(rng: Rng, site: Site) -> Draw:
    """Copies of data that are sent to where they are kept, inside or out there."""
    service = pick(rng, ["ssl", "ssh", "smb", "http", "ftp", None])
    return _style(rng, site, service, to=targets(rng, site, 0.5, 2), sent=amounts(rng, 50_000, 1e9),
                  received=amounts(rng, 500, 100_000), lasting=amounts(rng, 1.0, 3600.0), most=8,
                  gaps=(1.0, 600.0))  # fmt: skip


def downloads(rng: Rng, site: Site) -> Draw:
    """Updates, films and games."""
    return _style(rng, site, pick(rng, ["ssl", "http", "quic"]), to=_many(rng, 20),
                  sent=amounts(rng, 500, 100_000), received=amounts(rng, 1e5, 1e9),
                  lasting=amounts(rng, 0.5, 3000.0))  # fmt: skip


def pushes(rng: Rng, site: Site) -> Draw:
    """Clients that keep a connection open, or call again and again, for news."""
    service = pick(rng, ["ssl", "ssl", "mqtt", "imap", "irc", None])
    return _style(
        rng,
        site,
        service,
        to=_many(rng, int(rng.integers(1, 8))),
        sent=amounts(rng, 60, 9000),
        received=amounts(rng, 60, 9000),
        lasting=amounts(rng, 1.0, 20_000.0),
        most=8,
        gaps=(1.0, 900.0),
    )


def talks(rng: Rng, site: Site) -> Draw:
    """Calls with sound and picture, and games: many packets of UDP both ways."""
    return _style(rng, site, pick(rng, [None, None, "sip", "quic"]), proto="udp", to=_many(rng, 10),
                  sent=amounts(rng, 1000, 1e8), received=amounts(rng, 1000, 1e8),
                  lasting=amounts(rng, 1.0, 3000.0), gaps=(0.5, 300.0))  # fmt: skip


def sharing(rng: Rng, site: Site) -> Draw:
    """Programs that people use to share with many peers; a part of them is gone."""
    proto = pick(rng, ["udp", "udp", "tcp"])
    states = outcomes(rng, ["SF", "S0"] if proto == "udp" else ["SF", "S0", "REJ", "RSTO"], 0.3)
    ports = rng.integers(1025, 65_536, int(log_uniform(rng, 1, 300))).tolist()
    return _style(
        rng,
        site,
        None,
        proto=proto,
        states=states,
        to=_many(rng, 300),
        ports=ports,
        most=3,
        sent=amounts(rng, 20, 100_000),
        received=amounts(rng, 20, 200_000),
        lasting=amounts(rng, 0.05, 600.0),
    )


def announcements(rng: Rng, site: Site) -> Draw:
    """Devices that tell all others they are there."""
    pool = [pick(rng, [*_GROUPS, site.clients[0].rsplit(".", 1)[0] + ".255"])]
    ports = [int(pick(rng, [5353, 5355, 1900, 137, 138, 67, 17_500]))]
    return _style(
        rng,
        site,
        None,
        proto="udp",
        states={"S0": 1.0},
        to=lambda rng, n: picks(rng, pool, n),
        ports=ports,
        sent=amounts(rng, 20, 1500),
        received=amounts(rng, 1, 2),
        lasting=amounts(rng, 0.1, 300.0),
    )


def failures(rng: Rng, site: Site) -> Draw:
    """A printer that is off, a service that moved: clients that try again and again."""
    most = pick(rng, ["S0", "S0", "REJ", "RSTR"])
    states = outcomes(rng, [most, "SF", "OTH"], 0.8)
    return _style(
        rng,
        site,
        None,
        states=states,
        to=targets(rng, site, 0.7, 4),
        sent=amounts(rng, 10, 900),
        received=amounts(rng, 10, 900),
        lasting=amounts(rng, 0.01, 10.0),
        most=12,
        gaps=(0.5, 300.0),
    )


def remains(rng: Rng, site: Site) -> Draw:
    """Ends of connections whose beginning the sensor did not see."""
    states = outcomes(rng, ["OTH", "SH", "SHR", "RSTRH", "S3", "RSTR"], 0.3)
    service = pick(rng, ["ssl", "http", None])
    return _style(rng, site, service, states=states, to=_many(rng, 60), sent=amounts(rng, 30, 5000),
                  received=amounts(rng, 30, 50_000), lasting=amounts(rng, 0.01, 300.0))  # fmt: skip


ORDINARY: dict[Construction, float] = {
    browsing: 5.0,
    names: 2.0,
    servers: 2.0,
    guests: 1.0,
    monitoring: 1.2,
    backup: 0.7,
    downloads: 0.8,
    pushes: 1.2,
    talks: 0.7,
    sharing: 0.6,
    announcements: 0.8,
    failures: 0.8,
    remains: 0.6,
}
"""Constructions of ordinary traffic, with how often each is taken."""
