# ruff: noqa: PLR0917 - compiled kernels take all their arguments by position
"""Features of connections."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import polars as pl

from enricher.features.arithmetic import log1p
from enricher.features.blocks import (
    Category,
    KindFeatures,
    NumericBlock,
    expression_category,
    nothing_to_prepare,
    string_category,
)
from enricher.features.columns import Columns
from enricher.features.compiled import kernel
from enricher.features.declared import CategoricalFeature, NumericFeature
from enricher.features.ngrams import NameModel
from enricher.features.strings import load_byte
from enricher.features.tensors import FloatArray, IntArray
from enricher.features.units import Unit
from enricher.features.vocabulary import (
    CONN_STATES,
    FIRST_LETTERS,
    PORT_CLASSES,
    PROTOCOLS,
    SERVICES,
    port_classes,
)

_VOLUMES: Final[tuple[tuple[str, str, Unit], ...]] = (
    ("duration", "duration", "seconds"),
    ("orig_bytes", "bytes sent by the source", "bytes"),
    ("resp_bytes", "bytes sent back", "bytes"),
    ("missed_bytes", "bytes missed by the sensor", "bytes"),
    ("orig_pkts", "packets sent by the source", "count"),
    ("resp_pkts", "packets sent back", "count"),
    ("orig_ip_bytes", "bytes on the wire from the source", "bytes"),
    ("resp_ip_bytes", "bytes on the wire sent back", "bytes"),
)
_SHAPES: Final = (
    NumericFeature("bytes_quotient", "bytes sent back for each sent", "quotient", "shape"),
    NumericFeature("pkts_quotient", "packets sent back for each sent", "quotient", "shape"),
    NumericFeature("orig_packet_size", "bytes a packet from the source", "bytes", "shape"),
    NumericFeature("resp_packet_size", "bytes a packet sent back", "bytes", "shape"),
    NumericFeature("orig_payload_share", "payload in what the source sent", "share", "shape"),
    NumericFeature("bytes_per_second", "bytes a second", "bytes", "shape"),
    NumericFeature("pkts_per_second", "packets a second", "count", "shape"),
)
VOLUME_FEATURES: Final = (
    *(NumericFeature(name, words, unit, "volume") for name, words, unit in _VOLUMES),
    *_SHAPES,
)

# https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html, history
_LETTERS: Final = {
    "s": "SYN", "h": "SYN-ACK", "a": "bare ACK", "d": "data", "f": "FIN", "r": "RST",
    "c": "bad checksum", "g": "content gap", "t": "retransmission", "w": "zero window",
    "i": "inconsistent packet", "q": "several flags at once",
}  # fmt: skip
HISTORY_FEATURES: Final = (
    *(
        NumericFeature(f"history_orig_{letter}", f"{what} from the source", "flag", "history")
        for letter, what in _LETTERS.items()
    ),
    *(
        NumericFeature(f"history_resp_{letter}", f"{what} from the responder", "flag", "history")
        for letter, what in _LETTERS.items()
    ),
    NumericFeature("history_flipped", "direction was flipped by the sensor", "flag", "history"),
    NumericFeature("history_length", "steps in the connection's history", "count", "history"),
)
_HISTORY_WIDTH: Final = len(HISTORY_FEATURES)
_HISTORY_LIMIT: Final = 64


def _letter_places() -> Any:
    table = np.full(256, -1, np.int64)
    for place, letter in enumerate(_LETTERS):
        table[ord(letter.upper())] = place
        table[ord(letter)] = len(_LETTERS) + place
    table[ord("^")] = 2 * len(_LETTERS)
    return table


_PLACES: Final = _letter_places()


@kernel
def _quotient(above: Any, below: Any) -> Any:
    if math.isnan(above) or math.isnan(below):
        return math.nan
    return log1p(max(0.0, above)) - log1p(max(0.0, below))


@kernel
def _each(amount: Any, number: Any) -> Any:
    if math.isnan(amount) or math.isnan(number) or number <= 0.0:
        return math.nan
    return log1p(max(0.0, amount) / number)


@kernel
def _volumes(
    duration: Any, sent: Any, back: Any, missed: Any, packets: Any, packets_back: Any, wire: Any,
    wire_back: Any, out: Any,
) -> None:  # fmt: skip
    for i in range(out.shape[0]):
        row = (
            duration[i], sent[i], back[i], missed[i], packets[i], packets_back[i], wire[i],
            wire_back[i],
        )  # fmt: skip
        for place in range(8):
            value = row[place]
            out[i, place] = math.nan if math.isnan(value) else log1p(max(0.0, value))
        out[i, 8] = _quotient(back[i], sent[i])
        out[i, 9] = _quotient(packets_back[i], packets[i])
        out[i, 10] = _each(wire[i], packets[i])
        out[i, 11] = _each(wire_back[i], packets_back[i])
        known = not math.isnan(sent[i]) and wire[i] > 0.0
        out[i, 12] = min(1.0, max(0.0, sent[i]) / wire[i]) if known else math.nan
        # A millisecond at least, so that a connection of one packet has no endless speed.
        time = max(0.001, duration[i])
        out[i, 13] = _each(sent[i] + back[i], time)
        out[i, 14] = _each(packets[i] + packets_back[i], time)


def _make_volumes(columns: Columns, _model: NameModel | None) -> FloatArray:
    out = np.empty((len(columns), len(VOLUME_FEATURES)), np.float32)
    arrays: list[Any] = [columns.numbers(name) for name, _, _ in _VOLUMES]
    _volumes(*[*arrays, out])
    return out


@kernel
def _histories(addresses: Any, lengths: Any, places: Any, out: Any) -> None:
    width = out.shape[1]
    for n in range(addresses.shape[0]):
        if lengths[n] < 0:
            out[n, :] = math.nan
            continue
        out[n, :] = 0.0
        for i in range(min(lengths[n], _HISTORY_LIMIT)):
            place = places[load_byte(addresses[n] + i)]
            if place >= 0:
                out[n, place] = 1.0
        out[n, width - 1] = log1p(np.float64(lengths[n]))


def _make_histories(columns: Columns, _model: NameModel | None) -> FloatArray:
    history = columns.strings("history")
    out = np.empty((len(columns), _HISTORY_WIDTH), np.float32)
    _histories(history.addresses, history.lengths, _PLACES, out)
    return out


def _port_class(columns: Columns) -> IntArray:
    """The class of the responder's port; an ICMP code is none."""
    classes = port_classes(columns.numbers("id.resp_p"))
    icmp = (columns.frame["proto"] == "icmp").fill_null(value=False).to_numpy()
    classes[icmp] = 0
    return classes


# Whom the source addressed: not who that is, but whether it is one host at all.
_GROUP_ADDRESS: Final = (
    pl.when(pl.col("id.resp_h").is_null())
    .then(None)
    .when(pl.col("id.resp_h").str.contains(r"^(22[4-9]\.|23[0-9]\.|ff[0-9a-f]{2}:)"))
    .then(pl.lit("multicast"))
    .when(pl.col("id.resp_h").str.contains(r"\.255$"))
    .then(pl.lit("broadcast"))
    .otherwise(pl.lit("one host"))
)

CONN: Final = KindFeatures(
    numeric=(
        NumericBlock(VOLUME_FEATURES, _make_volumes),
        NumericBlock(HISTORY_FEATURES, _make_histories),
    ),
    categories=(
        string_category("proto", "proto", PROTOCOLS, "transport protocol", "protocol"),
        string_category("service", "service", SERVICES, "service", "service"),
        string_category("conn_state", "conn_state", CONN_STATES, "state", "history"),
        expression_category(
            "history_first",
            pl.col("history").str.head(1),
            FIRST_LETTERS,
            "first step of the connection",
            "history",
        ),
        expression_category(
            "cast",
            _GROUP_ADDRESS,
            ("one host", "multicast", "broadcast"),
            "destination",
            "protocol",
        ),
        Category(
            CategoricalFeature(
                "port_class", PORT_CLASSES, "kind of service by its port", "service"
            ),
            _port_class,
        ),
    ),
    text=(),
    prepare=nothing_to_prepare,
)
