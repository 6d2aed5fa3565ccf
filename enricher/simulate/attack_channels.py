"""Channels of malware: beacons and mining."""

from __future__ import annotations

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import BROWSER_TLS, LIBRARY_TLS, attacker_agent
from enricher.simulate.protocols import (
    ends,
    hellos,
    lognormal,
    lookup,
    requests,
    sizes,
    someone,
    span,
    steady,
)
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import Floats, World, outside_address


def _calls(world: World, rng: np.random.Generator) -> Floats:
    """Times of a beacon: sleeps of seconds to an hour with some jitter, calls left out."""
    sleep = float(np.exp(rng.uniform(np.log(5.0), np.log(1800.0))))
    sleep = min(sleep, world.seconds / 25.0)  # a beacon that calls twice is none
    jitter = float(rng.choice([0.0, 0.05, 0.1, 0.2, 0.37, 0.5]))
    begin, end = span(world, rng, world.seconds, shortest=world.seconds / 2.0)
    ts = steady(rng, begin, end, sleep, jitter)[:4000]
    return np.sort(ts[rng.random(len(ts)) > float(rng.choice([0.0, 0.0, 0.05]))])


def _server(rng: np.random.Generator) -> tuple[str, str]:
    address = outside_address(rng)
    style = rng.random()
    if style < 0.3:  # noqa: PLR2004  # many have no name
        return address, address
    prefix = names.choose(rng, ["", "", "cdn.", "api.", "update.", "www."])
    return address, prefix + names.site_name(rng)


def http_beacon(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Calls over HTTP with the same few paths; now and then an order is carried out."""
    ts = _calls(world, rng)
    number = len(ts)
    address, name = _server(rng)
    host = someone(world, rng)
    paths = [names.path_of(rng) for _ in range(int(rng.integers(1, 5)))]
    identifier = names.random_text(rng, int(rng.integers(6, 40)), names.BASE64URL)
    style = int(rng.integers(4))
    uris = []
    for i in rng.integers(0, len(paths), number):
        tail = names.random_text(rng, int(rng.integers(4, 12)), names.HEX)
        uris.append(paths[i] + ("", f"?id={identifier}", f"?v={tail}", names.query_of(rng))[style])
    busy = rng.random(number) < 0.04  # noqa: PLR2004
    posts = busy | (rng.random() < 0.35)  # noqa: PLR2004
    spread = float(rng.choice([0.0, 0.05, 0.3]))
    sent = np.where(posts, sizes(rng, 240, spread + 0.05, number), 0)
    sent = np.where(busy, sizes(rng, 9000, 1.2, number), sent)
    received = sizes(rng, float(rng.choice([16, 120, 900, 4000])), spread, number)
    received = np.where(busy, sizes(rng, 20_000, 1.3, number), received)
    flows = traffic.conn(
        ts=ts,
        orig_h=host,
        resp_h=address,
        resp_p=int(rng.choice([80, 80, 80, 8080, 8000, 7080])),
        service="http",
        duration=lognormal(rng, 0.25, 0.5, number),
        orig_bytes=sent + 330,
        resp_bytes=received + 190,
        state=ends(rng, number, {"SF": 0.94, "RSTO": 0.03, "RSTR": 0.02, "S0": 0.01}),
    )
    requests(
        traffic,
        flows,
        ts=ts + 0.05,
        host=name,
        uri=uris,
        agent=attacker_agent(rng, ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)",)),
        method=pl.Series(["GET", "POST"]).gather(posts * 1),
        sent=sent,
        received=received,
        status=rng.choice([200, 404, 204], number, p=[0.94, 0.03, 0.03]),
    )
    _names(world, traffic, rng, host=host, name=name, address=address, ts=ts)


def tls_beacon(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """The same over TLS, sometimes without a server name."""
    ts = _calls(world, rng)
    number = len(ts)
    address, name = _server(rng)
    host = someone(world, rng)
    busy = rng.random(number) < 0.04  # noqa: PLR2004
    spread = float(rng.choice([0.0, 0.03, 0.2]))
    flows = traffic.conn(
        ts=ts,
        orig_h=host,
        resp_h=address,
        resp_p=int(rng.choice([443, 443, 443, 8443, 4443, int(rng.integers(1025, 65_536))])),
        service="ssl",
        duration=lognormal(rng, 0.5, 0.5, number),
        orig_bytes=np.where(busy, sizes(rng, 12_000, 1.3, number), sizes(rng, 850, spread, number)),
        resp_bytes=np.where(
            busy, sizes(rng, 30_000, 1.3, number), sizes(rng, 2600, spread, number)
        ),
        state=ends(rng, number, {"SF": 0.94, "RSTO": 0.03, "RSTR": 0.02, "S0": 0.01}),
    )
    style = names.choose(rng, LIBRARY_TLS if rng.random() < 0.7 else BROWSER_TLS)  # noqa: PLR2004
    hellos(
        traffic, rng, flows, name=None if name == address else name, styles=[style],
        resumed=float(rng.choice([0.0, 0.3])),
    )  # fmt: skip
    _names(world, traffic, rng, host=host, name=name, address=address, ts=ts)


def _names(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, host: str, name: str, address: str, ts: Floats,
) -> None:  # fmt: skip
    """The lookups before the calls, as far as the name is not in the cache."""
    if name == address:
        return
    asked = ts[:: int(rng.integers(1, 20))] - 0.06
    answer = pl.Series([[address]]).new_from_index(0, len(asked))
    times = pl.Series([[float(rng.choice([60, 300, 3600]))]]).new_from_index(0, len(asked))
    query = [name] * len(asked)
    lookup(world, traffic, rng, ts=asked, orig_h=host, query=query, answers=answer, ttls=times)


def crypto_mining(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """A miner and its pool (Stratum): one long connection after the other, little both ways."""
    host = someone(world, rng)
    address, name = (
        outside_address(rng),
        f"{names.choose(rng, ['pool', 'xmr', 'eu1', 'stratum'])}.{names.site_name(rng)}",
    )
    begin, end = span(world, rng, world.seconds, shortest=world.seconds / 2.0)
    typical = min(float(lognormal(rng, 900.0, 0.8, 1)[0]), world.seconds / 8.0)
    gaps = lognormal(rng, typical, 0.7, 400, 20_000.0)
    ts = begin + np.cumsum(gaps) - gaps[0]
    length = gaps * rng.uniform(0.9, 0.99, 400)
    keep = ts < end
    ts, length = ts[keep], length[keep]
    number = len(ts)
    encrypted = rng.random() < 0.4  # noqa: PLR2004
    rate = float(lognormal(rng, 7.0, 0.4, 1)[0])
    flows = traffic.conn(
        ts=ts,
        orig_h=host,
        resp_h=address,
        resp_p=int(rng.choice([3333, 4444, 5555, 7777, 14_444, 443, 80, 8080])),
        service="ssl" if encrypted else None,
        duration=length,
        orig_bytes=(320 + length * rate * rng.uniform(0.8, 1.2, number)).astype(np.int64),
        resp_bytes=(500 + length * rate * 1.8 * rng.uniform(0.8, 1.2, number)).astype(np.int64),
        state=ends(rng, number, {"SF": 0.4, "RSTO": 0.3, "RSTR": 0.2, "S1": 0.1}),
    )
    if encrypted:
        hellos(traffic, rng, flows, name=name, styles=[names.choose(rng, LIBRARY_TLS)])
    _names(world, traffic, rng, host=host, name=name, address=address, ts=ts)
