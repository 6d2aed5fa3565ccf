from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from enricher.errors import InputError, OutputError
from enricher.integration.zeek.copying import SUMS, copy_package, is_ours


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    (folder / "__load__.zeek").write_text("@load ./inner\n")
    (folder / "inner/__load__.zeek").write_text("module Enricher;\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/a.pyc").write_bytes(b"\0")
    (folder / "__init__.py").write_text("")
    (folder / ".hidden").write_text("")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_copy_has_all_scripts_and_everybody_may_read_it(package: Path, tmp_path: Path) -> None:
    assert copy_package(package, tmp_path / "copy") == ("copied", None)
    assert names(tmp_path / "copy") == [SUMS, "__load__.zeek", "inner/__load__.zeek"]
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in (tmp_path / "copy").rglob("*"))
    assert is_ours(tmp_path / "copy")


def test_its_list_is_one_that_sha256sum_checks(package: Path, tmp_path: Path) -> None:
    copy_package(package, tmp_path / "copy")
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=tmp_path / "copy", check=True)


def test_copying_again_changes_nothing_and_a_new_version_takes_its_place(
    package: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy_package(package, copy)
    before = copy.stat().st_ino
    assert copy_package(package, copy) == ("unchanged", None)
    assert copy.stat().st_ino == before
    (package / "inner/__load__.zeek").unlink()
    (package / "new.zeek").write_text("\n")
    assert copy_package(package, copy) == ("replaced", None)
    assert names(copy) == [SUMS, "__load__.zeek", "new.zeek"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "package"]


def change(copy: Path, how: str) -> None:
    if how == "edited":
        (copy / "__load__.zeek").write_text("print 1;\n")
    elif how == "added":
        (copy / "mine.zeek").write_text("\n")
    elif how == "hidden":
        (copy / ".git").write_text("\n")
    elif how == "removed":
        (copy / "__load__.zeek").unlink()
    else:
        (copy / SUMS).unlink()


@pytest.mark.parametrize("how", ["edited", "added", "hidden", "removed", "foreign"])
def test_a_folder_that_is_not_as_it_was_copied_is_kept(
    package: Path, tmp_path: Path, how: str
) -> None:
    copy = tmp_path / "copy"
    copy_package(package, copy)
    change(copy, how)
    kept = {name: (copy / name).read_bytes() for name in names(copy)}
    with pytest.raises(InputError, match="--force"):
        copy_package(package, copy)
    done, old = copy_package(package, copy, force=True)
    assert done == "moved"
    assert old is not None
    assert {name: (old / name).read_bytes() for name in names(old)} == kept
    assert is_ours(copy)


def test_a_file_or_a_link_in_its_place_is_kept_too(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "link", "dangling"):
        with pytest.raises(InputError):
            copy_package(package, tmp_path / name)
        _, old = copy_package(package, tmp_path / name, force=True)
        assert old is not None
        assert old.is_symlink() == (name != "file")
        assert is_ours(tmp_path / name)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_copy_that_fails_leaves_what_was_there(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    copy_package(package, copy)
    before = names(copy)
    (package / "new.zeek").write_text("\n")
    original = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(28, "No space left on device")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="Make room"):
        copy_package(package, copy)
    assert names(copy) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "package"]


def test_the_folder_above_has_to_be_there(package: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Make the folder first"):
        copy_package(package, tmp_path / "a/b")
    assert not (tmp_path / "a").exists()
