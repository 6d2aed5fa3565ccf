"""Guessing passwords: many for one account, or one for many accounts."""

from __future__ import annotations

import numpy as np

from enricher.simulate import names
from enricher.simulate.clients import attacker_agent
from enricher.simulate.protocols import ends, lognormal, requests, sizes, someone, span
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import Floats, World, outside_address

_LOGIN_PATHS = ["/login", "/wp-login.php", "/owa/auth.owa", "/admin/login", "/api/v1/session"]


def ssh_guessing(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """One SSH connection after the other, each with a few attempts, from one or a few sources."""
    attackers = [outside_address(rng) for _ in range(int(rng.choice([1, 1, 1, 3, 8])))]
    if rng.random() < 0.25:  # noqa: PLR2004
        attackers = [someone(world, rng)]
    target = str(names.choose(rng, world.servers.to_list()))
    number = max(int(lognormal(rng, 140, 0.8, 1, 2500)[0]), 25)
    tries = int(rng.integers(1, 7))
    out, back = 900 + 190 * tries, 1500 + 130 * tries
    traffic.conn(
        ts=_moments(world, rng, number),
        orig_h=[attackers[i] for i in rng.integers(0, len(attackers), number)],
        resp_h=target,
        resp_p=22 if rng.random() < 0.85 else int(rng.choice([2222, 2022, 22_222])),  # noqa: PLR2004
        service="ssh",
        duration=lognormal(rng, 1.1 * tries, 0.45, number, 120.0),
        orig_bytes=out + sizes(rng, 260, 0.8, number),
        resp_bytes=back + sizes(rng, 320, 0.8, number),
        state=ends(rng, number, {"SF": 0.7, "RSTO": 0.14, "RSTR": 0.1, "S1": 0.03, "REJ": 0.03}),
    )


def spraying(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """A few passwords tried on many accounts, slowly: on a web login, or by SMB and Kerberos."""
    number = max(int(lognormal(rng, 110, 0.7, 1, 1200)[0]), 25)
    ts = _moments(world, rng, number)
    if rng.random() < 0.4:  # noqa: PLR2004
        _inside(world, traffic, rng, ts)
        return
    source = outside_address(rng) if rng.random() < 0.8 else someone(world, rng)  # noqa: PLR2004
    path = names.choose(rng, _LOGIN_PATHS)
    sent = sizes(rng, 52, 0.2, number)
    received = sizes(rng, 2600, 0.1, number)
    flows = traffic.conn(
        ts=ts,
        orig_h=source,
        resp_h=str(world.servers[0]),
        resp_p=int(rng.choice([80, 8080])),
        service="http",
        duration=lognormal(rng, 0.35, 0.6, number),
        orig_bytes=sent + 430 + rng.integers(0, 20, number),
        resp_bytes=received + 310,
        state=ends(rng, number),
    )
    wrong, right = (int(code) for code in rng.choice([200, 302, 401, 403], 2, replace=False))
    requests(
        traffic,
        flows,
        ts=ts + 0.05,
        host=world.own_name,
        uri=path,
        agent=attacker_agent(rng, ("Mozilla/4.0 (compatible)",)),
        method="POST",
        sent=sent,
        received=received,
        status=np.where(rng.random(number) < 0.02, right, wrong),  # noqa: PLR2004
    )


def _inside(world: World, traffic: Traffic, rng: np.random.Generator, ts: Floats) -> None:
    number = len(ts)
    port = int(rng.choice([445, 88, 389]))
    service = {445: "gssapi,smb,ntlm", 88: "krb_tcp", 389: "ldap_tcp"}[port]
    hosts = world.servers.to_list()
    if port == 445:  # noqa: PLR2004  # any host has shares
        hosts += world.desktops.to_list()
    traffic.conn(
        ts=ts,
        orig_h=someone(world, rng),
        resp_h=[hosts[i] for i in rng.integers(0, len(hosts), number)],
        resp_p=port,
        service=service,
        duration=lognormal(rng, 0.05, 0.8, number),
        orig_bytes=sizes(rng, 1250, 0.15, number),
        resp_bytes=sizes(rng, 1000, 0.15, number),
        state=ends(rng, number, {"SF": 0.75, "RSTO": 0.15, "RSTR": 0.1}),
    )


def _moments(world: World, rng: np.random.Generator, number: int) -> Floats:
    pause = float(np.exp(rng.uniform(np.log(0.3), np.log(60.0))))
    begin, end = span(world, rng, min(number * pause, world.seconds))
    return np.sort(begin + rng.random(number) * (end - begin))
