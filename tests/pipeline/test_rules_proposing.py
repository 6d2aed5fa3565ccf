"""From logs to candidate rules and their proof, with the real engine."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest

from enricher.config import Settings
from enricher.errors import InputError
from enricher.pipeline.rules.proposing import ProposeOutcome, ProposeRequest, propose
from enricher.pipeline.rules.testing import ProveRequest, prove_again, prove_text
from enricher.report.progress import Progress, progress
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.matching import conditions
from enricher.rulegen.rule.rule import Rule

pytestmark = pytest.mark.skipif(
    shutil.which("suricata") is None, reason="suricata is not installed (.ci/install-programs)"
)
HOSTILE = (
    '"; sid:1; ) #',
    "|41|",
    "\\",
    "a;b)",
    "$HOME_NET",
    "\x00",
    "\n",
    "x" * 10_000,
    "\u202e\u00e9",
)
HOSTS = ("203.0.113.9", '203.0.113.8 any (msg:"x"; sid:1;) #', "8.8.8.8%eth0")
Propose = Callable[..., ProposeOutcome]


def bar(size: int, label: str) -> AbstractContextManager[Progress]:
    return progress(size, label=label, quiet=True)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A JSON log of requests from one host inside."""
    lines, name = [], f"{path.parent.name}{path.stem}"
    for number, row in enumerate(rows):
        common = {
            "ts": 1.7e9 + number, "uid": f"C{name}{number}", "id.orig_h": "10.0.0.8",
            "id.orig_p": 20000 + number, "id.resp_h": "198.51.100.7", "id.resp_p": 80,
        }  # fmt: skip
        lines.append(orjson.dumps({**common, **row}))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def request_row(**more: Any) -> dict[str, Any]:
    return {
        "_path": "http", "method": "GET", "host": "www.site.example", "version": "1.1",
        "trans_depth": 1, "status_code": 200, "status_msg": "OK", **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def benign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [request_row(uri=f"/page/{n}?sort=name", user_agent="agent/1.0") for n in range(1500)]
    return write(tmp_path_factory.mktemp("benign") / "http.log", rows)


@pytest.fixture
def settings(settings_with: Callable[..., Settings]) -> Settings:
    return settings_with()


@pytest.fixture
def run(settings: Settings, benign: Path) -> Propose:
    def invoke(log: Path, name: str = "gate", **more: Any) -> ProposeOutcome:
        return propose(ProposeRequest(name, [log], [benign], **more), settings, bar)

    return invoke


def gate(path: Path, count: int = 30) -> Path:
    rows = [request_row(uri=f"/panel/gate.php?id={n}", user_agent="bot") for n in range(count)]
    return write(path, rows)


def test_a_family_gets_a_rule_with_all_of_its_proof(run: Propose, tmp_path: Path) -> None:
    (one,) = run(gate(tmp_path / "http.log")).candidates
    proof = one.proof
    assert proof["accepted"] is True
    assert proof["errors"] == proof["warnings"] == proof["lint"] == []
    assert proof["family"]["covered"] == proof["family"]["records"] == 30
    assert proof["benign"]["hits"] == 0
    assert proof["benign"]["records"] == 1500
    assert proof["benign"]["alerts_a_day_upper"] > 0
    assert proof["rebuilt"]["agreement"] == 1.0
    assert proof["rebuilt"]["fired"] == 30
    assert len(proof["exemplars"]["matched"]) == 5


def test_proposing_again_keeps_what_is_there(run: Propose, tmp_path: Path) -> None:
    log = gate(tmp_path / "http.log")
    (first,) = run(log).candidates
    (second,) = run(log).candidates
    assert (first.id, first.sid, first.rev) == (second.id, second.sid, second.rev)


def test_records_of_the_family_in_the_benign_history_do_not_count_as_benign(
    settings: Settings, benign: Path, tmp_path: Path
) -> None:
    log = gate(tmp_path / "http.log")
    request = ProposeRequest("gate", [log], [benign, log])
    assert len(propose(request, settings, bar).candidates) == 1


def test_whatever_a_log_says_rules_are_whole_and_the_engine_takes_them(
    run: Propose, tmp_path: Path
) -> None:
    chance = random.Random(2)  # noqa: S311 - a test's values
    http = write(
        tmp_path / "http.log",
        [
            request_row(
                uri=f"/hostile/{chance.choice(HOSTILE)}/evil-part-of-it", method=HOSTILE[n % 5],
                user_agent=chance.choice(HOSTILE), host=chance.choice(HOSTILE),
            )
            for n in range(60)
        ],
    )  # fmt: skip
    conn = write(
        tmp_path / "conn.log",
        [
            {"_path": "conn", "proto": "tcp", "conn_state": "SF", "history": "ShADad",
             "orig_pkts": 4, "id.resp_p": 443, "ts": 1.7e9 + n * 900,
             "id.resp_h": HOSTS[n % 3]}
            for n in range(60)
        ],
    )  # fmt: skip
    outcome = [run(http, "web"), run(conn, "net")]
    candidates = [one for part in outcome for one in part.candidates]
    assert candidates
    for one in candidates:
        assert one.proof["accepted"] is True, one.rule
        assert str(Rule.parse(one.rule)) == one.rule
        assert one.rule.count("sid:") == 1
    assert [part.dropped for part in outcome] == [[], []]


def test_what_benign_traffic_has_is_refused_with_the_reason(run: Propose, tmp_path: Path) -> None:
    rows = [request_row(uri=f"/page/{n}?sort=name", user_agent="agent/1.0") for n in range(20)]
    outcome = run(write(tmp_path / "family.log", rows))
    assert outcome.candidates == []
    assert outcome.refusals[0][:2] == ("http", 20)


def test_one_family_without_records_does_not_stop_the_others(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no family"):
        propose(ProposeRequest(None), settings, bar)
    with pytest.raises(InputError, match="'gate'"):
        propose(ProposeRequest("gate"), settings, bar)
    with pytest.raises(InputError, match="name it"):
        propose(ProposeRequest(None, [gate(tmp_path / "http.log")]), settings, bar)


def test_a_rule_is_proven_again_on_other_logs(
    run: Propose, settings: Settings, tmp_path: Path
) -> None:
    log = gate(tmp_path / "http.log")
    (one,) = run(log).candidates
    (again,) = prove_again(ProveRequest(benign=[log]), settings, bar)
    assert (again.id, again.rule) == (one.id, one.rule)
    assert again.proof["benign"]["hits"] == 30
    assert len(Ledger(settings.state).revisions(one.id)[0].false_hits) == 30


def test_an_analysts_own_text_gets_the_same_proof(
    run: Propose, settings: Settings, benign: Path, tmp_path: Path
) -> None:
    (one,) = run(gate(tmp_path / "http.log")).candidates
    text = one.rule.replace("http.uri;", 'http.cookie; content:"x"; http.uri;')
    draft = prove_text(text, "gate", settings, bar, benign=[benign])
    assert draft.proof["unread"] == ["http.cookie", "content"]
    assert draft.proof["accepted"] is True


def test_an_expression_that_never_ends_is_given_up_and_said(
    run: Propose, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "MOST_SECONDS", 0.3)
    (one,) = run(gate(tmp_path / "http.log")).candidates
    slow = write(tmp_path / "slow.log", [request_row(uri="/" + "a" * 60 + "!", user_agent="x")])
    text = one.rule.replace("threshold:", 'pcre:"/^\\/(a|a|aa)+$/"; threshold:')
    text = text.replace('content:"', 'content:!"')
    draft = prove_text(text, "gate", settings, bar, benign=[slow])
    assert any("can not be tried on logs" in note for note in draft.proof["notes"])
