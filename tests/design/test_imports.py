"""The table of rooms in docs/design.md is true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def allowed_imports() -> dict[str, set[str]]:
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in (ROOT / "docs" / "design.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    return {
        name.strip("`"): set() if allowed == "-" else set(allowed.split(", "))
        for name, _, allowed in rows
    }


ALLOWED = allowed_imports()


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "enricher" and len(parts) > 1 else None


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [str(node.module)]
            if node.module == "enricher":
                names = [f"enricher.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            room = room_of(name)
            if room is not None and not room.startswith("__"):
                yield node.lineno, room


def modules() -> list[Path]:
    return sorted(p for p in (ROOT / "enricher").rglob("*.py") if p.parent != ROOT / "enricher")


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    room = path.relative_to(ROOT / "enricher").parts[0]
    assert room in ALLOWED, f"{room} is not in the table of docs/design.md"
    wrong = [
        f"line {line}: {other}"
        for line, other in imported_rooms(path)
        if other not in {room, *ALLOWED[room]}
    ]
    assert not wrong, f"{path}: {room} may not import {wrong}"


def test_every_room_of_the_table_exists_and_nothing_else() -> None:
    found = {
        p.stem if p.suffix == ".py" else p.name
        for p in (ROOT / "enricher").iterdir()
        if (p.suffix == ".py" and not p.stem.startswith("__")) or (p / "__init__.py").is_file()
    }
    assert found == set(ALLOWED)


def test_top_level_modules_keep_to_the_table_too() -> None:
    for path in (ROOT / "enricher").glob("*.py"):
        if path.stem.startswith("__"):
            continue
        wrong = [r for _, r in imported_rooms(path) if r not in {path.stem, *ALLOWED[path.stem]}]
        assert not wrong, f"{path.name} may not import {wrong}"


def test_help_is_there_without_the_weight_of_torch() -> None:
    code = (
        "import sys, enricher.cli.main as m; "
        "print([x for x in ('torch', 'numba', 'matplotlib', 'polars') if x in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
