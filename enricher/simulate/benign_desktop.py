"""People at their computers: browsing, typing names wrong, and the updates of their programs."""

from __future__ import annotations

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import BROWSER_TLS, LIBRARY_TLS, program_agent
from enricher.simulate.protocols import bursts, ends, hellos, lognormal, lookup, requests, sizes
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import Floats, Ints, World

_SESSIONS_AN_HOUR = 4.0


def browsing(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Sessions of pages; a page is a name lookup and connections to several servers."""
    people = len(world.desktops)
    sessions = int(rng.poisson(_SESSIONS_AN_HOUR * world.hours * people * world.scale))
    starts = world.times(rng, sessions)
    who = rng.integers(0, people, sessions)
    pages = rng.geometric(1 / 12, sessions)
    gaps = lognormal(rng, 22.0, 1.1, int(pages.sum()), largest=1200.0)
    session, ts = bursts(starts, pages, gaps)
    visitor, server, moment, count = _connections(world, rng, who[session], ts)
    keep = moment < world.start + world.seconds
    visitor, server, moment, count = visitor[keep], server[keep], moment[keep], count[keep]
    _lookups(world, traffic, rng, who=visitor, server=server, ts=moment)
    dice = rng.random(len(moment))
    plain, quic = dice < 0.09, dice > 0.88  # noqa: PLR2004  # shares of HTTP and QUIC
    _plain(
        world, traffic, rng,
        who=visitor[plain], server=server[plain], ts=moment[plain], count=count[plain],
    )  # fmt: skip
    _quic(
        world, traffic, rng,
        who=visitor[quic], server=server[quic], ts=moment[quic], count=count[quic],
    )  # fmt: skip
    rest = ~(plain | quic)
    _tls(
        world, traffic, rng,
        who=visitor[rest], server=server[rest], ts=moment[rest], count=count[rest],
    )  # fmt: skip


def _connections(
    world: World, rng: np.random.Generator, visitor: Ints, ts: Floats
) -> tuple[Ints, Ints, Floats, Ints]:
    """For each connection of each page: visitor, server, time, number of requests."""
    site = world.site(rng, len(ts))
    resources = rng.geometric(0.16, len(ts))
    page = np.repeat(np.arange(len(ts)), resources)
    first = np.concatenate([[True], page[1:] != page[:-1]]) if len(page) else page == 0
    own = world.site_first[site][page] + (
        rng.integers(0, 1 << 30, len(page)) % world.site_count[site][page]
    )
    shared = world.site_first[world.site(rng, len(page))]
    server = np.where(rng.random(len(page)) < 0.62, own, shared)  # noqa: PLR2004
    server = np.where(first, world.site_first[site][page], server)
    # Requests to the same server share a connection.
    _, index, count = np.unique(
        page * world.endpoints.height + server, return_index=True, return_counts=True
    )
    chosen = page[index]
    late = np.where(first[index], 0.0, lognormal(rng, 0.35, 0.8, len(index)))
    return visitor[chosen], server[index], ts[chosen] + late, count


def _lookups(
    world: World,
    traffic: Traffic,
    rng: np.random.Generator,
    *,
    who: Ints,
    server: Ints,
    ts: Floats,
) -> None:
    """Names that are not in the computer's own cache, often asked for in several types."""
    asked = np.flatnonzero(rng.random(len(ts)) < 0.5)  # noqa: PLR2004
    moment = ts[asked] - lognormal(rng, 0.035, 0.5, len(asked))
    rows = world.endpoints[server[asked]]
    source = world.desktops.gather(who[asked])
    rtt = np.minimum(lognormal(rng, 0.012, 1.0, len(asked)), 0.9)
    lookup(
        world, traffic, rng,
        ts=moment, orig_h=source, query=rows["name"], answers=rows["answers"], ttls=rows["ttls"],
        rtt=rtt,
    )  # fmt: skip
    twin = rng.random(len(asked)) < 0.45  # noqa: PLR2004
    kind = rng.choice([28, 65], int(twin.sum()))
    lookup(
        world, traffic, rng,
        ts=moment[twin] + 0.0004, orig_h=source.filter(pl.Series(twin)),
        query=rows["name"].filter(pl.Series(twin)), qtype=kind, rtt=rtt[twin] * 1.1,
    )  # fmt: skip


def _tls(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, who: Ints, server: Ints, ts: Floats, count: Ints,
) -> None:  # fmt: skip
    rows = world.endpoints[server]
    number = len(ts)
    flows = traffic.conn(
        ts=ts,
        orig_h=world.desktops.gather(who),
        resp_h=rows["address"],
        resp_p=443,
        service="ssl",
        duration=lognormal(rng, 9.0, 1.6, number, largest=3600.0),
        orig_bytes=620 + count * sizes(rng, 700, 0.8, number),
        resp_bytes=3900 + count * sizes(rng, 9000, 1.7, number, largest=4e8),
        state=ends(rng, number),
    )
    hellos(traffic, rng, flows, name=rows["name"], styles=BROWSER_TLS, weights=[40, 15, 25, 14, 6])


def _quic(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, who: Ints, server: Ints, ts: Floats, count: Ints,
) -> None:  # fmt: skip
    rows = world.endpoints[server]
    number = len(ts)
    flows = traffic.conn(
        ts=ts,
        orig_h=world.desktops.gather(who),
        resp_h=rows["address"],
        resp_p=443,
        proto="udp",
        service="quic,ssl",
        duration=lognormal(rng, 12.0, 1.3, number, largest=1800.0),
        orig_bytes=2600 + count * sizes(rng, 900, 0.8, number),
        resp_bytes=5200 + count * sizes(rng, 14_000, 1.6, number, largest=4e8),
    )
    hellos(traffic, rng, flows, name=rows["name"], styles=BROWSER_TLS[:2], resumed=0.4)


def _plain(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, who: Ints, server: Ints, ts: Floats, count: Ints,
) -> None:  # fmt: skip
    rows = world.endpoints[server]
    number = len(ts)
    burst, moment = bursts(ts + 0.05, count, lognormal(rng, 0.4, 1.0, int(count.sum())))
    received = sizes(rng, 5200, 1.7, len(moment), largest=5e7)
    status = rng.choice(
        [200, 304, 302, 404, 204, 500], len(moment), p=[0.8, 0.07, 0.06, 0.04, 0.02, 0.01]
    )
    received = np.where(np.isin(status, [304, 204]), 0, received)
    posts = rng.random(len(moment)) < 0.06  # noqa: PLR2004
    sent = np.where(posts, sizes(rng, 420, 1.1, len(moment)), 0)
    total_in = np.bincount(burst, received + 320, minlength=number).astype(np.int64)
    total_out = np.bincount(burst, sent + 430, minlength=number).astype(np.int64)
    last = np.full(number, 0.0)
    np.maximum.at(last, burst, moment)
    flows = traffic.conn(
        ts=ts,
        orig_h=world.desktops.gather(who),
        resp_h=rows["address"],
        resp_p=80,
        service="http",
        duration=last - ts + lognormal(rng, 2.0, 1.2, number, largest=300.0),
        orig_bytes=total_out,
        resp_bytes=total_in,
        state=ends(rng, number),
    )
    host = rows["name"].gather(burst)
    refers = rng.random(len(moment)) < 0.6  # noqa: PLR2004
    referrer = ("http://" + host + "/").zip_with(
        pl.Series(refers), pl.Series([None] * len(moment), dtype=pl.String)
    )
    requests(
        traffic,
        flows[burst],
        ts=moment,
        host=host,
        uri=[names.path_of(rng) + names.query_of(rng) for _ in range(len(moment))],
        agent=world.agents.gather(who).gather(burst),
        method=pl.Series(["GET", "POST"]).gather(posts * 1),
        depth=np.arange(len(moment)) - np.repeat(np.cumsum(count) - count, count) + 1,
        referrer=referrer,
        sent=sent,
        received=received,
        status=status,
    )


def misspelt_names(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Names that do not exist: slips, search suffixes, random names a browser tests DNS with."""
    number = int(rng.poisson(2.0 * world.hours * len(world.desktops) * world.scale))
    ts = world.times(rng, number)
    source = world.desktops.gather(rng.integers(0, len(world.desktops), number))
    known = (
        world.endpoints["name"].gather(rng.integers(0, world.endpoints.height, number)).to_list()
    )
    suffix = names.choose(rng, ["corp.internal", "office.lan", "home.arpa"])
    queries = []
    for name in known:
        style = int(rng.integers(4))
        if style <= 1:
            queries.append(names.misspelt(rng, name))
        elif style == 2:  # noqa: PLR2004  # one of four styles
            queries.append(f"{name}.{suffix}")
        else:
            queries.append(
                names.random_text(rng, int(rng.integers(7, 16)), "abcdefghijklmnopqrstuvwxyz")
            )
    code = rng.choice([3, 2], number, p=[0.96, 0.04])
    lookup(world, traffic, rng, ts=ts, orig_h=source, query=queries, rcode=code)


def updates(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Programs that ask for updates every few minutes or hours: benign, regular, small."""
    for host in world.desktops.to_list():
        for _ in range(int(rng.integers(1, 4))):
            row = world.endpoints.row(int(rng.integers(world.endpoints.height)), named=True)
            period = float(lognormal(rng, 1500.0, 0.9, 1)[0]) / world.scale
            ts = (
                world.start
                + period * rng.random()
                + np.arange(0.0, world.seconds, max(period, 5.0))
            )
            ts = ts[ts < world.start + world.seconds] + rng.random() * 0.2
            ts = ts + rng.exponential(float(rng.choice([0.05, 2.0, 30.0])), len(ts))
            if len(ts):
                _update_checks(traffic, rng, host, row, np.sort(ts))


def _update_checks(
    traffic: Traffic, rng: np.random.Generator, host: str, row: dict[str, object], ts: Floats
) -> None:
    number = len(ts)
    encrypted = rng.random() < 0.7  # noqa: PLR2004
    base_out, base_in = sizes(rng, 700, 0.6, 1)[0], sizes(rng, 4000, 0.9, 1)[0]
    big = rng.random(number) < 0.06  # noqa: PLR2004  # there is an update now and then
    received = (
        base_in + rng.integers(0, 60, number) + np.where(big, sizes(rng, 2e6, 1.2, number), 0)
    )
    flows = traffic.conn(
        ts=ts,
        orig_h=host,
        resp_h=str(row["address"]),
        resp_p=443 if encrypted else 80,
        service="ssl" if encrypted else "http",
        duration=lognormal(rng, 0.4, 0.6, number) + received / 4e6,
        orig_bytes=base_out + rng.integers(0, 40, number),
        resp_bytes=received,
        state=ends(rng, number, {"SF": 0.95, "RSTO": 0.03, "S1": 0.02}),
    )
    if encrypted:
        hellos(traffic, rng, flows, name=str(row["name"]), styles=[names.choose(rng, LIBRARY_TLS)])
        return
    path = names.path_of(rng) + names.query_of(rng)
    requests(
        traffic,
        flows,
        ts=ts + 0.03,
        host=str(row["name"]),
        uri=path,
        agent=program_agent(rng),
        received=received,
        status=rng.choice([200, 304, 204], number, p=[0.6, 0.3, 0.1]),
    )
