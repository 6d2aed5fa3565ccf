"""Gives each record a flow of its own, so that a hit leads back to one record.

A record keeps its ports unless another has the same flow at about the same time; then its client's
port is moved to the next free one.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from enricher.logs.kinds import Kind
from enricher.rulegen.traffic.packets import Ends
from enricher.rulegen.traffic.values import NotSendableError

Row: TypeAlias = tuple[Kind, int]
_Key: TypeAlias = tuple[str, bytes, int, bytes, int]

# Microseconds after which the engine has forgotten a flow (its longest default time-out is 3600 s).
_FORGOTTEN = 3_700 * 1_000_000
# A hit's time may stand a little before its flow's first packet by rounding.
_ROUNDING = 10
_FIRST_PORT, _LAST_PORT = 1024, 65535


@dataclass(slots=True)
class Places:
    """Which flow belongs to which record."""

    _flows: dict[_Key, list[tuple[int, Row]]] = field(default_factory=dict)
    _busy_until: dict[_Key, int] = field(default_factory=dict)
    _next_port: dict[_Key, int] = field(default_factory=lambda: defaultdict(lambda: _LAST_PORT))

    def take(self, proto: str, ends: Ends, start: int, end: int, row: Row) -> Ends:
        """Take a flow for a record; records come in the order of their begin.

        Args:
            proto: ``tcp``, ``udp`` or ``icmp``; the last has no ports to move.
            ends: As the record has them.
            start: Microseconds since 1970.
            end: The last packet's time.
            row: The record.

        Returns:
            The ends, with the client's port moved where it has to be.

        Raises:
            NotSendableError: If no port is free.
        """
        key = _key(proto, ends)
        if proto != "icmp" and not self._free(key, start):
            ends = self._moved(proto, ends, start)
            key = _key(proto, ends)
        self._busy_until[key] = max(end, self._busy_until.get(key, 0))
        self._flows.setdefault(key, []).append((start, row))
        return ends

    def row_of(
        self, proto: str, source: tuple[str, int], destination: tuple[str, int], ts: float
    ) -> Row | None:
        """The record of a packet, given in either direction; None if it is none of ours."""
        try:
            first, second = _packed(source[0]), _packed(destination[0])
        except ValueError:
            return None
        name = "icmp" if proto.lower().replace("ipv6-", "").startswith("icmp") else proto.lower()
        ports = (0, 0) if name == "icmp" else (source[1], destination[1])
        time = round(ts * 1e6) + _ROUNDING
        found: list[tuple[int, Row]] = []
        for key in (
            (name, first, ports[0], second, ports[1]),
            (name, second, ports[1], first, ports[0]),
        ):
            flows = self._flows.get(key, [])
            place = bisect_right(flows, time, key=_start)
            if place:
                found.append(flows[place - 1])
        return max(found, key=_start)[1] if found else None

    def _free(self, key: _Key, start: int) -> bool:
        # The other direction is the same flow to the engine.
        other = (key[0], key[3], key[4], key[1], key[2])
        last = max(self._busy_until.get(key, 0), self._busy_until.get(other, 0))
        return not last or start > last + _FORGOTTEN

    def _moved(self, proto: str, ends: Ends, start: int) -> Ends:
        group = _key(proto, replace(ends, client_port=0))
        for _ in range(_FIRST_PORT, _LAST_PORT + 1):
            port = self._next_port[group]
            self._next_port[group] = port - 1 if port > _FIRST_PORT else _LAST_PORT
            moved = replace(ends, client_port=port)
            if self._free(_key(proto, moved), start):
                return moved
        raise NotSendableError("no source port is free between its two hosts at its time")


def packed_pair(client: str | None, server: str | None) -> tuple[bytes, bytes]:
    """Both addresses of a record as bytes.

    Raises:
        NotSendableError: If one is missing or none, or they are of two families.
    """
    if client is None or server is None:
        raise NotSendableError("the record lacks an address")
    try:
        pair = _packed(client), _packed(server)
    except ValueError as error:
        raise NotSendableError("an address is none") from error
    if len(pair[0]) != len(pair[1]):
        raise NotSendableError("its addresses are of two families")
    return pair


@lru_cache(maxsize=1 << 16)
def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def _key(proto: str, ends: Ends) -> _Key:
    if proto == "icmp":
        return proto, ends.client, 0, ends.server, 0
    return proto, ends.client, ends.client_port, ends.server, ends.server_port


def _start(flow: tuple[int, Row]) -> int:
    return flow[0]
