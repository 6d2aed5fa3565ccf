"""Packets from a ``conn`` record: as many, and as the connection's state says.

States and history: https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html.
What was said in the connection is not in the record: a filler is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from enricher.rulegen.traffic.dialogue import STEP, Close, Timed, attempts, dialogue
from enricher.rulegen.traffic.packets import SEGMENT, Ends, icmp_frame, udp_frame
from enricher.rulegen.traffic.values import NotSendableError, number

# Packets of one side that are sent, of however many the log counts.
MOST_PACKETS = 64
# Bytes of payload of one side of a TCP connection that are sent.
MOST_BYTES = 4096

_FILLER = b"\0"
_COUNT = 1 << 62
_UNANSWERED = frozenset({"S0", "SH"})
_CLOSES: dict[str | None, Close] = {
    "S1": "open",
    "S2": "open",
    "S3": "open",
    "OTH": "open",
    "RSTO": "client reset",
    "RSTR": "server reset",
    "RSTOS0": "client reset",
    "RSTRH": "server reset",
}


def conn_packets(record: Mapping[str, Any], ends: Ends, start: int, end: int) -> Iterator[Timed]:
    """The packets of a connection.

    Args:
        record: A row of ``conn``.
        ends: Its two ends.
        start: Microseconds since 1970 of its begin.
        end: Of its end.

    Raises:
        NotSendableError: If its protocol is none of TCP, UDP and ICMP, or a number is impossible.
    """
    if record["proto"] == "tcp":
        return _tcp(record, ends, start, end)
    if record["proto"] == "udp":
        return _datagrams(record, ends, start, end)
    return _icmp(record, ends, start, end)


def _tcp(record: Mapping[str, Any], ends: Ends, start: int, end: int) -> Iterator[Timed]:
    state, history = record["conn_state"], record["history"]
    sent = number(record["orig_bytes"], _COUNT, "orig_bytes")
    answered = number(record["resp_bytes"], _COUNT, "resp_bytes")
    count = _count(record["orig_pkts"], "orig_pkts")
    if state in _UNANSWERED:
        return attempts(ends, _times(start, end, max(count, 1)), "none")
    if state == "REJ":
        return attempts(ends, [start], "reset")
    midstream = state == "OTH" if history is None else "s" not in history.lower()
    messages = [
        (to_server, _FILLER * min(size, MOST_BYTES))
        for to_server, size in ((True, sent), (False, answered))
        if size
    ]
    if midstream and not messages:
        messages = [(True, _FILLER)]
    close = _CLOSES.get(state, "fin")
    return dialogue(ends, start, messages, handshake=not midstream, close=close, end=end)


def _datagrams(record: Mapping[str, Any], ends: Ends, start: int, end: int) -> Iterator[Timed]:
    sides = [
        (True, _count(record["orig_pkts"], "orig_pkts"), record["orig_bytes"]),
        (False, _count(record["resp_pkts"], "resp_pkts"), record["resp_bytes"]),
    ]
    return _both(
        start,
        end,
        [
            (count, udp_frame(ends, to_server, _FILLER * _each(total, record, to_server)))
            for to_server, count, total in sides
        ],
    )


def _icmp(record: Mapping[str, Any], ends: Ends, start: int, end: int) -> Iterator[Timed]:
    """Zeek writes an ICMP message's type and code where the ports stand."""
    kind = number(record["id.orig_p"], 0xFF, "ICMP type", 8)
    code = number(record["id.resp_p"], 0xFF, "ICMP code")
    sides = [
        (True, _count(record["orig_pkts"], "orig_pkts"), record["orig_bytes"]),
        (False, _count(record["resp_pkts"], "resp_pkts"), record["resp_bytes"]),
    ]
    # What answers an echo request has the code 0; Zeek gives the answer's type in its place.
    code = 0 if (kind, code) in {(8, 0), (128, 129)} else code
    return _both(
        start,
        end,
        [
            (
                count,
                icmp_frame(ends, to_server, kind, code, 1, _FILLER * _each(t, record, to_server)),
            )
            for to_server, count, t in sides
        ],
    )


def _both(start: int, end: int, sides: list[tuple[int, bytes]]) -> Iterator[Timed]:
    """The packets of both sides over the time; the first is always there and the client's."""
    (asked, question), (answered, answer) = sides
    packets = [(time, question) for time in _times(start, end, max(asked, 1))]
    packets += [(time + STEP, answer) for time in _times(start, end, answered)]
    return iter(sorted(packets, key=_time))


def _time(packet: Timed) -> int:
    return packet[0]


def _times(start: int, end: int, count: int) -> list[int]:
    step = max((end - start) // max(count - 1, 1), 2 * STEP)
    return [start + number_ * step for number_ in range(count)]


def _count(packets: int | None, what: str) -> int:
    return min(number(packets, _COUNT, what), MOST_PACKETS)


def _each(total: int | None, record: Mapping[str, Any], to_server: bool) -> int:
    """Bytes of payload of one datagram: the mean of its side."""
    packets = record["orig_pkts" if to_server else "resp_pkts"] or 1
    return min(number(total, _COUNT, "bytes") // packets, SEGMENT)


def check_protocol(proto: str | None) -> None:
    """See that a record's transport can be rebuilt.

    Raises:
        NotSendableError: If it cannot.
    """
    if proto not in {"tcp", "udp", "icmp"}:
        raise NotSendableError(f"protocol {str(proto)[:20]!r} is not rebuilt")
