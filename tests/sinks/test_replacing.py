"""A small file is replaced in one step, or is as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from enricher.sinks.replacing import replace_file


def test_the_file_has_its_content_and_mode_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    for content in (b"one", b"", b"three"):
        replace_file(tmp_path / "f", content, mode=0o644)
        assert (tmp_path / "f").read_bytes() == content
    assert (tmp_path / "f").stat().st_mode & 0o7777 == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["f"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "f").symlink_to("theirs")
    replace_file(tmp_path / "f", b"ours", mode=0o600)
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / "f").is_symlink()


def test_a_folder_that_was_opened_is_written_to_wherever_its_name_leads_now(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    handle = os.open(tmp_path / "a", os.O_RDONLY)
    (tmp_path / "a").rename(tmp_path / "b")
    try:
        replace_file(Path("f"), b"x", mode=0o600, folder=handle)
    finally:
        os.close(handle)
    assert (tmp_path / "b/f").read_bytes() == b"x"


def test_where_it_fails_all_is_as_before(tmp_path: Path) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "f").write_text("before")
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "f", b"after", mode=0o600, finish=full)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "folder", b"after", mode=0o600)
    assert (tmp_path / "f").read_text() == "before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["f", "folder"]
