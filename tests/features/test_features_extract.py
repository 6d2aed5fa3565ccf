from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from enricher.features import (
    SPEC_VERSION,
    SPECS,
    ContextTracker,
    Features,
    FeatureSpec,
    NameModel,
    extract,
    text_of,
    without,
)
from enricher.logs import KINDS, Block, EveReader, Kind, LogBatch

# Features that are there in every record, whatever the log left out.
_ALWAYS = ("rate_minute", "rate_hour", "failures")


def features(batch: LogBatch, model: NameModel | None = None) -> Features:
    # Tables so large that no slot is given up: which one would be depends on the hosts' names.
    return extract(batch, ContextTracker(batch.kind, 65536, 65536, 65536), model)


def same(one: Features, other: Features) -> bool:
    return (
        np.array_equal(one.numeric.view(np.uint32), other.numeric.view(np.uint32))
        and np.array_equal(one.categorical, other.categorical)
        and list(one.text) == list(other.text)
        and all(
            np.array_equal(one.text[name].data, other.text[name].data)
            and np.array_equal(one.text[name].offsets, other.text[name].offsets)
            and np.array_equal(one.text[name].codes, other.text[name].codes)
            for name in one.text
        )
    )


@pytest.mark.parametrize("kind", KINDS)
def test_real_records_give_features_of_the_declared_shape_and_range(
    kind: Kind, real_batches: dict[Kind, LogBatch]
) -> None:
    batch, spec = real_batches[kind], SPECS[kind]
    found = features(batch)
    assert found.numeric.shape == (len(batch), len(spec.numeric))
    assert found.numeric.dtype == np.float32
    assert found.categorical.dtype == np.int32
    assert found.spec_version == SPEC_VERSION
    assert not np.isinf(found.numeric).any()
    assert (found.categorical >= 0).all()
    assert (found.categorical < np.array(spec.categorical_sizes)).all()
    for place, feature in enumerate(spec.numeric):
        column = found.numeric[:, place]
        if feature.name.endswith(_ALWAYS):
            assert not np.isnan(column).any(), feature.name
        known = column[~np.isnan(column)]
        if feature.unit in ("share", "flag"):
            assert ((known >= 0) & (known <= 1)).all(), feature.name
    assert tuple(found.text) == spec.text_names
    assert all(len(text.codes) == len(batch) for text in found.text.values())


@pytest.mark.parametrize("kind", KINDS)
def test_cutting_a_real_log_changes_no_bit(kind: Kind, real_batches: dict[Kind, LogBatch]) -> None:
    batch = real_batches[kind]
    whole = features(batch)
    tracker = ContextTracker(kind, 65536, 65536, 65536)
    parts = [
        extract(LogBatch(kind, batch.frame[a : a + 501]), tracker)
        for a in range(0, len(batch), 501)
    ]
    numeric = np.concatenate([part.numeric for part in parts])
    assert np.array_equal(numeric.view(np.uint32), whole.numeric.view(np.uint32))
    assert np.array_equal(np.concatenate([p.categorical for p in parts]), whole.categorical)


def test_events_of_suricata_give_features_as_records_of_zeek_do(shared_data: Path) -> None:
    path = next((shared_data / "eve" / "protocols").glob("*DNS.pcap.eve.json.gz"))
    block = Block(0, str(path), gzip.decompress(path.read_bytes()), 1, 0, last=True)
    batches = {made.kind: made for made in EveReader(str(path)).read(block).batches}
    assert {"conn", "dns"} <= set(batches)
    for made in batches.values():
        found = features(made)
        assert len(found) == len(made)
        assert not np.isinf(found.numeric).any()
    dns = features(batches["dns"])
    answers = batches["dns"].frame["is_answer"].to_numpy()
    rate = dns.numeric[:, SPECS["dns"].numeric_names.index("source_rate_hour")]
    assert answers.any()
    assert not answers.all()
    # All the queries of a source count, none of the answers: together no more than the queries.
    assert np.expm1(rate.max()) <= (~answers).sum() + 1e-3


def disguised(batch: LogBatch) -> LogBatch:
    """The same behaviour of other hosts, at another time, with other ids and source ports."""
    frame = batch.frame
    hosts = pl.concat([frame["id.orig_h"], frame["id.resp_h"]]).unique().sort().to_list()
    ordinary = [
        h for h in hosts if h and not h.endswith(".255") and not h.startswith(("22", "23", "ff"))
    ]
    names = {host: f"100.{i // 250}.{i % 250}.7" for i, host in enumerate(ordinary)}
    return LogBatch(
        batch.kind,
        frame.with_columns(
            pl.col("id.orig_h", "id.resp_h").replace(names),
            (pl.col("id.orig_p") % 20000 + 40000).alias("id.orig_p"),
            pl.col("ts") + 1048576.0,
            pl.col("uid") + "x",
            pl.lit("1:other=").alias("community_id"),
            pl.lit(7, pl.Int64()).alias("flow_id"),
            pl.lit(None, pl.Boolean()).alias("local_orig")
            if batch.kind == "conn"
            else pl.lit(0, pl.UInt32()).alias("_file"),
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_address_port_time_or_id_is_a_feature(
    kind: Kind, real_batches: dict[Kind, LogBatch]
) -> None:
    batch = real_batches[kind]
    one, other = features(batch), features(disguised(batch))
    assert np.array_equal(one.categorical, other.categorical)
    assert all(np.array_equal(one.text[n].data, other.text[n].data) for n in one.text)
    for place, feature in enumerate(SPECS[kind].numeric):
        a, b = one.numeric[:, place], other.numeric[:, place]
        # Sketches of distinct hosts may collide otherwise when the hosts are called otherwise.
        # 'New' is the noisiest: a scan of thousands fills the sketch.
        sketch = any(word in feature.name for word in ("_distinct_", "_spread_"))
        allowed, share = (0.5, 0.02) if sketch else (1e-3, 0.2 if "_new_" in feature.name else 0.0)
        differ = ~np.isclose(a, b, rtol=1e-4, atol=allowed, equal_nan=True)
        assert differ.mean() <= share, feature.name


@pytest.mark.parametrize("kind", KINDS)
def test_no_records_give_no_rows(kind: Kind, batch: Any) -> None:
    found = features(batch(kind, []))
    assert found.numeric.shape == (0, len(SPECS[kind].numeric))
    assert len(found) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_nulls_has_missing_values_and_not_zeros(kind: Kind, batch: Any) -> None:
    found = features(batch(kind, [{}]))
    spec = SPECS[kind]
    absent = [feature.name for feature in spec.categorical if "cast" not in feature.name]
    for name, index in zip(spec.categorical_names, found.categorical[0], strict=True):
        assert index == 0 or name not in absent, name
    for feature, value in zip(spec.numeric, found.numeric[0], strict=True):
        if feature.group in ("volume", "history"):
            assert np.isnan(value), feature.name
    assert all(text.codes.tolist() == [-1] for text in found.text.values())


def test_a_destination_that_is_many_hosts_is_told_apart(batch: Any) -> None:
    many = ["224.0.0.251", "239.255.255.250", "ff02::fb", "FF05::2"]
    one = ["22.4.0.1", "240.0.0.1", "fe80::ff", "1.2.3.25", "223.1.1.1", ".255", "", "f"]
    hosts = [*many, "10.0.0.255", "255.255.255.255", *one, None]
    found = features(batch("conn", [{"id.resp_h": host} for host in hosts]))
    place = SPECS["conn"].categorical_names.index("cast")
    words = [SPECS["conn"].categorical[place].explain(i) for i in found.categorical[:, place]]
    assert [word.removeprefix("destination: ") for word in words] == [
        *["multicast"] * 4, *["broadcast"] * 2, *["one host"] * len(one), "none",
    ]  # fmt: skip


def test_an_address_in_a_name_field_is_no_text(batch: Any) -> None:
    http = features(batch("http", [{"host": "10.1.2.3:8080"}, {"host": "a.example"}]))
    assert http.text["host"].codes.tolist() == [-1, 0]
    reverse = features(batch("dns", [{"query": "4.3.2.10.in-addr.arpa"}, {"query": "b.example"}]))
    assert b"4.3" not in reverse.text["query"].data.tobytes()
    answers = features(batch("dns", [{"query": "c.example", "answers": ["10.0.0.1", "x.example"]}]))
    assert answers.text["answer"].data.tobytes() == b"x.example"
    ssl = features(batch("ssl", [{"server_name": "192.0.2.1"}]))
    assert ssl.text["server_name"].codes.tolist() == [-1]


def test_hostile_values_in_every_string_give_finite_features(batch: Any) -> None:
    nasty = ["\x00" * 9, "\x1b[31m", "%" * 800, "\U0001f600" * 300, "a." * 500, "'\"<>", "-", ""]
    for kind in KINDS:
        columns = [n for n, t in batch(kind, [{}]).frame.schema.items() if t == pl.String()]
        rows = [dict.fromkeys(columns, value) for value in nasty]
        found = features(batch(kind, rows))
        assert not np.isinf(found.numeric).any()


def test_extreme_numbers_give_finite_features(batch: Any) -> None:
    largest = 2**63 - 1
    for kind in KINDS:
        frame = batch(kind, [{}]).frame
        integers = [n for n, t in frame.schema.items() if t == pl.Int64()]
        floats = [n for n, t in frame.schema.items() if t == pl.Float64()]
        rows = [
            {**dict.fromkeys(integers, whole), **dict.fromkeys(floats, real)}
            for whole, real in ((largest, 1e308), (-largest, -1e308), (0, float("nan")))
        ]
        assert not np.isinf(features(batch(kind, rows)).numeric).any()


def test_a_context_of_another_kind_is_refused(batch: Any) -> None:
    with pytest.raises(ValueError, match="context of dns"):
        extract(batch("conn", []), ContextTracker("dns", 64, 64, 64))


def test_names_are_scored_where_there_is_a_model_and_missing_otherwise(batch: Any) -> None:
    model = NameModel.fit(text_of(pl.Series(["example.com", "sample.org"])))
    place = SPECS["dns"].numeric_names.index("query_core_model")
    one = batch("dns", [{"query": "example.net"}, {"query": "qzx7k.net"}])
    usual, unusual = features(one, model).numeric[:, place]
    assert usual > unusual
    assert np.isnan(features(one).numeric[:, place]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_specification_survives_json_and_names_are_unique(kind: Kind) -> None:
    spec = SPECS[kind]
    assert FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert len(set(spec.numeric_names)) == len(spec.numeric)
    assert len(set(spec.categorical_names)) == len(spec.categorical)
    assert all(len(set(f.vocabulary)) == len(f.vocabulary) for f in spec.categorical)


def test_hiding_groups_leaves_the_same_columns_in_both(batch: Any) -> None:
    found = features(batch("conn", [{"id.resp_p": 22, "service": "ssh"}]))
    spec = SPECS["conn"].hidden({"service", "context"})
    kept = without(found, {"service", "context"})
    assert kept.numeric.shape[1] == len(spec.numeric)
    assert kept.categorical.shape[1] == len(spec.categorical)
    assert not {"service", "port_class"} & set(spec.categorical_names)
    assert without(features(batch("dns", [{}])), {"text"}).text == {}


def test_a_stored_value_is_said_in_words(batch: Any) -> None:
    rows = [{"id.orig_h": "s", "id.resp_h": str(i), "ts": 0.0, "orig_bytes": 0} for i in range(30)]
    found = features(batch("conn", rows))
    said = {
        feature.name: feature.explain(float(value))
        for feature, value in zip(SPECS["conn"].numeric, found.numeric[-1], strict=True)
    }
    assert said["source_distinct_hosts"].endswith("distinct hosts of this source in 10 minutes")
    assert int(said["source_distinct_hosts"].split()[0]) in range(27, 34)
    assert said["duration"] == "duration: none"
    assert said["orig_bytes"] == "bytes sent by the source: 0 bytes"
    states = SPECS["conn"].categorical[2]
    assert [states.explain(i) for i in (0, 1, 2)] == [
        "state: none", "state: an unusual one", "state: S0",
    ]  # fmt: skip


def test_kernels_compile_where_nothing_can_be_written(project_root: Path, tmp_path: Path) -> None:
    code = (
        "import polars as pl\n"
        "from enricher.features import text_of\n"
        "print(len(text_of(pl.Series(['a', 'b', 'a'])).offsets) - 1)\n"
    )
    # A copy of the room below a file in place of the folder where the cache would be kept.
    target = tmp_path / "enricher"
    target.mkdir()
    for room in ("features", "logs"):
        (target / room).mkdir()
        for source in (project_root / "enricher" / room).glob("*.py"):
            (target / room / source.name).write_bytes(source.read_bytes())
        (target / room / "__pycache__").write_text("in the way")
    for name in ("__init__.py", "errors.py"):
        (target / name).write_bytes((project_root / "enricher" / name).read_bytes())
    blocked = tmp_path / "home"
    blocked.write_text("a file, so no folder can be made below it")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG", "PYTHON"))},
        "HOME": str(blocked),
        "XDG_CACHE_HOME": str(blocked),
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.strip() == "2", done.stderr
