"""What the reader of Zeek's JSON logs promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import orjson
import pytest

from enricher.logs import SCHEMAS, Block, ReadResult, ZeekJsonReader, open_reader

Read = Callable[..., ReadResult]


def line(**values: object) -> bytes:
    keys = {"orig": "id.orig_h", "port": "id.resp_p"}
    record = {keys.get(key, key): value for key, value in {"ts": 1.5, **values}.items()}
    return orjson.dumps(record) + b"\n"


def raw(*members: str) -> bytes:
    return ("{" + ",".join(['"ts":1.5', *members]) + "}\n").encode()


def one(result: ReadResult) -> dict[str, object]:
    assert result.rejected == []
    (batch,) = result.batches
    (record,) = batch.frame.to_dicts()
    return record


def reasons(result: ReadResult) -> list[tuple[int, str]]:
    return [(bad.line, bad.reason) for bad in result.rejected]


def test_a_record_has_all_canonical_columns_and_absent_ones_are_null(read_bytes: Read) -> None:
    result = read_bytes(line(uri="/", host=None), "json", "http")
    record = one(result)
    assert list(record) == [*SCHEMAS["http"], "_file", "_line"]
    assert (record["uri"], record["host"], record["method"]) == ("/", None, None)
    assert (record["_file"], record["_line"]) == (7, 1)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1521911720.865716, 1521911720.865716),
        (1521911720, 1521911720.0),
        (1521911720865, 1521911720.865),
        (1521911720865.716, 1521911720.865716),
        ("2018-03-24T17:15:20.865716Z", 1521911720.865716),
        ("2018-03-24T17:15:20.8657165Z", 1521911720.8657165),
        ("2018-03-24T17:15:20Z", 1521911720.0),
        ("2018-03-24T12:15:20.5-05:00", 1521911720.5),
        ("1521911720.865716", 1521911720.865716),
    ],
)
def test_times_of_every_style_are_seconds(
    read_bytes: Read, written: object, seconds: float
) -> None:
    for other in ([], [line(ts=1.5)], [line(ts="2018-03-24T17:15:20Z")]):
        data = b"".join([*other, line(ts=written)])
        frame = read_bytes(data, "json", "conn").batches[0].frame
        assert frame["ts"][-1] == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("written", [None, "", "soon", True, [], {}, "2018-02-30T00:00:00Z", 1e300])
def test_a_record_without_a_time_is_rejected(read_bytes: Read, written: object) -> None:
    result = read_bytes(line() + line(ts=written) + line(), "json", "conn")
    assert reasons(result) == [(2, "bad_time")]
    assert len(result.batches[0]) == 2


def test_names_may_be_scoped_by_an_underscore(read_bytes: Read) -> None:
    data = line(id_orig_h="10.0.0.1", id_resp_p=53) + line(orig="10.0.0.2", port=80)
    frame = read_bytes(data, "json", "dns").batches[0].frame
    assert frame["id.orig_h"].to_list() == ["10.0.0.1", "10.0.0.2"]
    assert frame["id.resp_p"].to_list() == [53, 80]


def test_each_record_says_which_log_it_is_of(read_bytes: Read) -> None:
    data = (
        line(_path="dns", query="a")
        + line(_path="weird", name="x")
        + line(_path="conn_long", proto="tcp")
        + line(query="b")
    )
    result = read_bytes(data, "json", "dns")
    found = {batch.kind: batch.frame["_line"].to_list() for batch in result.batches}
    assert found == {"dns": [1, 4], "conn": [3]}
    assert result.passed == Counter({"path:weird": 1})


def test_a_record_of_which_nobody_knows_the_kind_is_rejected(read_bytes: Read) -> None:
    result = read_bytes(line(_path="dns") + line() + b"\n" + line(), "json", None)
    assert reasons(result) == [(2, "no_path"), (4, "no_path")]


def test_hostile_paths_make_few_reasons_that_can_be_printed() -> None:
    reader = ZeekJsonReader("some.log", None)
    data = b"".join(line(_path=f"weird\x1b[3{number}m") for number in range(500))
    kinds = Counter(open_path.split(":")[0] for open_path in ["path:x"])
    result = reader.read(Block(0, "some.log", data, 1, 0, last=True))
    assert kinds
    assert len(result.rejected) + result.passed.total() + sum(map(len, result.batches)) == 500
    assert len(result.passed) <= 65
    assert all(reason.isprintable() for reason in result.passed)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "bad_json"),
        (b"[1]", "bad_json"),
        (b"null", "bad_json"),
        (b"#close", "bad_json"),
        (b'{"ts":1.5} {"ts":2}', "bad_json"),
        (b'{"ts":1.5,"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "bad_json"),
        (b'{"ts":1.5,"a":' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"ts":1.5,"duration":NaN}', "bad_json"),
        (b'{"ts":1.5,"duration":"long"}', "bad_type"),
        (b'{"ts":1.5,"orig_bytes":1.5}', "bad_type"),
        (b'{"ts":1.5,"orig_bytes":{"a":1}}', "bad_type"),
        (b'{"ts":1.5,"orig_bytes":true}', "bad_type"),
        (b'{"ts":1.5,"local_orig":1}', "bad_type"),
        (b'{"ts":1.5,"id.orig_p":65536}', "bad_number"),
        (b'{"ts":1.5,"id.orig_p":-1}', "bad_number"),
        (b'{"ts":1.5,"id.orig_p":99999999999}', "bad_number"),
    ],
)
def test_a_bad_line_is_rejected_with_its_place_and_the_rest_kept(
    read_bytes: Read, bad: bytes, reason: str
) -> None:
    result = read_bytes(line() + bad + b"\n" + line(), "json", "conn")
    assert reasons(result) == [(2, reason)]
    assert result.rejected[0].excerpt == bad[:200]
    assert len(result.rejected[0].detail) < 300
    assert result.batches[0].frame["_line"].to_list() == [1, 3]


def test_a_number_beyond_its_column_is_clamped(read_bytes: Read) -> None:
    result = read_bytes(raw('"request_body_len":18446744073709551615'), "json", "http")
    assert one(result)["request_body_len"] == 2**63 - 1
    assert result.repaired == Counter(clamped_integer=1)


@pytest.mark.parametrize(
    ("written", "text", "repaired"),
    [
        (b"a\xffb", "a\ufffdb", "invalid_utf8"),
        (b"a\x00b", "a\ufffdb", "nul_byte"),
        (b"a\tb", "a\tb", "control_character"),
        (b"a\\ud800b", "a\ufffdb", "invalid_utf8"),
    ],
)
def test_bytes_that_are_no_text_do_not_keep_a_record_from_scoring(
    read_bytes: Read, written: bytes, text: str, repaired: str
) -> None:
    data = line(uri="/") + b'{"ts":1.5,"uri":"' + written + b'"}\n'
    result = read_bytes(data, "json", "http")
    assert result.batches[0].frame["uri"].to_list() == ["/", text]
    assert result.repaired == Counter({repaired: 1})


def test_numbers_written_as_text_are_taken(read_bytes: Read) -> None:
    record = one(read_bytes(raw('"orig_bytes":"12"', '"duration":"0.5"'), "json", "conn"))
    assert (record["orig_bytes"], record["duration"]) == (12, 0.5)


def test_of_a_key_that_comes_twice_the_first_counts(read_bytes: Read) -> None:
    twice = raw('"uri":"/first"', '"uri":"/second"')
    for data in (twice, twice + b"{\n"):
        frame = read_bytes(data, "json", "http").batches[0].frame
        assert frame["uri"].to_list() == ["/first"]


def test_escapes_become_the_characters_they_stand_for(read_bytes: Read) -> None:
    record = one(read_bytes(line(uri="/\\x09\\xff", proxied=["\\x2d", None]), "json", "http"))
    assert record["uri"] == "/\t\\xff"
    assert record["proxied"] == ["-", None]


@pytest.mark.parametrize("value", ["1E3", "1e22", "1e-7", "-0.0", "1.5", '[1.0,{"a":2E1}]', "true"])
def test_a_further_value_reads_the_same_beside_a_line_that_is_no_json(value: str) -> None:
    good = b'{"ts":1.5,"uid":"C1","id.orig_h":"10.0.0.1","query":"a","answers":["a"],"answers":0'
    good += f',"label":{value}}}\n'.encode()
    read = [
        open_reader("json", "x", "dns", ["label"])
        .read(Block(0, "x", data, 1, 0, last=True))
        .batches[0]
        .frame["label"]
        .to_list()
        for data in (good, good + b"{\n")
    ]
    assert read[0] == read[1]


def test_further_keys_are_kept_as_text(read_bytes: Read) -> None:
    result = read_bytes(line(label="Benign", n=5) + line(), "json", "conn", ["label", "n", "proto"])
    frame = result.batches[0].frame
    assert frame.columns[-4:] == ["_file", "_line", "label", "n"]
    assert frame["label"].to_list() == ["Benign", None]
    assert frame["n"].to_list() == ["5", None]


@pytest.mark.parametrize(
    ("tail", "kept", "rejected"),
    [(b'{"ts":2.5}', 2, []), (b'{"ts":2', 1, [(2, "unfinished_line")])],
)
def test_an_unfinished_last_line_is_read_if_it_is_complete(
    read_bytes: Read, tail: bytes, kept: int, rejected: list[tuple[int, str]]
) -> None:
    result = read_bytes(line() + tail, "json", "conn")
    assert len(result.batches[0]) == kept
    assert reasons(result) == rejected
