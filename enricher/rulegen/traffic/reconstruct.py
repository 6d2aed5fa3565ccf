"""Writes a capture in which the real engine sees what log records say.

Each record becomes a flow of its own with the record's addresses, ports and time. A record that
cannot be sent as it is is left out and said to be; no value is ever changed to fit.

DNS over another port than 53 is sent to that port, where the engine does not look for DNS.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dpkt
import polars as pl

from enricher.errors import OutputError
from enricher.logs.kinds import SCHEMAS, Kind
from enricher.rulegen.engine.hits import Hit
from enricher.rulegen.traffic.conn_traffic import check_protocol, conn_packets
from enricher.rulegen.traffic.dialogue import STEP, Timed, dialogue
from enricher.rulegen.traffic.dns_traffic import dns_messages, over_tcp
from enricher.rulegen.traffic.http_traffic import http_messages
from enricher.rulegen.traffic.packets import Ends, udp_frame
from enricher.rulegen.traffic.places import Places, Row, packed_pair
from enricher.rulegen.traffic.tls_traffic import tls_messages
from enricher.rulegen.traffic.values import NotSendableError, number

# Columns that rules can ask for and that a rebuilt capture does not have as the log has them.
NOT_REBUILT: dict[Kind, tuple[str, ...]] = {
    "conn": ("service", "missed_bytes", "orig_ip_bytes", "resp_ip_bytes"),
    "http": ("trans_depth", "username", "proxied", "orig_mime_types", "resp_mime_types"),
    "dns": ("rtt", "Z", "answers", "TTLs", "rejected"),
    "ssl": (
        *("cipher", "curve", "resumed", "last_alert", "next_protocol", "established"),
        *("ssl_history", "cert_chain", "client_cert_chain", "subject", "issuer"),
        *("validation_status", "sni_matches_cert", "ja3", "ja3s", "ja4"),
    ),
}

# Of these it counts whether there is one.
_ONLY_WHETHER = {"cipher"}

_LATEST = (1 << 32) * 1_000_000
# Microseconds that a flow of an application record lasts at most, packets being STEP apart.
_SHORT = 1_000_000
_LONGEST = 24 * 3600 * 1_000_000


@dataclass(slots=True)
class Rebuilt:
    """What was written.

    Attributes:
        packets: Their number.
        left_out: Records that are not in the capture, with the reason.
    """

    packets: int = 0
    left_out: list[tuple[Kind, int, str]] = field(default_factory=list)
    _places: Places = field(default_factory=Places)

    def row_of(self, hit: Hit) -> Row | None:
        """The record that a hit in this capture is about; None if there is none."""
        source, destination = (hit.src_ip, hit.src_port), (hit.dest_ip, hit.dest_port)
        return self._places.row_of(hit.proto, source, destination, hit.ts)


def write_capture(records: Mapping[Kind, pl.DataFrame], path: Path) -> Rebuilt:
    """Write a capture of records, in the order of their time.

    Args:
        records: Frames with the canonical columns of their kind; a column may be missing.
        path: The pcap file to write.

    Returns:
        What was written and what was not; leads from a hit to its record. A row is a number of
        the frame that was given.

    Raises:
        OutputError: If the file cannot be written.
    """
    rebuilt = Rebuilt()
    try:
        with path.open("wb") as file:
            writer = dpkt.pcap.Writer(file)
            for time, frame in _in_order(_flows(records, rebuilt)):
                writer.writepkt(frame, time / 1e6)
                rebuilt.packets += 1
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
    return rebuilt


def _in_order(flows: Iterator[tuple[int, Iterator[Timed]]]) -> Iterator[Timed]:
    """Packets by time, out of flows by their begin."""
    waiting: list[tuple[int, int, bytes]] = []
    order = 0
    for start, packets in flows:
        while waiting and waiting[0][0] < start:
            time, _, frame = heapq.heappop(waiting)
            yield time, frame
        for time, frame in packets:
            heapq.heappush(waiting, (time, order, frame))
            order += 1
    while waiting:
        time, _, frame = heapq.heappop(waiting)
        yield time, frame


def _flows(
    records: Mapping[Kind, pl.DataFrame], rebuilt: Rebuilt
) -> Iterator[tuple[int, Iterator[Timed]]]:
    """The flow of every record that can be sent, by their begin."""
    for _, kind, row, record in heapq.merge(
        *(_by_time(kind, frame) for kind, frame in records.items())
    ):
        try:
            yield _flow(kind, row, record, rebuilt)
        except NotSendableError as error:
            rebuilt.left_out.append((kind, row, str(error)))


def _by_time(kind: Kind, frame: pl.DataFrame) -> Iterator[tuple[float, Kind, int, dict[str, Any]]]:
    """The rows of a frame; those without a usable time come first."""
    whole = frame.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in SCHEMAS[kind].items()
        if name not in frame.columns
    )
    unused = set(NOT_REBUILT[kind]) - _ONLY_WHETHER
    names = [name for name in SCHEMAS[kind] if name not in unused]
    table = whole.select(names).with_row_index("_row")
    table = table.with_columns(pl.col("ts").fill_null(math.nan).fill_nan(-math.inf))
    for record in table.sort("ts", maintain_order=True).iter_rows(named=True):
        yield record["ts"], kind, record["_row"], record


def _flow(
    kind: Kind, row: int, record: dict[str, Any], rebuilt: Rebuilt
) -> tuple[int, Iterator[Timed]]:
    if not math.isfinite(record["ts"]) or not 0 <= record["ts"] * 1e6 < _LATEST:
        raise NotSendableError("the record has no time that a capture can hold")
    start = round(record["ts"] * 1e6)
    client, server = packed_pair(record["id.orig_h"], record["id.resp_h"])
    proto = record["proto"] if kind in {"conn", "dns"} else "tcp"
    proto = proto or ("udp" if kind == "dns" else proto)
    check_protocol(proto)
    client_port, server_port = (
        number(record[name], 0xFFFF, "port") for name in ("id.orig_p", "id.resp_p")
    )
    ends = Ends(client, client_port, server, server_port)
    if kind == "conn":
        duration = record["duration"] or 0.0
        if not math.isfinite(duration) or duration < 0:
            raise NotSendableError("duration is no time")
        end = start + min(round(duration * 1e6), _LONGEST)
        # Once for its reason to be left out, before it takes a place.
        conn_packets(record, ends, start, end)
        ends = rebuilt._places.take(proto, ends, start, end, (kind, row))  # noqa: SLF001
        return start, conn_packets(record, ends, start, end)
    messages = _messages(kind, record)
    ends = rebuilt._places.take(proto, ends, start, start + _SHORT, (kind, row))  # noqa: SLF001
    if kind != "dns":
        return start, dialogue(ends, start, messages)
    if proto == "tcp":
        return start, dialogue(ends, start, [(to, over_tcp(text)) for to, text in messages])
    return start, (
        (start + number_ * STEP, udp_frame(ends, to_server, message))
        for number_, (to_server, message) in enumerate(messages)
    )


def _messages(kind: Kind, record: dict[str, Any]) -> list[tuple[bool, bytes]]:
    if kind == "http":
        return http_messages(record)
    if kind == "dns":
        return dns_messages(record)
    return tls_messages(record)
