"""The wheel works outside the checkout, with everything it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode().split("\0")  # fmt: skip
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder),
         str(source)],
        check=True,
    )  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


def test_models_rules_and_zeek_scripts_are_inside_and_nothing_lands_beside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "enricher/resources/models/base/weights.safetensors",
        "enricher/resources/models/base/config.json",
        "enricher/resources/models/base/card.md",
        "enricher/resources/models/recipes/default.yaml",
        "enricher/resources/models/families.yaml",
        "enricher/resources/rules/README.md",
        "enricher/resources/zeek_scripts/__load__.zeek",
        "enricher/report/templates/report.html.j2",
        "enricher/py.typed",
    ):
        assert wanted in names, wanted
    assert {name.split("/")[0].split("-")[0] for name in names} == {"enricher"}


def test_every_room_is_packaged(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "enricher").rglob("*.py"):
        assert str(path.relative_to(ROOT)) in names


def test_it_scans_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    environment = {**os.environ, "PYTHONPATH": str(place), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "enricher.cli.main"]
    for arguments in (
        ["simulate", "--out", "logs", "--seed", "1", "--hours", "0.5", "--hosts", "5"],
        ["scan", "logs", "--out", "found", "--quiet"],
    ):
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "found" / "report.html").is_file()
    where = "import enricher; print(enricher.__file__)"
    shown = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout.startswith(str(place))
