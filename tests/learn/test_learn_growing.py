"""Growth on features is what growth of the records themselves would give."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from enricher.features import SPECS, ContextTracker, extract
from enricher.features.tensors import Features, TextColumn
from enricher.learn.adversary.strings import ASKED, TAUGHT
from enricher.learn.benign_names import fit_names
from enricher.learn.growing import grow
from enricher.logs import KINDS, PROVENANCE, SCHEMAS, Kind, LogBatch

COUNT = 60


def batch(kind: Kind, **columns: list[object]) -> LogBatch:
    schema = {**SCHEMAS[kind], **PROVENANCE}
    values = {name: columns.get(name, [None] * COUNT) for name in schema}
    values["ts"] = [float(i) for i in range(COUNT)]
    values["id.orig_h"] = ["10.0.0.1"] * COUNT
    values["id.resp_h"] = ["10.0.0.2"] * COUNT
    return LogBatch(kind, pl.DataFrame(values, schema=schema))


def conn() -> LogBatch:
    rng = np.random.default_rng(0)
    sent, back = rng.integers(0, 90_000, COUNT), rng.integers(0, 9_000, COUNT)
    packets, packets_back = sent // 1000 + 1, back // 1000 + 1
    amounts = {
        "duration": rng.uniform(0, 90, COUNT),
        "orig_bytes": sent,
        "resp_bytes": back,
        "orig_pkts": packets,
        "resp_pkts": packets_back,
        "orig_ip_bytes": sent + 40 * packets,
        "resp_ip_bytes": back + 40 * packets_back,
    }
    columns: dict[str, list[object]] = {name: values.tolist() for name, values in amounts.items()}
    for values in columns.values():
        for place in rng.choice(COUNT, 5, replace=False).tolist():
            values[place] = None
    return batch("conn", **columns)


def http() -> LogBatch:
    uris: list[object] = [f"/item.php?id={i}' or '1'='1" for i in range(COUNT - 1)]
    return batch(
        "http",
        uri=[*uris, None],
        user_agent=["sqlmap/1.7", "curl/8.4.0"] * (COUNT // 2),
        request_body_len=[100] * COUNT,
    )


LOGS: dict[Kind, LogBatch] = {
    "conn": conn(),
    "http": http(),
    "dns": batch("dns", query=[f"x{i}k9.evil.example" for i in range(COUNT)]),
    "ssl": batch("ssl", server_name=[f"c{i}.evil.example" for i in range(COUNT)]),
}
NAMES = fit_names([pl.Series(["www.example.com", "mail.example.org", "news.example.net"] * 50)])


def features_of(log: LogBatch) -> Features:
    return extract(log, ContextTracker(log.kind), NAMES)


def own_numbers(features: Features) -> np.ndarray:
    own = [feature.group != "context" for feature in SPECS[features.kind].numeric]
    return features.numeric[:, own]


def strings(column: TextColumn) -> list[str | None]:
    return [
        None
        if code < 0
        else column.data[column.offsets[code] : column.offsets[code + 1]].tobytes().decode()
        for code in column.codes
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_grown_features_are_those_of_grown_records(kind: Kind) -> None:
    log = LOGS[kind]
    found = grow(features_of(log), np.random.default_rng(1), 10.0, NAMES)
    spec = SPECS[kind]
    frame = log.frame
    for name in ("duration", "request_body_len"):
        if name in spec.numeric_names:
            amounts = np.expm1(found.numeric[:, spec.numeric_names.index(name)].astype(float))
            frame = frame.with_columns(pl.Series(name, amounts).fill_nan(None))
    for name in spec.numeric_names:
        if name.endswith(("_bytes", "_pkts")) and name in frame.columns and name != "missed_bytes":
            amounts = np.expm1(found.numeric[:, spec.numeric_names.index(name)].astype(float))
            whole = pl.Series(name, np.rint(amounts)).fill_nan(None).cast(pl.Int64())
            frame = frame.with_columns(whole)
    for name in set(spec.text_names) & {"uri", "user_agent", "server_name"}:
        frame = frame.with_columns(pl.Series(name, strings(found.text[name])))
    if kind == "dns":
        frame = frame.with_columns(pl.Series("query", strings(found.text["query"])))
    again = features_of(LogBatch(kind, frame))
    np.testing.assert_allclose(own_numbers(found), own_numbers(again), rtol=1e-3, atol=2e-3)
    assert (found.categorical == again.categorical).all()


@pytest.mark.parametrize("kind", KINDS)
def test_growing_changes_a_copy_and_grows_something(kind: Kind) -> None:
    features = features_of(LOGS[kind])
    before = features.numeric.copy()
    found = grow(features, np.random.default_rng(1), 10.0, NAMES)
    np.testing.assert_array_equal(features.numeric, before)
    assert not np.array_equal(found.numeric, before, equal_nan=True)
    assert (np.isnan(found.numeric) == np.isnan(before)).all()


def test_amounts_only_grow_and_by_the_largest_factor_at_most() -> None:
    features = features_of(LOGS["conn"])
    found = grow(features, np.random.default_rng(2), 3.0)
    for name in ("duration", "orig_bytes", "resp_bytes"):
        place = SPECS["conn"].numeric_names.index(name)
        old, new = (np.expm1(f.numeric[:, place].astype(float)) for f in (features, found))
        known = ~np.isnan(old)
        assert (new[known] >= old[known] - 1e-3).all()
        assert (new[known] <= 3.001 * old[known] + 1e-3).all()


def test_factor_one_changes_nothing_and_less_is_refused() -> None:
    features = features_of(LOGS["conn"])
    assert grow(features, np.random.default_rng(0), 1.0) is features
    with pytest.raises(ValueError, match="only grows"):
        grow(features, np.random.default_rng(0), 0.9)


def test_hidden_features_are_refused() -> None:
    features = features_of(LOGS["conn"])
    fewer = Features("conn", 1, features.numeric[:, 1:], features.categorical, {})
    with pytest.raises(ValueError, match="growing needs all"):
        grow(fewer, np.random.default_rng(0), 2.0)


def test_training_pads_with_other_words_than_evaluations_do() -> None:
    for field in ("labels", "segments", "parameters", "tokens"):
        taught, asked = (
            {word if isinstance(word, str) else word[0] for word in getattr(words, field)}
            for words in (TAUGHT, ASKED)
        )
        assert taught
        assert not taught & asked
