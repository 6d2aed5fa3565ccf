"""Machines without people: devices that phone home, the site's web server, backups."""

from __future__ import annotations

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import (
    BROWSER_TLS,
    LIBRARY_TLS,
    browser_agent,
    program_agent,
)
from enricher.simulate.protocols import (
    bursts,
    ends,
    hellos,
    lognormal,
    lookup,
    requests,
    sizes,
    steady,
)
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import World, outside_address


def phoning_home(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Cameras, thermostats and the like, each with its maker: as regular as any beacon."""
    for host in world.devices.to_list():
        name, address = f"device.{names.site_name(rng)}", outside_address(rng)
        period = max(float(lognormal(rng, 90.0, 1.0, 1)[0]) / world.scale, 5.0)
        jitter = float(rng.choice([0.0, 0.01, 0.05, 0.2]))
        ts = steady(rng, world.start, world.start + world.seconds, period, jitter)
        if not len(ts):
            continue
        port = int(rng.choice([443, 443, 8883, 80, 8080]))
        encrypted = port in {443, 8883}
        number = len(ts)
        out, back = sizes(rng, 600, 0.7, 1)[0], sizes(rng, 1800, 1.0, 1)[0]
        flows = traffic.conn(
            ts=ts,
            orig_h=host,
            resp_h=address,
            resp_p=port,
            service="ssl" if encrypted else "http",
            duration=lognormal(rng, 0.3, 0.4, number),
            orig_bytes=out + rng.integers(0, 25, number),
            resp_bytes=back + rng.integers(0, 25, number),
            state=ends(rng, number, {"SF": 0.97, "RSTO": 0.02, "S0": 0.01}),
        )
        every = slice(None, None, int(rng.integers(1, 12)))
        lookup(
            world, traffic, rng,
            ts=ts[every] - 0.05, orig_h=host, query=[name] * len(ts[every]),
            answers=pl.Series([[address]]).new_from_index(0, len(ts[every])),
            ttls=pl.Series([[60.0]]).new_from_index(0, len(ts[every])),
        )  # fmt: skip
        if encrypted:
            hellos(traffic, rng, flows, name=name, styles=[names.choose(rng, LIBRARY_TLS)])
        else:
            requests(
                traffic, flows, ts=ts + 0.04, host=name, uri=names.path_of(rng),
                agent=program_agent(rng), method=names.choose(rng, ["GET", "POST"]),
                sent=int(out) // 2, received=back // 2,
            )  # fmt: skip


def own_web_server(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """The site's own server, visited by people and by crawlers that find dead links."""
    server = str(world.servers[0])
    host = world.own_name
    visits = int(rng.poisson(70.0 * world.hours * world.scale))
    visitors = [outside_address(rng) for _ in range(max(4, visits // 3))]
    agents = [browser_agent(rng) for _ in visitors]
    crawler = rng.random(len(visitors)) < 0.15  # noqa: PLR2004
    agents = [program_agent(rng) if c else a for c, a in zip(crawler, agents, strict=True)]
    who = rng.integers(0, len(visitors), visits)
    count = np.where(crawler[who], rng.geometric(0.04, visits), rng.geometric(0.3, visits))
    start = world.times(rng, visits)
    burst, ts = bursts(start + 0.04, count, lognormal(rng, 0.6, 1.2, int(count.sum())))
    status = rng.choice(
        [200, 304, 404, 301, 403, 500], len(ts), p=[0.82, 0.06, 0.07, 0.03, 0.01, 0.01]
    )
    received = np.where(status == 304, 0, sizes(rng, 6200, 1.3, len(ts)))  # noqa: PLR2004
    last = np.zeros(visits)
    np.maximum.at(last, burst, ts)
    posts = rng.random(len(ts)) < 0.07  # noqa: PLR2004
    sent = np.where(posts, sizes(rng, 300, 1.0, len(ts)), 0)
    flows = traffic.conn(
        ts=start,
        orig_h=pl.Series(visitors).gather(who),
        resp_h=server,
        resp_p=80,
        service="http",
        duration=last - start + lognormal(rng, 0.8, 1.0, visits),
        orig_bytes=np.bincount(burst, sent + 420, minlength=visits).astype(np.int64),
        resp_bytes=np.bincount(burst, received + 300, minlength=visits).astype(np.int64),
        state=ends(rng, visits),
    )
    requests(
        traffic,
        flows[burst],
        ts=ts,
        host=host,
        uri=[names.path_of(rng) + names.query_of(rng) for _ in range(len(ts))],
        agent=pl.Series(agents, dtype=pl.String).gather(who).gather(burst),
        method=pl.Series(["GET", "POST"]).gather(posts * 1),
        depth=np.arange(len(ts)) - np.repeat(np.cumsum(count) - count, count) + 1,
        referrer=pl.Series([None, f"http://{host}/"]).gather(rng.integers(0, 2, len(ts))),
        sent=sent,
        received=received,
        status=status,
    )
    encrypted = int(rng.poisson(120.0 * world.hours * world.scale))
    secure = traffic.conn(
        ts=world.times(rng, encrypted),
        orig_h=pl.Series(visitors).gather(rng.integers(0, len(visitors), encrypted)),
        resp_h=server,
        resp_p=443,
        service="ssl",
        duration=lognormal(rng, 5.0, 1.4, encrypted, 900.0),
        orig_bytes=sizes(rng, 2100, 0.9, encrypted),
        resp_bytes=sizes(rng, 28_000, 1.5, encrypted),
        state=ends(rng, encrypted),
    )
    hellos(traffic, rng, secure, name=host, styles=BROWSER_TLS, failed=0.03)


def backup(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Large regular uploads to a storage service: what exfiltration also looks like."""
    row = world.endpoints.row(int(rng.integers(world.endpoints.height)), named=True)
    for host in [*world.servers.to_list(), *world.desktops.to_list()[:3]]:
        number = max(1, int(rng.poisson(0.5 * world.hours * world.scale)))
        flows = traffic.conn(
            ts=world.times(rng, number, human=False),
            orig_h=host,
            resp_h=row["address"],
            resp_p=443,
            service="ssl",
            duration=lognormal(rng, 60.0, 1.2, number, 7200.0),
            orig_bytes=sizes(rng, 2.5e7, 1.6, number),
            resp_bytes=sizes(rng, 90_000, 1.0, number),
            state=ends(rng, number, {"SF": 0.95, "RSTO": 0.05}),
        )
        hellos(traffic, rng, flows, name=row["name"], styles=LIBRARY_TLS[:3])
