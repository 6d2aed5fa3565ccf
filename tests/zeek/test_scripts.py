"""The Zeek scripts as far as they can be tested without Zeek: they parse, and both ends agree."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zeekscript

from enricher.logs.batch import Block
from enricher.logs.kinds import KINDS, SCHEMAS, Kind
from enricher.logs.paths import candidates
from enricher.logs.reader import open_reader
from enricher.resources import resource_dir
from enricher.verdicts.files import TABLE_COLUMNS

HERE = Path(__file__).parent
SCRIPTS = sorted(resource_dir("zeek_scripts").glob("*.zeek"))
TESTS = sorted(HERE.glob("tests/*.zeek")) + sorted(HERE.glob("Files/*.zeek"))

# Columns that only Suricata's records have.
_SURICATA = {"flow_id", "is_answer"}
# Which log it is, and what is written for a site's own use: no columns of ours.
_UNREAD = {
    "_path", "exchange_sizes", "exchange_gaps", "header_names", "cookie_size", "set_cookie_size",
    "query_size", "answer_size",
}  # fmt: skip


def _parse(path: Path) -> tuple[Any, bytes]:
    script = zeekscript.Script(path)
    script.parse()
    return script.root, path.read_bytes()


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _text(node: Any, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode()


def _strings(node: Any, source: bytes) -> set[str]:
    texts = (_text(one, source) for one in _nodes(node) if one.name() == "constant")
    return {text[1:-1] for text in texts if text.startswith('"')}


def _fields_written(kind: Kind) -> set[str]:
    """The names in ``$fields=set(…)`` of the kind's script."""
    root, source = _parse(resource_dir("zeek_scripts") / f"{kind}.zeek")
    calls = [one for one in _nodes(root) if _text(one, source).startswith("set(")]
    assert len({_text(call, source) for call in calls}) == 1
    return _strings(calls[0], source)


def _record_fields(name: str) -> dict[str, str]:
    """Fields of a record of the package, wherever they are added, with what is said of each."""
    found = {}
    for path in SCRIPTS:
        root, source = _parse(path)
        lines = source.decode().splitlines()
        for one in _nodes(root):
            if one.name() not in {"type_decl", "redef_record_decl"}:
                continue
            if _text(next(c for c in one.children if c.name() == "id"), source) != name:
                continue
            for spec in _nodes(one):
                if spec.name() == "type_spec":
                    field = _text(spec, source).split(":")[0]
                    found[field] = lines[spec.start_point[0] - 1].strip()
    return found


@pytest.mark.parametrize("path", SCRIPTS + TESTS, ids=lambda path: path.name)
def test_every_script_parses_and_is_formatted(path: Path) -> None:
    script = zeekscript.Script(path)
    script.parse()
    assert not script.root.has_error
    formatted = io.BytesIO()
    script.format(formatted)
    assert formatted.getvalue() == path.read_bytes(), f"run zeek-script format -i {path.name}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_that_the_detector_reads_is_written(kind: Kind) -> None:
    written = _fields_written(kind) | set(_record_fields("Extension"))
    missing = {
        column
        for column in SCHEMAS[kind]
        if column not in _SURICATA and not written & set(candidates(column))
    }
    assert missing == set()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_record_is_written_that_no_reader_asks_for(kind: Kind) -> None:
    asked = {name for column in SCHEMAS[kind] for name in candidates(column)}
    assert _fields_written(kind) - asked == set()


def test_every_added_field_and_every_option_is_documented() -> None:
    for field, above in _record_fields("Extension").items():
        assert above.startswith("##"), f"{field} is not documented"
    for path in SCRIPTS:
        root, source = _parse(path)
        lines = source.decode().splitlines()
        for one in _nodes(root):
            if one.name() == "export_decl":
                for declared in one.children:
                    if declared.name() == "decl" and not _text(declared, source).startswith(
                        "redef"
                    ):
                        assert lines[declared.start_point[0] - 1].strip().startswith("##"), (
                            f"{path.name}: {_text(declared, source)[:60]}"
                        )


def test_a_verdict_has_the_columns_that_the_enricher_writes() -> None:
    fields = _record_fields("Verdict")
    assert set(fields) == set(TABLE_COLUMNS)
    assert all(above.startswith("##") for above in fields.values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_real_zeek_wrote_with_the_package_is_read_to_the_last_value(kind: Kind) -> None:
    kept = (HERE / "Baseline" / "tests.logs" / f"own.{kind}.log").read_bytes().splitlines(True)
    lines = [line for line in kept if not line.startswith(b"###")]
    reader = open_reader("json", f"{kind}.log", None)
    result = reader.read(Block(0, f"{kind}.log", b"".join(lines), 1, 0, last=True))
    assert not result.rejected
    assert not result.passed
    (batch,) = result.batches
    assert batch.kind == kind
    for line, row in zip(lines, batch.frame.to_dicts(), strict=True):
        written = {name: value for name, value in orjson.loads(line).items() if name not in _UNREAD}
        columns = {
            name: column
            for column in SCHEMAS[kind]
            for name in candidates(column)
            if name in written
        }
        assert {name: row[column] for name, column in columns.items()} == written
