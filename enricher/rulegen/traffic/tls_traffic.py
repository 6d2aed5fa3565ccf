"""TLS hellos from an ``ssl`` record (RFC 8446, section 4.1; RFC 6066, section 3).

The client's hello has the version and the server name of the record; its ciphers and extensions
are made up, so that JA3 and JA4 are not those of the log.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from enricher.logs.escapes import to_bytes
from enricher.rulegen.traffic.values import NotSendableError

_VERSIONS = {
    "SSLv3": 0x0300,
    "TLSv10": 0x0301,
    "TLSv11": 0x0302,
    "TLSv12": 0x0303,
    "TLSv13": 0x0304,
}
_TLS12, _TLS13 = 0x0303, 0x0304
_MOST_NAME = 255
_HANDSHAKE, _CLIENT_HELLO, _SERVER_HELLO = 22, 1, 2
_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _SUPPORTED_VERSIONS = 0, 10, 11, 13, 43
_CIPHERS = (0x1301, 0xC02F, 0xC02B, 0x009C, 0x002F)


def tls_messages(record: Mapping[str, Any]) -> list[tuple[bool, bytes]]:
    """The client's hello, and the server's where the record has a cipher.

    Raises:
        NotSendableError: If the version is none of TLS over TCP, or the name does not fit.
    """
    version = _VERSIONS.get(record["version"] or "TLSv12")
    if version is None:
        raise NotSendableError(f"TLS version {record['version'][:20]!r} is not rebuilt")
    extensions = _server_name(record["server_name"])
    extensions += _extension(_GROUPS, b"\0\x04\0\x1d\0\x17") + _extension(_POINTS, b"\1\0")
    extensions += _extension(_SIGNATURES, b"\0\x04\x04\x03\x08\x04")
    if version == _TLS13:
        extensions += _extension(_SUPPORTED_VERSIONS, b"\x02" + struct.pack("!H", version))
    ciphers = b"".join(struct.pack("!H", cipher) for cipher in _CIPHERS)
    legacy = min(version, _TLS12)
    hello = struct.pack("!H", legacy) + b"\x11" * 32 + b"\0" + _sized(ciphers) + b"\1\0"
    messages = [(True, _record(_CLIENT_HELLO, hello + _sized(extensions)))]
    if record["cipher"] is not None:
        chosen = struct.pack("!H", _CIPHERS[0] if version == _TLS13 else _CIPHERS[1])
        answer = struct.pack("!H", legacy) + b"\x22" * 32 + b"\0" + chosen + b"\0"
        if version == _TLS13:
            answer += _sized(_extension(_SUPPORTED_VERSIONS, struct.pack("!H", version)))
        messages.append((False, _record(_SERVER_HELLO, answer)))
    return messages


def _server_name(text: str | None) -> bytes:
    if text is None:
        return b""
    name = to_bytes(text)
    if not 0 < len(name) <= _MOST_NAME or b"\0" in name:
        raise NotSendableError(f"server_name is empty, over {_MOST_NAME} bytes, or holds a NUL")
    return _extension(_SERVER_NAME, _sized(b"\0" + _sized(name)))


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack("!H", kind) + _sized(data)


def _sized(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _record(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return struct.pack("!BH", _HANDSHAKE, 0x0301) + _sized(message)
