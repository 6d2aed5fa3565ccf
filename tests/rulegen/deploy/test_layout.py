"""Rules for others: only what was approved, and a word where a site's filters would change it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.errors import InputError, StateError
from enricher.families.database import open_database
from enricher.rulegen.deploy.layout import export, export_local
from enricher.rulegen.ledger.candidate import STATUSES, Candidate
from enricher.rulegen.ledger.ledger import Ledger

Add = Callable[..., Candidate]
BY = {"who": "ana", "why": "a test"}


def test_a_plain_export_has_the_approved_rules(tmp_path: Path, ledger: Ledger, add: Add) -> None:
    good, _ = add("good"), add("bad", approve=False)
    path = tmp_path / "x.rules"
    assert export(ledger, path) == 1
    head, *rest = path.read_text().splitlines()
    assert head == f"# approved: {good.id} revision 1 of family 'family-good'"
    assert rest == [good.rule]


def test_what_is_not_approved_is_to_be_tried_where_it_is_asked_for_and_called_so(
    tmp_path: Path, ledger: Ledger, add: Add
) -> None:
    _, bad, worse = add("good"), add("bad", approve=False), add("worse", approve=False)
    ledger.reject(worse.id, **BY)
    path = tmp_path / "x.rules"
    assert export(ledger, path, {"candidate"}) == 1
    assert path.read_text().splitlines() == [
        f"# candidate, not approved: {bad.id} revision 1 of family 'family-bad'", bad.rule,
    ]  # fmt: skip
    assert export(ledger, path, STATUSES) == 3
    lines = path.read_text().splitlines()
    assert sum("not approved" in line for line in lines) == 2
    assert lines[-1] == worse.rule
    # What was never approved is still nothing that the layout for suricata-update has.
    export_local(ledger, tmp_path / "local")
    assert bad.rule not in (tmp_path / "local" / "enricher.rules").read_text()


def test_the_local_layout_has_the_rules_and_the_files_they_load(
    tmp_path: Path, ledger: Ledger, add: Add
) -> None:
    loads = "dns.query; dataset:isset,bad,type string,load bad.lst;"
    rule = add("list", loads, lists={"bad.lst": "ZXZpbA==\n"})
    add("not", approve=False)
    folder = tmp_path / "local"
    assert export_local(ledger, folder) == []
    names = sorted(one.name for one in folder.iterdir())
    assert names == ["bad.lst", "enricher.rules"]
    text = (folder / "enricher.rules").read_text().splitlines()
    assert [line for line in text if not line.startswith("#")] == [rule.rule]
    ledger.retire(rule.id, **BY)
    export_local(ledger, folder)
    assert "alert" not in (folder / "enricher.rules").read_text()


def test_two_rules_that_load_different_files_of_one_name_are_refused(
    tmp_path: Path, ledger: Ledger, add: Add
) -> None:
    add("a", lists={"x.lst": "YQ==\n"})
    add("b", lists={"x.lst": "Yg==\n"})
    with pytest.raises(InputError, match="another name"):
        export_local(ledger, tmp_path / "local")


@pytest.mark.parametrize(
    "line",
    [
        "re:. ^alert drop",
        're:. "^alert" "drop"',
        '* "^alert (.*)" "reject ${1}"',
        "1000000 alert drop",
        '5,1:1000000 "^alert" "drop"',
        'modifysid 1000000 "^alert" | "drop"',
        'group:enricher "^alert" "drop"',
        'enricher.rules "^alert" "drop"',
        'filename:*.rules "^alert" "drop"',
        're:classtype:trojan-activity "(alert)(.*)" "drop\\\\2"',
        '"metadata:deployment perimeter" "^alert" "drop"',
        '* "^.*$" ""',
        '* "(" "drop"',
        "alert drop",
    ],
)  # fmt: skip
def test_a_filter_that_makes_more_of_an_alert_is_warned_of(
    tmp_path: Path, ledger: Ledger, add: Add, line: str
) -> None:
    add("x", 'dns.query; content:"x"; metadata:a b, deployment  Perimeter;')
    modify = tmp_path / "modify.conf"
    modify.write_text(f"# comment\n\n{line}\n")
    (warning,) = export_local(ledger, tmp_path / "local", modify)
    assert f"{modify}:3: " in warning


@pytest.mark.parametrize(
    "line",
    [
        '2019401 "^alert" "drop"',
        '3:1000000 "^alert" "drop"',
        '1:1000000:2 "^alert" "drop"',
        're:classtype:other "^alert" "drop"',
        'emerging-*.rules "^alert" "drop"',
        '* "EXTERNAL_NET" "any"',
        'metadata-add re:. "note" "x"',
        'metadata:other "x y" z',
    ],
)
def test_a_filter_that_leaves_our_alerts_alerts_is_not(
    tmp_path: Path, ledger: Ledger, add: Add, line: str
) -> None:
    add("x", 'dns.query; content:"x"; metadata:a b, deployment Perimeter;')
    modify = tmp_path / "modify.conf"
    modify.write_text(line)
    assert export_local(ledger, tmp_path / "local", modify) == []


def test_drop_conf_is_looked_at_too(tmp_path: Path, ledger: Ledger, add: Add) -> None:
    add("x")
    drop = tmp_path / "drop.conf"
    drop.write_text("2019401\nre:trojan-activity\n")
    (warning,) = export_local(ledger, tmp_path / "local", None, drop)
    assert f"{drop}:2: would turn 1 of our alerts" in warning
    with pytest.raises(InputError, match="cannot be read"):
        export_local(ledger, tmp_path / "local", tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rule_candidates SET status = 'approved'",
        "UPDATE rule_candidates SET status = 'live', deployed_rev = 1, stage = 'live'",
        "UPDATE rule_candidates SET deployed_rev = 1, stage = 'live'",
    ],
)
def test_a_status_that_was_written_into_the_database_approves_nothing(
    tmp_path: Path, ledger: Ledger, add: Add, change: str
) -> None:
    add("x", approve=False)
    with open_database(ledger.state) as database:
        database.execute(change)
    for write in (export, export_local):
        with pytest.raises(StateError, match=r"1000000.*nobody approved"):
            write(ledger, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_approval_is_for_the_text_that_it_was_given_for(
    tmp_path: Path, ledger: Ledger, add: Add
) -> None:
    rule = add("x")
    with open_database(ledger.state) as database:
        database.execute("UPDATE rule_revisions SET rule = replace(rule, '\"x\"', '\"y\"')")
    with pytest.raises(StateError, match="nobody approved"):
        export(ledger, tmp_path / "out")
    ledger.retire(rule.id, **BY)
    assert export(ledger, tmp_path / "out") == 0
