"""The real engine, and captures for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest

from enricher.rulegen.engine.suricata import Engine, require_engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    if shutil.which("suricata") is None:
        pytest.skip("Suricata is not installed")
    return require_engine()


@pytest.fixture
def syn_capture(tmp_path: Path) -> Callable[[int], Path]:
    """Writes a capture of so many attempts to connect, a second apart."""

    def write(count: int) -> Path:
        path = tmp_path / f"syn{count}.pcap"
        with path.open("wb") as file:
            writer = dpkt.pcap.Writer(file)
            for number in range(count):
                segment = dpkt.tcp.TCP(sport=2000 + number, dport=23, flags=2, seq=1)
                packet = dpkt.ip.IP(
                    src=b"\x0a\0\0\x01", dst=b"\x0a\0\0\x02", p=6, len=40, ttl=64, data=segment
                )
                frame = b"\x02" * 12 + b"\x08\0" + bytes(packet)
                writer.writepkt(frame, 1_700_000_000 + number)
        return path

    return write
