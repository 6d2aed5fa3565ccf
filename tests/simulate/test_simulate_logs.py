from __future__ import annotations

import gzip
import hashlib
import json
import warnings
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from enricher.errors import InputError, OutputError
from enricher.logs import KINDS, Block, Kind
from enricher.logs.reader import open_reader
from enricher.simulate import FAMILIES, generate, simulate_frames
from enricher.simulate.world import DEFAULT_START
from enricher.simulate.write import write_log
from enricher.sources import blocks, discover


def digest(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def read_tsv(text: str) -> tuple[dict[str, list[str]], list[dict[str, str]]]:
    """A second opinion on the format, straight from Zeek's manual."""
    header: dict[str, list[str]] = {}
    rows: list[dict[str, str]] = []
    for line in text.removesuffix("\n").split("\n"):
        parts = line.split("\t")
        if line.startswith("#"):
            header[parts[0].split(" ")[0]] = parts[1:]
        else:
            assert len(parts) == len(header["#fields"]), line
            rows.append(dict(zip(header["#fields"], parts, strict=True)))
    return header, rows


@pytest.fixture(scope="module")
def frames() -> dict[Kind, pl.DataFrame]:
    return simulate_frames(seed=11, hours=0.5, hosts=12, instances=2)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "logs"
    generate(folder, seed=11, hours=0.5, hosts=12, instances=2)
    return folder


@pytest.mark.parametrize("form", ["tsv", "json"])
@pytest.mark.parametrize("rotate", [False, True])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, form: str, rotate: bool) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        generate(
            tmp_path / name, seed=seed, hours=0.3, hosts=8, rotate=rotate,
            form="json" if form == "json" else "tsv", families=["dga", "vertical-scan"],
        )  # fmt: skip
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_every_family_is_there_unless_others_are_asked_for(
    frames: dict[Kind, pl.DataFrame],
) -> None:
    found = set().union(*(f["detailedlabel"].unique().to_list() for f in frames.values()))
    assert found == {*FAMILIES, "benign"}
    only = simulate_frames(seed=1, hours=0.2, hosts=6, families=["dns-tunnel"])
    found = set().union(*(f["detailedlabel"].unique().to_list() for f in only.values()))
    assert found == {"dns-tunnel", "benign"}
    none = simulate_frames(seed=1, hours=0.2, hosts=6, families=[])
    assert set(none["conn"]["detailedlabel"]) == {"benign"}


def test_a_family_is_the_same_whatever_else_is_played() -> None:
    alone = simulate_frames(seed=4, hours=0.3, hosts=8, families=["dga"])["dns"]
    among = simulate_frames(seed=4, hours=0.3, hosts=8)["dns"]
    dga = pl.col("detailedlabel") == "dga"
    assert alone.filter(dga).equals(among.filter(dga))


def test_instances_of_a_family_differ() -> None:
    played = simulate_frames(seed=4, hours=1, hosts=8, families=["vertical-scan"], instances=12)
    scans = played["conn"].filter(pl.col("detailedlabel") == "vertical-scan")
    by_source = scans.group_by("id.orig_h").agg(
        pl.len(), pl.col("id.resp_p").n_unique().alias("ports"), pl.col("ts").diff().median()
    )
    assert by_source["len"].n_unique() > 4
    assert by_source["ts"].n_unique() > 4


def test_tsv_is_what_zeek_writes(logs: Path) -> None:
    for kind in KINDS:
        header, rows = read_tsv((logs / f"{kind}.log").read_text())
        assert header["#path"] == [kind]
        assert len(header["#types"]) == len(header["#fields"])
        assert header["#fields"][-2:] == ["label", "detailedlabel"]
        assert rows
        for row in rows:
            assert row["uid"].startswith("C")
            assert row["ts"].partition(".")[2].isdigit()
            assert "" not in row.values()
    conn = read_tsv((logs / "conn.log").read_text())[1]
    assert {row["local_orig"] for row in conn} == {"T", "F"}
    assert any(row["duration"] == "-" for row in conn)


def test_labels_agree_with_labels_json(logs: Path) -> None:
    told = json.loads((logs / "labels.json").read_text())
    for kind in KINDS:
        rows = read_tsv((logs / f"{kind}.log").read_text())[1]
        assert told["records"][kind] == len(rows)
        counted = Counter(row["detailedlabel"] for row in rows)
        assert counted == {f: c[kind] for f, c in told["families"].items() if kind in c}
        assert {row["label"] for row in rows if row["detailedlabel"] == "benign"} == {"Benign"}
        assert {row["label"] for row in rows if row["detailedlabel"] != "benign"} <= {"Malicious"}


def test_json_and_tsv_say_the_same(tmp_path: Path, logs: Path) -> None:
    generate(tmp_path / "j", seed=11, hours=0.5, hosts=12, instances=2, form="json")
    for kind in KINDS:
        rows = read_tsv((logs / f"{kind}.log").read_text())[1]
        records = [json.loads(x) for x in (tmp_path / "j" / f"{kind}.log").read_text().splitlines()]
        assert len(rows) == len(records)
        for row, record in zip(rows, records, strict=True):
            assert set(record) == {name for name, value in row.items() if value != "-"}
            assert record["uid"] == row["uid"]
            assert record["ts"] == pytest.approx(float(row["ts"]), abs=1e-6)


def test_records_of_protocols_belong_to_a_connection(frames: dict[Kind, pl.DataFrame]) -> None:
    conn = frames["conn"]
    assert conn["uid"].n_unique() == conn.height
    tuple_ = ["uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "label", "detailedlabel"]
    for kind in ("dns", "http", "ssl"):
        joined = frames[kind].join(conn.select(tuple_), on=tuple_, how="anti")
        assert joined.height == 0, kind
        services = frames[kind].join(conn.select("uid", "service"), on="uid")["service"]
        assert services.str.contains(kind).all()


def test_logs_are_in_the_order_they_are_written(frames: dict[Kind, pl.DataFrame]) -> None:
    conn = frames["conn"]
    assert (conn["ts"] + conn["duration"].fill_null(5.0)).is_sorted()
    for kind in ("dns", "http", "ssl"):
        assert frames[kind]["ts"].is_sorted()


def test_packets_and_bytes_are_possible(frames: dict[Kind, pl.DataFrame]) -> None:
    conn = frames["conn"].filter(pl.col("proto") != "icmp")
    header = pl.when(pl.col("proto") == "tcp").then(40).otherwise(28)
    for side in ("orig", "resp"):
        room = pl.col(f"{side}_bytes").fill_null(0) + pl.col(f"{side}_pkts") * header
        wrong = conn.filter(pl.col(f"{side}_ip_bytes") < room)
        assert wrong.height == 0
        assert (
            conn.filter((pl.col(f"{side}_bytes") > 0) & (pl.col(f"{side}_pkts") == 0)).height == 0
        )
    assert conn.filter((pl.col("conn_state") == "S0") & (pl.col("resp_pkts") > 0)).height == 0
    assert (frames["conn"]["duration"].drop_nulls() >= 0).all()
    assert frames["conn"]["id.resp_p"].is_between(0, 65_535).all()
    assert frames["conn"]["id.orig_p"].is_between(0, 65_535).all()


def test_addresses_are_private_or_reserved_for_documentation(
    frames: dict[Kind, pl.DataFrame],
) -> None:
    private = r"10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\."
    reserved = r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|198\.1[89]\."
    allowed = f"^({private}|{reserved})"
    for side in ("id.orig_h", "id.resp_h"):
        assert frames["conn"][side].str.contains(allowed).all()


@given(
    seed=st.integers(0, 2**63 - 1), hours=st.sampled_from([0.01, 0.05, 0.3]),
    hosts=st.integers(5, 30), family=st.sampled_from(FAMILIES),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
def test_any_seed_and_size_gives_records_of_the_family_within_bounds(
    seed: int, hours: float, hosts: int, family: str
) -> None:
    made = simulate_frames(seed=seed, hours=hours, hosts=hosts, families=[family], scale=0.2)
    counts = {kind: (f["detailedlabel"] == family).sum() for kind, f in made.items()}
    assert sum(counts.values()) > 0
    for frame in made.values():
        assert frame["ts"].null_count() == 0
        assert frame["ts"].is_between(DEFAULT_START - 10, DEFAULT_START + hours * 3600 + 7200).all()


def test_no_single_port_agent_or_size_gives_an_attack_away(
    frames: dict[Kind, pl.DataFrame],
) -> None:
    conn = frames["conn"].with_columns(bad=pl.col("label") == "Malicious")
    shared = set(conn.filter("bad")["id.resp_p"]) & set(conn.filter(~pl.col("bad"))["id.resp_p"])
    assert {22, 53, 80, 443} <= shared
    http = frames["http"].with_columns(bad=pl.col("label") == "Malicious")
    benign = http.filter(~pl.col("bad"))["response_body_len"]
    bad = http.filter("bad")["response_body_len"]
    assert benign.quantile(0.1) < bad.median() < benign.quantile(0.9)  # type: ignore[operator]
    dns = frames["dns"].with_columns(length=pl.col("query").str.len_bytes())
    missing = dns.filter(pl.col("rcode") == 3).group_by("label").len()
    assert set(missing["label"]) == {"Benign", "Malicious"}


def test_benign_machines_call_home_as_regularly_as_beacons() -> None:
    conn = simulate_frames(seed=2, hours=2, hosts=20, families=[])["conn"]
    gaps = (
        conn.filter((pl.col("proto") == "tcp") & pl.col("local_orig"))
        .sort("ts")
        .group_by("id.orig_h", "id.resp_h", "id.resp_p")
        .agg(pl.col("ts").diff().drop_nulls().alias("gap"))
        .filter(pl.col("gap").list.len() > 20)
        .select(pl.col("gap").list.std() / pl.col("gap").list.mean())
        .to_series()
    )
    assert (gaps < 0.1).sum() >= 2


def test_rotation_archives_every_record_in_the_hour_it_was_written(
    tmp_path: Path, frames: dict[Kind, pl.DataFrame]
) -> None:
    summary = generate(tmp_path / "r", seed=3, hours=2.0, hosts=8, rotate=True)
    total = 0
    for file in sorted((tmp_path / "r").glob("*/*.log.gz")):
        kind, begin = file.name.split(".")[0], file.name.split(".")[1][:8]
        rows = read_tsv(gzip.decompress(file.read_bytes()).decode())[1]
        total += len(rows)
        if kind != "conn":
            hours = {int(float(row["ts"]) // 3600 % 24) for row in rows}
            assert hours == {int(begin[:2])}
    assert total == summary.total
    assert frames


def test_zat_reads_what_is_written(logs: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zat's own, on newer versions of pandas
        from zat.zeek_log_reader import ZeekLogReader  # noqa: PLC0415

        for kind in KINDS:
            rows = list(ZeekLogReader(str(logs / f"{kind}.log")).readrows())
            assert len(rows) == len(read_tsv((logs / f"{kind}.log").read_text())[1])
            assert {row["label"] for row in rows} == {"Benign", "Malicious"}


@pytest.mark.parametrize("rotate", [False, True])
def test_the_program_reads_back_every_record_alike_from_tsv_and_json(
    tmp_path: Path, rotate: bool
) -> None:
    read: dict[str, dict[Kind, pl.DataFrame]] = {}
    for form in ("tsv", "json"):
        out = tmp_path / form
        summary = generate(
            out, seed=8, hours=0.1, hosts=6, form="json" if form == "json" else "tsv", rotate=rotate
        )
        parts: dict[Kind, list[pl.DataFrame]] = {kind: [] for kind in KINDS}
        for file in discover([out]).files:
            identity = file.identity
            keep = ["label", "detailedlabel"]
            reader = open_reader(identity.format, str(file.path), identity.kind, keep)
            for block in blocks(file):
                assert isinstance(block, Block)
                result = reader.read(block)
                assert (result.rejected, result.passed.total()) == ([], 0)
                for batch in result.batches:
                    parts[batch.kind].append(batch.frame.drop("_file", "_line"))
        read[form] = {kind: pl.concat(frames) for kind, frames in parts.items()}
        assert {kind: f.height for kind, f in read[form].items()} == summary.records
    for kind in KINDS:
        left, right = read["tsv"][kind], read["json"][kind]
        assert_frame_equal(left, right, abs_tol=1e-6)


def test_a_connection_nobody_answers_is_as_zeek_has_it(frames: dict[Kind, pl.DataFrame]) -> None:
    lone = frames["conn"].filter((pl.col("conn_state") == "S0") & (pl.col("proto") == "tcp"))
    assert (lone["duration"].is_null() == (lone["orig_pkts"] == 1)).all()
    assert (lone["duration"].is_null() == lone["orig_bytes"].is_null()).all()
    assert lone["duration"].drop_nulls().min() >= 1.0  # type: ignore[operator]


def test_hostile_text_is_escaped_in_tsv(tmp_path: Path, frames: dict[Kind, pl.DataFrame]) -> None:
    nasty = ["a\tb", "a\nb", "-", "", "a\\x09", "é", "\x00\x1b"]
    http = frames["http"].head(len(nasty)).with_columns(uri=pl.Series(nasty))
    dns = frames["dns"].head(3).with_columns(answers=pl.Series([["a,b", "-"], [], None]))
    for kind, frame in (("http", http), ("dns", dns)):
        name: Kind = "http" if kind == "http" else "dns"
        write_log(tmp_path, name, frame, frame["ts"], form="tsv", rotate=False)
    rows = read_tsv((tmp_path / "http.log").read_text())[1]
    expected = ["a\\x09b", "a\\x0ab", "\\x2d", "(empty)", "a\\\\x09", "é", "\\x00\\x1b"]
    assert [row["uri"] for row in rows] == expected
    rows = read_tsv((tmp_path / "dns.log").read_text())[1]
    assert [row["answers"] for row in rows] == ["a\\x2cb,\\x2d", "(empty)", "-"]


def test_wrong_arguments_and_full_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown family 'dgas'; known: beaconing"):
        simulate_frames(seed=1, families=["dgas"])
    with pytest.raises(InputError, match="hosts must be from 5"):
        simulate_frames(seed=1, hosts=1)
    with pytest.raises(InputError, match="hours"):
        simulate_frames(seed=1, hours=float("nan"))
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="not empty"):
        generate(tmp_path, seed=1)
    with pytest.raises(OutputError, match="cannot be used"):
        generate(tmp_path / "file", seed=1)
