"""Connections that are consistent in themselves: state, history, packets and bytes on the wire.

Zeek's states and history letters: docs.zeek.org, ``Conn::Info``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Floats,
    Hosts,
    Ints,
    Law,
    Rng,
    pick,
    picks,
    some,
    whole,
)

OPEN = ("SF", "S1", "S2", "S3", "RSTO", "RSTR")
"""States of TCP in which both sides agreed to talk, so that data can flow."""
CLOSED = ("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR")

# History of a state without data, as it begins and as it ends; packets of both sides in all.
_BEGIN_END: dict[str, tuple[str, str, int, int]] = {
    "SF": ("ShA", "Ff", 4, 3),
    "S1": ("ShA", "", 2, 1),
    "S2": ("ShA", "F", 3, 2),
    "S3": ("ShA", "f", 3, 2),
    "RSTO": ("ShA", "R", 3, 1),
    "RSTR": ("ShA", "r", 2, 2),
    "S0": ("S", "", 1, 0),
    "REJ": ("S", "r", 1, 1),
    "RSTOS0": ("S", "R", 2, 0),
    "RSTRH": ("^h", "r", 0, 2),
    "SH": ("S", "F", 2, 0),
    "SHR": ("^h", "f", 0, 2),
    "OTH": ("", "", 0, 0),
}
_ENDS = {"SF": ("Ff", "fF", "FfA", "Fafr"), "RSTO": ("R", "FR", "aR"), "RSTR": ("r", "fr", "Fr")}
# Packets that belong to no connection: who sends, how the history reads.
_STRAY = ("A", "F", "R", "Fr", "Ar", "Aar", "H", "r", "a", "C", "Q")


@dataclass(frozen=True, slots=True)
class Stack:
    """How two hosts and the path between them behave, beside what they say.

    Attributes:
        header: Bytes of headers of a TCP packet.
        options: Further bytes of the first packet.
        segment: Most bytes of a packet.
        lost: Share of connections with retransmissions.
        gaps: Share of connections of which the sensor missed a part.
        tries: Most first packets of a connection that nobody answers.
        order: How the letters of data and acknowledgements follow each other.
        end: Which of the usual ends a connection takes.
        stray: History of packets outside connections.
    """

    header: int
    options: int
    segment: int
    lost: float
    gaps: float
    tries: int
    order: str
    end: int
    stray: str


@dataclass(frozen=True, slots=True)
class Flows:
    """The laws of one family's, or one style's, connections.

    Attributes:
        proto: ``tcp``, ``udp`` or ``icmp``.
        service: What Zeek recognises where data flows, or None.
        states: State of a connection -> how frequent it is; for UDP of ``SF, S0, SHR``.
        sent: Bytes from the source where data flows.
        received: Bytes back.
        lasting: Seconds.
        stack: Behaviour of packets.
    """

    proto: str
    service: str | None
    states: Mapping[str, float]
    sent: Law
    received: Law
    lasting: Law
    stack: Stack


def stack(rng: Rng) -> Stack:
    """A random behaviour of packets."""
    return Stack(
        header=int(pick(rng, [40, 40, 52, 52, 60])),
        options=int(pick(rng, [0, 4, 8, 12, 20])),
        segment=int(pick(rng, [1460, 1448, 1400, 1360, 1200, 536])),
        lost=float(pick(rng, [0.0, 0.0, 0.05, 0.3])),
        gaps=float(pick(rng, [0.0, 0.0, 0.0, 0.02])),
        tries=int(pick(rng, [1, 1, 2, 3, 6])),
        order=pick(rng, ["Dad", "Dda", "dDa", "Dadt", "aDd", "dadD"]),
        end=int(rng.integers(4)),
        stray=pick(rng, _STRAY),
    )


def outcomes(rng: Rng, names: Sequence[str], first: float = 0.0) -> dict[str, float]:
    """Random weights of states; ``first`` is the least share of the first of them."""
    rest = rng.dirichlet(np.full(len(names), 0.5)) * (1.0 - first)
    weights = dict(zip(names, rest.tolist(), strict=True))
    weights[names[0]] += first
    return weights


def connections(rng: Rng, laws: Flows, number: int, who: Hosts, to: Hosts, ports: Ints) -> Columns:
    """Columns of ``number`` connections, all but the time."""
    states = picks(rng, list(laws.states), number, list(laws.states.values()))
    columns = {
        "tcp": _tcp, "udp": _udp, "icmp": _icmp,
    }[laws.proto](rng, laws, states)  # fmt: skip
    sender, receiver = who(rng, number), to(rng, number)
    return {
        **columns,
        "id.orig_h": sender,
        "id.resp_h": receiver,
        "id.resp_p": ports,
        "proto": laws.proto,
        "local_orig": [not address.startswith("198.") for address in sender],
        "local_resp": [not address.startswith("198.") for address in receiver],
    }


def _sizes(rng: Rng, laws: Flows, states: list[str], talk: Sequence[str]) -> tuple[Ints, Ints]:
    number = len(states)
    open_ = np.array([state in talk for state in states])
    sent = np.where(open_, whole(laws.sent, rng, number), 0)
    received = np.where(open_, whole(laws.received, rng, number), 0)
    return sent, received


def _tcp(rng: Rng, laws: Flows, states: list[str]) -> Columns:
    own, number = laws.stack, len(states)
    sent, received = _sizes(rng, laws, states, OPEN)
    bare = np.array([_BEGIN_END[state][2:] for state in states], np.int64).reshape(-1, 2)
    stray = np.array([state == "OTH" for state in states])
    out, back = -(-sent // own.segment), -(-received // own.segment)
    again = some(rng, number, own.lost) & (sent > 0)
    lonely = np.array([state == "S0" for state in states])
    tries = np.where(lonely, rng.integers(1, own.tries + 1, number), 1)
    first = bare[:, 0] * tries + out + back // 2 + again + stray * any(map(str.isupper, own.stray))
    second = bare[:, 1] + back + out // 2 + stray * any(map(str.islower, own.stray))
    gap = some(rng, number, own.gaps) & (received > 0)
    lasting = laws.lasting(rng, number)
    answer = np.minimum(lasting, rng.exponential(0.05, number)) + 1e-6
    waited = np.where(
        lonely, 2.0 ** (tries - 1) - 1.0, np.where(sent + received > 0, lasting, answer)
    )
    known = first + second > 1
    history = [
        _history(own, state, a > 0, b > 0, lost, holes)
        for state, a, b, lost, holes in zip(
            states, sent.tolist(), received.tolist(), again.tolist(), gap.tolist(), strict=True
        )
    ]
    starts = np.array([state not in ("OTH", "RSTRH", "SHR") for state in states])
    return {
        "conn_state": states,
        "history": history,
        "service": [laws.service if total else None for total in (sent + received).tolist()],
        **_known(known, waited, sent, received),
        "missed_bytes": np.where(gap, received // 2, 0),
        "orig_pkts": first,
        "orig_ip_bytes": sent + first * own.header + own.options * starts * tries
        + again * np.minimum(sent, own.segment),
        "resp_pkts": second,
        "resp_ip_bytes": received + second * own.header,
    }  # fmt: skip


def _known(known: object, waited: Floats, sent: Ints, received: Ints) -> Columns:
    """Duration and bytes, which a connection of one packet has not in Zeek's log."""
    seen = np.asarray(known, np.bool_).tolist()
    return {
        "duration": [d + 1e-6 if k else None for d, k in zip(waited.tolist(), seen, strict=True)],
        "orig_bytes": [b if k else None for b, k in zip(sent.tolist(), seen, strict=True)],
        "resp_bytes": [b if k else None for b, k in zip(received.tolist(), seen, strict=True)],
    }


def _history(own: Stack, state: str, sent: bool, received: bool, again: bool, gap: bool) -> str:
    if state == "OTH":
        return own.stray
    begin, end = _BEGIN_END[state][:2]
    if state in _ENDS:
        end = _ENDS[state][own.end % len(_ENDS[state])]
    said = {"D": sent, "d": received, "a": sent, "t": received and again}
    middle = "".join(letter for letter in own.order if said[letter])
    more = ("T" if again else "") + ("g" if gap else "")
    text = begin + middle + more + end
    seen = dict.fromkeys(text)
    return "".join(seen)


def _udp(rng: Rng, laws: Flows, states: list[str]) -> Columns:
    number = len(states)
    sent, received = _sizes(rng, laws, states, ("SF", "S0", "SHR"))
    forth = np.array([state != "SHR" for state in states])
    back = np.array([state != "S0" for state in states])
    sent, received = np.where(forth, sent, 0), np.where(back, received, 0)
    piece = laws.stack.segment - 20
    first = np.where(forth, np.maximum(-(-sent // piece), 1), 0)
    second = np.where(back, np.maximum(-(-received // piece), 1), 0)
    waited = np.where(forth & back, laws.lasting(rng, number), 0.0)
    waited = np.where(first + second > 2, laws.lasting(rng, number), waited)  # noqa: PLR2004 - several
    letters = {"SF": "Dd", "S0": "D", "SHR": "^d"}
    return {
        "conn_state": states,
        "history": [letters[state] for state in states],
        "service": laws.service,
        **_known(first + second > 1, waited, sent, received),
        "missed_bytes": 0,
        "orig_pkts": first,
        "orig_ip_bytes": sent + first * 28,
        "resp_pkts": second,
        "resp_ip_bytes": received + second * 28,
    }


def _icmp(rng: Rng, laws: Flows, states: list[str]) -> Columns:
    number = len(states)
    each = int(pick(rng, [8, 24, 32, 56, 64, 120, 1000]))
    first = rng.integers(1, 2 + int(pick(rng, [0, 3, 20])), number)
    heard = np.array([state == "SF" for state in states])
    second = np.where(heard, first, 0)
    waited = laws.lasting(rng, number)
    return {
        "conn_state": "OTH",
        **_known(first + second > 1, waited, first * each, second * each),
        "missed_bytes": 0,
        "id.orig_p": 8,
        "orig_pkts": first,
        "orig_ip_bytes": first * (each + 28),
        "resp_pkts": second,
        "resp_ip_bytes": second * (each + 28),
    }
