"""The network that is simulated: its hosts, and the servers they talk to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import browser_agent, program_agent

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEFAULT_START = 1_767_600_000.0  # Monday 2026-01-05 08:00 UTC


@dataclass(frozen=True, slots=True)
class World:
    """What all scenarios of a run share.

    Attributes:
        start: Begin of the run, seconds UTC.
        seconds: Its length.
        scale: How busy everybody is; 1 is an ordinary office.
        network: Prefix of the site's addresses, such as ``10.4.7.``.
        desktops: Addresses of people's computers.
        devices: Addresses of printers, cameras and other things.
        servers: Addresses of the site's own servers.
        resolver: Address of the site's DNS server.
        own_name: Name of the site's own web server.
        agents: The browser of each desktop.
        endpoints: Frame of the servers out there: ``name``, ``address``, ``answers``, ``ttls``.
        site_first: For each site the row of its first endpoint; its others follow.
        site_count: Number of its endpoints.
    """

    start: float
    seconds: float
    scale: float
    network: str
    desktops: pl.Series
    devices: pl.Series
    servers: pl.Series
    resolver: str
    own_name: str
    agents: pl.Series
    endpoints: pl.DataFrame
    site_first: Ints
    site_count: Ints

    @property
    def hours(self) -> float:
        """Length of the run in hours."""
        return self.seconds / 3600.0

    def times(self, rng: np.random.Generator, number: int, *, human: bool = True) -> Floats:
        """``number`` moments in order; those of humans follow the hours of the day."""
        if not human or number == 0:
            return np.sort(self.start + rng.random(number) * self.seconds)
        grid = self.start + np.linspace(0.0, self.seconds, 512)
        hour = grid / 3600.0 % 24.0
        busy = 0.06 + np.exp(-(((hour - 10.5) / 2.3) ** 2)) + np.exp(-(((hour - 15.5) / 2.6) ** 2))
        share = np.concatenate([[0.0], np.cumsum((busy[1:] + busy[:-1]) / 2.0)])
        moments = np.interp(rng.random(number) * share[-1], share, grid)
        return np.sort(moments)

    def site(self, rng: np.random.Generator, number: int) -> Ints:
        """``number`` sites by popularity (Zipf)."""
        total = len(self.site_first)
        weights = np.cumsum(1.0 / np.arange(2, total + 2))
        drawn: Ints = np.searchsorted(weights, rng.random(number) * weights[-1]).astype(np.int64)
        return drawn


def outside_address(rng: np.random.Generator) -> str:
    """An address out there, of the ranges kept for documentation and benchmarks.

    RFC 5737 (192.0.2/24, 198.51.100/24, 203.0.113/24) and RFC 2544 (198.18/15).
    """
    if rng.random() < 0.1:  # noqa: PLR2004  # the documentation ranges are small
        prefix = names.choose(rng, ["192.0.2", "198.51.100", "203.0.113"])
        return f"{prefix}.{int(rng.integers(1, 255))}"
    third, fourth = rng.integers(0, 256), rng.integers(1, 255)
    return f"198.{18 + int(rng.integers(2))}.{int(third)}.{int(fourth)}"


def build_world(
    rng: np.random.Generator, *, start: float, seconds: float, hosts: int, scale: float
) -> World:
    """Draw a network of about ``hosts`` hosts and the sites they use."""
    network = names.choose(
        rng,
        [
            f"192.168.{int(rng.integers(0, 256))}.",
            f"10.{int(rng.integers(0, 256))}.{int(rng.integers(0, 256))}.",
            f"172.{int(rng.integers(16, 32))}.{int(rng.integers(0, 256))}.",
        ],
    )
    numbers = rng.permutation(np.arange(10, 250))
    wide = [f"{network}{number}" for number in numbers]
    first, second, middle, _ = network.split(".")
    base, third = f"{first}.{second}", int(middle)
    wide += [
        f"{base}.{(third + 1 + i // 240) % 256}.{10 + i % 240}" for i in range(max(0, hosts - 240))
    ]
    servers = max(2, hosts // 10)
    devices = max(2, hosts // 5)
    desktops = max(1, hosts - servers - devices)
    chosen = wide[: servers + devices + desktops]
    endpoints, site_first, site_count = _endpoints(rng, sites=160)
    return World(
        start=start,
        seconds=seconds,
        scale=scale,
        network=f"{base}.",
        desktops=pl.Series(chosen[:desktops]),
        devices=pl.Series(chosen[desktops : desktops + devices]),
        servers=pl.Series(chosen[desktops + devices :]),
        resolver=f"{network}1",
        own_name=f"www.{names.site_name(rng)}",
        agents=pl.Series([browser_agent(rng) for _ in range(desktops)]),
        endpoints=endpoints,
        site_first=site_first,
        site_count=site_count,
    )


def _endpoints(rng: np.random.Generator, sites: int) -> tuple[pl.DataFrame, Ints, Ints]:
    """Sites with their own hosts and those of content delivery networks."""
    networks = [names.site_name(rng) for _ in range(5)]
    rows: list[tuple[str, str, list[str], list[float]]] = []
    first, count = [], []
    for _ in range(sites):
        domain = names.site_name(rng)
        hosts = [names.choose(rng, ["www.", "www.", "", "m."]) + domain]
        wanted = ["static.", "api.", "img.", "login.", "cdn-eu."]
        hosts += [label + domain for label in wanted[: int(rng.integers(0, 4))]]
        for _ in range(int(rng.integers(0, 3))):
            node = names.random_text(rng, int(rng.integers(8, 15)), names.BASE36)
            hosts.append(f"{node}.{names.choose(rng, networks)}")
        first.append(len(rows))
        count.append(len(hosts))
        rows.extend((host, *_answers(rng, host)) for host in hosts)
    schema: dict[str, pl.DataType] = {
        "name": pl.String(),
        "address": pl.String(),
        "answers": pl.List(pl.String()),
        "ttls": pl.List(pl.Float64()),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    agents = [program_agent(rng) for _ in range(frame.height)]
    return frame.with_columns(agent=pl.Series(agents)), np.array(first), np.array(count)


def _answers(rng: np.random.Generator, host: str) -> tuple[str, list[str], list[float]]:
    """Address, answers and times to live of one name; some are aliases first."""
    addresses = [outside_address(rng) for _ in range(int(rng.integers(1, 5)))]
    answers = list(addresses)
    if rng.random() < 0.3:  # noqa: PLR2004  # share of aliases
        answers.insert(0, f"{host.split('.', 1)[0]}.edge.{names.site_name(rng)}")
    ttl = float(names.choose(rng, [30, 60, 120, 300, 600, 3600, 86_400]))
    return addresses[0], answers, [ttl] * len(answers)
