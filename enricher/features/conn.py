"""Features of connections."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from enricher.features.arithmetic import log1p
from enricher.features.arrow import load_byte
from enricher.features.blocks import (
    Category,
    KindFeatures,
    NumericBlock,
    nothing_to_prepare,
    string_category,
)
from enricher.features.columns import Columns
from enricher.features.compiled import kernel
from enricher.features.declared import ABSENT, CategoricalFeature, NumericFeature
from enricher.features.ngrams import NameModel
from enricher.features.strings import hash_strings
from enricher.features.tensors import FloatArray, IntArray
from enricher.features.units import Unit
from enricher.features.vocabulary import (
    CONN_STATES,
    FIRST_LETTERS,
    PORT_CLASSES,
    PROTOCOLS,
    SERVICES,
    look_up,
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


def _history_first(columns: Columns) -> IntArray:
    return look_up(hash_strings(columns.strings("history"), 1), FIRST_LETTERS)


# Whom the source addressed: not who that is, but whether it is one host at all.
_CASTS: Final = ("one host", "multicast", "broadcast")
_DOT, _ZERO, _NINE, _LOWER_F, _UPPER_F = (ord(c) for c in ".09fF")
_LOWEST_MULTICAST: Final = 224
_HIGHEST_MULTICAST: Final = 239


@kernel
def _casts(addresses: Any, lengths: Any, out: Any) -> None:
    for i in range(addresses.shape[0]):
        place, length = addresses[i], lengths[i]
        out[i] = ABSENT
        if length < 0:
            continue
        out[i] = 2
        first = 0
        for j in range(min(length, 4)):
            byte = load_byte(place + j)
            if byte == _DOT or byte < _ZERO or byte > _NINE:
                break
            first = 10 * first + (byte - _ZERO)
        six = length > 1 and load_byte(place) in (_LOWER_F, _UPPER_F)
        if _LOWEST_MULTICAST <= first <= _HIGHEST_MULTICAST or (
            six and load_byte(place + 1) in (_LOWER_F, _UPPER_F)
        ):
            out[i] = 3
        elif (
            length > 4  # noqa: PLR2004 - '.255' and something before it
            and load_byte(place + length - 4) == _DOT
            and load_byte(place + length - 3) == _ZERO + 2
            and load_byte(place + length - 2) == _ZERO + 5
            and load_byte(place + length - 1) == _ZERO + 5
        ):
            out[i] = 4


def _cast(columns: Columns) -> IntArray:
    host = columns.strings("id.resp_h")
    out = np.empty(len(host), np.int32)
    _casts(host.addresses, host.lengths, out)
    return out


CONN: Final = KindFeatures(
    numeric=(
        NumericBlock(VOLUME_FEATURES, _make_volumes),
        NumericBlock(HISTORY_FEATURES, _make_histories),
    ),
    categories=(
        string_category("proto", "proto", PROTOCOLS, "transport protocol", "protocol"),
        string_category("service", "service", SERVICES, "service", "service"),
        string_category("conn_state", "conn_state", CONN_STATES, "state", "history"),
        Category(
            CategoricalFeature(
                "history_first", FIRST_LETTERS, "first step of the connection", "history"
            ),
            _history_first,
        ),
        Category(CategoricalFeature("cast", _CASTS, "destination", "protocol"), _cast),
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
