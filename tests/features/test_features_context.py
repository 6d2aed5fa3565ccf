from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.features.columns import Columns
from enricher.features.context import ContextTracker
from enricher.features.context_kernel import OUTPUTS, WAYS
from enricher.features.context_keys import observe
from enricher.features.context_spec import CONTEXT_FEATURES, TRACKS
from enricher.logs import KINDS, Kind, LogBatch


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys  # noqa: PLC0415 - dataclasses look their module up

    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


slow = _load("slow_context")

times = st.one_of(
    st.floats(0, 5000).map(lambda t: round(t, 3)),
    st.sampled_from([0.0, 599.0, 600.0, 1200.0, 3600.0, 90000.0, 200000.0]),
)
hosts = st.sampled_from([None, "10.0.0.1", "10.0.0.2", "10.0.0.3"])
CONN = st.fixed_dictionaries(
    {
        "ts": times,
        "id.orig_h": hosts,
        "id.resp_h": hosts,
        "id.resp_p": st.sampled_from([None, 22, 80, 443, 8080]),
        "proto": st.sampled_from(["tcp", "udp"]),
        "conn_state": st.sampled_from([None, "S0", "SF", "REJ", "OTH"]),
        "history": st.sampled_from([None, "S", "ShADadFf"]),
        "duration": st.sampled_from([None, 0.5, 100000.0]),
        "orig_bytes": st.sampled_from([None, 0, 10, 10**12]),
    }
)
NAMES = st.sampled_from([None, "", "a.example.com", "b.example.com", "x.co.uk", "com", "."])
DNS = st.fixed_dictionaries(
    {
        "ts": times,
        "id.orig_h": hosts,
        "query": NAMES,
        "qtype": st.sampled_from([None, 1, 28]),
        "rcode": st.sampled_from([None, 0, 3]),
        "is_answer": st.sampled_from([None, True, False]),
    }
)
HTTP = st.fixed_dictionaries(
    {
        "ts": times,
        "id.orig_h": hosts,
        "id.resp_h": hosts,
        "host": NAMES,
        "uri": st.sampled_from([None, "/", "/a?b=c"]),
        "method": st.just("GET"),
        "user_agent": st.sampled_from([None, "curl/8"]),
        "status_code": st.sampled_from([None, 200, 404]),
        "response_body_len": st.sampled_from([None, 0, 5000]),
    }
)
SSL = st.fixed_dictionaries(
    {
        "ts": times,
        "id.orig_h": hosts,
        "id.resp_h": hosts,
        "server_name": NAMES,
        "ja3": st.sampled_from([None, "f00", "ba4"]),
        "established": st.sampled_from([None, True, False]),
    }
)
RECORDS = {"conn": CONN, "dns": DNS, "http": HTTP, "ssl": SSL}
streams = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(RECORDS[kind], max_size=40))
)


def small(kind: Kind) -> ContextTracker:
    return ContextTracker(kind, sources=64, pairs=64, destinations=64)


def cut(batch: LogBatch, *places: int) -> list[LogBatch]:
    edges = [0, *sorted(p % (len(batch) + 1) for p in places), len(batch)]
    return [LogBatch(batch.kind, batch.frame[a:b]) for a, b in itertools.pairwise(edges)]


def same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one.view(np.uint32), other.view(np.uint32)))


@settings(max_examples=60, deadline=None)
@given(streams, st.lists(st.integers(0, 1000), max_size=5))
def test_cutting_the_stream_anywhere_changes_no_bit(
    batch: Any, stream: Any, places: list[int]
) -> None:
    whole = batch(*stream)
    expected = small(stream[0]).update(whole)
    tracker = small(stream[0])
    parts = [tracker.update(part) for part in cut(whole, *places)]
    assert same(np.concatenate(parts), expected)


@settings(max_examples=60, deadline=None)
@given(streams, st.integers(0, 1000))
def test_later_records_change_nothing_of_earlier_ones(batch: Any, stream: Any, place: int) -> None:
    whole = batch(*stream)
    first = cut(whole, place)[0]
    assert same(small(stream[0]).update(first), small(stream[0]).update(whole)[: len(first)])


@settings(max_examples=120, deadline=None)
@given(streams)
def test_every_number_is_that_of_a_plain_slow_computation(batch: Any, stream: Any) -> None:
    kind, records = stream
    whole = batch(kind, records)
    got = ContextTracker(kind, sources=4096, pairs=4096, destinations=4096).update(whole)
    seen = observe(kind, Columns(whole.frame))
    column = 0
    for number, (track, bits) in enumerate(zip(TRACKS[kind], (512, 128, 512), strict=True)):
        rows = [
            {
                "key": int(seen.keys[number][n]),
                "items": [int(item) for item in seen.items[number][n]],
                "start": float(seen.start[n]),
                "end": float(seen.end[n]),
                "size": float(seen.size[n]),
                "outcome": float(seen.outcome[n]),
                "counted": bool(seen.counted[n]),
            }
            for n in range(len(records))
        ]
        said = slow.slow_track(rows, bits)
        for output in track.outputs:
            expected = np.array([row[output] for row in said], np.float32)
            np.testing.assert_allclose(
                got[:, column], expected, rtol=1e-5, atol=2e-6, err_msg=f"{track.name} {output}"
            )
            column += 1
    assert column == got.shape[1]


def test_memory_stays_what_it_was_and_eviction_is_the_same_every_time(batch: Any) -> None:
    rows = [
        {"ts": float(i), "id.orig_h": f"10.{i // 256}.{i % 256}.1", "id.resp_h": f"1.1.{i % 97}.1"}
        for i in range(3000)
    ]
    whole = batch("conn", rows)
    trackers = [small("conn"), small("conn")]
    before = trackers[0].state_bytes()
    first, second = (tracker.update(whole) for tracker in trackers)
    assert same(first, second)
    assert trackers[0].state_bytes() == before
    assert trackers[0].export()["source.rows"].size == 64


def test_the_slot_given_up_is_the_one_used_longest_ago(batch: Any) -> None:
    # Eight slots in all: the ninth source takes the place of the second, as the first came again.
    tracker = ContextTracker("conn", sources=WAYS, pairs=WAYS, destinations=WAYS)
    sources = [*range(8), 0, 8, 0, 1]
    rows = [{"ts": 0.0, "id.orig_h": str(s), "id.resp_h": "h"} for s in sources]
    rate = tracker.update(batch("conn", rows))[:, 0]
    assert np.expm1(rate).round().tolist() == [1] * 8 + [2, 1, 3, 1]


def test_a_restored_context_goes_on_as_the_first_would(batch: Any) -> None:
    rows = [{"ts": i * 7.0, "id.orig_h": str(i % 5), "id.resp_h": str(i % 3)} for i in range(200)]
    whole = batch("conn", rows)
    first, second = cut(whole, 120)
    one = small("conn")
    one.update(first)
    other = small("conn")
    other.update(second)
    other.restore(one.export())
    assert same(other.update(second), one.update(second))


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": None},
        {"pair.words": np.zeros((1, 3), np.uint64)},
        {"source.rows": np.array([7], np.int64)},
        {"destination.slots": np.zeros((2, 2, WAYS), np.uint64)},
    ],
)
def test_a_saved_context_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    arrays = {**small("conn").export(), **change}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    with pytest.raises(ValueError, match="saved context"):
        small("conn").restore(arrays)


def test_a_table_of_a_size_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        ContextTracker("conn", sources=100)


def test_records_of_another_kind_are_refused(batch: Any) -> None:
    with pytest.raises(ValueError, match="conn was given records of dns"):
        small("conn").update(batch("dns", []))


def test_a_query_and_its_answer_in_two_events_count_as_one_record(batch: Any) -> None:
    one = {"id.orig_h": "c", "query": "x.example.com", "qtype": 1}
    zeek = [{**one, "ts": i * 9.0, "rcode": 3 * (i % 2)} for i in range(20)]
    eve = [
        event
        for row in zeek
        for event in ({**row, "rcode": None, "is_answer": False}, {**row, "is_answer": True})
    ]
    expected = small("dns").update(batch("dns", zeek))
    answers = small("dns").update(batch("dns", eve))[1::2]
    names = [feature.name for feature in CONTEXT_FEATURES["dns"]]
    # What is known of this record alone when it is the request, not when it is the answer.
    alone = [i for i, n in enumerate(names) if "_new_" in n or n.endswith(("interval", "surprise"))]
    np.testing.assert_array_equal(
        np.delete(answers, alone, axis=1), np.delete(expected, alone, axis=1)
    )


def test_a_clock_from_the_future_does_not_freeze_a_source(batch: Any) -> None:
    rows = [{"ts": 1e15, "id.orig_h": "s", "id.resp_h": "d"}]
    rows += [{"ts": i * 600.0, "id.orig_h": "s", "id.resp_h": "d"} for i in range(5)]
    rate = np.expm1(small("conn").update(batch("conn", rows))[:, 0])
    assert rate[-1] == pytest.approx(1.0, abs=0.01)


def test_times_that_are_no_numbers_are_survived(batch: Any) -> None:
    rows = [
        {"ts": ts, "id.orig_h": "s", "id.resp_h": "d"}
        for ts in (None, float("inf"), float("-inf"), float("nan"), 1e308, -1e308, 5.0)
    ]
    made = small("conn").update(batch("conn", rows))
    assert not np.isinf(made).any()


def test_a_clock_like_beacon_is_even_and_a_person_is_not(batch: Any) -> None:
    rng = np.random.default_rng(1)
    beacon = np.arange(50) * 60.0
    person = np.cumsum(rng.exponential(60.0, 50))
    column = [f.name for f in CONTEXT_FEATURES["conn"]].index("pair_interval_deviation")
    uneven = [
        small("conn").update(
            batch("conn", [{"ts": float(t), "id.orig_h": "s", "id.resp_h": "d"} for t in moments])
        )[-1, column]
        for moments in (beacon, person)
    ]
    assert uneven[0] < 0.01
    assert uneven[1] > 0.3


def test_every_output_of_the_kernel_has_words() -> None:
    outputs = {output for tracks in TRACKS.values() for track in tracks for output in track.outputs}
    assert outputs == set(OUTPUTS)
