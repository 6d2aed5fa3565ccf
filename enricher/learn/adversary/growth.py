"""Records of attacks with what is in the attacker's hand grown, and nothing else changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.learn.adversary.strings import (
    BROWSERS,
    padded_agent,
    padded_name,
    padded_referrer,
    padded_uri,
)
from enricher.learn.dataset import NOT_BELIEVED, NOT_LABELLED
from enricher.learn.manifest import BENIGN
from enricher.logs import LogBatch

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

OWN_SERVER = frozenset(
    {
        "beaconing",
        "crypto-mining",
        "data-exfiltration",
        "dga",
        "dns-tunnel",
        "dns-tunnel-dnscat2",
        "dns-tunnel-iodine",
        "iot-cnc",
        "iot-okiru",
        "njrat-cnc",
    }
)
"""Families whose far end the attacker runs as well: what it sends back may grow too."""

_PAYLOAD = 1460
"""Bytes that a packet carries at most: larger volumes need more packets."""
_HEADERS = 40
"""Headers of a packet where the record does not tell them: IPv4 and TCP without options."""
_LEAST_HEADERS = 20


@dataclass(frozen=True, slots=True)
class Growth:
    """How an attacker grows records.

    Attributes:
        largest: The factor, at least 1.
        varied: Whether each record draws its own factors between 1 and ``largest``, for volume
            and duration apart, and its own padding, and half of the user agents become a
            browser's; otherwise everything grows by ``largest``, and what was the same text
            before is the same after.
        seed: Of what is drawn.
    """

    largest: float
    varied: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what would shrink.

        Raises:
            ValueError: If the factor is below 1.
        """
        if not self.largest >= 1.0:
            raise ValueError(
                f"an attacker only grows: the factor is at least 1, not {self.largest}"
            )

    def factors(self, count: int, rng: np.random.Generator) -> Floats:
        """Factors of ``count`` records, float64 [N]; drawn evenly in the logarithm."""
        if not self.varied:
            return np.full(count, self.largest)
        return np.exp(rng.uniform(0.0, np.log(self.largest), count))


def grown(batch: LogBatch, families: pl.Series, growth: Growth) -> LogBatch:
    """The records with those of attacks grown; all others, and the order, are untouched.

    Grown are, in conn: bytes, packets and duration, and bytes on the wire with them; in http: the
    request's body, URI, referrer and user agent; in dns: names under the attacker's own zone; in
    ssl: the server name under a zone of its own. Where the attacker runs the far end
    (:data:`OWN_SERVER`), what it sends back grows too. Null stays null, and 0 stays 0.

    Args:
        batch: Records of one kind.
        families: Label of each record; benign, unlabelled and doubtful ones are no attacks.
        growth: How.
    """
    attack = (~families.is_in([BENIGN, NOT_LABELLED, NOT_BELIEVED])).to_numpy()
    if growth.largest == 1.0 or not attack.any():
        return batch
    own_server = families.is_in(sorted(OWN_SERVER)).to_numpy() & attack
    rng = np.random.default_rng([growth.seed, len(batch)])
    frame = _GROW[batch.kind](batch.frame, attack, own_server, growth, rng)
    return LogBatch(batch.kind, frame)


def _grow_conn(
    frame: pl.DataFrame, attack: Marks, own: Marks, growth: Growth, rng: np.random.Generator
) -> pl.DataFrame:
    volume, time = (growth.factors(frame.height, rng) for _ in range(2))
    columns = _volumes(frame, "orig", attack, volume) + _volumes(frame, "resp", own, volume)
    duration = frame["duration"].to_numpy().astype(np.float64) * np.where(attack, time, 1.0)
    columns.append(_replaced(frame["duration"], duration, attack))
    return frame.with_columns(columns)


def _volumes(frame: pl.DataFrame, side: str, which: Marks, factor: Floats) -> list[pl.Series]:
    """Bytes, packets and bytes on the wire of one side, grown together."""
    names = f"{side}_bytes", f"{side}_pkts", f"{side}_ip_bytes"
    payload, packets, wire = (_numbers(frame[name]) for name in names)
    return [
        _replaced(frame[name], values, which)
        for name, values in zip(names, grown_volumes(payload, packets, wire, factor), strict=True)
    ]


def grown_volumes(
    payload: Floats, packets: Floats, wire: Floats, factor: Floats
) -> tuple[Floats, Floats, Floats]:
    """Bytes, packets and bytes on the wire after growth, consistent with each other.

    Packets grow at least as the payload needs them, and each new one has headers as large as
    those of the packets there are.

    Args:
        payload: float64 [N], bytes without headers; NaN where unknown, as in all of these.
        packets: float64 [N].
        wire: float64 [N], bytes with headers.
        factor: float64 [N], at least 1.

    Returns:
        The three, whole numbers.
    """
    more = np.floor(payload * factor)
    carried = np.nan_to_num(more - payload)
    room = np.fmax(packets * _PAYLOAD - payload, 0.0)
    needed = packets + np.ceil(np.fmax(carried - room, 0.0) / _PAYLOAD)
    sent = np.fmax(np.floor(packets * factor), needed)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = (wire - np.nan_to_num(payload)) / packets
    each = np.where(np.isfinite(each) & (each >= _LEAST_HEADERS), each, _HEADERS)
    return more, sent, wire + carried + np.ceil(each * np.nan_to_num(sent - packets))


def _numbers(column: pl.Series) -> Floats:
    """float64 [N], NaN where null."""
    return column.cast(pl.Float64()).fill_null(float("nan")).to_numpy().astype(np.float64)


def _replaced(column: pl.Series, values: Floats, which: Marks) -> pl.Series:
    """The column with some values replaced by larger ones; the rest stays bit for bit."""
    new = pl.Series(column.name, np.nan_to_num(values)).cast(column.dtype, strict=False)
    chosen = pl.Series(which) & (new > column).fill_null(value=False)
    return new.zip_with(chosen, column)


def _grow_http(
    frame: pl.DataFrame, attack: Marks, own: Marks, growth: Growth, rng: np.random.Generator
) -> pl.DataFrame:
    factor = growth.factors(frame.height, rng)
    drawn = random.Random(int(rng.integers(2**62)))  # noqa: S311 - no secret
    columns = [
        _replaced(frame[name], np.floor(_numbers(frame[name]) * factor), which)
        for name, which in (("request_body_len", attack), ("response_body_len", own))
    ]
    once, servers = not growth.varied, own.tolist()
    columns += [
        _rewritten(
            frame["uri"],
            attack,
            lambda row, text: padded_uri(text, factor[row], drawn, own_server=servers[row]),
            once=once,
        ),
        _rewritten(
            frame["referrer"],
            attack,
            lambda row, text: padded_referrer(text, factor[row], drawn),
            once=once,
        ),
    ]
    agents = {
        text: drawn.choice(BROWSERS)
        if growth.varied and drawn.random() < 0.5  # noqa: PLR2004 - every second one
        else padded_agent(text, growth.largest, drawn)
        for text in frame["user_agent"].filter(pl.Series(attack)).drop_nulls().unique().sort()
    }
    columns.append(_rewritten(frame["user_agent"], attack, lambda _, text: agents[text], once=True))
    return frame.with_columns(columns)


def _grow_names(
    column: str,
) -> Callable[[pl.DataFrame, Marks, Marks, Growth, np.random.Generator], pl.DataFrame]:
    def grow(
        frame: pl.DataFrame,
        attack: Marks,  # noqa: ARG001 - the same for every kind
        own: Marks,
        growth: Growth,
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        factor = growth.factors(frame.height, rng)
        drawn = random.Random(int(rng.integers(2**62)))  # noqa: S311 - no secret
        return frame.with_columns(
            _rewritten(
                frame[column],
                own,
                lambda row, name: padded_name(name, factor[row], drawn),
                once=not growth.varied,
            )
        )

    return grow


def _rewritten(
    column: pl.Series, which: Marks, make: Callable[[int, str], str], *, once: bool
) -> pl.Series:
    """The column with some strings made anew, each distinct one only ``once``; null stays null."""
    rows = np.flatnonzero(which & column.is_not_null().to_numpy())
    if not len(rows):
        return column
    made: dict[str, str] = {}
    texts = []
    for row, text in zip(rows.tolist(), column.gather(rows), strict=True):
        new = made[text] if once and text in made else make(row, text)
        made[text] = new
        texts.append(new)
    return column.clone().scatter(rows, pl.Series(texts, dtype=column.dtype))


_GROW = {
    "conn": _grow_conn,
    "http": _grow_http,
    "dns": _grow_names("query"),
    "ssl": _grow_names("server_name"),
}
