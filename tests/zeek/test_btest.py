"""The package in a real Zeek: the btests beside this file, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDED = ("zeek", "zeek-config", "zeek-cut", "btest")


def test_the_btests_pass(tmp_path: Path) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}; the Zeek package is not run")
    package = tmp_path / "package"
    shutil.copytree(HERE, package / "tests/zeek", ignore=shutil.ignore_patterns(".tmp"))
    shutil.copytree(HERE.parents[1] / "zeek_scripts", package / "zeek_scripts")
    ran = subprocess.run(
        ["btest", "-d", "-c", "btest.cfg"],
        cwd=package / "tests/zeek",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
