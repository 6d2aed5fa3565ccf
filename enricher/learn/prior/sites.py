"""A made-up site on which made-up families and ordinary traffic run side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from enricher.learn.dataset import PRIOR_CAPTURE
from enricher.learn.manifest import BENIGN
from enricher.learn.prior import (
    connections,
    handshakes,
    ordinary_connections,
    ordinary_handshakes,
    ordinary_queries,
    ordinary_requests,
    queries,
    requests,
)
from enricher.learn.prior.common import (
    Construction,
    Draw,
    Rng,
    Site,
    chance,
    frame,
    in_order,
    log_uniform,
    pick,
)
from enricher.learn.prior.text import lexicon
from enricher.learn.wrapping import WrappedLog
from enricher.logs import KINDS, Kind, LogBatch
from enricher.simulate.names import WORDS, site_name

ATTACKS: Mapping[Kind, Mapping[Construction, float]] = {
    "conn": connections.ATTACKS,
    "http": requests.ATTACKS,
    "dns": queries.ATTACKS,
    "ssl": handshakes.ATTACKS,
}
ORDINARY: Mapping[Kind, Mapping[Construction, float]] = {
    "conn": ordinary_connections.ORDINARY,
    "http": ordinary_requests.ORDINARY,
    "dns": ordinary_queries.ORDINARY,
    "ssl": ordinary_handshakes.ORDINARY,
}

_START = 1_700_000_000.0
# Columns that some sensors do not write, and how often one lacks them.
_UNSEEN: Mapping[Kind, Mapping[tuple[str, ...], float]] = {
    "conn": {("local_orig", "local_resp"): 0.3, ("service",): 0.08, ("history",): 0.05},
    "http": {("version",): 0.3, ("referrer",): 0.15, ("orig_mime_types",): 0.5},
    "dns": {("rtt",): 0.35, ("AA", "TC", "RD", "RA", "Z"): 0.1},
    "ssl": {
        ("ja3", "ja3s"): 0.5, ("ja4",): 0.6, ("ssl_history",): 0.4, ("sni_matches_cert",): 0.5,
        ("validation_status",): 0.3, ("subject", "issuer"): 0.25, ("last_alert",): 0.3,
        ("client_cert_chain",): 0.4,
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """One drawn family, or one style of ordinary traffic.

    Attributes:
        kind: Of its records.
        construction: Name of the function that drew its constants.
        draw: Draws records.
    """

    kind: Kind
    construction: str
    draw: Draw


def sample_family(rng: Rng, kind: Kind, site: Site, *, benign: bool = False) -> Family:
    """Draw the constants of a family, or of a style of ordinary traffic."""
    weights = (ORDINARY if benign else ATTACKS)[kind]
    construct = pick(rng, list(weights), list(weights.values()))
    return Family(kind, construct.__name__, construct(rng, site))


def sample_site(rng: Rng, clients: int) -> Site:
    """Draw a network with about ``clients`` clients and the names that they use."""
    net = pick(rng, [f"10.{int(rng.integers(256))}", f"192.168.{int(rng.integers(200))}"])
    wide = net.count(".") == 1
    hosts = [
        f"{net}.{1 + i // 250}.{i % 250 + 2}"
        if wide
        else f"192.168.{int(net.rsplit('.', 1)[1]) + i // 250}.{i % 250 + 2}"
        for i in range(clients + 30)
    ]
    words = [*lexicon(rng, 120), *[WORDS[i] for i in rng.permutation(len(WORDS))[:80].tolist()]]
    return Site(
        start=_START + float(rng.uniform(0.0, 3e7)),
        seconds=log_uniform(rng, 2.0, 24.0) * 3600.0,
        clients=tuple(hosts[:clients]),
        servers=tuple(hosts[clients : clients + int(rng.integers(4, 28))]),
        resolvers=tuple(hosts[-2:]),
        names=tuple(site_name(rng) for _ in range(300)),
        words=tuple(words),
        own=site_name(rng),
    )


def sample_logs(
    seed: int,
    *,
    families: int = 50,
    records_per_family: int = 60,
    kinds: Collection[Kind] = KINDS,
    benign_per_family: int = 60,
) -> list[WrappedLog]:
    """Draw a site with families that nobody saw before, and draw its logs.

    A family is a random configuration of one of the constructions; a kind's families are its own.
    Beside them runs ordinary traffic of several styles, also drawn. The same arguments give the
    same logs, and a kind's log does not depend on which other kinds are asked for.

    Args:
        seed: Of everything that is drawn.
        families: Number of families of each kind.
        records_per_family: Records of most families; some have up to four times as many.
        kinds: Kinds of log to draw.
        benign_per_family: Ordinary records for each family.

    Returns:
        One log per kind, in the order of ``KINDS``, in order of time; families are called
        ``prior-<seed>-<number>``.

    Raises:
        ValueError: If a number is not positive, or a kind is unknown.
    """
    if min(families, records_per_family, benign_per_family) < 1:
        raise ValueError("families and records are at least 1 each")
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"{unknown[0]!r} is no kind; take some of {', '.join(KINDS)}")
    site = sample_site(np.random.default_rng([seed, 0]), clients=max(40, families))
    return [
        _log(seed, site, kind, place, families, records_per_family, benign_per_family * families)
        for place, kind in enumerate(KINDS)
        if kind in kinds
    ]


def _log(
    seed: int, site: Site, kind: Kind, place: int, families: int, records: int, ordinary: int
) -> WrappedLog:
    frames, labels = [], []
    for number in range(families):
        rng = np.random.default_rng([seed, 1 + place, number])
        family = sample_family(rng, kind, site)
        frames.append(_records(rng, family, records * int(pick(rng, [1, 1, 1, 1, 2, 4]))))
        labels.append(f"{PRIOR_CAPTURE}{seed}-{place * families + number}")
    rng = np.random.default_rng([seed, 1 + place, families, 1])
    for share in _shares(rng, ordinary, max(6, families // 3)):
        frames.append(_records(rng, sample_family(rng, kind, site, benign=True), share))
        labels.append(BENIGN)
    joined, families_of = in_order(frames, labels)
    hidden = [name for names, rate in _UNSEEN[kind].items() if chance(rng, rate) for name in names]
    seen = joined.with_columns(pl.lit(None, joined.schema[name]).alias(name) for name in hidden)
    return WrappedLog(f"{PRIOR_CAPTURE}{seed}", LogBatch(kind, seen), tuple(families_of))


def _records(rng: Rng, family: Family, number: int) -> pl.DataFrame:
    return frame(family.kind, family.draw(rng, number), number, rng)


def _shares(rng: Rng, total: int, styles: int) -> list[int]:
    """How many records each style of ordinary traffic has: few have most."""
    weights = rng.dirichlet(np.full(styles, 1.5))
    return [max(1, int(share)) for share in (weights * total).tolist()]
