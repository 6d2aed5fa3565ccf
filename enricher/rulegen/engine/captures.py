"""Makes a capture ready for the engine: inflated where it is compressed, and known to be one.

The engine waits for a minute before it gives up on a file that is no capture, so that is found out
here. (Formats: libpcap's ``pcap-savefile(5)``; pcapng, draft-ietf-opsawg-pcapng.)
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from enricher.errors import InputError

# Bytes that a compressed capture may have when inflated.
MOST_BYTES = 4 << 30

_AT_ONCE = 1 << 20
_GZIP = b"\x1f\x8b"
_PCAPNG = b"\x0a\x0d\x0d\x0a"
# Both orders of bytes, of seconds with micro- and nanoseconds.
_PCAP = frozenset(
    bytes.fromhex(magic) for magic in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d")
)
_PCAP_HEADER = 24


def ready(capture: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> Path:
    """Get a capture that the engine can open.

    Args:
        capture: A ``.pcap`` or ``.pcapng`` file, or one of them compressed with gzip; what it is
            is read from its content.
        folder: Where an inflated copy may be written.
        most_bytes: The most that the copy may hold.

    Returns:
        The capture itself, or its inflated copy.

    Raises:
        InputError: If it cannot be read, is no capture, or is too large.
    """
    try:
        with capture.open("rb") as file:
            begin = file.read(_PCAP_HEADER)
        if begin.startswith(_GZIP):
            copy = folder / "capture.pcap"
            _inflate(capture, copy, most_bytes)
            capture_read = copy
            with copy.open("rb") as file:
                begin = file.read(_PCAP_HEADER)
        else:
            capture_read = capture
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the capture cannot be read: {error}", capture) from error
    if begin[:4] != _PCAPNG and (begin[:4] not in _PCAP or len(begin) < _PCAP_HEADER):
        raise InputError("this is no capture: give a pcap or pcapng file, or a .gz of one", capture)
    return capture_read


def _inflate(capture: Path, copy: Path, most_bytes: int) -> None:
    written = 0
    with gzip.open(capture, "rb") as packed, copy.open("wb") as out:
        while block := packed.read(_AT_ONCE):
            written += len(block)
            if written > most_bytes:
                raise InputError(f"the capture inflates to more than {most_bytes} bytes", capture)
            out.write(block)
