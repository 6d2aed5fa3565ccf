"""Hits of our rules: counted once over rotations, never too high, with what is known of them."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.rulegen.ledger import hits as hits_module
from enricher.rulegen.ledger.candidate import Draft
from enricher.rulegen.ledger.hits import HitCounts, count_hits
from enricher.rulegen.ledger.judging import judge, latest, observed
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.ledger.observed import wilson_lower

MakeDraft = Callable[..., Draft]
BY: Any = {"who": "ana", "why": "a test"}
SID = 1_000_000


@pytest.fixture
def ours(ledger: Ledger, draft: MakeDraft) -> Ledger:
    """A ledger with one rule."""
    ledger.propose("fam", [draft()], **BY)
    return ledger


def event(number: int, /, *, verdict: str | None = None, **changes: Any) -> bytes:
    alert = {"action": "allowed", "gid": 1, "signature_id": SID, "rev": 1, "signature": "x"}
    alert |= {name: changes.pop(name) for name in list(changes) if name in alert}
    if verdict is not None:
        alert["metadata"] = {"enricher_verdict": [verdict]}
    made = {
        "timestamp": datetime.fromtimestamp(1.7e9 + number, UTC).isoformat(),
        "flow_id": number,
        "event_type": "alert",
        "src_ip": f"10.0.0.{number % 7}",
        "src_port": 1,
        "dest_ip": "192.0.2.1",
        "dest_port": 53,
        "alert": alert,
    }
    return orjson.dumps(made | changes) + b"\n"


def counted(ledger: Ledger) -> int:
    return sum(one.hits for one in observed(ledger).values())


def test_a_file_that_grows_and_is_rotated_and_packed_is_counted_once(
    ours: Ledger, tmp_path: Path
) -> None:
    live, first, packed = (tmp_path / name for name in ("eve.json", "eve.json.1", "eve.json.1.gz"))
    live.write_bytes(b"".join(event(n) for n in range(3)))
    assert count_hits(ours, [live]) == HitCounts(counted=3)
    assert count_hits(ours, [live]) == HitCounts(again=3)
    with live.open("ab") as file:
        file.write(event(3) + event(4)[:30])
    assert count_hits(ours, [live]) == HitCounts(counted=1, again=3)
    with live.open("ab") as file:
        file.write(event(4)[30:])
    live.rename(first)
    live.write_bytes(event(5))
    assert count_hits(ours, [live, first]) == HitCounts(counted=2, again=4)
    packed.write_bytes(gzip.compress(first.read_bytes()))
    shutil.copy(first, tmp_path / "copy.json")
    first.unlink()
    live.write_bytes(event(6))  # truncated in place, and written anew
    assert count_hits(ours, [live, packed, tmp_path / "copy.json"]) == HitCounts(
        counted=1, again=10
    )
    (one,) = observed(ours).values()
    assert (one.hits, one.first, one.last, one.days, one.sources) == (7, 1.7e9, 1.7e9 + 6, 1, 7)


def test_the_oldest_file_is_read_first(
    ours: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits_module, "MAX_EVENTS", 2)
    new, old = tmp_path / "eve.json", tmp_path / "eve.json.1"
    new.write_bytes(b"".join(event(n) for n in range(10, 15)))
    old.write_bytes(b"".join(event(n) for n in range(10)))
    os.utime(old, (1.0, 1.0))
    assert count_hits(ours, [new, old]).counted == 15
    assert count_hits(ours, [new, old]) == HitCounts(again=2, older=13)
    assert len(latest(ours, SID)) == 2


@given(pieces=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_however_pieces_of_a_log_overlap_no_hit_is_counted_twice(
    pieces: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hits")
    ledger = Ledger(folder)
    rule = 'alert dns any any -> any any (msg:"x"; sid:1; rev:1;)'
    ledger.propose("fam", [Draft(rule, {})], **BY)
    seen: set[int] = set()
    for number, (begin, length) in enumerate(pieces):
        path = folder / f"{number}.json"
        path.write_bytes(b"".join(event(n) for n in range(begin, begin + length)))
        counts = count_hits(ledger, [path])
        new = set(range(begin, begin + length)) - seen
        seen |= new
        assert (counts.counted, counts.again) == (len(new), length - len(new))
        assert counted(ledger) == len(seen)


def test_never_more_than_there_are_when_old_ones_were_forgotten(
    ours: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits_module, "MAX_EVENTS", 5)
    monkeypatch.setattr(hits_module, "_BATCH", 3)
    path = tmp_path / "eve.json"
    path.write_bytes(b"".join(event(n) for n in range(40)))
    for _ in range(3):
        count_hits(ours, [path])
    path.write_bytes(event(2) + event(39) + event(40) + event(1, flow_id=99))
    assert count_hits(ours, [path]) == HitCounts(counted=1, again=1, older=2)
    assert counted(ours) == 41


def test_only_our_alerts_are_counted_and_each_bad_line_is_explained(
    ours: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "eve.json"
    lines = [
        event(0, signature_id=2_000_000),
        event(1, gid=1001),
        event(2, event_type="flow"),
        event(3, rev=7),
        event(4, timestamp="yesterday"),
        event(5, timestamp="2026-01-01T00:00:00"),
        event(6, src_ip=["x"]),
        event(7, rev="1"),
        b'{"event_type": "alert", cut off\n',
        b'{"alert": "' + b"x" * 2_000_000 + b'"}\n',
        b"\xff\xfe\x00 no json at all\n",
        b'["alert"]\n',
        event(8, timestamp="2026-01-01T00:00:00.123456+0000"),
        b'{"event_type": "alert"',
    ]
    path.write_bytes(b"".join(lines))
    counts = count_hits(ours, [path])
    assert (counts.counted, counts.foreign, counts.bad) == (1, 1, 6)
    assert [one.line for one in counts.explained] == [5, 6, 7, 8, 9, 10]
    assert "timestamp" in counts.explained[0].reason
    assert "longer than" in counts.explained[5].reason


def test_a_packed_file_that_is_cut_off_counts_as_far_as_it_goes(
    ours: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "eve.json.gz"
    path.write_bytes(gzip.compress(b"".join(event(n) for n in range(500)))[:-300])
    counts = count_hits(ours, [path])
    assert 0 < counts.counted < 500
    assert counts.bad == 1
    with pytest.raises(InputError, match="no file"):
        count_hits(ours, [tmp_path])


def test_the_detectors_view_is_counted_also_when_it_comes_in_another_file_later(
    ours: Ledger, tmp_path: Path
) -> None:
    eve, enriched = tmp_path / "eve.json", tmp_path / "enriched.json"
    verdicts = ["fam", "fam", "benign", "not seen", "other"]
    eve.write_bytes(b"".join(event(n) for n in range(5)))
    enriched.write_bytes(b"".join(event(n, verdict=v) for n, v in enumerate(verdicts)))
    assert count_hits(ours, [eve]) == HitCounts(counted=5)
    for _ in range(2):
        assert count_hits(ours, [enriched]) == HitCounts(again=5)
    (one,) = observed(ours).values()
    assert (one.hits, one.agreed, one.disagreed) == (5, 2, 1)
    assert [hit.agreed for hit in latest(ours, SID)] == [None, None, False, True, True]


def test_hits_are_kept_apart_by_revision(ours: Ledger, tmp_path: Path, draft: MakeDraft) -> None:
    rule = ours.edit(SID, draft("other"), **BY)
    path = tmp_path / "eve.json"
    path.write_bytes(event(1) + event(2, rev=2) + event(3, rev=2) + event(4, rev=3))
    assert count_hits(ours, [path]) == HitCounts(counted=3, foreign=1)
    assert {key: one.hits for key, one in observed(ours).items()} == {
        (rule.id, 1): 1, (rule.id, 2): 2,
    }  # fmt: skip


def test_an_analyst_says_which_hits_were_right(ours: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b"".join(event(n) for n in range(6)))
    with pytest.raises(InputError, match="no hit"):
        judge(ours, SID, True, **BY)
    count_hits(ours, [path])
    (one,) = observed(ours).values()
    assert (one.precision, one.lower_bound()) == (None, 0.0)
    judge(ours, SID, True, hits=4, **BY)
    key = latest(ours, SID)[0].key
    judge(ours, SID, True, key=key, **BY)
    judge(ours, SID, False, key=key, **BY)
    assert latest(ours, SID)[0].right is False
    (one,) = observed(ours).values()
    assert (one.confirmed, one.false, one.precision) == (4, 1, 0.8)
    assert 0.4 < one.lower_bound() < 0.5
    with pytest.raises(InputError, match="has 1 hits in revision 1"):
        judge(ours, SID, True, hits=2, **BY)
    with pytest.raises(InputError, match="no hit 'none'"):
        judge(ours, SID, True, key="none", **BY)
    with pytest.raises(InputError, match="history"):
        judge(ours, SID, True, who="ana", why="")


def test_the_lower_bound_is_wilsons() -> None:
    # 81 of 263: 0.2553 two-sided at 95 % (Newcombe 1998, "Two-sided confidence intervals for the
    # single proportion", table I, method 3), so one-sided at 97.5 %.
    assert wilson_lower(81, 263, 0.975) == pytest.approx(0.2553, abs=5e-5)
    assert wilson_lower(0, 20, 0.975) == 0.0
    assert wilson_lower(20, 20, 0.975) == pytest.approx(1 - 0.1611, abs=5e-5)
