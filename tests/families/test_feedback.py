"""What the site keeps of feedback: whole, bounded, and through changes of version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enricher.errors import StateError
from enricher.families.database import VERSION
from enricher.families.family import Family
from enricher.families.feedback import Feedback, FeedbackStore, tally
from enricher.families.feedback_support import Sets, with_record, without_record
from enricher.families.store import FamilyStore
from enricher.families.support import MOST_SHOTS, KeptSupport, SupportSet

Kept = tuple[Family, bytes, bytes]


@pytest.fixture
def said(make_support: Callable[..., SupportSet]) -> Feedback:
    evidence = KeptSupport({"http": make_support(1)}, "names").to_bytes()
    return Feedback(
        "00112233445566ff", "false-positive", "http", "probe", None, "ana", 5.0, "it's \u2603 fine",
        evidence,
    )  # fmt: skip


def database(state: Path) -> sqlite3.Connection:
    return sqlite3.connect(state / "enricher.db", isolation_level=None)


def test_what_was_said_comes_back_in_the_order_it_was_said(tmp_path: Path, said: Feedback) -> None:
    store = FeedbackStore(tmp_path / "state")
    assert store.all() == []
    assert not (tmp_path / "state").exists()
    later = replace(said, alert_id="ff", given=9.0, verdict="true-positive", taught="x")
    store.put(later)
    store.put(said)
    assert store.all() == [said, later]
    assert store.get("ff") == later
    assert store.get("ff' OR 1=1 --") is None


def test_the_later_word_on_an_alert_takes_the_place_of_the_earlier(
    tmp_path: Path, said: Feedback
) -> None:
    store = FeedbackStore(tmp_path)
    store.put(said)
    store.put(replace(said, verdict="true-positive", taught="x"))
    (one,) = store.all()
    assert (one.verdict, one.taught) == ("true-positive", "x")


def test_a_database_of_the_first_version_is_brought_up_to_date_in_place(
    tmp_path: Path, said: Feedback, keepable: Callable[[str], Kept]
) -> None:
    families = FamilyStore(tmp_path)
    families.save(*keepable("first"))
    with database(tmp_path) as connection:
        for kind, name in connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND "
            "type IN ('table', 'trigger') AND name NOT IN ('families', 'family_kinds') "
            "ORDER BY type DESC"
        ).fetchall():
            connection.execute(f"DROP {kind} {name}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = FeedbackStore(tmp_path)
    assert store.all() == []  # what is read stays as it is
    assert [one.name for one in families.families()] == ["first"]
    store.put(said)
    assert store.all() == [said]
    assert [one.name for one in families.families()] == ["first"]
    with database(tmp_path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()


def test_a_database_of_a_later_version_is_refused(tmp_path: Path, said: Feedback) -> None:
    FeedbackStore(tmp_path).put(said)
    with database(tmp_path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(StateError, match="another state directory"):
        FeedbackStore(tmp_path).all()


@pytest.mark.parametrize(
    ("column", "value"),
    [("kind", "ftp"), ("verdict", "maybe"), ("family", "x" * 65), ("reason", "x" * 501)],
)
def test_a_damaged_row_is_named_and_can_be_said_again(
    tmp_path: Path, said: Feedback, column: str, value: str
) -> None:
    FeedbackStore(tmp_path).put(said)
    with database(tmp_path) as connection:
        connection.execute(f"UPDATE feedback SET {column} = ?", (value,))  # noqa: S608
    connection.close()
    store = FeedbackStore(tmp_path)
    with pytest.raises(StateError, match=r"00112233445566ff.*say it again"):
        store.all()
    assert store.all(besides=said.alert_id) == []
    assert store.get(said.alert_id) is None
    store.put(said)
    assert store.all() == [said]


def test_the_record_is_there_for_the_same_model_of_names_alone(said: Feedback) -> None:
    record = said.record("names")
    assert record is not None
    assert len(record) == 1
    assert said.record("others") is None
    assert replace(said, kind="dns").record("names") is None
    assert replace(said, evidence=said.evidence[:50]).record("names") is None


def test_feedback_follows_a_family_that_is_renamed(
    tmp_path: Path, said: Feedback, keepable: Callable[[str], Kept]
) -> None:
    families, store = FamilyStore(tmp_path), FeedbackStore(tmp_path)
    families.save(*keepable("probe"))
    store.put(said)
    store.put(replace(said, alert_id="11", family="unknown", taught="probe", given=6.0))
    families.rename("probe", "new")
    assert [(one.family, one.taught) for one in store.all()] == [
        ("new", None),
        ("unknown", "new"),
    ]


def test_right_and_false_alerts_are_counted_by_family(said: Feedback) -> None:
    right = replace(said, verdict="true-positive", family="unknown", taught="probe")
    counts = tally([said, right, right, replace(said, family="other")])
    assert [(name, one.confirmed, one.false) for name, one in counts.items()] == [
        ("other", 0, 1),
        ("probe", 2, 1),
    ]


def test_a_record_comes_to_a_support_set_once_and_goes_without_a_trace(
    make_support: Callable[..., SupportSet],
) -> None:
    own, record = make_support(5), replace(make_support(1, seed=9), origins=("conn.log:7",))
    sets: Sets = {"http": own}
    more = with_record(sets, "http", record)
    assert more is not None
    assert len(more["http"]) == 6
    assert with_record(more, "http", record) is more
    less = without_record(more, "http", record)
    assert less["http"].origins == own.origins
    np.testing.assert_array_equal(less["http"].features.numeric, own.features.numeric)
    assert KeptSupport(less, "n").to_bytes() == KeptSupport(sets, "n").to_bytes()
    assert without_record(sets, "http", record) is sets
    assert without_record({"http": record}, "http", record) == {}
    assert without_record(sets, "dns", record) is sets


def test_a_full_support_set_takes_no_more(make_support: Callable[..., SupportSet]) -> None:
    full: Sets = {"http": make_support(MOST_SHOTS)}
    record = replace(make_support(1, seed=9), origins=("conn.log:7",))
    assert with_record(full, "http", record) is None
