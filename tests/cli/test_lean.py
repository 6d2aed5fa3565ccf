"""What a scan leaves out of its libraries is never missed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from enricher.simulate import generate

ROOT = Path(__file__).resolve().parents[2]

LEAN = "import sys; from enricher.cli.lean import load_lean; load_lean(); "


def python(code: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_scoring_starts_without_what_only_compilers_and_matrix_products_need() -> None:
    unused = ("torch._decomp", "torch._refs", "scipy.linalg", "matplotlib", "jinja2", "pandas")
    code = LEAN + f"import enricher.pipeline.scan; print([x for x in {unused} if x in sys.modules])"
    assert python(code).strip() == "[]"


def test_what_was_left_out_is_there_for_whoever_asks_for_it_later() -> None:
    code = LEAN + (
        "assert 'torch._meta_registrations' not in sys.modules; "
        "assert 'scipy.linalg.cython_blas' not in sys.modules; "
        "import torch, torch._meta_registrations as tables; "
        "print(callable(tables.meta_mm), torch._meta_registrations is tables)"
    )
    assert python(code).split() == ["True", "True"]


def test_a_torch_that_was_not_tried_is_left_alone() -> None:
    code = (
        "import sys, enricher.cli.lean as lean; "
        "lean.version = lambda name: '2.14.0'; lean.load_lean(); "
        "print('torch' in sys.modules); import torch; print('torch._decomp' in sys.modules)"
    )
    assert python(code).split() == ["False", "True"]


@pytest.mark.slow
def test_alerts_and_scores_are_those_of_the_whole_libraries(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    generate(logs, seed=5, hours=1, hosts=6)
    words: list[str | Path] = [
        "scan",
        logs,
        "--state",
        tmp_path / "state",
        "--scores",
        "--quiet",
        "--json",
    ]
    whole = "import enricher.cli.lean as lean; lean.load_lean = lambda: None; "
    for name, first in (("whole", whole), ("lean", "")):
        code = first + "import sys; from enricher.cli.main import group; group(sys.argv[1:])"
        python(code, *words, "--out", tmp_path / name)
    for file in ("eve.json", "scores.parquet"):
        alerts = [(tmp_path / name / file).read_bytes() for name in ("whole", "lean")]
        assert alerts[0]
        assert alerts[0] == alerts[1], file


def test_what_was_discovered_is_listed_without_what_discovers(tmp_path: Path) -> None:
    code = (
        "import sys; from enricher.cli.families import command; "
        "command(['discover', '--state', sys.argv[1]], standalone_mode=False); "
        "heavy = ('torch', 'numba', 'polars', 'numpy', 'matplotlib', 'yaml'); "
        "print([x for x in heavy if x in sys.modules])"
    )
    assert python(code, tmp_path).splitlines()[-1] == "[]"
