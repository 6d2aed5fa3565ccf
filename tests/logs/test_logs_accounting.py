"""However a file is cut into blocks, whatever stands in it: the same result, nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal

from enricher.logs import Block, Kind, LogBatch, ReadResult, Rejected, concatenate, open_reader

Format = Literal["tsv", "json", "eve"]

HEADER = [
    b"#separator \\x09",
    b"#set_separator\t,",
    b"#empty_field\t(empty)",
    b"#unset_field\t-",
    b"#path\tdns",
    b"\t".join([b"#fields", b"ts", b"uid", b"id.orig_h", b"id.orig_p", b"id.resp_h", b"id.resp_p",
                b"query", b"rcode", b"AA", b"answers", b"TTLs"]),
]  # fmt: skip
OTHER_HEADER = [
    b"#path\tconn",
    b"#fields\tid_orig_p\tduration\tts\torig_bytes\textra   label",
    b"#types\tport\tinterval\ttime\tcount\tstring   string",
]
UNREAD_HEADER = [b"#path\tweird", b"#fields\tts\tname"]
GOOD = b"1.5\tC1\t10.0.0.1\t5353\t10.0.0.2\t53\texample.org\t0\tT\ta,b\t1.0,2.5"


def read(
    data: bytes,
    fmt: Format,
    kind: Kind | None,
    cuts: Sequence[int] = (),
    keep: Sequence[str] = (),
) -> tuple[dict[Kind, pl.DataFrame], list[Rejected], Counter[str], Counter[str]]:
    lines = data.splitlines(keepends=True) if b"\r" not in data else data.split(b"\n")
    if b"\r" in data:
        lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    borders = sorted({0, len(lines), *(cut % (len(lines) + 1) for cut in cuts)})
    reader = open_reader(fmt, "a.log", kind, keep)
    results: list[ReadResult] = []
    for start, end in pairwise(borders):
        part = b"".join(lines[start:end])
        offset = sum(map(len, lines[:start]))
        block = Block(3, "a.log", part, start + 1, offset, end == len(lines))
        results.append(reader.read(block))
    batches: dict[Kind, list[LogBatch]] = {}
    for result in results:
        assert len({batch.kind for batch in result.batches}) == len(result.batches)
        for batch in result.batches:
            assert len(batch)
            batches.setdefault(batch.kind, []).append(batch)
    frames = {kind: concatenate(parts).frame for kind, parts in batches.items()}
    rejected = [line for result in results for line in result.rejected]
    passed = sum((result.passed for result in results), Counter[str]())
    repaired = sum((result.repaired for result in results), Counter[str]())
    return frames, rejected, passed, repaired


def assert_same_whatever_the_blocks(
    data: bytes, fmt: Format, kind: Kind | None, cuts: Sequence[int]
) -> None:
    whole = read(data, fmt, kind, keep=["label", "more"])
    cut = read(data, fmt, kind, cuts, keep=["label", "more"])
    single = read(data, fmt, kind, range(10_000), keep=["label", "more"])
    for other in (cut, single):
        assert whole[0].keys() == other[0].keys()
        for name, frame in whole[0].items():
            assert_frame_equal(frame, other[0][name], check_exact=True)
        assert whole[1:] == other[1:]


def assert_nothing_is_lost(data: bytes, fmt: Format, kind: Kind | None, records: int) -> None:
    frames, rejected, passed, repaired = read(data, fmt, kind)
    kept = sum(frame.height for frame in frames.values())
    assert kept + len(rejected) + passed.total() == records
    lines = [line for frame in frames.values() for line in frame["_line"]]
    lines += [line.line for line in rejected]
    assert len(lines) == len(set(lines))
    assert all(count <= kept for count in repaired.values())
    for frame in frames.values():
        assert frame["ts"].is_finite().all()
        assert frame["_line"].is_sorted()
        assert (frame["_file"] == 3).all()


text_bytes = st.one_of(
    st.sampled_from(
        [b"-", b"(empty)", b"", b"a", b"\\x2d", b"\\xc3\\xa9", b"\\xff", b"\\x", b"caf\xc3\xa9",
         b"\xff\xfe", b"a\x00b", b"\xf0\x9f\x98", b"a b", b"\\x5cx41", b"a,b", b"-,a", b" 5", b"#x"]
    ),
    st.binary(max_size=6).map(lambda text: text.translate(None, b"\n\t\r")),
)  # fmt: skip
number_bytes = st.sampled_from(
    [b"0", b"-", b"1", b"53", b"65535", b"65536", b"-1", b"+7", b" 7", b"7 ", b"1.5", b"1e3",
     b"nan", b"inf", b"-inf", b"1e999", b"18446744073709551615", b"9223372036854775808",
     b"99999999999",
     b"-9999999999999999999999", b"x", b"", b"0x10", b"T", b"1521911720.865716",
     b"1521911720865.716", b"1.5e12", b"2018-03-24T17:15:20.8657165Z", b"2018-13-24T17:15:20Z",
     b"2018-03-24T17:15:20+0200", b".5", b"5.", b"007"]
)  # fmt: skip
flag_bytes = st.sampled_from([b"T", b"F", b"-", b"true", b"x", b"", b"1"])
list_bytes = st.sampled_from(
    [b"-", b"(empty)", b"1.0", b"1.0,2", b"1.0,-", b"x", b"", b"1,,2", b"nan", b"1e999", b"-,-"]
)
dns_row = st.tuples(
    number_bytes, text_bytes, text_bytes, number_bytes, text_bytes, number_bytes, text_bytes,
    number_bytes, flag_bytes, text_bytes, list_bytes,
).map(b"\t".join)  # fmt: skip
mild_row = st.tuples(st.sampled_from(range(11)), st.one_of(text_bytes, number_bytes)).map(
    lambda change: b"\t".join(
        change[1] if at == change[0] else field for at, field in enumerate(GOOD.split(b"\t"))
    )
)
conn_row = st.tuples(
    number_bytes,
    number_bytes,
    number_bytes,
    number_bytes,
    st.sampled_from([b"-   Benign", b"-", b"a b c"]),
).map(b"\t".join)
tsv_line = st.one_of(
    st.just(GOOD), mild_row, dns_row, conn_row,
    st.sampled_from([b"", b"#close\t2026", b"#", b"# a comment", b"\x00", b" ", b"\t" * 10, b"x"]),
)  # fmt: skip
tsv_part = st.one_of(
    st.lists(tsv_line, max_size=6),
    st.lists(st.just(GOOD), min_size=1, max_size=6),
    st.sampled_from([HEADER, OTHER_HEADER, UNREAD_HEADER, [b"#separator ,"], [b"#separator \\x09"],
                     [b"#fields\tts"], [b"#separator \\xff", b"#fields\xffts\xffquery"],
                     [b"1\xff2"]]),
)  # fmt: skip
ending = st.sampled_from([b"\n", b""])
newline = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])
cut_places = st.lists(st.integers(0, 60), max_size=5)


@st.composite
def tsv_files(draw: st.DrawFn) -> bytes:
    parts = [HEADER if draw(st.booleans()) else [], *draw(st.lists(tsv_part, max_size=5))]
    lines = [line.replace(b"\n", b"") for part in parts for line in part]
    return (draw(newline).join(lines) + draw(ending)) if lines else b""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=tsv_files(), cuts=cut_places, kind=st.sampled_from(["dns", "conn", None]))
def test_block_size_never_changes_what_a_tsv_log_says(
    data: bytes, cuts: list[int], kind: Kind | None
) -> None:
    assert_same_whatever_the_blocks(data, "tsv", kind, cuts)
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    assert_nothing_is_lost(data, "tsv", kind, sum(bool(x) and x[:1] != b"#" for x in lines))


json_value = st.sampled_from(
    ["0", "1", "-1", "1.5", "true", "null", '"x"', '"1"', '"-"', '""', "[]", "[1]", '["a",null]',
     "{}", '{"a":1}', "1e400", "1E3", "65536", "3000000000", "18446744073709551615",
     "1" * 30, "9" * 5000, "NaN", "01", "1.", "tru", "", '"\\u0000"', '"\\ud800"', '"\\udc00x"',
     '"\\ud83d\\ude00"', '"\\\\x41"', '"\\\\xff"', '"a\tb"', '"a\x00b"', "1521911720.865716",
     "1521911720865", '"2018-03-24T17:15:20.865716Z"', '"2018-03-24"', "[" * 1200 + "]" * 1200,
     "[[1],[2]]", '{"hash":"h"}', '"T"', "5.0", "-0", "1.0", '"caf\u00e9"', '"\\/"', '"\\q"', '"'],
)  # fmt: skip
zeek_key = st.sampled_from(
    ["ts", "uid", "id.orig_h", "id_orig_h", "id.orig_p", "id_orig_p", "query", "rcode", "AA",
     "answers", "TTLs", "_path", "label", "unknown", "duration", "orig_bytes", "more"]
)  # fmt: skip
GOOD_JSON = (
    '{"_path":"dns","ts":1.5,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":5353,"query":"a",'
    '"answers":["a"],"TTLs":[1.0]'
)


def json_records(good: str, key: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    member = st.tuples(key, json_value).map(lambda kv: f'"{kv[0]}":{kv[1]}')
    changed = st.lists(member, max_size=3).map(lambda m: ",".join([good, *m]) + "}")
    first = st.lists(member, max_size=3).map(
        lambda m: ",".join(["{" + ",".join(m), good[1:]]) + "}"
    )
    fresh = st.lists(member, max_size=5).map(lambda m: "{" + ",".join(m) + "}")
    whole = st.one_of(
        changed,
        first,
        fresh,
        json_value,
        st.just(good + "}"),
        st.sampled_from(["", "  ", "{", "}{", "{}"]),
    )
    text = whole.map(lambda text: text.encode().replace(b"\n", b""))
    broken = st.tuples(
        text, st.sampled_from([b"\xff", b"\x00", b"\xf0\x9f\x98", b"#"]), st.integers(0, 80)
    ).map(lambda part: part[0][: part[2]] + part[1] + part[0][part[2] :])
    return st.one_of(text, broken)


@st.composite
def json_files(draw: st.DrawFn, good: str, key: st.SearchStrategy[str]) -> bytes:
    lines = draw(st.lists(json_records(good, key), max_size=8))
    return draw(newline).join(lines) + draw(ending) if lines else b""


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    data=json_files(GOOD_JSON, zeek_key),
    cuts=cut_places,
    kind=st.sampled_from(["dns", "conn", None]),
)
def test_block_size_never_changes_what_a_json_log_says(
    data: bytes, cuts: list[int], kind: Kind | None
) -> None:
    assert_same_whatever_the_blocks(data, "json", kind, cuts)
    assert_nothing_is_lost(data, "json", kind, sum(bool(x.strip()) for x in data.split(b"\n")))


GOOD_EVE = (
    '{"timestamp":"2026-01-01T12:00:00.5+0100","flow_id":7,"event_type":"dns","src_ip":"10.0.0.1",'
    '"src_port":5,"dest_ip":"10.0.0.2","dest_port":53,"proto":"UDP",'
    '"dns":{"type":"query","rrname":"a"}'
)
eve_key = st.sampled_from(
    ["timestamp", "event_type", "flow", "http", "dns", "tls", "tcp", "src_port", "proto", "label",
     "flow_id"]
)  # fmt: skip


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=json_files(GOOD_EVE, eve_key), cuts=cut_places)
def test_block_size_never_changes_what_an_eve_log_says(data: bytes, cuts: list[int]) -> None:
    assert_same_whatever_the_blocks(data, "eve", None, cuts)
    assert_nothing_is_lost(data, "eve", None, sum(bool(x.strip()) for x in data.split(b"\n")))


@pytest.mark.parametrize("fmt", ["tsv", "json", "eve"])
def test_an_empty_file_has_no_records(fmt: Format) -> None:
    reader = open_reader(fmt, "a.log", "conn")
    assert reader.read(Block(0, "a.log", b"", 1, 0, last=True)) == ReadResult()
