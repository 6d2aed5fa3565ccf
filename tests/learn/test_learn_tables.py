"""The literature's tables mean what a log means, and nothing of a label is in their features."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.features import SPECS, Features
from enricher.learn.manifest import load_manifest
from enricher.learn.table_cicids import CICIDS
from enricher.learn.table_kdd import FILE_COLUMNS, KDD
from enricher.learn.table_layout import TableLayout
from enricher.learn.table_unsw import UNSW
from enricher.learn.tables import (
    Table,
    TableSource,
    all_columns,
    categories,
    conn_features,
    first_rows,
    read_table,
    repeated_rows,
    row_identity,
    table_dataset,
    table_sources,
)

SPEC = SPECS["conn"]
LABEL_NAMES = {"label", "difficulty", "id", "attack_cat", "Label"}


def kdd_line(label: str, **fields: str) -> str:
    row = dict.fromkeys(FILE_COLUMNS[:41], "0")
    row |= {"protocol_type": "tcp", "service": "http", "flag": "SF", **fields}
    return ",".join([*row.values(), label])


def with_header(layout: TableLayout, rows: list[dict[str, str]]) -> str:
    columns = [*layout.numbers, *layout.words, *layout.others]
    lines = [",".join(row.get(name, "0") for name in columns) for row in rows]
    return "\n".join([",".join(columns), *lines])


def unsw(tmp_path: Path, *rows: dict[str, str]) -> Table:
    usual = {"proto": "tcp", "service": "-", "state": "FIN", "attack_cat": "Normal"}
    path = tmp_path / "unsw.csv"
    path.write_text(with_header(UNSW, [usual | row for row in rows]))
    return read_table(TableSource("unsw-nb15", path, "attack_cat", "Normal"))


def cicids(tmp_path: Path, *rows: dict[str, str]) -> Table:
    path = tmp_path / "cicids.csv"
    path.write_text(with_header(CICIDS, [{"Label": "BENIGN"} | row for row in rows]))
    return read_table(TableSource("cicids2017", path, "Label", "BENIGN"))


def kdd_source(tmp_path: Path, *lines: str) -> TableSource:
    path = tmp_path / "kdd.gz"
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return TableSource("kddcup99", path, 41, "normal.")


def kdd(tmp_path: Path, *lines: str) -> Table:
    return read_table(kdd_source(tmp_path, *lines))


def number(features: Features, name: str) -> list[float | None]:
    column = features.numeric[:, SPEC.numeric_names.index(name)]
    return [None if np.isnan(value) else round(float(np.expm1(value)), 4) for value in column]


def word(features: Features, name: str) -> list[str]:
    place = SPEC.categorical_names.index(name)
    words = ("absent", "other", *SPEC.categorical[place].vocabulary)
    return [words[index] for index in features.categorical[:, place]]


def test_the_duration_of_every_table_becomes_seconds(tmp_path: Path) -> None:
    tables = (
        cicids(tmp_path, {"Flow Duration": "2500000"}),
        unsw(tmp_path, {"dur": "2.5"}),
        kdd(tmp_path, kdd_line("normal.", duration="2.5")),
    )
    for table in tables:
        assert number(conn_features(table), "duration") == [2.5]


def test_the_state_that_bro_gave_stays(tmp_path: Path) -> None:
    table = kdd(tmp_path, *(kdd_line("normal.", flag=flag) for flag in ("SF", "S0", "REJ")))
    assert word(conn_features(table), "conn_state") == ["SF", "S0", "REJ"]


@pytest.mark.parametrize(
    ("proto", "state", "expected"),
    [
        ("tcp", "REQ", "S0"),
        ("tcp", "CON", "S1"),
        ("tcp", "FIN", "SF"),
        ("tcp", "RST", "absent"),
        ("udp", "INT", "S0"),
        ("udp", "CON", "SF"),
        ("arp", "INT", "absent"),
        ("ospf", "REQ", "absent"),
    ],
)
def test_the_state_that_argus_gave_is_mapped_where_zeeks_follows(
    tmp_path: Path, proto: str, state: str, expected: str
) -> None:
    features = conn_features(unsw(tmp_path, {"proto": proto, "state": state}))
    assert word(features, "conn_state") == [expected]


def test_a_service_is_named_only_where_something_was_said(tmp_path: Path) -> None:
    table = kdd(
        tmp_path,
        kdd_line("normal.", service="domain_u", protocol_type="udp", src_bytes="40"),
        kdd_line("neptune.", service="domain_u", flag="S0"),
        kdd_line("normal.", service="private", src_bytes="1"),
    )
    features = conn_features(table)
    assert word(features, "service") == ["dns", "absent", "absent"]
    assert word(features, "port_class") == ["name", "name", "absent"]


def test_amounts_stand_for_the_same_thing_as_in_a_log(tmp_path: Path) -> None:
    payload = conn_features(kdd(tmp_path, kdd_line("normal.", src_bytes="10", dst_bytes="20")))
    assert number(payload, "orig_bytes") == [10]
    assert number(payload, "resp_bytes") == [20]
    assert number(payload, "orig_pkts") == [None]
    wire = conn_features(unsw(tmp_path, {"sbytes": "100", "spkts": "2", "dbytes": "44"}))
    assert number(wire, "orig_ip_bytes") == [100]
    assert number(wire, "orig_packet_size") == [50]
    assert number(wire, "orig_bytes") == [None]


def test_bytes_on_the_wire_follow_for_tcp_alone(tmp_path: Path) -> None:
    row = {
        "Total Fwd Packets": "3",
        "Fwd Header Length": "72",
        "Total Length of Fwd Packets": "26",
    }
    features = conn_features(
        cicids(
            tmp_path,
            {**row, "Init_Win_bytes_forward": "8192"},
            {**row, "Init_Win_bytes_forward": "-1"},
            {**row, "Init_Win_bytes_forward": "0", "Fwd Header Length": "-5"},
        )
    )
    assert word(features, "proto") == ["tcp", "udp", "tcp"]
    assert number(features, "orig_ip_bytes") == [26 + 72 + 60, None, None]


def test_a_speed_over_a_rounded_duration_is_not_made_up(tmp_path: Path) -> None:
    lines = (
        kdd_line("normal.", src_bytes="1000", duration="0"),
        kdd_line("normal.", src_bytes="1000", duration="2"),
    )
    assert number(conn_features(kdd(tmp_path, *lines)), "bytes_per_second") == [None, 500]


def test_context_is_missing_and_not_that_of_a_first_record(tmp_path: Path) -> None:
    context = [feature.group == "context" for feature in SPEC.numeric]
    assert any(context)
    for table in (
        kdd(tmp_path, kdd_line("normal.", count="9")),
        unsw(tmp_path, {"ct_dst_ltm": "9"}),
        cicids(tmp_path, {}),
    ):
        assert np.isnan(conn_features(table).numeric[:, context]).all()


def test_a_label_changes_no_feature(tmp_path: Path) -> None:
    one = kdd(tmp_path, kdd_line("normal."), kdd_line("smurf."))
    other = kdd(tmp_path, kdd_line("land."), kdd_line("normal."))
    assert_same_features(one, other)
    fields = {"id": "9", "label": "1", "attack_cat": "DoS", "stcpb": "7", "dtcpb": "8"}
    assert_same_features(unsw(tmp_path, {}), unsw(tmp_path, fields))
    assert_same_features(cicids(tmp_path, {}), cicids(tmp_path, {"Label": "Bot"}))


def assert_same_features(one: Table, other: Table) -> None:
    assert one.families.tolist() != other.families.tolist()
    np.testing.assert_array_equal(conn_features(one).numeric, conn_features(other).numeric)
    np.testing.assert_array_equal(conn_features(one).categorical, conn_features(other).categorical)
    columns, names = all_columns(one, time_to_live=True)
    np.testing.assert_array_equal(columns, all_columns(other, time_to_live=True)[0])
    assert columns.shape == (len(one), len(names))
    assert LABEL_NAMES.isdisjoint(names)


def test_the_difficulty_that_nsl_kdd_adds_is_no_feature(tmp_path: Path) -> None:
    table = kdd(tmp_path, kdd_line("normal") + ",21", kdd_line("neptune") + ",3")
    columns, names = all_columns(table)
    assert names == KDD.seen
    np.testing.assert_array_equal(columns[0], columns[1])


def test_the_time_to_live_is_a_column_only_on_demand(tmp_path: Path) -> None:
    table = unsw(tmp_path, {"sttl": "254"})
    assert {"sttl", "dttl", "ct_state_ttl"}.isdisjoint(all_columns(table)[1])
    columns, names = all_columns(table, time_to_live=True)
    assert columns[0, names.index("sttl")] == 254


def test_words_are_numbered_and_what_is_not_finite_is_missing(tmp_path: Path) -> None:
    table = unsw(tmp_path, {"proto": "udp"}, {"proto": "arp", "rate": "Infinity"}, {"rate": ""})
    columns, names = all_columns(table)
    assert columns.dtype == np.float32
    assert columns[:, names.index("proto")].tolist() == [2, 0, 1]
    assert np.isnan(columns[:, names.index("rate")]).tolist() == [False, True, True]


def test_families_have_their_names_and_rows_without_label_are_dropped_and_counted(
    tmp_path: Path,
) -> None:
    labels = ("normal.", "guess_passwd.", "", "unknown", "-", "smurf.")
    table = kdd(tmp_path, *(kdd_line(label, src_bytes=str(i)) for i, label in enumerate(labels)))
    assert table.families.tolist() == ["benign", "guess-passwd", "smurf"]
    assert table.unlabelled == 3
    assert number(conn_features(table), "orig_bytes") == [0, 1, 5]
    assert categories(table).tolist() == ["benign", "r2l", "dos"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0,tcp,http", "3 fields and not 42"),
        (kdd_line("normal.") + ",1,2", "44 fields and not 42"),
        ("", "1 fields"),
        (kdd_line("normal.", src_bytes="many"), "'many' in column 'src_bytes'"),
    ],
)
def test_a_malformed_line_is_refused_with_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    source = kdd_source(tmp_path, kdd_line("normal."), line, kdd_line("normal."))
    with pytest.raises(InputError, match=message) as caught:
        read_table(source)
    assert (caught.value.file, caught.value.line) == (source.path, 2)


def test_the_header_counts_as_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no number") as caught:
        unsw(tmp_path, {}, {"dur": "long"})
    assert caught.value.line == 3


def test_a_file_that_is_no_known_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    for content in (b"", b"a,b\n1,2\n", with_header(UNSW, [{}]).replace("sload", "x").encode()):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no table that is read"):
            read_table(TableSource("other", path, "label", "0"))
    path.write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(TableSource("other", path, "label", "0"))


def test_a_column_of_labels_must_be_there_and_be_no_feature(tmp_path: Path) -> None:
    path = kdd_source(tmp_path, kdd_line("normal.")).path
    for column, message in ((99, "no column '99'"), (2, "but a feature"), ("Label", "no column")):
        with pytest.raises(InputError, match=message):
            read_table(TableSource("kddcup99", path, column, "normal."))


def test_exact_duplicates_are_counted_and_go_unless_they_are_asked_for(tmp_path: Path) -> None:
    table = kdd(
        tmp_path,
        kdd_line("smurf.", src_bytes="9"),
        kdd_line("normal."),
        kdd_line("smurf.", src_bytes="9"),
        kdd_line("normal.", src_bytes="9"),
    )
    identity = row_identity(all_columns(table)[0])
    assert first_rows(identity).tolist() == [0, 1]
    found = repeated_rows(table.families, identity)
    assert (found.rows, found.repeated, found.contradicted) == (4, 2, 3)
    dataset = table_dataset(table)
    assert dataset.labels.tolist() == [1, 0, 0]
    assert dataset.sources[0] == dataset.sources[2] != dataset.sources[1]
    assert len(table_dataset(table, duplicates=True)) == 4


def test_records_that_a_model_can_not_tell_apart_have_one_source(tmp_path: Path) -> None:
    table = kdd(
        tmp_path,
        kdd_line("smurf.", count="1"),
        kdd_line("smurf.", count="2"),
        kdd_line("smurf.", count="2", src_bytes="9"),
    )
    dataset = table_dataset(table)
    assert len(dataset) == 3
    assert dataset.sources[0] == dataset.sources[1] != dataset.sources[2]


@given(st.lists(st.tuples(st.sampled_from([0.0, -0.0, 1.5, float("nan")]), st.integers(0, 2))))
def test_rows_have_one_identity_exactly_when_they_are_alike(
    rows: list[tuple[float, int]],
) -> None:
    rows = [*rows, (0.0, 0)]
    numeric = np.array([[value] for value, _ in rows], np.float32)
    categorical = np.array([[index] for _, index in rows], np.int32)
    identity = row_identity(numeric, categorical)
    keys = [("none" if np.isnan(value) else value + 0.0, index) for value, index in rows]
    assert len(set(keys)) == len(set(identity.tolist()))
    assert len(set(zip(keys, identity.tolist(), strict=True))) == len(set(keys))


def test_the_manifest_says_how_tables_are_labelled(tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text("")
    head = "captures: [{capture: a, path: conn.log, kind: conn, family: scan}]\ntables:\n"
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(head + "- {name: k, path: kdd.gz, label_column: 41, benign: normal.}\n")
    expected = kdd_source(tmp_path, kdd_line("normal."), kdd_line("smurf.", src_bytes="9"))
    (source,) = table_sources(load_manifest(tmp_path))
    assert (source.path, source.label_column) == (expected.path, 41)
    dataset = table_dataset(read_table(source))
    assert dataset.captures == ("table-k",)
    assert dataset.space.families == ("smurf",)
    assert dataset.space.groups == {"dos": ("smurf",)}
    manifest.write_text(head + "- {name: k, path: kdd.gz, label_column: 41}\n")
    with pytest.raises(InputError, match="table k: needs 'benign'"):
        table_sources(load_manifest(tmp_path))


def test_the_real_tables_are_read_whole(shared_data: Path) -> None:
    rows = {"unsw-nb15": 75073, "nsl-kdd": 25192, "cicids2017": 2037}
    for source in table_sources(load_manifest(shared_data)):
        if source.name not in rows:
            continue
        table = read_table(source)
        assert (len(table), table.unlabelled) == (rows[source.name], 0)
        with gzip.open(source.path) as stream:
            raw = pl.read_csv(
                stream.read(),
                has_header=table.layout.header,
                infer_schema=False,
            )
        column = source.label_column
        labels = raw[column] if isinstance(column, str) else raw.to_series(column)
        expected = Counter(labels.to_list())
        assert sorted(Counter(table.families.tolist()).values()) == sorted(expected.values())
        features = conn_features(table)
        duration = table.layout.numbers[0]
        unit = 1e-6 if source.name == "cicids2017" else 1.0
        expected_duration = np.log1p(
            raw.select(table_column(raw, duration)).cast(pl.Float64()) * unit
        )
        np.testing.assert_allclose(features.numeric[:, 0], expected_duration[:, 0], rtol=1e-5)


def table_column(raw: pl.DataFrame, name: str) -> str:
    """The duration is the first column of a file without header."""
    return name if name in raw.columns else raw.columns[0]
