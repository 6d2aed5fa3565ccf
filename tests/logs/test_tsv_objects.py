"""A row of TSV as an object is what Zeek's JSON writer would have written."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.logs.tsv_objects import RowObjects
from enricher.simulate import generate

HEADER = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n"
    b"#fields\tts\tuid\tn\tb\ts\tv\n#types\ttime\tstring\tcount\tbool\tstring\tvector[interval]\n"
)


@pytest.mark.parametrize("kind", ["conn", "dns", "http", "ssl"])
def test_the_same_log_in_both_formats_gives_the_same_objects(tmp_path: Path, kind: str) -> None:
    generate(tmp_path / "tsv", seed=4, hours=0.2, hosts=5)
    generate(tmp_path / "json", seed=4, hours=0.2, hosts=5, form="json")
    lines = (tmp_path / "tsv" / f"{kind}.log").read_bytes().splitlines(keepends=True)
    head = b"".join(line for line in lines if line.startswith(b"#"))
    rows = RowObjects(head)
    found = [rows.of(line) for line in lines if not line.startswith(b"#")]
    wanted = (tmp_path / "json" / f"{kind}.log").read_bytes().splitlines()
    assert len(found) > 20
    assert found == [_rounded(orjson.loads(line)) for line in wanted]


def _rounded(record: dict[str, object]) -> dict[str, object]:
    """Times as TSV has them: to the microsecond."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in record.items()}


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (b"1.5\tC\t7\tT\ta\\x2cb\t1.0,2.0", {"n": 7, "b": True, "s": "a,b", "v": [1.0, 2.0]}),
        (b"1.5\tC\t-\tF\t(empty)\t(empty)", {"b": False, "s": "", "v": []}),
        (b"1.5\tC\t-\t-\ta\\\\x41\t-", {"s": "a\\x41"}),
        (b"1.5\tC\t-\t-\t\\xff\t-", {"s": "\\xff"}),
        (b"1.5\tC\tmany\tyes\t\xff\tnan", {"n": "many", "b": "yes", "s": "\ufffd", "v": ["nan"]}),
        (b"1.5\tC\t99999999999999999999999", {"n": "99999999999999999999999"}),
    ],
)
def test_what_is_absent_empty_escaped_or_wrong(row: bytes, wanted: dict[str, object]) -> None:
    assert RowObjects(HEADER).of(row + b"\n") == {"ts": 1.5, "uid": "C", **wanted}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_of_a_log_break_it_and_all_of_it_is_json(header: bytes, row: bytes) -> None:
    orjson.dumps(RowObjects(HEADER + b"#" + header).of(row))
