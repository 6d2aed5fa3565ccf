"""``enricher zeek verdicts`` makes Zeek's files out of what a scan or the service wrote."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from enricher.cli.zeek_verdicts import command
from enricher.errors import InputError, OutputError
from enricher.families.feedback import Feedback, FeedbackStore


def event(number: int, hour: int = 1, **metadata: Any) -> dict[str, Any]:
    """An alert as the enricher writes it."""
    return {
        "timestamp": f"2026-01-05T{hour:02}:00:00.000000+0000", "event_type": "alert",
        "src_ip": "10.0.0.7", "src_port": 1, "dest_ip": f"8.8.8.{number}", "dest_port": 2,
        "proto": "TCP",
        "alert": {
            "signature": "ENRICHER Scan", "severity": 2,
            "metadata": {
                "alert_id": [f"{number:016x}"], "family": ["scan"], "score": ["0.95"],
                "p_value": ["0.01"], **metadata,
            },
        },
    }  # fmt: skip


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "for" / "zeek"


def ask(tmp_path: Path, *arguments: str | Path) -> Result:
    more = ["--state", str(tmp_path / "state")]
    return CliRunner().invoke(command, [*map(str, arguments), *more], catch_exceptions=False)


def write(path: Path, *lines: object) -> Path:
    path.write_text(
        "".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in lines)
    )
    return path


def ids(out: Path) -> list[int]:
    rows = (out / "verdicts.dat").read_text().splitlines()[1:]
    return [int(row.split("\t")[0], 16) for row in rows]


def addresses(out: Path) -> list[str]:
    rows = (out / "intel.dat").read_text().splitlines()[1:]
    return [row.split("\t")[0] for row in rows]


def test_both_files_are_made_of_several_and_what_was_passed_over_is_told(
    tmp_path: Path, out: Path
) -> None:
    first = write(
        tmp_path / "a.json",
        event(1, hour=1), event(2, hour=5), event(3, hour=5, state=["closing"]),
        "no json\n", {"event_type": "flow"}, "\n", event(4) | {"src_ip": None},
        '{"a": "' + "x" * 2_000_000 + '"}\n',
    )  # fmt: skip
    second = tmp_path / "b.json.gz"
    second.write_bytes(gzip.compress(json.dumps(event(5, hour=5)).encode()))
    done = ask(tmp_path, first, second, "--out", out)
    assert done.exit_code == 0
    assert ids(out) == [5, 2]
    assert addresses(out) == ["8.8.8.5", "8.8.8.2", "8.8.8.1"]
    told = done.output.splitlines()
    assert "verdicts.dat (2 lines) and intel.dat (3 lines) from 3 alerts" in told[0]
    assert told[1:] == [
        "What has expired by 2026-01-05 05:00:00 UTC is left out",
        "Passed over: 3 lines that are no alert of the enricher",
        "Passed over: 1 closing alerts: their opening says it all",
        "Passed over: 1 alerts without two addresses",
    ]


@pytest.mark.parametrize("now", ["2026-01-05T01:30:00", "2026-01-05T02:30:00+01:00", "1767576600"])
def test_the_time_by_which_alerts_expire_may_be_given(tmp_path: Path, out: Path, now: str) -> None:
    file = write(tmp_path / "eve.json", event(1, hour=1), event(2, hour=5), event(3, hour=0))
    assert ask(tmp_path, file, "--out", out, "--now", now).exit_code == 0
    assert ids(out) == [2, 1]


@pytest.mark.parametrize("now", ["", "yesterday", "nan", "-1", "1e99", "\x1b[31m"])
def test_what_is_no_time_is_wrong_usage(tmp_path: Path, out: Path, now: str) -> None:
    done = ask(tmp_path, write(tmp_path / "e", event(1)), "--out", out, "--now", now)
    assert done.exit_code == 2
    assert "\x1b" not in done.output
    assert not out.exists()


def test_what_an_analyst_has_called_false_is_left_out(tmp_path: Path, out: Path) -> None:
    store = FeedbackStore(tmp_path / "state")
    for number, word in ((1, "false-positive"), (2, "true-positive")):
        store.put(
            Feedback(f"{number:016x}", word, "conn", "scan", None, "me", 1.0, "", b"")  # type: ignore[arg-type]
        )
    done = ask(tmp_path, write(tmp_path / "e", event(1), event(2)), "--out", out)
    assert ids(out) == [2]
    assert "Passed over: 1 alerts that an analyst has called false" in done.output


def test_settings_hold(tmp_path: Path, out: Path) -> None:
    file = write(tmp_path / "e", event(1), event(2))
    chosen = ["--set", "verdicts.score=0.96", "--set", "verdicts.most=1"]
    assert ask(tmp_path, file, "--out", out, *chosen).exit_code == 0
    assert ids(out) == [2]
    assert addresses(out) == []


def test_a_file_without_an_alert_gives_files_without_one(tmp_path: Path, out: Path) -> None:
    done = ask(tmp_path, write(tmp_path / "e"), "--out", out)
    assert done.exit_code == 0
    assert not ids(out)
    assert not addresses(out)


def test_a_time_that_no_date_can_say_is_no_alert(tmp_path: Path, out: Path) -> None:
    late = event(1) | {"timestamp": "9999-12-31T23:59:59.999999-1200"}
    done = ask(tmp_path, write(tmp_path / "e", late, event(2)), "--out", out)
    assert done.exit_code == 0
    assert ids(out) == [2]


def test_what_can_not_be_read_or_written_is_said(tmp_path: Path, out: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        ask(tmp_path, tmp_path / "absent", "--out", out)
    assert not out.exists()
    write(tmp_path / "for", "a file")
    with pytest.raises(OutputError, match="make the folder"):
        ask(tmp_path, write(tmp_path / "e", event(1)), "--out", out)
