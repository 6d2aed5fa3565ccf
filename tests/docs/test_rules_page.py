"""The page on rules, and the script that goes the whole way."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click import Group

from enricher.cli.main import group
from enricher.cli.rules import command

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text()


def test_the_commands_and_options_of_the_page_exist() -> None:
    found = re.findall(r"^\$ enricher rules (\S+)(.*)$", PAGE, re.MULTILINE)
    assert len(found) >= 6
    assert isinstance(command, Group)
    assert "rules" in group.list_commands(None)  # type: ignore[arg-type]
    for name, rest in found:
        known = {option for one in command.commands[name].params for option in one.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("suricata") is None, reason="suricata is not installed")
def test_the_script_goes_from_unnamed_traffic_to_a_counted_alert_of_suricata(
    tmp_path: Path, shared_data: Path
) -> None:
    capture = tmp_path / "new.pcap"
    with gzip.open(shared_data / "pcap" / "pcap_protocols_DNP3.pcap.gz") as packed:
        capture.write_bytes(packed.read())
    genuine = shared_data / "zeek" / "genuine"
    places = [genuine / "crawl-00000", genuine / "pcap_protocols_DNP3", capture, tmp_path / "work"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", ROOT / "docs" / "full-loop.sh", *places],
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counted = re.search(r"(\d+) new hits", done.stdout)
    assert counted is not None
    assert int(counted.group(1)) > 0
    assert "approved -> shadow" in done.stdout
