"""The service is killed while its logs are written, rotated and archived: nothing is lost or twice.

A short form of what ``tests/bench/torture.py`` does by hand for as long as one likes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("names", "seed"), [("conn.log", 1), ("conn.log,dns.log,http.log", 2)])
def test_a_service_that_is_killed_again_and_again_writes_what_an_uninterrupted_one_does(
    project_root: Path, site: Path, tmp_path: Path, names: str, seed: int
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            project_root / "tests" / "bench" / "torture.py",
            tmp_path / "site",
            f"--source={site}",
            f"--names={names}",
            f"--seed={seed}",
            "--kills=4",
            "--rotations=8",
            "--seconds=12",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout)
    assert figures["kills"] == 4
    assert figures["alerts"] > 10
