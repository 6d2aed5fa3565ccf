"""``enricher status`` as its user, and a health check, meet it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from enricher.cli.status import command
from enricher.errors import StateError
from enricher.pipeline.live.accounting import Accounting, KindAccount
from enricher.pipeline.live.database import Round, ServiceDatabase
from enricher.pipeline.live.status import MOST_LAGS, plain_lags
from enricher.pipeline.live.stored import FILE, FOLDER
from enricher.sources.following import Lag

ROOT = Path(__file__).resolve().parents[2]


def said(**changes: Any) -> dict[str, Any]:
    """What a service that is well says of itself; this process stands for it."""
    return {
        "pid": os.getpid(),
        "started": time.time() - 7200,
        "updated": time.time(),
        "records_per_second": {"conn": 412.5},
        "lags": [{"path": "/logs/conn.log", "kind": "conn", "bytes": 1_500_000}],
        "flow_time": time.time() - 3,
        "drift": {"conn": {"records": 9000, "ln_capital": 1.5, "since": None}},
        "waiting_for": None,
        "families": ["odd-queries"],
        "model": "base 2.0.0",
        "stopped": False,
    } | changes


def counted() -> Accounting:
    return Accounting(
        kinds={"conn": KindAccount(1000, 990, Counter(repeated=10), Counter(), Counter(benign=9))},
        alerts=Counter(beaconing=3),
        held_back=Counter({"ddos-flood": 7}),
        suppressed=Counter({"source 10.0.0.1 (our scanner)": 2}),
        late=Counter(dga=4),
    )


def keep(state: Path, status: dict[str, Any], accounting: Accounting | None = None) -> None:
    words = {"status": status, "accounting": (accounting or counted()).to_plain()}
    with ServiceDatabase(state) as database:
        database.commit(Round(words=words))


def ask(state: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        command, ["--state", str(state), *arguments], catch_exceptions=False, standalone_mode=False
    )


def test_a_service_that_is_well_gives_0_and_says_how_it_is(tmp_path: Path) -> None:
    keep(tmp_path, said())
    done = ask(tmp_path)
    assert done.return_value == 0
    for part in (
        "Running since",
        "2 h",
        "412.5/s",
        "1.5 MB  /logs/conn.log",
        "read = scored + dropped",
        "repeated 10",
        "beaconing 3",
        "ddos-flood 7",
        "our scanner) 2",
        "dga 4",
        "odd-queries",
        "behind the clock",
        "base 2.0.0",
    ):
        assert part in done.stdout, part


def test_json_tells_programs_the_same(tmp_path: Path) -> None:
    keep(tmp_path, said())
    plain = json.loads(ask(tmp_path, "--json").stdout)
    assert plain["healthy"] is True
    assert plain["running"] is True
    assert plain["age_seconds"] < 60
    assert plain["lag_bytes"] == 1_500_000
    conn = plain["accounting"]["kinds"]["conn"]
    assert (conn["read"], conn["scored"], conn["dropped"]) == (1000, 990, {"repeated": 10})
    assert conn["balance"] == 0
    assert plain["accounting"]["held_back"] == {"ddos-flood": 7}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stopped": True}, "it was stopped"),
        ({"pid": 2**22 + 1}, "ended without saying so"),
        ({"waiting_for": "/alerts: No space left on device."}, "No space left on device"),
        ({"updated": time.time() - 300}, "said nothing for "),
    ],
)
def test_a_service_that_is_not_well_gives_1_and_says_why(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    keep(tmp_path, said(**changes))
    done = ask(tmp_path)
    assert done.return_value == 1
    assert words in done.stdout
    plain = json.loads(ask(tmp_path, "--json").stdout)
    assert plain["healthy"] is False
    assert words in plain["troubles"][0]


def test_where_no_service_ever_ran_it_gives_1_and_says_what_to_do(tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert done.return_value == 1
    assert "enricher run" in done.stdout
    assert json.loads(ask(tmp_path, "--json").stdout)["ever_ran"] is False
    assert list(tmp_path.iterdir()) == []


def test_drift_and_records_that_are_lost_are_pointed_out(tmp_path: Path) -> None:
    drift = {"dns": {"records": 500, "ln_capital": 7.0, "since": 1_767_225_600.0}}
    keep(tmp_path, said(drift=drift), Accounting(kinds={"conn": KindAccount(read=12, scored=10)}))
    shown = " ".join(ask(tmp_path).stdout.split())
    assert "not promised since 2026-01-01 00:00:00 UTC" in shown
    assert "+2 records are not accounted for" in shown
    assert "read = scored + dropped" not in shown


def test_what_others_chose_does_nothing_to_the_terminal(tmp_path: Path) -> None:
    nasty = "\x1b[2J\u202e[bold]\n"
    keep(
        tmp_path,
        said(
            lags=[{"path": f"/logs/{nasty}.log", "kind": "conn", "bytes": 5}],
            waiting_for=nasty, families=[nasty], model=nasty,
        ),
        Accounting(
            kinds={nasty: KindAccount(1, 0, Counter({nasty: 1}))},
            alerts=Counter({nasty: 1}), suppressed=Counter({nasty: 1}),
        ),
    )  # fmt: skip
    shown = ask(tmp_path).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown
    assert "\x1b" not in ask(tmp_path, "--json").stdout


@pytest.mark.parametrize(
    "status",
    [[], {"pid": 1}, said(pid=0), said(pid="no"), said(lags=[{"path": 5}]), said(families=None)],
    ids=["a list", "too little", "no process", "a word", "a lag", "no families"],
)
def test_a_status_that_is_damaged_is_one_line_for_the_user(tmp_path: Path, status: Any) -> None:
    keep(tmp_path, status)
    with pytest.raises(StateError, match=r"service\.db: is damaged"):
        ask(tmp_path)


def test_a_database_that_is_none_or_holds_no_json_is_one_line_too(tmp_path: Path) -> None:
    keep(tmp_path, said())
    path = tmp_path / FOLDER / FILE
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE words SET value = '{' WHERE name = 'status'")
    connection.close()
    with pytest.raises(StateError, match="is damaged"):
        ask(tmp_path)
    path.write_bytes(b"junk" * 1000)
    with pytest.raises(StateError, match="is damaged"):
        ask(tmp_path)


def test_of_many_logs_the_largest_lags_are_kept_whatever_their_names() -> None:
    lags = [Lag(path=Path(f"/logs/{n}\udcff.log"), bytes=n, kind="conn") for n in range(1000)]
    kept = plain_lags(lags)
    assert len(kept) == MOST_LAGS
    assert kept[0] == {"path": "/logs/999\\xff.log", "kind": "conn", "bytes": 999}
    json.dumps(kept).encode()


def test_a_health_check_starts_without_what_reads_and_scores(tmp_path: Path) -> None:
    keep(tmp_path, said())
    code = (
        "import sys; from enricher.cli.status import command; "
        f"command(['--state', {str(tmp_path)!r}], standalone_mode=False); "
        "print([x for x in ('torch', 'numba', 'polars', 'numpy') if x in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "[]"
