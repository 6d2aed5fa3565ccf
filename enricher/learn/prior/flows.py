"""What constructions of connections share: usual ports, laws, and times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Draw,
    Hosts,
    Law,
    Rng,
    Site,
    amounts,
    chance,
    log_uniform,
    pick,
    picks,
    timing,
)
from enricher.learn.prior.packets import Flows, connections, outcomes, stack

USUAL_PORTS: dict[str, tuple[str, tuple[int, ...]]] = {
    "http": ("tcp", (80, 80, 8080, 8000)), "ssl": ("tcp", (443, 443, 8443)),
    "ssh": ("tcp", (22, 22, 2222)), "ftp": ("tcp", (21,)), "smtp": ("tcp", (25, 587)),
    "telnet": ("tcp", (23, 2323)), "rdp": ("tcp", (3389,)), "smb": ("tcp", (445, 139)),
    "mysql": ("tcp", (3306,)), "imap": ("tcp", (143, 993)), "pop3": ("tcp", (110,)),
    "irc": ("tcp", (6667,)), "ldap_tcp": ("tcp", (389,)), "dce_rpc": ("tcp", (135, 49_155)),
    "rfb": ("tcp", (5900,)), "mqtt": ("tcp", (1883,)), "krb_tcp": ("tcp", (88,)),
    "modbus": ("tcp", (502,)), "sip": ("udp", (5060,)), "dns": ("udp", (53,)),
    "ntp": ("udp", (123,)), "snmp": ("udp", (161,)), "quic": ("udp", (443,)),
    "dhcp": ("udp", (67,)), "syslog": ("udp", (514,)), "tftp": ("udp", (69,)),
}  # fmt: skip
"""Service -> its protocol and where it listens."""


def port_of(rng: Rng, service: str | None) -> int:
    """A port of the service, mostly the usual one; any where there is no service."""
    if service is not None and chance(rng, 0.85):
        return pick(rng, USUAL_PORTS[service][1])
    usual = [ports[0] for _, ports in USUAL_PORTS.values()]
    if chance(rng, 0.4):
        return pick(rng, [*usual, 5555, 7547, 37_215, 52_869, 6379, 1433, 9200, 27_017, 4444, 1177])
    return int(log_uniform(rng, 1, 65_535))


def flows(
    rng: Rng,
    *,
    proto: str = "tcp",
    service: str | None = None,
    states: dict[str, float] | None = None,
    sent: Law | None = None,
    received: Law | None = None,
    lasting: Law | None = None,
) -> Flows:
    """Laws of connections; what is not given is ordinary."""
    return Flows(
        proto=proto,
        service=service if service is None or chance(rng, 0.85) else None,
        states=states or outcomes(rng, ["SF", "RSTO", "RSTR", "S1", "S0"], 0.5),
        sent=sent or amounts(rng, 20, 5000),
        received=received or amounts(rng, 20, 20_000),
        lasting=lasting or amounts(rng, 0.01, 60.0),
        stack=stack(rng),
    )


def timed(
    rng: Rng,
    site: Site,
    laws: Flows,
    who: Hosts,
    to: Hosts,
    ports: Sequence[int],
    gaps: tuple[float, float],
) -> Draw:
    """Draws connections at times with typical gaps between the two of ``gaps``, in seconds."""
    times = timing(rng, site, *gaps)

    def draw(rng: Rng, number: int) -> Columns:
        chosen = np.array(picks(rng, ports, number), np.int64)
        return {"ts": times(rng, number), **connections(rng, laws, number, who, to, chosen)}

    return draw
