"""The package in a real Zeek, where there is one: the btests, and the same scores."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "zeek_scripts"


def _need(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not on the PATH: {', '.join(missing)}; the Zeek package is not run")


def test_the_btests_pass(tmp_path: Path) -> None:
    _need("zeek", "zeek-config", "zeek-cut", "btest")
    copy = tmp_path / "package"
    shutil.copytree(HERE, copy / "tests/zeek", ignore=shutil.ignore_patterns(".tmp"))
    shutil.copytree(PACKAGE, copy / "zeek_scripts")
    ran = subprocess.run(
        ["btest", "-d", "-c", "btest.cfg"],
        cwd=copy / "tests/zeek",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _scores(logs: Path, out: Path) -> pl.DataFrame:
    command = [sys.executable, "-m", "enricher.cli.main", "scan", str(logs), "--out", str(out)]
    state = ["--state", str(out / "state"), "--scores", "--quiet"]
    subprocess.run([*command, *state], check=True, env=os.environ, capture_output=True)
    return pl.read_parquet(out / "scores.parquet").drop("log")


@pytest.mark.parametrize("form", ["JSON", "TSV"])
@pytest.mark.parametrize(
    "capture",
    [
        "pcap_protocols_SSL.pcap.gz",
        "pcap_protocols_DNS.pcap.gz",
        "pcap_plugins_zeek-httpattacks_http.trace.gz",
    ],
)
def test_its_logs_give_the_scores_of_the_sites_own(
    capture: str, form: str, shared_data: Path, tmp_path: Path
) -> None:
    _need("zeek")
    packed = (shared_data / "pcap" / capture).read_bytes()
    (tmp_path / "capture").write_bytes(gzip.decompress(packed))
    site, logs = tmp_path / "site", tmp_path / "logs"
    site.mkdir()
    settings = ["Enricher::directory=../own", "Enricher::rotation_interval=0sec"]
    settings.append(f"LogAscii::use_json={'T' if form == 'JSON' else 'F'}")
    subprocess.run(
        ["zeek", "-C", "-r", "../capture", str(PACKAGE), *settings], cwd=site, check=True
    )
    logs.mkdir()
    for log in (tmp_path / "own").iterdir():
        (site / log.name).rename(logs / log.name)
    theirs, ours = _scores(logs, tmp_path / "a"), _scores(tmp_path / "own", tmp_path / "b")
    assert theirs.height == ours.height > 0
    assert theirs["uid"].equals(ours["uid"])
    # TSV has six decimals of a duration, JSON has them all.
    allowed = 0.0 if form == "JSON" else 1e-3
    for name, dtype in ours.schema.items():
        if dtype.is_float() and name != "ts":
            apart = np.abs(theirs[name].to_numpy() - ours[name].to_numpy())
            assert np.nanmax(apart) <= allowed, name
