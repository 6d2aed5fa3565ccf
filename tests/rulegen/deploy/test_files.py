"""The rules file: whole or as before, put back byte for byte, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from enricher.errors import InputError, OutputError
from enricher.rulegen.deploy.content import HEADER
from enricher.rulegen.deploy.files import open_rules_file

OLD = HEADER + b"# old\n"
NEW = HEADER + b"# new\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    return tmp_path / "rules" / "enricher.rules"


def test_a_new_file_can_be_read_by_suricata_and_an_old_one_keeps_its_mode(path: Path) -> None:
    with open_rules_file(path) as file:
        assert file.read() is None
        file.replace(OLD)
        file.settle()
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    with open_rules_file(path) as file:
        file.replace(NEW)
    assert path.read_bytes() == NEW
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("old", [None, b"", OLD])
def test_the_file_before_is_put_back_byte_for_byte(path: Path, old: bytes | None) -> None:
    if old is not None:
        path.write_bytes(old)
        path.chmod(0o600)
    with open_rules_file(path) as file:
        file.replace(NEW)
        assert path.read_bytes() == NEW
        file.restore()
        assert not file.interrupted()
    assert (path.read_bytes() if path.exists() else None) == old
    if old is not None:
        assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_known_that_a_deployment_did_not_end(path: Path) -> None:
    path.write_bytes(OLD)
    with open_rules_file(path) as file:
        file.replace(NEW)
    with open_rules_file(path) as file:
        assert file.interrupted()
        file.settle()
        assert not file.interrupted()
    assert path.with_name(".enricher.rules.previous").read_bytes() == OLD
    assert list(path.parent.glob("*.rules")) == [path]


def test_the_file_of_somebody_else_is_left_alone(path: Path) -> None:
    path.write_text("alert ip any any -> any any (sid:1;)\n")
    with pytest.raises(InputError, match="no rules file of the enricher"), open_rules_file(path):
        pass
    assert path.read_text().startswith("alert")


def test_links_and_folders_are_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(OLD)
    path.symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match="link"), open_rules_file(path):
        pass
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match="no ordinary file"), open_rules_file(path):
        pass
    with (
        pytest.raises(OutputError, match="cannot be written"),
        open_rules_file(tmp_path / "none" / "x.rules"),
    ):
        pass


def test_a_link_that_is_put_in_the_way_meanwhile_is_not_followed(
    path: Path, tmp_path: Path
) -> None:
    path.write_bytes(OLD)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    with open_rules_file(path) as file:
        path.unlink()
        path.symlink_to(victim)
        with pytest.raises(InputError, match="link"):
            file.replace(NEW)
        # The folder was opened before: what takes its name now gets nothing.
        path.unlink()
        path.parent.rename(tmp_path / "moved")
        path.parent.mkdir()
        file.replace(NEW)
    assert victim.read_bytes() == b"precious"
    assert list(path.parent.iterdir()) == []
    assert (tmp_path / "moved" / path.name).read_bytes() == NEW


def test_two_do_not_deploy_at_once(path: Path) -> None:
    with (
        open_rules_file(path),
        pytest.raises(OutputError, match="somebody else"),
        open_rules_file(path),
    ):
        pass


def test_a_list_that_loaded_rules_may_use_is_not_changed(path: Path) -> None:
    with open_rules_file(path) as file:
        file.add({"a.lst": b"eA==\n"})
        file.add({"a.lst": b"eA==\n"})
        with pytest.raises(InputError, match="another content"):
            file.add({"a.lst": b"eQ==\n"})
    assert path.with_name("a.lst").read_bytes() == b"eA==\n"
