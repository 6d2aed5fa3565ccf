"""DNS messages from a ``dns`` record (RFC 1035, section 4.1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from enricher.logs.escapes import to_bytes
from enricher.rulegen.traffic.values import NotSendableError, number

_MOST_LABEL = 63
_MOST_NAME = 255
_INTERNET, _ADDRESS = 1, 1
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _DESIRED, _AVAILABLE = 0x8000, 0x400, 0x200, 0x100, 0x80


def dns_messages(record: Mapping[str, Any]) -> list[tuple[bool, bytes]]:
    """The query, and an answer without records where the log has its code.

    Raises:
        NotSendableError: If the name or a number does not fit the protocol, or the record is
            Suricata's of an answer: the engine takes none without its query, which is another
            record.
    """
    if record["is_answer"]:
        raise NotSendableError("an answer alone is no DNS to the engine; its query is a record too")
    question = _name(record["query"]) + struct.pack(
        "!HH",
        number(record["qtype"], 0xFFFF, "qtype", _ADDRESS),
        number(record["qclass"], 0xFFFF, "qclass", _INTERNET),
    )
    transaction = number(record["trans_id"], 0xFFFF, "trans_id")
    desired = 0 if record["RD"] is False else _DESIRED
    messages = [(True, struct.pack("!6H", transaction, desired, 1, 0, 0, 0) + question)]
    if record["is_answer"] is None and record["rcode"] is not None:
        flags = _RESPONSE | desired | number(record["rcode"], 0xF, "rcode")
        flags |= _AUTHORITATIVE if record["AA"] else 0
        flags |= _TRUNCATED if record["TC"] else 0
        flags |= _AVAILABLE if record["RA"] else 0
        messages.append((False, struct.pack("!6H", transaction, flags, 1, 0, 0, 0) + question))
    return messages


def over_tcp(message: bytes) -> bytes:
    """The message as it stands in a TCP stream (RFC 1035, section 4.2.2)."""
    return struct.pack("!H", len(message)) + message


def _name(query: str | None) -> bytes:
    if query is None:
        raise NotSendableError("the record has no query")
    name = to_bytes(query)
    labels = name.split(b".") if name else []
    if any(not 0 < len(label) <= _MOST_LABEL for label in labels):
        raise NotSendableError(f"a label of the query is empty or longer than {_MOST_LABEL}")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > _MOST_NAME:
        raise NotSendableError(f"the query is longer than {_MOST_NAME} bytes")
    return wire
