"""Attack families of many hosts, ports or packets: scans, floods, spread, reflection."""

from __future__ import annotations

import numpy as np

from enricher.learn.prior.common import (
    Draw,
    Hosts,
    Rng,
    Site,
    amounts,
    chance,
    log_uniform,
    outside,
    pick,
    sources,
    subset,
    targets,
)
from enricher.learn.prior.flows import flows, port_of, timed
from enricher.learn.prior.packets import CLOSED, OPEN, outcomes

_REFLECTING = ("dns", "ntp", "snmp", "sip", "tftp", None)


def _probe_states(rng: Rng, proto: str) -> dict[str, float]:
    """How hosts answer probes: mostly not at all, with a refusal, or each in its own way."""
    if proto != "tcp":
        return outcomes(rng, ["S0", "SF"] if chance(rng, 0.8) else ["SF", "S0"], 0.4)
    most = pick(rng, ["S0", "S0", "S0", "REJ", "REJ", "RSTO", "RSTOS0", "OTH", "SH", "SF", "RSTR"])
    others = subset(rng, [*CLOSED[:4], *OPEN, "OTH"], 4)
    return outcomes(
        rng, [most, *[state for state in others if state != most]], float(rng.uniform(0.3, 0.99))
    )


def _near(rng: Rng, site: Site) -> Hosts:
    """Addresses one after the other or at random, of a small or a large network."""
    ordered, wide = chance(rng, 0.5), chance(rng, 0.6)
    base = int(rng.integers(256))
    inner = site.clients[0].rsplit(".", 1)[0]
    inside = chance(rng, 0.4)

    def hosts(rng: Rng, number: int) -> list[str]:
        if wide and not inside:
            return outside(rng, number)
        last = (np.arange(number) if ordered else rng.integers(0, 254, number)) % 254 + 1
        return [f"{inner if inside else f'198.18.{base}'}.{n}" for n in last.tolist()]

    return hosts


def horizontal_scan(rng: Rng, site: Site) -> Draw:
    """The same few ports on many hosts."""
    proto = pick(rng, ["tcp", "tcp", "tcp", "tcp", "udp", "icmp"])
    laws = flows(rng, proto=proto, states=_probe_states(rng, proto), sent=amounts(rng, 1, 600),
                  received=amounts(rng, 1, 2000), lasting=amounts(rng, 0.001, 5.0))  # fmt: skip
    ports = [0] if proto == "icmp" else [port_of(rng, None) for _ in range(int(rng.integers(1, 4)))]
    who = sources(rng, site, 0.5, 5)
    return timed(rng, site, laws, who, _near(rng, site), ports, (0.001, 60.0))


def vertical_scan(rng: Rng, site: Site) -> Draw:
    """Many ports of one or a few hosts."""
    proto = pick(rng, ["tcp", "tcp", "tcp", "udp"])
    laws = flows(rng, proto=proto, states=_probe_states(rng, proto), sent=amounts(rng, 1, 400),
                  received=amounts(rng, 1, 500), lasting=amounts(rng, 0.0005, 3.0))  # fmt: skip
    size, first = int(log_uniform(rng, 30, 3000)), int(rng.integers(1, 2000))
    style = pick(rng, ["ordered", "random", "usual", "all"])
    ports = {
        "ordered": list(range(first, first + size)),
        "random": rng.integers(1, 10_000, size).tolist(),
        "usual": [port_of(rng, None) for _ in range(100)],
        "all": rng.integers(1, 65_536, size).tolist(),
    }[style]
    return timed(
        rng,
        site,
        laws,
        sources(rng, site, 0.4, 3),
        targets(rng, site, 0.7, 4),
        ports,
        (0.0005, 30.0),
    )


def flood(rng: Rng, site: Site) -> Draw:
    """As many packets or connections as can be at one service, of one or many sources."""
    proto = pick(rng, ["tcp", "tcp", "tcp", "udp", "udp", "icmp"])
    names = ["S0", "REJ", "RSTO", "OTH", "SF", "RSTOS0"] if proto == "tcp" else ["S0", "SF"]
    laws = flows(
        rng,
        proto=proto,
        states=outcomes(rng, names, float(rng.uniform(0.0, 0.9))),
        sent=amounts(rng, 1, 1e6 if proto == "udp" else 900),
        received=amounts(rng, 1, 2000),
        lasting=amounts(rng, 0.001, 100.0),
    )
    port = 0 if proto == "icmp" else port_of(rng, None)
    who = sources(rng, site, 0.4, 200)
    return timed(rng, site, laws, who, targets(rng, site, 0.5, 2), [port], (0.0002, 0.1))


def spread(rng: Rng, site: Site) -> Draw:
    """A scan of which the open ones get the same payload each."""
    service = pick(rng, ["smb", "telnet", "ssh", "http", "rdp", "dce_rpc", "mysql", None])
    most = pick(rng, ["S0", "S0", "REJ"])
    laws = flows(rng, service=service, states=outcomes(rng, [most, "SF", "RSTO", "S1"], 0.3),
                  sent=amounts(rng, 200, 400_000), received=amounts(rng, 60, 6000),
                  lasting=amounts(rng, 0.1, 30.0))  # fmt: skip
    who = sources(rng, site, 0.8, 8)
    return timed(rng, site, laws, who, _near(rng, site), [port_of(rng, service)], (0.005, 20.0))


def reflection(rng: Rng, site: Site) -> Draw:
    """Small questions under a false name and large answers; or the answers alone."""
    service = pick(rng, _REFLECTING)
    states = pick(rng, [{"SF": 1.0}, {"SHR": 1.0}, {"SHR": 0.8, "SF": 0.2}, {"SF": 0.7, "S0": 0.3}])
    laws = flows(rng, proto="udp", service=service, states=states, sent=amounts(rng, 4, 120),
                  received=amounts(rng, 400, 60_000), lasting=amounts(rng, 0.0005, 2.0),
    )  # fmt: skip
    who, to = sources(rng, site, 0.3, 60), targets(rng, site, 0.5, 60)
    return timed(rng, site, laws, who, to, [port_of(rng, service)], (0.0005, 1.0))
