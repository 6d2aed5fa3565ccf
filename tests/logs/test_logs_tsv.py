"""What the reader of Zeek's TSV logs promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from enricher.logs import SCHEMAS, Block, Kind, ReadResult, ZeekTsvReader, open_reader

Read = Callable[..., ReadResult]

HTTP = b"\n".join(
    [
        b"#separator \\x09",
        b"#set_separator\t,",
        b"#empty_field\t(empty)",
        b"#unset_field\t-",
        b"#path\thttp",
        b"#fields\tts\tuid\tid.orig_h\tid.resp_p\turi\tstatus_code\tproxied\trequest_body_len",
        b"#types\ttime\tstring\taddr\tport\tstring\tcount\tset[string]\tcount",
        b"",
    ]
)


def row(**values: bytes) -> bytes:
    fields = {"ts": b"1.5", "uid": b"C1", "orig": b"10.0.0.1", "port": b"80", "uri": b"/",
              "status": b"200", "proxied": b"-", "body": b"0"}  # fmt: skip
    return b"\t".join({**fields, **values}.values()) + b"\n"


def one(result: ReadResult) -> dict[str, object]:
    assert result.rejected == []
    (batch,) = result.batches
    (record,) = batch.frame.to_dicts()
    return record


def reasons(result: ReadResult) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in result.rejected]


def test_a_row_has_all_canonical_columns_and_its_place(read_bytes: Read) -> None:
    result = read_bytes(HTTP + row(), "tsv")
    assert list(one(result)) == [*SCHEMAS["http"], "_file", "_line"]
    assert dict(result.batches[0].frame.schema) | SCHEMAS["http"] == dict(
        result.batches[0].frame.schema
    )
    assert (one(result)["_file"], one(result)["_line"]) == (7, 8)


def test_absent_is_null_and_empty_is_empty(read_bytes: Read) -> None:
    record = one(read_bytes(HTTP + row(uri=b"-", status=b"-", proxied=b"-"), "tsv"))
    assert (record["uri"], record["status_code"], record["proxied"]) == (None, None, None)
    record = one(read_bytes(HTTP + row(uri=b"(empty)", proxied=b"(empty)"), "tsv"))
    assert (record["uri"], record["proxied"]) == ("", [])
    assert record["host"] is None  # not a field of this log


def test_sets_are_lists_and_a_comma_in_an_element_stays(read_bytes: Read) -> None:
    record = one(read_bytes(HTTP + row(proxied=b"a\\x2cb,-,(empty),c"), "tsv"))
    assert record["proxied"] == ["a,b", None, "", "c"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"\\x2d", "-"),
        (b"/caf\\xc3\\xa9", "/café"),
        (b"/caf\xc3\xa9", "/café"),
        (b"\\xf0\\x9f\\x98\\x80!", "😀!"),
        (b"\\xff", "\\xff"),
        (b"\\xc3\\xa9\\xff\\xc3", "é\\xff\\xc3"),
        (b"\\x5cx41", "\\x41"),
        (b"\\x4", "\\x4"),
        (b"\\xzz\\", "\\xzz\\"),
        (b"\\x09\\x0a\\x00", "\t\n\0"),
        (b"O=Go\\\\, Inc.", "O=Go\\, Inc."),
        (b"\\\\x41", "\\x41"),
        (b"\\\\\\x41", "\\A"),
        (b"..\\\\..\\\\\\\\x", "..\\..\\\\x"),
    ],
)
def test_escapes_become_the_characters_they_stand_for(
    read_bytes: Read, written: bytes, text: str
) -> None:
    assert one(read_bytes(HTTP + row(uri=written), "tsv"))["uri"] == text


def test_bytes_that_are_no_text_do_not_keep_a_record_from_scoring(read_bytes: Read) -> None:
    rows = row(uri=b"a\xffb") + row(uri=b"a\x00b") + row(uri="\ufffd".encode()) + row()
    result = read_bytes(HTTP + rows, "tsv")
    assert result.batches[0].frame["uri"].to_list() == ["a\ufffdb", "a\ufffdb", "\ufffd", "/"]
    assert result.repaired == Counter(invalid_utf8=1, nul_byte=1)
    assert not result.rejected


def test_a_repair_of_a_rejected_line_is_not_counted(read_bytes: Read) -> None:
    bad = row(uri=b"a\xffb\x00", port=b"x")
    result = read_bytes(HTTP + bad, "tsv")
    assert reasons(result) == [(8, "bad_number")]
    assert result.rejected[0].excerpt == bad.rstrip(b"\n")  # as it stands in the file
    assert result.repaired == Counter()


def test_a_number_beyond_its_column_is_clamped(read_bytes: Read) -> None:
    result = read_bytes(HTTP + row(body=b"18446744073709551615", status=b"-9999999999"), "tsv")
    record = one(result)
    assert record["request_body_len"] == 2**63 - 1
    assert record["status_code"] == -(2**31) + 1
    assert result.repaired == Counter(clamped_integer=1)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ts": b"-"}, "bad_time"),
        ({"ts": b"yesterday"}, "bad_time"),
        ({"ts": b"nan"}, "bad_time"),
        ({"ts": b"inf"}, "bad_time"),
        ({"port": b"65536"}, "bad_number"),
        ({"port": b"-1"}, "bad_number"),
        ({"port": b"http"}, "bad_number"),
        ({"port": b"18446744073709551615"}, "bad_number"),
        ({"status": b"OK"}, "bad_number"),
        ({"body": b"1.5"}, "bad_number"),
        ({"uri": b"/a\tb"}, "field_count"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_rest_kept(
    read_bytes: Read, values: dict[str, bytes], reason: str
) -> None:
    result = read_bytes(HTTP + row() + row(**values) + row(uri=b"/2"), "tsv")
    assert reasons(result) == [(9, reason)]
    assert result.rejected[0].excerpt == row(**values).rstrip(b"\n")
    assert result.rejected[0].file == "some.log"
    assert result.batches[0].frame["_line"].to_list() == [8, 10]


def test_rows_that_make_up_for_each_other_are_both_rejected(read_bytes: Read) -> None:
    long, short = row(uri=b"a\tb"), row().replace(b"\t200", b"")
    result = read_bytes(HTTP + row() + long + short + row(), "tsv")
    assert reasons(result) == [(9, "field_count"), (10, "field_count")]


def test_the_excerpt_of_a_long_line_is_bounded(read_bytes: Read) -> None:
    result = read_bytes(HTTP + b"x" * 1_000_000 + b"\n", "tsv")
    assert len(result.rejected[0].excerpt) == 200
    assert len(result.rejected[0].detail) < 200


def test_times_may_be_iso_8601(read_bytes: Read) -> None:
    rows = [b"2018-03-24T17:15:20.8657165Z", b"2018-03-24T19:15:20.5+02:00", b"1521911720.25"]
    result = read_bytes(HTTP + b"".join(row(ts=ts) for ts in rows), "tsv")
    assert result.batches[0].frame["ts"].to_list() == pytest.approx(
        [1521911720.8657165, 1521911720.5, 1521911720.25], abs=1e-6
    )


def test_the_header_decides_about_separators(read_bytes: Read) -> None:
    data = (
        b"#separator \\x2c\n#set_separator,;\n#empty_field,EMPTY\n#unset_field,NULL\n#path,http\n"
        b"#fields,uri,ts,proxied\n-,1.5,a;b\nNULL,2.5,EMPTY\n"
    )
    result = read_bytes(data, "tsv")
    frame = result.batches[0].frame
    assert frame["uri"].to_list() == ["-", None]
    assert frame["ts"].to_list() == [1.5, 2.5]
    assert frame["proxied"].to_list() == [["a", "b"], []]


def test_a_separator_may_be_several_bytes(read_bytes: Read) -> None:
    data = b"#separator \\x7c\\x7c\n#path||http\n#fields||ts||uri||host\n1.5||/a||h\n2.5||/b\n"
    result = read_bytes(data, "tsv", "http")
    assert result.batches[0].frame["uri"].to_list() == ["/a"]
    assert reasons(result) == [(5, "field_count")]


def test_the_header_may_change_in_mid_file(read_bytes: Read) -> None:
    more = b"#close\t2026-01-01-00-00-00\n#fields\tstatus_code\tts\n404\t9.5\n#close\tx\n"
    result = read_bytes(HTTP + row() + more + HTTP + row(uri=b"/last"), "tsv")
    frame = result.batches[0].frame
    assert frame["ts"].to_list() == [1.5, 9.5, 1.5]
    assert frame["status_code"].to_list() == [200, 404, 200]
    assert frame["_line"].to_list() == [8, 11, 20]


def test_a_file_may_hold_logs_of_several_kinds(read_bytes: Read) -> None:
    more = b"#path\tdns\n#fields\tts\tquery\n2.5\texample.org\n#path\tweird\n3.5\tx\n"
    result = read_bytes(HTTP + row() + more, "tsv", "http")
    assert {batch.kind: len(batch) for batch in result.batches} == {"http": 1, "dns": 1}
    assert result.passed == Counter({"path:weird": 1})


def test_a_header_of_an_earlier_block_is_kept() -> None:
    reader = open_reader("tsv", "some.log", None)
    reader.read(Block(0, "some.log", HTTP, 1, 0))
    result = reader.read(Block(0, "some.log", row(), 8, len(HTTP), last=True))
    assert one(result)["_line"] == 8


def test_rows_without_a_header_are_rejected(read_bytes: Read) -> None:
    assert reasons(read_bytes(row() + HTTP + row(), "tsv", "http")) == [(1, "no_header")]


@pytest.mark.parametrize("scope", [b".", b"_"])
def test_names_may_be_scoped_by_an_underscore(read_bytes: Read, scope: bytes) -> None:
    data = (HTTP + row()).replace(b"id.", b"id" + scope)
    record = one(read_bytes(data, "tsv"))
    assert (record["id.orig_h"], record["id.resp_p"]) == ("10.0.0.1", 80)


def test_certificates_count_under_their_old_and_new_names(read_bytes: Read) -> None:
    for name in (b"cert_chain_fps", b"cert_chain_fuids"):
        data = b"#path\tssl\n#fields\tts\t" + name + b"\n1.5\ta,b\n"
        assert one(read_bytes(data, "tsv"))["cert_chain"] == ["a", "b"]


def test_names_joined_by_spaces_split_the_last_column(read_bytes: Read) -> None:
    data = (
        b"#path\tconn\n#fields\tts\torig_bytes\ttunnel_parents   label   detailed-label\n"
        b"#types\ttime\tcount\tset[string]   string   string\n"
        b"1.5\t7\t-   Malicious   C&C\n2.5\t8\t(empty)   Benign   -\n"
    )
    result = read_bytes(data, "tsv", keep=["label", "detailed-label", "absent"])
    frame = result.batches[0].frame
    assert frame["label"].to_list() == ["Malicious", "Benign"]
    assert frame["detailed-label"].to_list() == ["C&C", None]
    assert frame["absent"].to_list() == [None, None]
    assert frame["orig_bytes"].to_list() == [7, 8]
    assert frame.columns[-5:] == ["_file", "_line", "label", "detailed-label", "absent"]


@pytest.mark.parametrize(
    ("tail", "kept", "rejected"),
    [
        (row().rstrip(b"\n"), [8], []),
        (row()[:12], [], [(8, "unfinished_line")]),
        (b"#clo", [], []),
    ],
)
def test_an_unfinished_last_line_is_read_if_it_is_complete(
    read_bytes: Read, tail: bytes, kept: list[int], rejected: list[tuple[int, str]]
) -> None:
    result = read_bytes(HTTP + tail, "tsv")
    assert [line for batch in result.batches for line in batch.frame["_line"]] == kept
    assert reasons(result) == rejected


def test_a_byte_order_mark_and_carriage_returns_do_not_matter(read_bytes: Read) -> None:
    data = b"\xef\xbb\xbf" + (HTTP + row() + b"\n" + row()).replace(b"\n", b"\r\n")
    result = read_bytes(data, "tsv")
    assert result.batches[0].frame["_line"].to_list() == [8, 10]
    assert result.rejected == []


def test_hostile_names_of_logs_make_few_reasons_that_can_be_printed() -> None:
    reader = ZeekTsvReader("some.log", None)
    passed: Counter[str] = Counter()
    for number in range(200):
        data = b"#path\t\x1b[31m%d\n#fields\tts\ta\n1\t2\n" % number
        passed += reader.read(Block(0, "some.log", data, 1, 0)).passed
    assert passed.total() == 200
    assert len(passed) == 65
    assert all(reason.isprintable() for reason in passed)


# An independent little writer: what it writes must read back as it was.

plain = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=8
).filter(lambda text: "\\x" not in text)
record = st.fixed_dictionaries(
    {
        "ts": st.floats(0, 4e9),
        "uid": st.none() | plain,
        "id.orig_p": st.none() | st.integers(0, 65535),
        "duration": st.none() | st.floats(0, 1e9),
        "orig_bytes": st.none() | st.integers(0, 2**63 - 1),
        "local_orig": st.none() | st.booleans(),
        "history": st.none() | plain,
    }
)
dns_lists = st.fixed_dictionaries(
    {
        "ts": st.floats(0, 4e9),
        # A list of one absent or empty element is written like an absent or empty list.
        "answers": st.none()
        | st.lists(st.none() | plain, max_size=4).filter(lambda parts: parts not in ([None], [""])),
        "TTLs": st.none() | st.lists(st.floats(0, 1e9), max_size=4),
        "query": st.none() | plain,
    }
)


def zeek_text(value: object) -> bytes:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list):
        return b",".join(zeek_text(part) for part in value) or b"(empty)"
    special = {None: b"-", True: b"T", False: b"F"}
    return special[value] if value is None or isinstance(value, bool) else repr(value).encode()


def escaped(text: str) -> bytes:
    if text in {"-", "(empty)"}:
        return b"\\x%02x" % ord(text[0]) + text[1:].encode()
    return (
        b"".join(
            bytes([byte]) if 0x20 < byte < 0x7F and byte not in b"\\,#" else b"\\x%02x" % byte
            for byte in text.encode()
        )
        or b"(empty)"
    )


@settings(max_examples=150, deadline=None)
@given(
    kind_and_records=st.one_of(
        st.tuples(st.just("conn"), st.lists(record, min_size=1, max_size=8)),
        st.tuples(st.just("dns"), st.lists(dns_lists, min_size=1, max_size=8)),
    ),
    order=st.randoms(),
)
def test_what_was_written_reads_back(
    read_bytes: Read, kind_and_records: tuple[Kind, list[dict[str, object]]], order: st.DrawFn
) -> None:
    kind, records = kind_and_records
    fields = list(records[0])
    order.shuffle(fields)  # type: ignore[attr-defined]
    lines = [b"#path\t" + kind.encode(), b"#fields\t" + "\t".join(fields).encode()]
    lines += [b"\t".join(zeek_text(entry[field]) for field in fields) for entry in records]
    result = read_bytes(b"\n".join(lines) + b"\n", "tsv")
    assert result.rejected == []
    assert result.batches[0].frame.select(list(records[0])).to_dicts() == records
