"""One alert of the engine, as a typed record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enricher.errors import EngineError


@dataclass(frozen=True, slots=True)
class Hit:
    """An alert that a rule raised in a replay.

    Attributes:
        sid: The rule.
        capture: The number of the capture in the list that was given.
        ts: Seconds since 1970, UTC, of the packet.
        proto: ``TCP``, ``UDP``, ``ICMP`` ... as Suricata names it.
        src_ip: The sender of the packet or the stream part; the server, for a rule on answers.
        src_port: 0 where the protocol has none.
        dest_ip: Its receiver.
        dest_port: 0 where the protocol has none.
        flow_id: Suricata's number of the flow, if any.
        community_id: Of the flow, if any.
    """

    sid: int
    capture: int
    ts: float
    proto: str
    src_ip: str
    src_port: int
    dest_ip: str
    dest_port: int
    flow_id: int | None
    community_id: str | None


def hit_of(event: dict[str, Any], capture: int) -> Hit:
    """Read an alert out of an EVE event.

    Raises:
        EngineError: If the event is not what Suricata writes.
    """
    try:
        return Hit(
            sid=int(event["alert"]["signature_id"]),
            capture=capture,
            ts=datetime.fromisoformat(event["timestamp"]).timestamp(),
            proto=str(event["proto"]),
            src_ip=str(event["src_ip"]),
            src_port=int(event.get("src_port", 0)),
            dest_ip=str(event["dest_ip"]),
            dest_port=int(event.get("dest_port", 0)),
            flow_id=event.get("flow_id"),
            community_id=event.get("community_id"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"the engine wrote an alert that cannot be read: {error}") from error
