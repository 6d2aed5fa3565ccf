"""``enricher adapt`` and ``enricher families`` as their user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from enricher.simulate import generate

HEAVY = ("torch", "numba", "polars", "numpy", "safetensors", "matplotlib", "yaml")
ROOT = Path(__file__).resolve().parents[2]


def enricher(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "enricher.cli.main", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ordinary traffic, and a log of five records of a DNS tunnel."""
    folder = tmp_path_factory.mktemp("cli")
    generate(folder / "ordinary", seed=7, hours=1, hosts=6, families=[])
    generate(folder / "attacks", seed=8, hours=1, hosts=6, families=["dns-tunnel"])
    lines = (folder / "attacks" / "dns.log").read_text().splitlines(keepends=True)
    head = [line for line in lines if line[0] == "#" and not line.startswith("#close")]
    tunnel = [line for line in lines if line.endswith("\tdns-tunnel\n")]
    (folder / "five.log").write_text("".join(head + tunnel[:: len(tunnel) // 5][:5]))
    return folder


@pytest.fixture(scope="module")
def state(logs: Path) -> Path:
    state = logs / "state"
    done = enricher(
        "adapt", "tunnel", "--support", logs / "five.log", "--benign", logs / "ordinary",
        "--state", state,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    for promise in (
        "5 records (5 different)",
        "Found when left out: ",
        "at most",
        "Labels used: 5",
    ):
        assert promise in done.stdout
    return state


def test_families_are_listed_and_shown_with_their_records(state: Path, logs: Path) -> None:
    listed = enricher("families", "list", "--state", state)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "tunnel" in listed.stdout
    assert "\x1b" not in listed.stdout
    shown = enricher("families", "show", "tunnel", "--state", state)
    assert str(logs / "five.log") in shown.stdout
    plain = json.loads(enricher("families", "show", "tunnel", "--state", state, "--json").stdout)
    assert plain["kinds"]["dns"]["shots"] == 5
    assert len(plain["support"]) == 5
    (one,) = json.loads(enricher("families", "list", "--state", state, "--json").stdout)
    assert one["name"] == "tunnel"


def test_adapting_tells_programs_what_it_tells_people(state: Path) -> None:
    done = enricher("adapt", "tunnel", "--support", state.parent / "five.log", "--benign",
                    state.parent / "ordinary", "--state", state, "--json")  # fmt: skip
    plain = json.loads(done.stdout)
    assert done.stderr == ""
    assert plain["replaced"] is True
    assert plain["milliseconds"] > 0
    assert plain["kinds"]["dns"]["bound"] > plain["kinds"]["dns"]["rate"]


def test_a_family_goes_to_another_site_and_back(state: Path, tmp_path: Path) -> None:
    shared, there = tmp_path / "tunnel.family", tmp_path / "there"
    assert enricher("families", "export", "tunnel", shared, "--state", state).returncode == 0
    taken = enricher("families", "import", shared, "--state", there)
    assert taken.returncode == 0, taken.stderr
    assert enricher("families", "import", shared, "--state", there).returncode == 1
    assert enricher("families", "import", shared, "--state", there, "--replace").returncode == 0
    assert enricher("families", "rename", "tunnel", "theirs", "--state", there).returncode == 0
    shown = enricher("families", "show", "theirs", "--state", there).stdout
    assert "imported" in shown
    assert "five.log" not in shown
    assert enricher("families", "forget", "theirs", "--state", there).returncode == 0
    gone = enricher("families", "show", "theirs", "--state", there)
    assert gone.returncode == 1
    assert gone.stderr.count("\n") == 1


def test_a_file_that_is_no_family_is_status_1_and_one_line(tmp_path: Path) -> None:
    junk = tmp_path / "junk\x1b[2J"
    junk.write_bytes(b"junk")
    done = enricher("families", "import", junk, "--state", tmp_path / "state")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("adapt",), ("adapt", "x", "--uid", "C1"), ("families", "no"), ("families", "rename", "x")],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    done = enricher(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_family_is_shown_without_the_weight_of_torch(state: Path) -> None:
    code = (
        "import sys; from enricher.cli.families import command; "
        "command(sys.argv[1:], standalone_mode=False); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "show", "tunnel", "--state", str(state)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"


def test_families_are_listed_and_forgotten_without_what_reads_and_scores(state: Path) -> None:
    for arguments in (["list"], ["list", "--json"], ["rename", "tunnel", "t"], ["forget", "t"]):
        code = (
            "import sys; from enricher.cli.families import command; "
            "command(sys.argv[1:], standalone_mode=False); "
            f"print([x for x in {HEAVY} if x in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--state", str(state)],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]", arguments
