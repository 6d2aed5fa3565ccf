"""Scans of ports and of hosts, and floods."""

from __future__ import annotations

import numpy as np
import polars as pl

from enricher.simulate.names import choose
from enricher.simulate.protocols import lognormal, sizes, someone, span
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import Floats, Ints, World, outside_address

_SERVICES = {21: "ftp", 22: "ssh", 25: "smtp", 53: "dns", 80: "http", 443: "ssl", 3306: "mysql"}
_COMMON_PORTS = [21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 554, 587, 631]
_COMMON_PORTS += [993, 995, 1433, 1521, 1723, 2049, 3128, 3306, 3389, 5060, 5432, 5900, 5985, 6379]
_COMMON_PORTS += [8000, 8080, 8443, 8888, 9100, 9200, 11211, 27017]


def vertical_scan(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Many ports of one host (or of a few, one after the other), fast or slow."""
    inside = rng.random() < 0.6  # noqa: PLR2004
    source = someone(world, rng) if inside else outside_address(rng)
    targets = rng.permutation(world.servers.to_list() + world.desktops.to_list())
    for target in targets[: int(rng.integers(1, 3))]:
        wanted = int(lognormal(rng, 400, 1.0, 1, 4000)[0])
        if rng.random() < 0.5:  # noqa: PLR2004
            ports = rng.permutation(np.arange(1, 65_536))[: max(wanted, 20)]
        else:
            low = int(rng.integers(1, 2000))
            ports = np.arange(low, low + max(wanted, 20))
        if rng.random() < 0.5:  # noqa: PLR2004
            ports = np.unique(np.concatenate([ports, _COMMON_PORTS]))
            ports = rng.permutation(ports)
        hidden = float(rng.beta(1.2, 3.0))
        _probes(
            world, traffic, rng,
            source=source, targets=np.full(len(ports), target), ports=ports, hidden=hidden,
        )  # fmt: skip


def horizontal_scan(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """One port, or a few, of many hosts, inside or out there."""
    source = someone(world, rng) if rng.random() < 0.75 else outside_address(rng)  # noqa: PLR2004
    wanted = max(int(lognormal(rng, 300, 1.0, 1, 6000)[0]), 20)
    if rng.random() < 0.5 and not source.startswith("198."):  # noqa: PLR2004
        hosts = [outside_address(rng) for _ in range(wanted)]
    else:
        hosts = [
            f"{world.network}{third}.{fourth}"
            for third in range(int(rng.integers(0, 200)), 256)
            for fourth in range(1, 255)
        ][:wanted]
        if rng.random() < 0.5:  # noqa: PLR2004
            hosts = [str(host) for host in rng.permutation(hosts)]
    own = rng.choice(_COMMON_PORTS, int(rng.integers(1, 4)), replace=False)
    targets = np.repeat(np.array(hosts), len(own))
    ports = np.tile(own, len(hosts))
    hidden = float(rng.beta(5.0, 1.5))
    _probes(world, traffic, rng, source=source, targets=targets, ports=ports, hidden=hidden)


def _probes(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, source: str, targets: np.ndarray, ports: Ints, hidden: float,
) -> None:  # fmt: skip
    """Probes of ``targets``; a share ``hidden`` is dropped by a firewall, few ports are open."""
    number = len(ports)
    opened = rng.random(number) < float(rng.beta(1.2, 30.0))
    dropped = rng.random(number) < hidden
    # A half-open scan resets, a connect scan shuts properly, some read a banner.
    polite, banner = rng.random() < 0.4, rng.random() < 0.3  # noqa: PLR2004
    answer = "SF" if polite else choose(rng, ["RSTO", "RSTOS0"])
    state = np.where(opened, answer, np.where(dropped, "S0", "REJ"))
    length = np.where(opened & banner, sizes(rng, 90, 0.7, number), 0)
    silent = (state == "S0") & (rng.random(number) < 0.6)  # noqa: PLR2004
    duration = np.where(
        opened, lognormal(rng, 0.05, 1.2, number), lognormal(rng, 0.0006, 1.2, number)
    )
    service = pl.Series(ports).replace_strict(_SERVICES, default=None, return_dtype=pl.String)
    known = service.zip_with(
        pl.Series(opened & banner), pl.Series([None] * number, dtype=pl.String)
    )
    traffic.conn(
        ts=_pace(world, rng, number),
        orig_h=source,
        orig_p=int(rng.integers(1025, 65_536)) if rng.random() < 0.4 else None,  # noqa: PLR2004
        resp_h=targets.tolist(),
        resp_p=ports,
        service=known,
        duration=np.where(silent, np.nan, duration),
        orig_bytes=np.where(opened & banner, rng.integers(0, 60, number), 0),
        resp_bytes=length,
        state=state.tolist(),
    )


def _pace(world: World, rng: np.random.Generator, number: int) -> Floats:
    """From thousands a second to one a minute, steady or shuffled in time."""
    gap = float(np.exp(rng.uniform(np.log(0.0005), np.log(20.0))))
    gap = min(gap, world.seconds / (number + 1))
    random = rng.random() < 0.6  # noqa: PLR2004
    gaps = gap * (rng.exponential(1.0, number) if random else rng.uniform(0.8, 1.2, number))
    total = float(gaps.sum())
    begin = world.start + rng.random() * max(world.seconds - total, 1.0)
    return begin + np.cumsum(gaps)


def syn_flood(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """A flood of connection attempts: from a taken-over host outwards, or at a server here."""
    number = int(lognormal(rng, 3500, 0.7, 1, 20_000)[0])
    begin, end = span(world, rng, float(rng.choice([30.0, 120.0, 600.0])), shortest=5.0)
    outward = rng.random() < 0.5  # noqa: PLR2004
    if outward:
        source: list[str] | str = someone(world, rng)
        target = outside_address(rng)
    else:
        crowd = [outside_address(rng) for _ in range(int(rng.choice([20, 200, 2000])))]
        source = [crowd[i] for i in rng.integers(0, len(crowd), number)]
        target = str(choose(rng, world.servers.to_list()))
    port = int(rng.choice([80, 443, 53, 22, 8080, int(rng.integers(1, 65_536))]))
    shares = rng.dirichlet([8.0, 1.2, 0.8, 0.6])
    state = np.array(["S0", "REJ", "RSTO", "OTH"])[rng.choice(4, number, p=shares)]
    traffic.conn(
        ts=np.sort(begin + rng.random(number) * (end - begin)),
        orig_h=source,
        orig_p=rng.integers(1024, 65_536, number),
        resp_h=target,
        resp_p=port if rng.random() < 0.8 else rng.integers(1, 65_536, number),  # noqa: PLR2004
        duration=np.where(state == "S0", np.nan, lognormal(rng, 0.002, 1.5, number)),
        orig_bytes=0 if rng.random() < 0.8 else rng.integers(0, 1200, number),  # noqa: PLR2004
        resp_bytes=0,
        state=state.tolist(),
    )
