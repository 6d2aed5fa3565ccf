"""Files of a report are whole or not there, and not for everybody."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from enricher.errors import OutputError
from enricher.report.files import write_atomically


def test_a_report_is_read_by_its_owner_and_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"an earlier one")
    path.chmod(0o644)
    write_atomically(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OutputError, match="could not be written"):
        write_atomically(tmp_path / "report.html", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
