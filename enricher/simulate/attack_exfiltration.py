"""Data that leaves: large uploads at once or in slices."""

from __future__ import annotations

import numpy as np

from enricher.simulate import names
from enricher.simulate.clients import BROWSER_TLS, LIBRARY_TLS, attacker_agent
from enricher.simulate.protocols import ends, hellos, lognormal, requests, sizes, someone, span
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import Floats, Ints, World, outside_address


def _slices(world: World, rng: np.random.Generator) -> tuple[Floats, Ints, Floats]:
    """When, how many bytes, and for how long."""
    number = int(rng.choice([1, 3, 12, 60, 200]))
    total = float(lognormal(rng, 4e8, 1.3, 1, 2e10)[0])
    begin, end = span(world, rng, world.seconds / 2.0)
    ts = np.sort(begin + rng.random(number) * (end - begin))
    length = sizes(rng, max(total / number, 40_000.0), float(rng.choice([0.02, 0.5, 1.0])), number)
    speed = float(lognormal(rng, 1.2e6, 0.9, 1)[0])
    return ts, length, np.minimum(length / speed + 0.2, world.seconds)


def over_tls(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Uploads over TLS to a server of the attacker or a storage service."""
    ts, length, duration = _slices(world, rng)
    number = len(ts)
    address, name = outside_address(rng), names.site_name(rng)
    if rng.random() < 0.4:  # noqa: PLR2004  # hidden among what others use as well
        row = world.endpoints.row(int(rng.integers(world.endpoints.height)), named=True)
        address, name = row["address"], row["name"]
    flows = traffic.conn(
        ts=ts,
        orig_h=someone(world, rng),
        resp_h=address,
        resp_p=int(rng.choice([443, 443, 443, 8443, 22_443])),
        service="ssl",
        duration=duration,
        orig_bytes=length,
        resp_bytes=3900 + length // int(rng.integers(60, 400)),
        state=ends(rng, number, {"SF": 0.85, "RSTO": 0.1, "RSTR": 0.05}),
    )
    styles = LIBRARY_TLS if rng.random() < 0.6 else BROWSER_TLS  # noqa: PLR2004
    hellos(traffic, rng, flows, name=name, styles=[names.choose(rng, styles)])


def over_http(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Uploads as bodies of POST or PUT requests."""
    ts, length, duration = _slices(world, rng)
    number = len(ts)
    address = outside_address(rng)
    flows = traffic.conn(
        ts=ts,
        orig_h=someone(world, rng),
        resp_h=address,
        resp_p=int(rng.choice([80, 80, 8080])),
        service="http",
        duration=duration,
        orig_bytes=length + 400,
        resp_bytes=sizes(rng, 320, 0.3, number),
        state=ends(rng, number, {"SF": 0.9, "RSTO": 0.1}),
    )
    path = names.path_of(rng)
    requests(
        traffic,
        flows,
        ts=ts + 0.05,
        host=address if rng.random() < 0.4 else names.site_name(rng),  # noqa: PLR2004
        uri=[path + names.query_of(rng) for _ in range(number)],
        agent=attacker_agent(rng, ("curl/7.58.0",)),
        method=names.choose(rng, ["POST", "POST", "PUT"]),
        sent=length,
        received=sizes(rng, 40, 0.5, number),
        status=rng.choice([200, 204], number, p=[0.8, 0.2]),
    )
