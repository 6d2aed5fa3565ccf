"""What the store of families promises: whole or not at all; clear errors for what is damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enricher.errors import InputError, StateError
from enricher.families.family import Family
from enricher.families.kept import load_support
from enricher.families.loading import load_heads
from enricher.families.store import FamilyStore

Kept = tuple[Family, bytes, bytes]
Make = Callable[[str], Kept]


@pytest.fixture
def store(tmp_path: Path) -> FamilyStore:
    return FamilyStore(tmp_path / "state")


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "state" / "families").iterdir())


def test_what_is_kept_comes_back_as_it_was(store: FamilyStore, keepable: Make) -> None:
    family, heads, support = keepable("first")
    store.save(family, heads, support)
    store.save(replace(family, name="second", created=family.created + 1), heads, support)
    assert [one.name for one in store.families()] == ["first", "second"]
    assert store.get("first") == family
    assert store.heads("first") == heads
    assert store.support("second") == support


def test_reading_makes_nothing_where_nothing_is(store: FamilyStore, tmp_path: Path) -> None:
    assert store.families() == []
    with pytest.raises(InputError, match="families list"):
        store.forget("nobody")
    assert list(tmp_path.iterdir()) == []


def test_saving_again_replaces_the_family_and_leaves_no_file_behind(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    for _ in range(3):
        store.save(*keepable("same"))
    assert len(store.families()) == 1
    assert len(files_of(tmp_path)) == 2


def test_a_renamed_family_keeps_its_heads_and_figures(store: FamilyStore, keepable: Make) -> None:
    family, heads, support = keepable("old")
    store.save(family, heads, support)
    store.rename("old", "new")
    assert store.get("new") == replace(family, name="new")
    assert store.heads("new") == heads
    with pytest.raises(InputError, match="no family 'old'"):
        store.get("old")


def test_no_family_is_renamed_to_one_that_is_there_or_to_a_name_that_can_not_be(
    store: FamilyStore, keepable: Make
) -> None:
    store.save(*keepable("one"))
    store.save(*keepable("two"))
    for name in ("two", "benign", "", "a\x1b[2J", " x", "x" * 65):
        with pytest.raises(InputError):
            store.rename("one", name)
    assert {family.name for family in store.families()} == {"one", "two"}


def test_a_forgotten_family_is_gone_with_its_files(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    store.save(*keepable("one"))
    store.forget("one")
    assert store.families() == []
    assert files_of(tmp_path) == []


def test_a_name_is_no_place_in_the_file_system(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    store.save(*keepable("../../outside"))
    assert store.get("../../outside").name == "../../outside"
    assert not any("outside" in path.name for path in tmp_path.rglob("*"))


def test_what_a_crash_left_is_removed_by_the_next_save(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    store.save(*keepable("one"))
    stray = tmp_path / "state" / "families" / ("f" * 32 + ".safetensors")
    stray.write_bytes(b"half")
    (stray.parent / f".{stray.name}.unfinished").write_bytes(b"half")
    store.save(*keepable("two"))
    assert len(files_of(tmp_path)) == 4


def test_a_database_that_is_none_is_a_clear_error(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    store.save(*keepable("one"))
    for path in (tmp_path / "state").glob("enricher.db*"):
        path.unlink()
    (tmp_path / "state" / "enricher.db").write_bytes(b"no database at all " * 100)
    with pytest.raises(StateError, match="move it away"):
        store.families()
    with pytest.raises(StateError, match="move it away"):
        store.save(*keepable("two"))


def test_a_database_of_another_version_is_a_clear_error(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    store.save(*keepable("one"))
    with sqlite3.connect(tmp_path / "state" / "enricher.db") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="version 99"):
        store.families()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE families SET name = 'benign'",
        "UPDATE families SET file = '../../../etc/passwd'",
        "UPDATE families SET bundle = 'x'",
        "UPDATE families SET notes = '{'",
        "UPDATE family_kinds SET kind = 'smtp'",
        "UPDATE family_kinds SET shots = -1",
        "UPDATE family_kinds SET recall = 1e308",
        "DELETE FROM family_kinds",
    ],
)
def test_a_damaged_row_is_a_clear_error_and_can_be_forgotten(
    store: FamilyStore, keepable: Make, tmp_path: Path, change: str
) -> None:
    store.save(*keepable("one"))
    with sqlite3.connect(tmp_path / "state" / "enricher.db") as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(change)
        (name,) = database.execute("SELECT name FROM families").fetchone()
    with pytest.raises(StateError, match="forget"):
        load_heads(store)
    store.forget(name)
    assert store.families() == []


@pytest.mark.parametrize("damage", ["cut", "gone", "junk", "empty"])
@pytest.mark.parametrize("suffix", [".safetensors", ".support.safetensors"])
def test_a_damaged_file_is_a_clear_error(
    store: FamilyStore, keepable: Make, tmp_path: Path, damage: str, suffix: str
) -> None:
    store.save(*keepable("one"))
    (path,) = [
        path for path in (tmp_path / "state" / "families").iterdir() if path.name[32:] == suffix
    ]
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-9], "junk": os.urandom(500), "empty": b""}.get(damage, data))
    if damage == "gone":
        path.unlink()
    with pytest.raises(StateError, match="'enricher adapt'"):
        load_heads(store) if suffix == ".safetensors" else load_support(store, "one")


def test_the_support_set_comes_back_as_it_was(store: FamilyStore, keepable: Make) -> None:
    family, heads, support = keepable("one")
    store.save(family, heads, support)
    kept = load_support(store, "one")
    assert kept is not None
    assert kept.to_bytes() == support
    assert kept.sets["http"].origins[0] == "/logs/secret-site/http.log:0"
    assert np.isfinite(kept.sets["http"].features.numeric).all()


_WRITER = """
import sys
from pathlib import Path
from enricher.families.store import FamilyStore
from enricher.families.family import Family
store = FamilyStore(Path(sys.argv[1]))
family, heads, support = store.get("one"), store.heads("one"), store.support("one")
print("ready", flush=True)
while True:
    store.save(family, heads, support)
"""


def test_a_writer_that_is_killed_leaves_the_family_whole(
    store: FamilyStore, keepable: Make, tmp_path: Path
) -> None:
    family, heads, support = keepable("one")
    store.save(family, heads, support)
    for delay in (0.0, 0.011, 0.027, 0.05):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path / "state")],
            stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert store.families() == [family]
        assert store.heads("one") == heads
        assert store.support("one") == support
    store.save(family, heads, support)
    assert len(files_of(tmp_path)) == 2
