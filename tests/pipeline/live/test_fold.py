"""The service knows the same, however its logs were cut and wherever it was interrupted."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import pytest

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.pipeline.events import Labels, event_options, lines_of
from enricher.pipeline.live.fold import Fold
from enricher.sources.following import Piece

Cut = Callable[[Path, int, int], Iterator[Piece]]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load("base", "cpu")


def taken(
    fold: Fold, pieces: Sequence[Piece], detector: Detector, settings: Settings
) -> list[bytes]:
    """The lines of alerts, without their reasons."""
    found = fold.take(pieces).alerts
    return lines_of(
        [one.alert for one in found], Labels(detector), event_options(detector, settings)
    )


def test_alerts_do_not_depend_on_how_a_log_is_cut(
    site: Path, cut_log: Cut, detector: Detector, live_settings: Settings
) -> None:
    results = []
    for seed in range(3):
        fold = Fold(detector, live_settings, ())
        pieces = cut_log(site / "conn.log", 0, seed)
        lines: list[bytes] = []
        while some := list(islice(pieces, 4)):
            lines += taken(fold, some, detector, live_settings)
        results.append((lines, fold.accounting.to_plain()))
    assert results[0] == results[1] == results[2]
    states = [orjson.loads(line)["alert"]["metadata"]["state"] for line in results[0][0]]
    assert {"opening", "closing"} == {state for (state,) in states}


def test_alerts_of_mixed_events_do_not_depend_on_how_they_are_cut(
    shared_data: Path, tmp_path: Path, cut_log: Cut, detector: Detector, live_settings: Settings
) -> None:
    packed = max((shared_data / "eve").rglob("*.gz"), key=lambda path: path.stat().st_size)
    log = tmp_path / "eve.json"
    with gzip.open(packed) as events:
        log.write_bytes(b"".join(islice(events, 8_000)))
    results = []
    for seed in range(2):
        fold = Fold(detector, live_settings, ())
        lines = taken(fold, list(cut_log(log, 0, seed)), detector, live_settings)
        results.append((lines, fold.accounting.to_plain()))
    assert results[0] == results[1]
    assert sum(one["scored"] for one in results[0][1]["kinds"].values()) > 1000


@pytest.mark.parametrize("stop", [1, 3])
def test_what_was_written_down_goes_on_as_if_nothing_had_been(
    site: Path, cut_log: Cut, detector: Detector, live_settings: Settings, stop: int
) -> None:
    pieces = list(cut_log(site / "conn.log", 0, 1))
    assert len(pieces) > stop
    whole = Fold(detector, live_settings, ())
    taken(whole, pieces[:stop], detector, live_settings)
    arrays, words = whole.export()
    words = orjson.loads(orjson.dumps(words))
    expected = taken(whole, pieces[stop:], detector, live_settings)
    other = Fold(detector, live_settings, [pieces[stop - 1].log])
    other.restore({name: np.array(array) for name, array in arrays.items()}, words)
    assert taken(other, pieces[stop:], detector, live_settings) == expected
    assert expected


def test_a_state_of_other_settings_is_refused(
    detector: Detector, settings_with: Callable[..., Settings], live_settings: Settings
) -> None:
    arrays, words = Fold(detector, live_settings, ()).export()
    other = Fold(detector, settings_with("context.sources=1024"), ())
    with pytest.raises(ValueError, match="another size"):
        other.restore(arrays, words)


def test_records_that_a_log_repeats_are_counted_and_not_scored(
    site: Path, cut_log: Cut, detector: Detector, live_settings: Settings, tmp_path: Path
) -> None:
    text = (site / "conn.log").read_text().replace("#path\tconn\n", "#path\tconn_long\n")
    (tmp_path / "conn_long.log").write_text(text)
    fold = Fold(detector, live_settings, ())
    fold.take(cut_log(tmp_path / "conn_long.log", 0, 0))
    account = fold.accounting.of("conn")
    assert account.scored == 0
    assert account.read == account.dropped["repeated_connection"] > 0
    assert account.balance == 0
