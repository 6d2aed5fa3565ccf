"""What lines that come over a socket or a stream are promised."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.errors import InputError
from enricher.pipeline.live import spool as module
from enricher.pipeline.live.spool import SocketReceiver, Spool, StreamReceiver


def content(spool: Spool) -> bytes:
    """Everything in a spool, in order."""
    paths = [*sorted(spool.rotated()), spool.folder / "eve.json"]
    return b"".join(path.read_bytes() for path in paths if path.exists())


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10.0
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_line_of_several_senders_is_kept_whole_over_reconnects(tmp_path: Path) -> None:
    path, spool = tmp_path / "eve.sock", Spool(tmp_path / "spool")
    receiver = SocketReceiver(path, spool, 1000)
    receiver.start()
    for turn in range(3):
        senders = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)]
        for sender in senders:
            sender.connect(str(path))
        for part in (b'{"from": ', b'"%d-%d"}\n'):
            for number, sender in enumerate(senders):
                sender.sendall(part % (turn, number) if b"%" in part else part)
        for sender in senders:
            sender.close()
    wait_for(lambda: content(spool).count(b"\n") == 6)
    receiver.close()
    lines = set(content(spool).splitlines())
    assert lines == {b'{"from": "%d-%d"}' % (t, n) for t in range(3) for n in range(2)}
    assert not path.exists()


def test_the_socket_of_a_killed_service_is_taken_over_but_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "eve.sock"
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()
    SocketReceiver(path, Spool(tmp_path / "spool"), 1000).close()
    path.write_bytes(b"not ours")
    with pytest.raises(InputError, match="cannot listen"):
        SocketReceiver(path, Spool(tmp_path / "spool"), 1000)
    assert path.read_bytes() == b"not ours"


def test_a_line_without_end_takes_no_memory_and_is_not_lost_silently(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream:
        receiver = StreamReceiver(stream, spool, 1000)
        receiver.start()
        os.write(write, b"x" * 5000 + b"\nshort\nunfinished")
        os.close(write)
        wait_for(lambda: receiver.ended)
        receiver.close()
    lines = content(spool).splitlines()
    assert sum(map(len, lines)) == 5000 + 5 + 10
    assert lines[-2:] == [b"short", b"unfinished"]


def test_a_spool_is_rotated_in_order_and_goes_on_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 10)
    spool = Spool(tmp_path / "spool")
    for number in range(5):
        spool.append(b"line %d of five\n" % number)
    # No close: the process was killed.
    second = Spool(tmp_path / "spool")
    second.append(b"after the crash\n")
    assert content(second).splitlines()[-1] == b"after the crash"
    assert content(second).splitlines()[:5] == [b"line %d of five" % n for n in range(5)]
    assert len(second.rotated()) == 5


def test_a_sender_has_to_wait_while_too_much_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_SPOOL", 10)
    spool = Spool(tmp_path / "spool")
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream:
        receiver = StreamReceiver(stream, spool, 1000)
        receiver.start()
        os.write(write, b"a line that fills it\n")
        wait_for(lambda: spool.size() > 10)
        os.write(write, b"another\n")
        time.sleep(0.3)
        assert b"another" not in content(spool)
        monkeypatch.setattr(module, "LARGEST_SPOOL", 1000)
        wait_for(lambda: b"another" in content(spool))
        os.close(write)
        receiver.close()
