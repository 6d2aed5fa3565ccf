"""The packets of a TCP connection, with the time of each.

Sequence numbers begin at a fixed place: two runs over the same records give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from enricher.rulegen.traffic.packets import ACK, FIN, PSH, RST, SEGMENT, SYN, Ends, tcp_frame

Timed: TypeAlias = tuple[int, bytes]
Close: TypeAlias = Literal["fin", "client reset", "server reset", "open"]

# Microseconds between two packets that follow each other at once.
STEP = 20

_CLIENT_SEQ = 1_000
_SERVER_SEQ = 5_000_000


def dialogue(
    ends: Ends,
    start: int,
    messages: Sequence[tuple[bool, bytes]],
    *,
    handshake: bool = True,
    close: Close = "fin",
    end: int = 0,
) -> Iterator[Timed]:
    """A connection.

    Args:
        ends: Its two ends.
        start: Microseconds since 1970 of its first packet.
        messages: What is said in turn; true for the client.
        handshake: Whether the capture begins with it.
        close: How it ends.
        end: Time of the end, if later than the last message.
    """
    now = start - STEP
    seq = {True: _CLIENT_SEQ, False: _SERVER_SEQ}

    def send(to_server: bool, flags: int, payload: bytes = b"") -> Timed:
        nonlocal now
        now += STEP
        ack = seq[not to_server] if flags & ACK else 0
        frame = tcp_frame(ends, to_server, flags, seq[to_server], ack, payload)
        seq[to_server] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return now, frame

    if handshake:
        yield send(True, SYN)
        yield send(False, SYN | ACK)
        yield send(True, ACK)
    for to_server, message in messages:
        for begin in range(0, len(message), SEGMENT):
            yield send(to_server, PSH | ACK, message[begin : begin + SEGMENT])
        yield send(not to_server, ACK)
    now = max(now, end - STEP)
    if close == "fin":
        yield send(True, FIN | ACK)
        yield send(False, FIN | ACK)
        yield send(True, ACK)
    elif close != "open":
        yield send(close == "client reset", RST | ACK)


def attempts(ends: Ends, times: Sequence[int], answer: Literal["none", "reset"]) -> Iterator[Timed]:
    """Attempts to connect, each answered with a reset or not at all."""
    for time in times:
        yield time, tcp_frame(ends, True, SYN, _CLIENT_SEQ, 0)
        if answer == "reset":
            yield time + STEP, tcp_frame(ends, False, RST | ACK, 0, _CLIENT_SEQ + 1)
