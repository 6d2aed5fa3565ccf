"""Conditions on packets, as far as a record of a connection tells of its packets."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.rulegen.matching.values import Mask
from enricher.rulegen.rule.rule import Header

PACKET_KEYWORDS: Final = frozenset({"tcp.flags", "flags", "dsize", "itype", "icode", "ip_proto"})
_RANGE = re.compile(r"(?:([<>])\s*(\d+)|(\d+)\s*<>\s*(\d+)|(\d+))")
_MAX_PORT = 65535
_PROTOCOLS = {"tcp": "tcp", "tcp-pkt": "tcp", "udp": "udp", "icmp": "icmp"}
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OnPacket:
    """What a rule asks of a packet.

    Attributes:
        protocol: Of the header; ``ip`` for any.
        flags: TCP flags as the rule writes them, without the mask.
        sizes: Bytes of payload, both ends included.
        type: ICMP type.
        code: ICMP code.
        unread: Values of keywords that are not understood.
    """

    protocol: str = "ip"
    flags: str | None = None
    sizes: tuple[int, int | None] | None = None
    type: int | None = None
    code: int | None = None
    unread: tuple[str, ...] = ()

    def with_keyword(self, name: str, value: str) -> Self:
        """The same with one more keyword."""
        value = value.strip()
        if name in ("tcp.flags", "flags"):
            return replace(self, flags=value.partition(",")[0].strip())
        if name == "dsize" and (found := _RANGE.fullmatch(value)):
            return replace(self, sizes=_size(*found.groups()))
        if name == "itype" and value.isdigit():
            return replace(self, type=int(value))
        if name == "icode" and value.isdigit():
            return replace(self, code=int(value))
        return replace(self, unread=(*self.unread, name))

    def matches(self, frame: pl.DataFrame) -> Counts:
        """How many packets of each connection match, about; int64 [N].

        A log tells of the first packets what they were and of the others how many: so a SYN
        counts as often as it was sent in vain, a datagram as often as one was sent.

        Args:
            frame: Records of connections.
        """
        wanted = _PROTOCOLS.get(self.protocol)
        proto = pl.col("proto").str.to_lowercase()
        there = pl.lit(True) if wanted is None else (proto == wanted).fill_null(value=False)
        state, history = pl.col("conn_state").fill_null(""), pl.col("history").fill_null("")
        sent = pl.col("orig_pkts").fill_null(1).clip(lower_bound=1)
        count = sent
        if self.flags == "S":
            opened = history.str.starts_with("S") | state.is_in(["S0", "REJ", "SF", "S1"])
            count = pl.when(state == "S0").then(sent).when(opened).then(1).otherwise(0)
        elif self.flags in ("RA", "AR"):
            count = (state == "REJ").cast(pl.Int64)
        elif self.flags is not None:
            count = pl.lit(0)
        if self.sizes is not None:
            size = pl.col("orig_bytes").fill_null(0) / sent
            low, high = self.sizes
            fits = (size >= low) & (pl.lit(True) if high is None else size <= high)
            count = pl.when(fits).then(count).otherwise(0)
        if self.type is not None:
            count = pl.when(pl.col("id.orig_p") == self.type).then(count).otherwise(0)
        if self.code is not None:
            count = pl.when(pl.col("id.resp_p") == self.code).then(count).otherwise(0)
        counted = pl.when(there).then(count).otherwise(0).fill_null(0).cast(pl.Int64)
        return frame.select(n=counted).to_series().to_numpy()


def _size(
    sign: str | None, bound: str, low: str | None, high: str, exact: str | None
) -> tuple[int, int | None]:
    if exact is not None:
        return int(exact), int(exact)
    if low is not None:
        return int(low) + 1, int(high) - 1
    return (int(bound) + 1, None) if sign == ">" else (0, int(bound) - 1)


def between(header: Header, frame: pl.DataFrame, *, answers: bool = False) -> Mask:
    """Which records are between the hosts and ports of a header, bool [N].

    Variables such as ``$HOME_NET`` are taken as any: a log does not tell what they are.

    Args:
        header: Of a rule.
        frame: Records.
        answers: The rule is about what the responder sends.
    """
    ends = [("id.orig_h", "id.orig_p"), ("id.resp_h", "id.resp_p")]
    if answers:
        ends.reverse()
    (source, source_port), (destination, destination_port) = ends
    wanted = _hosts(header.source, frame[source]) & _ports(header.source_port, frame[source_port])
    wanted &= _hosts(header.destination, frame[destination])
    return wanted & _ports(header.destination_port, frame[destination_port])


def _hosts(text: str, column: pl.Series) -> Mask:
    if text == "any":
        return np.ones(len(column), dtype=bool)
    wanted, unwanted = _split(text)
    values = column.unique().drop_nulls().to_list()
    good = [value for value in values if _is_host(value, wanted, unwanted)]
    return column.is_in(good).fill_null(value=False).to_numpy()


def _is_host(value: str, wanted: list[str], unwanted: list[str]) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False

    def among(words: list[str]) -> bool:
        return any(address in ipaddress.ip_network(word, strict=False) for word in words)

    if any(word.startswith("$") for word in wanted + unwanted):
        return True
    return (not wanted or among(wanted)) and not among(unwanted)


def _ports(text: str, column: pl.Series) -> Mask:
    if text == "any" or "$" in text:
        return np.ones(len(column), dtype=bool)
    wanted, unwanted = _split(text)
    ports = column.fill_null(-1).to_numpy()
    good = np.zeros(len(ports), dtype=bool) if wanted else ports >= 0
    for words, mark in ((wanted, True), (unwanted, False)):
        for word in words:
            low, colon, high = word.partition(":")
            first = int(low or 0)
            last = int(high or _MAX_PORT) if colon else first
            good[(ports >= first) & (ports <= last)] = mark
    return good


def _split(text: str) -> tuple[list[str], list[str]]:
    """A list of hosts or ports: what is in it, and what is left out of it."""
    negated = text.startswith("!")
    words = [word for word in text.strip("![]").split(",") if word and word != "any"]
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = [word.lstrip("!") for word in words if word.startswith("!")]
    return (unwanted, wanted) if negated else (wanted, unwanted)
