"""Attack families that show in connections: guessing, beacons, sessions, theft, and scans."""

from __future__ import annotations

from enricher.learn.prior import scans
from enricher.learn.prior.common import (
    Construction,
    Draw,
    Rng,
    Site,
    amounts,
    chance,
    log_uniform,
    outside,
    pick,
    picks,
    sources,
    subset,
    targets,
)
from enricher.learn.prior.flows import flows, port_of, timed
from enricher.learn.prior.packets import outcomes

_LOGINS = ("ssh", "ftp", "telnet", "rdp", "smb", "mysql", "smtp", "imap", "pop3", "rfb", "http",
    "ssl",
           "ldap_tcp", "sip")  # fmt: skip
_CALLS = ("ssl", "ssl", "http", "irc", "dns", "ssh", "mqtt", None, None, None)


def guessing(rng: Rng, site: Site) -> Draw:
    """Short sessions of nearly the same size with a service that asks who is there."""
    service = pick(rng, _LOGINS)
    states = outcomes(rng, ["SF", "RSTO", "RSTR", "S1", "S3"], float(rng.uniform(0.3, 0.95)))
    laws = flows(rng, proto="udp" if service == "sip" else "tcp", service=service,
                  states={"SF": 1.0} if service == "sip" else states,
                  sent=amounts(rng, 60, 4000), received=amounts(rng, 60, 6000),
                  lasting=amounts(rng, 0.05, 30.0))  # fmt: skip
    who, to = sources(rng, site, 0.35, 20), targets(rng, site, 0.7, 6)
    return timed(rng, site, laws, who, to, [port_of(rng, service)], (0.02, 60.0))


def beacon(rng: Rng, site: Site) -> Draw:
    """Calls to one server, or to a few in turn."""
    service = pick(rng, _CALLS)
    proto = "udp" if service == "dns" or (service is None and chance(rng, 0.2)) else "tcp"
    states = outcomes(rng, ["SF", "S0"] if proto == "udp" else ["SF", "RSTO", "S0", "REJ"], 0.5)
    laws = flows(rng, proto=proto, service=service, states=states, sent=amounts(rng, 20, 3000),
                  received=amounts(rng, 10, 6000), lasting=amounts(rng, 0.05, 20.0))  # fmt: skip
    who = sources(rng, site, 0.97, 4)
    return timed(
        rng, site, laws, who, targets(rng, site, 0.02, 4), [port_of(rng, service)], (2.0, 1500.0)
    )


def lost_server(rng: Rng, site: Site) -> Draw:
    """Calls to a server that does not answer, or refuses, and now and then takes one."""
    most = pick(rng, ["S0", "S0", "REJ", "RSTRH", "RSTOS0"])
    laws = flows(
        rng,
        states=outcomes(
            rng, [most, "SF", "REJ", "S0"] if most != "S0" else ["S0", "SF", "REJ"], 0.8
        ),
    )
    ports = [port_of(rng, None) for _ in range(int(pick(rng, [1, 1, 3])))]
    return timed(
        rng,
        site,
        laws,
        sources(rng, site, 0.97, 3),
        targets(rng, site, 0.02, 3),
        ports,
        (0.5, 300.0),
    )


def long_session(rng: Rng, site: Site) -> Draw:
    """Sessions of minutes to days with little in them: remote control, tunnels, mining."""
    service = pick(rng, ["ssl", "ssh", "irc", "rdp", "rfb", None, None, None])
    rate = log_uniform(rng, 0.3, 200.0)
    laws = flows(
        rng,
        service=service,
        states=outcomes(rng, ["SF", "S1", "RSTO", "RSTR", "S3"], 0.2),
        sent=amounts(rng, 200 * rate, 5000 * rate),
        received=amounts(rng, 200 * rate, 9000 * rate),
        lasting=amounts(rng, 200.0, 40_000.0),
    )
    who, to = sources(rng, site, 0.95, 3), targets(rng, site, 0.05, 3)
    return timed(rng, site, laws, who, to, [port_of(rng, service)], (5.0, 900.0))


def theft(rng: Rng, site: Site) -> Draw:
    """Far more is sent than comes back."""
    service = pick(rng, ["ssl", "ssl", "ftp", "ssh", "http", "dns", "smb", None, None])
    proto = "udp" if service == "dns" else "tcp"
    laws = flows(
        rng,
        proto=proto,
        service=service,
        states={"SF": 1.0} if proto == "udp" else outcomes(rng, ["SF", "RSTO", "S1"], 0.6),
        sent=amounts(rng, 50_000, 1e9),
        received=amounts(rng, 100, 50_000),
        lasting=amounts(rng, 0.5, 3000.0),
    )
    who, to = sources(rng, site, 0.97, 2), targets(rng, site, 0.1, 3)
    return timed(rng, site, laws, who, to, [port_of(rng, service)], (1.0, 600.0))


def peers(rng: Rng, site: Site) -> Draw:
    """Many peers on odd ports, a part of them gone."""
    proto = pick(rng, ["udp", "udp", "tcp"])
    names = ["S0", "SF"] if proto == "udp" else ["S0", "SF", "REJ", "RSTO", "RSTR"]
    laws = flows(rng, proto=proto, states=outcomes(rng, names, 0.2), sent=amounts(rng, 10, 3000),
                  received=amounts(rng, 10, 3000), lasting=amounts(rng, 0.02, 60.0))  # fmt: skip
    one = chance(rng, 0.3)
    ports = [port_of(rng, None)] if one else rng.integers(1025, 65_536, 500).tolist()
    pool = outside(rng, int(log_uniform(rng, 10, 2000)))
    who = sources(rng, site, 0.97, 3)
    return timed(rng, site, laws, who, lambda rng, n: picks(rng, pool, n), ports, (0.05, 60.0))


def slow_hold(rng: Rng, site: Site) -> Draw:
    """Many connections that are held open with next to nothing in them."""
    service = pick(rng, ["http", "http", "ssl", None])
    laws = flows(
        rng,
        service=service,
        states=outcomes(rng, ["RSTR", "SF", "S1", "RSTO", "S3"], 0.3),
        sent=amounts(rng, 1, 700),
        received=amounts(rng, 1, 500),
        lasting=amounts(rng, 20.0, 900.0),
    )
    who, to = sources(rng, site, 0.2, 20), targets(rng, site, 0.9, 1)
    return timed(rng, site, laws, who, to, [port_of(rng, service)], (0.005, 1.0))


def sideways(rng: Rng, site: Site) -> Draw:
    """From one host of the site to its others: directories, files, remote orders."""
    service = pick(rng, ["smb", "dce_rpc", "ldap_tcp", "krb_tcp", "rdp", "ssh"])
    laws = flows(
        rng,
        service=service,
        states=outcomes(rng, ["SF", "RSTO", "S1", "REJ", "S0"], 0.4),
        sent=amounts(rng, 300, 100_000),
        received=amounts(rng, 300, 50_000),
        lasting=amounts(rng, 0.02, 120.0),
    )
    pool = [*site.servers, *subset(rng, site.clients, 60, 2)]
    who = sources(rng, site, 1.0, 2)
    return timed(
        rng,
        site,
        laws,
        who,
        lambda rng, n: picks(rng, pool, n),
        [port_of(rng, service)],
        (0.05, 30.0),
    )


ATTACKS: dict[Construction, float] = {
    scans.horizontal_scan: 3.0,
    scans.vertical_scan: 2.0,
    scans.flood: 2.0,
    guessing: 2.5,
    beacon: 3.0,
    lost_server: 1.0,
    long_session: 1.5,
    theft: 1.2,
    peers: 1.2,
    scans.spread: 1.2,
    scans.reflection: 1.0,
    slow_hold: 0.7,
    sideways: 0.8,
}
"""Constructions of attack families, with how often each is taken."""
