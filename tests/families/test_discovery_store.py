"""What the site keeps of what was discovered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from enricher.errors import InputError, StateError
from enricher.families.database import open_database
from enricher.families.discovery import store as store_module
from enricher.families.discovery.figures import (
    MAX_TEXT,
    SHOWN,
    Apart,
    Exemplar,
    Figures,
    Interval,
    Often,
    Values,
)
from enricher.families.discovery.matching import Matches
from enricher.families.discovery.store import DiscoveryStore, Found
from enricher.families.discovery.support import joined_sets, rows_of_set
from enricher.families.support import MOST_SHOTS, KeptSupport, SupportSet

MakeSupport = Callable[..., SupportSet]
MakeFound = Callable[..., Found]


def figures(records: int = 12) -> Figures:
    host = Values(1, (Often("10.0.0.1", records),))
    return Figures(
        kind="http", records=records, sampled=records, first=1.7e9, last=None, sources=host,
        destinations=host, ports=Values(0, ()), interval=Interval(9.0, 0.5),
        exemplars=(Exemplar("/logs/http.log:7", "C1", 1.7e9, {"uri": "/\\x1b[31m\\x00"}),),
        apart=(Apart("uri_length", "a long URI", 0.4),), nearest="known", nearest_score=0.1,
        nearest_threshold=0.5, cohesion=0.7,
    )  # fmt: skip


@pytest.fixture
def found(make_support: MakeSupport) -> MakeFound:
    def make(count: int = 6, records: int = 12) -> Found:
        support = KeptSupport({"http": make_support(count)}, "names")
        return Found(figures(records), support, b"raw")

    return make


def keep(store: DiscoveryStore, *found: Found, now: float = 1.0, **of: Any) -> list[int]:
    return store.keep(
        found, Matches(of.get("numbers", [None] * len(found)), of.get("merged", {})), now
    )


def test_what_is_kept_comes_back(tmp_path: Path, found: MakeFound) -> None:
    store = DiscoveryStore(tmp_path)
    assert store.all() == []
    assert keep(store, found(), found(records=99)) == [1, 2]
    first, second = store.all()
    assert (first.id, first.status, first.figures) == ("d1", "open", figures())
    assert store.get("d2") == second
    assert store.support("d1").sets["http"].origins == found().support.sets["http"].origins
    assert store.records("d1") == b"raw"


def test_fewer_records_do_not_replace_more_but_the_figures_are_the_last_ones(
    tmp_path: Path, found: MakeFound
) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found(6))
    keep(store, found(4, records=5), numbers=[1], now=2.0)
    assert len(store.support("d1").sets["http"]) == 6
    assert (store.get("d1").figures.records, store.get("d1").seen) == (5, 2.0)
    keep(store, found(8), numbers=[1])
    assert len(store.support("d1").sets["http"]) == 8


def test_what_was_settled_stays_as_it_was(tmp_path: Path, found: MakeFound) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found(6))
    store.settle("d1", "dismissed", None, "ann", "ours")
    keep(store, found(9, records=77), numbers=[1])
    one = store.get("d1")
    assert (one.status, one.author, one.why, one.figures.records) == (
        "dismissed",
        "ann",
        "ours",
        12,
    )
    assert len(store.support("d1").sets["http"]) == 6


def test_what_was_taken_in_says_by_what(tmp_path: Path, found: MakeFound) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found(), found())
    keep(store, found(), numbers=[1], merged={2: 1})
    assert (store.get("d2").status, store.get("d2").became) == ("merged", "d1")


def test_numbers_are_bounded_and_never_used_again(
    tmp_path: Path, found: MakeFound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_OPEN", 3)
    store = DiscoveryStore(tmp_path)
    for now in range(5):
        keep(store, found(), now=float(now))
    assert [one.id for one in store.all()] == ["d3", "d4", "d5"]
    with open_database(tmp_path) as database:
        database.execute("DELETE FROM discoveries")
    assert keep(store, found()) == [6]


@pytest.mark.parametrize("name", ["d0", "D1", "1", "d-1", "d1 OR 1", "d" + "9" * 30, "", "d1\n"])
def test_what_is_no_id_is_refused(tmp_path: Path, found: MakeFound, name: str) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found())
    with pytest.raises(InputError, match="no id"):
        store.get(name)


def test_what_is_not_there_is_said_to_be_not_there(tmp_path: Path) -> None:
    for ask in (DiscoveryStore(tmp_path).get, DiscoveryStore(tmp_path).support):
        with pytest.raises(InputError, match="no discovery d3"):
            ask("d3")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("figures", "{}"),
        ("figures", "[" * 40_000),
        ("figures", json.dumps({"kind": "http"}) + " " * 100_000),
        ("status", "burnt"),
        ("became", "x" * 999),
        ("why", "x" * 999),
    ],
)
def test_a_damaged_one_is_named(tmp_path: Path, found: MakeFound, column: str, value: str) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found())
    with open_database(tmp_path) as database:
        database.execute(f"UPDATE discoveries SET {column} = ?", (value,))  # noqa: S608 - above
    with pytest.raises(StateError, match=r"discovery d1 is damaged"):
        store.all()


def test_the_longest_figures_that_a_log_can_make_come_back() -> None:
    text, few = "\x00" * MAX_TEXT, 4 * SHOWN
    values = Values(2**53, tuple(Often(text, 2**53) for _ in range(few)))
    fields = {f"{n:02}{text[2:]}": text for n in range(few)}
    longest = replace(
        figures(), sources=values, destinations=values, ports=values, nearest=text,
        exemplars=tuple(Exemplar("\x00" * 1024, text, None, fields) for _ in range(3)),
        apart=tuple(Apart(text, text * 4, 1.0) for _ in range(few)),
    )  # fmt: skip
    assert Figures.from_json(longest.to_json()) == longest


def test_hosts_without_end_are_no_figures() -> None:
    plain = json.loads(figures().to_json())
    plain["sources"]["top"] = plain["sources"]["top"] * 1000
    with pytest.raises(ValueError, match="at most"):
        Figures.from_json(json.dumps(plain))


def test_damaged_support_is_named(tmp_path: Path, found: MakeFound) -> None:
    store = DiscoveryStore(tmp_path)
    keep(store, found())
    with open_database(tmp_path) as database:
        database.execute("UPDATE discoveries SET support = ?", (b"\x80\x04N.",))
    with pytest.raises(StateError, match=r"discovery d1 is damaged"):
        store.support("d1")


def test_support_records_of_a_family_come_once_and_are_bounded(make_support: MakeSupport) -> None:
    more = make_support(9)
    own = rows_of_set(more, np.arange(6))
    assert len(joined_sets({"http": own}, {"http": own})["http"]) == 6
    assert joined_sets({"http": own}, {"http": more})["http"].uids == more.uids
    many = make_support(400)
    other = SupportSet(many.features, many.origins, many.uids, np.full(400, 5.0))
    whole = joined_sets({"http": many}, {"http": other})["http"]
    assert len(whole) == MOST_SHOTS
    assert (whole.times == 5.0).sum() == pytest.approx(MOST_SHOTS / 2, abs=2)
