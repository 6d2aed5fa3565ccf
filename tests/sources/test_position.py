"""A place in a log is found again after the log was rotated and compressed."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from enricher.errors import InputError
from enricher.sources import Position, fingerprint, is_same_log


def test_a_fingerprint_is_of_the_content_not_of_its_compression_or_name(tmp_path: Path) -> None:
    content = b"0123456789" * 1000
    plain, packed = tmp_path / "conn.log", tmp_path / "conn.12:00:00-13:00:00.log.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    found = fingerprint(plain)
    assert found == fingerprint(packed)
    assert found.sha256 == hashlib.sha256(content[:4096]).hexdigest()
    assert found.length == 4096


def test_a_log_that_grew_is_the_same_and_one_that_begins_differently_is_not(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(b"first\n")
    position = Position(fingerprint(path), path, 6, 2)
    path.write_bytes(b"first\n" + b"more\n" * 5000)
    assert is_same_log(path, position.fingerprint)
    assert fingerprint(path) != position.fingerprint
    for other in (b"", b"fir", b"third\n", b"First\n" + b"more\n" * 5000):
        path.write_bytes(other)
        assert not is_same_log(path, position.fingerprint)


def test_a_file_that_cannot_be_read_has_no_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"hello\n" * 100)[:15])
    for broken in (path, tmp_path / "gone"):
        with pytest.raises(InputError):
            fingerprint(broken)
