"""Labels come out as an independent count of the files says; unlabelled is never benign."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from enricher.errors import InputError
from enricher.learn.cache import Cache
from enricher.learn.dataset import LabelledLog, build
from enricher.learn.labels import DOUBTFUL, UNLABELLED, label_space
from enricher.learn.loading import read_source, simulated
from enricher.learn.manifest import LogSource, load_manifest

FIELDS = (
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "conn_state",
    "label",
    "site",
)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Records of a Zeek log, by nothing but string splitting."""
    data = path.read_bytes()
    lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")
    names: list[str] = []
    for line in lines.splitlines():
        if line.startswith("{"):
            yield {key: str(value) for key, value in json.loads(line).items()}
        elif line.startswith("#fields"):
            names = line.split("\t")[1:]
        elif line and not line.startswith("#"):
            yield dict(zip(names, line.split("\t"), strict=True))


def counted(source: LogSource) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in rows_of(source.path):
        capture = source.capture
        if source.capture_column:
            capture += "/" + row[source.capture_column]
        family = source.family or source.labels.get(row[source.label_column or ""], "")
        if any(row.get(key) != value for key, value in source.where.items()):
            family = ""
        found[capture, family] += 1
    return found


def loaded(logs: list[LabelledLog]) -> Counter[tuple[str, str]]:
    return Counter((log.capture, str(name)) for log in logs for name in log.families)


def test_labels_of_the_real_captures_are_those_an_independent_count_finds(
    shared_data: Path,
) -> None:
    sources = [log for log in load_manifest(shared_data).logs if log.capture != "genuine-crawl"]
    assert len(sources) > 15
    for source in sources:
        assert loaded(read_source(source)) == counted(source), source.path


def write_log(path: Path, labels: list[str]) -> Path:
    lines = ["#separator \\x09", "#path\tconn", "#fields\t" + "\t".join(FIELDS)]
    lines.append("#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tstring\tstring")
    for number, label in enumerate(labels):
        row = [f"{number}.5", f"C{number}", "10.0.0.1", "1", "10.0.0.2", "80", "tcp", "SF"]
        lines.append("\t".join([*row, label, "a" if number % 2 else "b"]))
    path.write_text("\n".join(lines) + "\n")
    return path


LABELS = {"Bad": "scan", "-": "benign"}


def test_values_that_are_not_listed_are_unlabelled_and_never_benign(tmp_path: Path) -> None:
    path = write_log(tmp_path / "conn.log", ["Bad", "-", "Unknown", "(empty)", "bad", "benign"])
    source = LogSource("x", path, "conn", label_column="label", labels=LABELS)
    (log,) = read_source(source)
    assert log.families.tolist() == ["scan", "benign", "", "", "", ""]
    dataset = build([log], label_space(["scan"]))
    assert dataset.labels.tolist() == [1, 0] + [UNLABELLED] * 4
    assert dataset.labelled().tolist() == [0, 1]


def test_a_filter_leaves_other_records_unlabelled(tmp_path: Path) -> None:
    path = write_log(tmp_path / "conn.log", ["-"] * 3)
    where = {"id.orig_h": "10.9.9.9"}
    (log,) = read_source(LogSource("x", path, "conn", family="scan", where=where))
    assert log.families.tolist() == ["", "", ""]


def test_a_column_tells_several_captures_of_a_file_apart(tmp_path: Path) -> None:
    path = write_log(tmp_path / "conn.log", ["Bad", "-", "Bad"])
    source = LogSource(
        "x", path, "conn", label_column="label", labels=LABELS, capture_column="site"
    )
    logs = read_source(source)
    assert [(log.capture, log.families.tolist()) for log in logs] == [
        ("x/a", ["benign"]),
        ("x/b", ["scan", "scan"]),
    ]


def test_unlabelled_records_are_part_of_the_context(tmp_path: Path) -> None:
    path = write_log(tmp_path / "conn.log", ["Unknown"] * 50 + ["Bad"])
    alone = write_log(tmp_path / "alone.conn.log", ["Bad"])
    after, first = (
        read_source(LogSource("x", file, "conn", label_column="label", labels=LABELS))[0]
        for file in (path, alone)
    )
    assert not np.array_equal(
        after.features.numeric[-1], first.features.numeric[-1], equal_nan=True
    )


def test_a_missing_label_column_or_a_broken_line_is_an_error_with_its_place(
    tmp_path: Path,
) -> None:
    path = write_log(tmp_path / "conn.log", ["Bad"])
    with pytest.raises(InputError, match="column 'verdict'"):
        read_source(LogSource("x", path, "conn", label_column="verdict", labels=LABELS))
    path.write_text(path.read_text() + "1.0\tbroken\n2.0\tx\n")
    with pytest.raises(InputError) as caught:
        read_source(LogSource("x", path, "conn", label_column="label", labels=LABELS))
    assert (caught.value.file, caught.value.line) == (path, 6)


def test_the_cache_gives_what_was_computed_until_the_log_changes(tmp_path: Path) -> None:
    path = write_log(tmp_path / "conn.log", ["Bad", "-", "Unknown"])
    source = LogSource("x", path, "conn", label_column="label", labels=LABELS)
    made: list[LogSource] = []

    def make(asked: LogSource) -> list[LabelledLog]:
        made.append(asked)
        return read_source(asked)

    cache = Cache(tmp_path / "cache")
    (first,), (again,) = cache.get(source, make), cache.get(source, make)
    assert len(made) == 1
    assert again.families.tolist() == first.families.tolist()
    assert np.array_equal(again.features.numeric, first.features.numeric, equal_nan=True)
    assert again.features.text.keys() == first.features.text.keys()
    write_log(path, ["Bad", "-"])
    assert len(cache.get(source, make)[0]) == 2


def test_benign_records_that_the_recipe_doubts_are_neither_benign_nor_unlabelled(
    tmp_path: Path,
) -> None:
    path = write_log(tmp_path / "conn.log", ["Bad", "-", "-", "Unknown"])
    doubtful = ({"site": "a", "proto": "tcp"},)
    source = LogSource(
        "x",
        path,
        "conn",
        label_column="label",
        labels=LABELS,
        capture_column="site",
        doubtful=doubtful,
    )
    dataset = build(read_source(source), label_space(["scan"]))
    assert dataset.captures == ("x/a", "x/b")
    assert dataset.labels.tolist() == [DOUBTFUL, UNLABELLED, 1, 0]
    assert dataset.labelled().tolist() == [2, 3]


def test_simulated_sites_have_labels_only_where_a_family_shows() -> None:
    logs = simulated(3, 0.25)
    kinds = {log.features.kind: set(log.families.tolist()) for log in logs}
    assert set(kinds) == {"conn", "http", "dns", "ssl"}
    assert {log.capture for log in logs} == {"simulated-3"}
    assert "vertical-scan" in kinds["conn"]
    assert "dga" not in kinds["conn"]
    assert kinds["dns"] <= {"", "benign", "dga", "dns-tunnel"}
    assert "sql-injection" in kinds["http"]
