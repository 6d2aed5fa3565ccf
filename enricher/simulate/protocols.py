"""What scenarios have in common: bursts in time, sizes, name lookups, web requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.simulate.clients import TlsStyle
from enricher.simulate.names import HEX, choose, random_text
from enricher.simulate.traffic import Column, Columns, Traffic
from enricher.simulate.world import Floats, Ints, World

QTYPES = {1: "A", 2: "NS", 5: "CNAME", 10: "NULL", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
QTYPES |= {33: "SRV", 65: "HTTPS"}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
STATUS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found"}
STATUS |= {304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden"}
STATUS |= {404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}


def lognormal(
    rng: np.random.Generator, median: float, spread: float, number: int, largest: float = 2e9
) -> Floats:
    """Positive numbers around ``median``; ``spread`` is the deviation of their logarithm."""
    return np.minimum(median * np.exp(spread * rng.standard_normal(number)), largest)


def sizes(
    rng: np.random.Generator, median: float, spread: float, number: int, largest: float = 2e9
) -> Ints:
    """The same, whole and at least 1."""
    return np.maximum(lognormal(rng, median, spread, number, largest), 1).astype(np.int64)


def bursts(starts: Floats, counts: Ints, gaps: Floats) -> tuple[Ints, Floats]:
    """Moments that follow each other from each start.

    Args:
        starts: [S] begin of each burst.
        counts: [S] events in each burst.
        gaps: [sum of counts] time from the event before; the first of each burst is not used.

    Returns:
        The burst of each event, and its time.
    """
    burst = np.repeat(np.arange(len(starts)), counts)
    passed = np.cumsum(gaps)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return burst, starts[burst] + passed - passed[first] if len(burst) else starts[burst]


def steady(
    rng: np.random.Generator, start: float, end: float, period: float, jitter: float
) -> Floats:
    """Moments from ``start`` to ``end``, ``period`` apart but for a share ``jitter`` of it."""
    number = min(int((end - start) / period) + 1, 200_000)
    gaps = period * (1.0 + jitter * (2.0 * rng.random(number) - 1.0))
    moments = start + np.cumsum(gaps) - gaps[0] * rng.random()
    within: Floats = moments[moments < end]
    return within


def lookup(
    world: World,
    traffic: Traffic,
    rng: np.random.Generator,
    *,
    ts: Floats,
    orig_h: Column,
    query: Columns,
    qtype: Column = 1,
    rcode: Column = 0,
    answers: pl.Series | None = None,
    ttls: pl.Series | None = None,
    resolver: str | None = None,
    sizes_in: Column = None,
    rtt: Floats | None = None,
    proto: str = "udp",
) -> None:
    """Names asked of the site's resolver (or another), each its own connection."""
    number = len(ts)
    if number == 0:
        return
    asked = pl.Series("query", query, dtype=pl.String)
    length = asked.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)
    answered = pl.Series([0] * number) if answers is None else answers.list.len()
    back = length + 18 + 16 * answered.fill_null(0).to_numpy().astype(np.int64)
    if sizes_in is not None:
        back = np.asarray(sizes_in, dtype=np.int64)
    if rtt is None:
        cached = rng.random(number) < 0.4  # noqa: PLR2004  # share of the resolver's cache
        rtt = np.where(
            cached, lognormal(rng, 0.0008, 0.5, number), lognormal(rng, 0.028, 0.8, number)
        )
    flows = traffic.conn(
        ts=ts,
        orig_h=orig_h,
        resp_h=resolver or world.resolver,
        resp_p=53,
        proto=proto,
        service="dns",
        duration=rtt,
        orig_bytes=length + 18,
        resp_bytes=back,
    )
    types = np.broadcast_to(np.asarray(qtype, dtype=np.int64), (number,))
    codes = np.broadcast_to(np.asarray(rcode, dtype=np.int64), (number,))
    traffic.add(
        "dns",
        flows,
        proto=proto,
        trans_id=rng.integers(0, 65_536, number),
        rtt=rtt,
        query=asked,
        qclass=1,
        qclass_name="C_INTERNET",
        qtype=types,
        qtype_name=pl.Series(types).replace_strict(QTYPES, return_dtype=pl.String),
        rcode=codes,
        rcode_name=pl.Series(codes).replace_strict(RCODES, return_dtype=pl.String),
        AA=False,
        TC=False,
        RD=True,
        RA=True,
        Z=0,
        answers=answers,
        TTLs=ttls,
        rejected=codes == 3,  # noqa: PLR2004  # NXDOMAIN
    )


def requests(
    traffic: Traffic,
    flows: pl.DataFrame,
    *,
    ts: Column,
    host: Column,
    uri: Columns | str,
    agent: Column,
    method: Column = "GET",
    depth: Column = 1,
    referrer: Column = None,
    sent: Column = 0,
    received: Column = 0,
    status: Column = 200,
) -> None:
    """HTTP requests within connections; row i is of ``flows[i]``."""
    codes = np.broadcast_to(np.asarray(status, dtype=np.int64), (flows.height,))
    traffic.add(
        "http",
        flows,
        ts=ts,
        trans_depth=depth,
        method=method,
        host=host,
        uri=uri,
        referrer=referrer,
        version="1.1",
        user_agent=agent,
        request_body_len=sent,
        response_body_len=received,
        status_code=codes,
        status_msg=pl.Series(codes).replace_strict(STATUS, return_dtype=pl.String),
        tags=pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, flows.height),
        resp_mime_types=_mime_types(uri, received, flows.height),
    )


_MIMES = {".png": "image/png", ".jpg": "image/jpeg", ".json": "application/json"}
_MIMES |= {".txt": "text/plain", ".zip": "application/zip"}


def _mime_types(uri: Columns | str, received: Column, number: int) -> pl.Series:
    """What Zeek would see in the bodies, by what was asked for; null without a body."""
    asked = pl.Series([uri] * number if isinstance(uri, str) else uri, dtype=pl.String)
    ending = asked.str.extract(r"^[^?]*(\.\w{3,4})(?:\?|$)")
    types = ending.replace_strict(_MIMES, default="text/html", return_dtype=pl.String)
    types = types.fill_null("text/html")
    length = np.broadcast_to(np.asarray(received), (number,))
    table = pl.DataFrame({"type": types, "length": length})
    seen = pl.when(pl.col("length") > 0).then(pl.concat_list("type"))
    return table.select(seen.alias("type")).to_series()


def hellos(
    traffic: Traffic,
    rng: np.random.Generator,
    flows: pl.DataFrame,
    *,
    name: Column,
    styles: Sequence[TlsStyle],
    weights: Sequence[float] | None = None,
    resumed: float = 0.25,
    failed: float = 0.01,
) -> None:
    """TLS handshakes, one in each of ``flows``."""
    number = flows.height
    if number == 0:
        return
    chances = None if weights is None else np.asarray(weights) / sum(weights)
    style = rng.choice(len(styles), number, p=chances)
    again = rng.random(number) < resumed
    broken = rng.random(number) < failed
    # Zeek sees certificates up to TLS 1.2 only.
    shown = np.array([s.version != "TLSv13" for s in styles])[style] & ~again & ~broken
    chain = [
        pl.Series([[random_text(rng, 64, HEX) for _ in range(int(rng.integers(1, 4)))]])
        for _ in range(min(number, 12))
    ]
    table = pl.concat([*chain, pl.Series([None], dtype=pl.List(pl.String))])
    index = np.where(shown, rng.integers(0, len(chain), number), len(chain))
    modern = np.array([s.version == "TLSv13" for s in styles])[style]
    history = np.where(modern, "CsiI", np.where(again, "CsijIJ", "CsxknIi"))
    traffic.add(
        "ssl",
        flows,
        ts=flows["ts"].to_numpy() + lognormal(rng, 0.03, 0.6, number),
        version=_styled([s.version for s in styles], style),
        cipher=_styled([s.cipher for s in styles], style),
        curve=_styled([s.curve for s in styles], style),
        server_name=name,
        resumed=again,
        last_alert=pl.Series([None, "handshake_failure"], dtype=pl.String).gather(broken * 1),
        next_protocol=_styled([s.protocol for s in styles], style),
        established=~broken,
        ssl_history=pl.Series(np.where(broken, "Cl", history), dtype=pl.String),
        cert_chain_fps=table.gather(index),
        sni_matches_cert=pl.Series([None, True], dtype=pl.Boolean).gather(shown * 1),
    )


def _styled(table: list[str] | list[str | None], style: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(table, dtype=pl.String).gather(style)


def ends(
    rng: np.random.Generator, number: int, weights: dict[str, float] | None = None
) -> pl.Series:
    """Connection states, by default as ordinary TCP traffic ends."""
    shares = weights or {"SF": 0.82, "RSTO": 0.06, "RSTR": 0.04, "S1": 0.04, "S3": 0.02, "S2": 0.02}
    table = list(shares)
    chances = np.array(list(shares.values()))
    return pl.Series(table).gather(rng.choice(len(table), number, p=chances / chances.sum()))


def someone(world: World, rng: np.random.Generator) -> str:
    """A host of the site that has been taken over."""
    pool = world.desktops if rng.random() < 0.75 else world.servers  # noqa: PLR2004
    if rng.random() < 0.15:  # noqa: PLR2004
        pool = world.devices
    return str(choose(rng, pool.to_list()))


def span(
    world: World, rng: np.random.Generator, longest: float, shortest: float = 60.0
) -> tuple[float, float]:
    """Begin and end of something that lasts up to ``longest`` seconds within the run."""
    length = min(float(lognormal(rng, longest / 3.0, 0.6, 1)[0]), longest, world.seconds)
    length = max(length, min(shortest, world.seconds))
    begin = world.start + rng.random() * (world.seconds - length)
    return float(begin), float(begin + length)
