"""Which log a file is, told by its content."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import NotALogError
from enricher.logs.identify import HEAD_BYTES, LogIdentity, identify
from enricher.logs.names import day_of_folder, is_companion, parse_name

CONN_FIELDS = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto duration orig_bytes conn_state"
CONN_ROW = "1700000000.5 C1 10.0.0.1 1 10.0.0.2 2 tcp 30.25 7 SF"
CONN_JSON = {"ts": 1700000000.5, "uid": "C1", "id.orig_h": "::1", "proto": "tcp", "orig_bytes": 1}
HTTP_JSON = {"ts": 1.5, "uid": "C1", "id_orig_h": "::1", "method": "GET", "request_body_len": 0}
DNS_JSON = {"ts": 1.5, "uid": "C1", "trans_id": 7, "query": "a.b", "AA": False, "RD": True}
SSL_JSON = {"ts": 1.5, "uid": "C1", "resumed": False, "established": False}
EVE = {"timestamp": "2021-06-06T15:59:46.457984+0200", "event_type": "flow", "flow_id": 1}


VALUES = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


def tsv(fields: str, *rows: str, path: str | None = "conn", end: str = "\n") -> bytes:
    lines = [r"#separator \x09", "#set_separator\t,", "#unset_field\t-"]
    if path is not None:
        lines.append(f"#path\t{path}")
    lines.append("#fields\t" + fields.replace(" ", "\t"))
    lines += [row.replace(" ", "\t") for row in rows]
    return "".join(line + end for line in lines).encode()


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_a_tsv_log_says_itself_what_it_is() -> None:
    found = identify(tsv(CONN_FIELDS, CONN_ROW), "no-name-at-all")
    assert found == LogIdentity("tsv", "conn", "conn", 1700000000.5, 1700000030.75)


def test_a_log_of_a_header_alone_is_a_log_without_a_first_time() -> None:
    assert identify(tsv(CONN_FIELDS), "x") == LogIdentity("tsv", "conn", "conn", None, None)


def test_a_header_that_is_not_written_to_its_end_yet_is_a_log() -> None:
    assert identify(b"#separator \\x09\n#set_sepa", "http.log").kind == "http"


def test_a_tsv_log_may_have_crlf_line_ends_and_another_separator() -> None:
    assert identify(tsv(CONN_FIELDS, CONN_ROW, end="\r\n"), "x").first_ts == 1700000000.5
    piped = tsv(CONN_FIELDS, CONN_ROW).replace(b"\t", b"|").replace(rb"\x09", rb"\x7c")
    assert identify(piped, "x") == identify(tsv(CONN_FIELDS, CONN_ROW), "x")


@pytest.mark.parametrize(
    ("name", "path"),
    [("dns.log", "dns"), ("x.log", None)],
)
def test_without_path_line_the_fields_say_the_kind_and_the_name_the_path(
    name: str, path: str | None
) -> None:
    found = identify(tsv("ts uid query qtype rcode", path=None), name)
    assert (found.kind, found.path) == ("dns", path)


@pytest.mark.parametrize("path", ["conn_long", "open_conn"])
def test_long_and_open_connections_are_connections(path: str) -> None:
    assert identify(tsv(CONN_FIELDS, path=path), "x").kind == "conn"
    by_name = identify(lines(CONN_JSON), f"/logs/{path}.2026-01-01-12-00-00.log.gz")
    assert (by_name.kind, by_name.path) == ("conn", path)


def test_a_filtered_log_of_a_name_of_its_own_is_known_by_its_fields() -> None:
    found = identify(tsv(CONN_FIELDS, path="conn-internal"), "x")
    assert (found.kind, found.path) == ("conn", "conn-internal")


def test_a_header_column_of_several_names_still_names_fields() -> None:
    fields = CONN_FIELDS.replace(" conn_state", "") + " a"
    head = tsv(fields, path=None).replace(b"\ta\n", b"\tconn_state   label   detailed-label\n")
    assert identify(head, "x").kind == "conn"


@pytest.mark.parametrize(
    ("record", "kind"),
    [(CONN_JSON, "conn"), (HTTP_JSON, "http"), (DNS_JSON, "dns"), (SSL_JSON, "ssl")],
)
@pytest.mark.parametrize("name", ["x.json", "weird.log", "json_streaming_conn.1.log"])
def test_keys_of_json_records_overrule_a_name_that_says_nothing_or_wrong(
    record: dict[str, object], kind: str, name: str
) -> None:
    found = identify(lines(record), name)
    assert (found.format, found.kind, found.path) == ("json", kind, kind)


def test_a_json_log_that_says_its_path_is_believed() -> None:
    found = identify(lines({"_path": "ssl", **CONN_JSON, "proto": None}), "conn.log")
    assert found.path == "ssl"
    assert identify(lines({"_path": "weird", **CONN_JSON}), "conn.log").kind is None


def test_a_path_that_could_harm_who_reads_it_is_not_passed_on() -> None:
    for path in ("\x1b[31mconn", "a" * 65, "../conn", "<b>"):
        assert identify(lines({**CONN_JSON, "_path": path}), "x").path in ("conn", None)
        assert identify(tsv(CONN_FIELDS, path=path), "x").path is None


def test_records_that_lack_most_keys_are_known_by_the_name() -> None:
    assert identify(lines({"ts": 1, "uid": "C1"}), "http.log").kind == "http"


def test_another_kind_of_zeek_log_is_a_log_of_no_kind() -> None:
    for head, name in [
        (tsv("ts uid name addl", path="weird"), "x"),
        (lines({"ts": 1.5, "uid": "C1", "name": "n", "notice": False}), "weird.log"),
        (lines({"ts": 1.5, "ts_delta": 2, "peer": "zeek"}), "capture_loss.log"),
        (tsv("name", path="loaded_scripts"), "loaded_scripts.log"),
        (lines({"name": "/opt/zeek"}), "loaded_scripts.log"),
    ]:
        found = identify(head, name)
        assert found.kind is None
        assert found.format in ("tsv", "json")


def test_suricata_events_are_eve_whatever_the_name() -> None:
    found = identify(lines(EVE), "conn.log")
    assert found == LogIdentity("eve", None, None, 1622987986.457984, 1622987986.457984)


def test_a_first_line_that_is_longer_than_the_head_is_understood_as_far_as_it_goes() -> None:
    head = lines({**EVE, "payload": "A" * HEAD_BYTES})[:HEAD_BYTES]
    assert identify(head, "x").format == "eve"
    assert identify(head, "x").first_ts == 1622987986.457984
    head = lines({**CONN_JSON, "service": 'A"event_type":"x","timestamp":"y"' * HEAD_BYTES})
    assert identify(head[:HEAD_BYTES], "conn.log").format == "json"


def test_a_damaged_first_record_does_not_hide_the_next() -> None:
    assert identify(b'{"ts":1,\x00\xff\n' + lines(CONN_JSON), "x").kind == "conn"


@pytest.mark.parametrize(
    ("ts", "seconds"),
    [
        (1531628253.25, 1531628253.25),
        (1531628253250, 1531628253.25),
        ("2018-07-15T04:17:33.250000Z", 1531628253.25),
        ("2018-07-15T04:17:33.2500000Z", 1531628253.25),
        ("2018-07-15T06:17:33.25+0200", 1531628253.25),
        ("1531628253.25", 1531628253.25),
        ("yesterday", None),
        (None, None),
        (True, None),
        ([1], None),
        (1e300, None),
        ("nan", None),
        ("9" * 400, None),
    ],
)
def test_times_of_every_form_are_seconds_and_what_is_no_time_is_none(
    ts: object, seconds: float | None
) -> None:
    assert identify(lines({**HTTP_JSON, "ts": ts}), "x").first_ts == seconds


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "pcap"),
        (b"\x0a\x0d\x0d\x0a\x80\x00", "pcapng"),
        (b"\x1f\x8b\x08", "compressed twice"),
        (b"BZh91AY", "bzip2"),
        (b"\xff\xfe#\x00s\x00", "UTF-16"),
        (b"\xef\xbb\xbf#separator", "byte-order mark"),
        (b"\x00\x01\x02", "binary"),
        (b"# Notes\n\nabout #fields\n", "text"),
        (b"a,b,c\n1,2,3\n", "text"),
        (b"{\n", "no line of it"),
        (b"{}\n{not json\n", "no line of it"),
        (b'{"level":"info","ts":1.5,"msg":"hi"}\n', "neither"),
        (b"[1,2]\n", "text"),
    ],
)
def test_what_is_no_log_is_named(head: bytes, says: str) -> None:
    with pytest.raises(NotALogError, match=says):
        identify(head, "some.file")


@pytest.mark.parametrize(
    "name", ["conn-summary.12:00:00-13:00:00.log.gz", ".shadow.conn.log", "stdout.log"]
)
def test_files_that_zeek_keeps_beside_its_logs_are_no_logs(name: str) -> None:
    assert is_companion(name)
    with pytest.raises(NotALogError, match="kept by Zeek"):
        identify(tsv(CONN_FIELDS), f"/logs/{name}")


@given(st.binary(max_size=400), st.sampled_from([b"", b"{", b"#separator ", b'{"ts":', b"#fields"]))
def test_no_bytes_give_anything_but_an_identity_or_the_error(rest: bytes, start: bytes) -> None:
    try:
        found: str = identify(start + rest, "x.log").format
    except NotALogError as error:
        found = error.message
    assert found in ("tsv", "json", "eve") or found.startswith(("is ", "begins "))


@given(st.recursive(VALUES, st.lists, max_leaves=5))
def test_values_of_any_type_in_the_keys_that_are_looked_at_do_no_harm(value: object) -> None:
    record = dict.fromkeys(("ts", "_path", "timestamp", "duration", "conn_state", "uid"), value)
    assert identify(lines(record), "x").kind in ("conn", None)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_head_cut_anywhere_after_the_fields_says_the_same(cut: int) -> None:
    head = tsv(CONN_FIELDS, CONN_ROW, CONN_ROW)
    shortest = head.index(b"conn_state") + 11
    found = identify(head[: shortest + cut], "x")
    assert (found.format, found.kind, found.path) == ("tsv", "conn", "conn")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("conn.log", "conn"),
        ("conn.2026-01-01-12-00-00.log", "conn"),
        ("conn.12:00:00-13:00:00.log.gz", "conn"),
        ("conn.12:00:00-13:00:00-logger-1.log.gz", "conn"),
        ("conn__2026-01-01-12-00-00__2026-01-01-13-00-00__.log", "conn"),
        ("open_conn.05:00:00-06:00:00.log.gz", "open_conn"),
        ("json_streaming_conn.log", "conn"),
        ("json_streaming_http.1.log", "http"),
        ("json_streaming_conn_long.4.log", "conn_long"),
        ("conn.log.labeled.gz", "conn"),
        ("labeled-conn.log", "conn"),
        ("slips_portscan_horizontal_conn.log.gz", "conn"),
        ("iot23.conn.log.labeled.gz", "conn"),
        ("philips-hue.conn.log.gz", "conn"),
        ("dns_tunnel.dns.log.labeled.gz", "dns"),
        ("rita_valid_json_http.log.gz", "http"),
        ("ssl.json.gz", "ssl"),
        ("SSL.LOG.ZST", "ssl"),
        ("conn.log.1", "conn"),
        ("conn.log-20260101.gz", "conn"),
        ("dns-20260101T120000.log.xz", "dns"),
        ("http_day1.log", "http"),
        ("smb_files.log", "smb_files"),
        ("known_hosts.log", "known_hosts"),
        ("eve.json", None),
        ("eve-2026-01-01-12:00.json", None),
        ("connect.log", None),
        ("", None),
        (".log", None),
        ("_" * 5000, None),
    ],
)
def test_the_log_is_found_in_names_of_every_convention(name: str, path: str | None) -> None:
    assert parse_name(name).path == path


@pytest.mark.parametrize(
    ("name", "day", "clock"),
    [
        ("conn.log", None, None),
        ("conn.2026-01-02-12-30-59.log", (2026, 1, 2), (12, 30, 59)),
        ("conn.12:30:59-13:00:00.log.gz", None, (12, 30, 59)),
        ("conn__2026-01-02-12-30-59__2026-01-02-13-00-00__.log", (2026, 1, 2), (12, 30, 59)),
        ("conn.log-20260102.gz", (2026, 1, 2), None),
        ("eve-2026-01-02-12:30.json", (2026, 1, 2), (12, 30, 0)),
        ("conn.log.3", None, None),
    ],
)
def test_the_time_of_rotation_is_read_from_the_name(
    name: str, day: tuple[int, ...] | None, clock: tuple[int, ...] | None
) -> None:
    parsed = parse_name(name)
    assert (parsed.day, parsed.clock) == (day, clock)


def test_rotated_files_of_one_log_share_a_series_and_loggers_have_one_each() -> None:
    names = [
        "conn.log",
        "conn.2026-01-02-12-30-59.log.gz",
        "conn.12:30:59-13:00:00.log",
        "conn.log.1",
    ]
    assert {parse_name(name).series for name in names} == {"conn"}
    loggers = [f"conn.12:00:00-13:00:00-logger-{number}.log.gz" for number in (1, 2)]
    assert len({parse_name(name).series for name in loggers}) == 2


def test_only_a_folder_named_after_a_day_has_a_day() -> None:
    assert day_of_folder("2026-01-02") == (2026, 1, 2)
    assert day_of_folder("20260102") == (2026, 1, 2)
    for name in ("current", "2026", "logs-2026-01-02-old", ""):
        assert day_of_folder(name) is None


@given(st.text(max_size=300))
def test_any_name_can_be_taken_apart(name: str) -> None:
    assert len(parse_name(name).series) <= 255


def head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as content:
        return content.read(HEAD_BYTES)


def first_word_of(path: Path) -> str:
    """What Zeek called the log, by hand for the names of these data, and by nothing of ours."""
    name = path.name.removesuffix(".gz").removesuffix(".labeled")
    name = name.removesuffix(".log").removesuffix(".json")
    for odd in ("labeled-", "slips_portscan_horizontal_", "slips_portscan_vertical_", "iot23."):
        name = name.removeprefix(odd)
    for odd in ("philips-hue.", "amazon-echo.", "somfy.", "dns_tunnel.", "rita_valid_json_"):
        name = name.removeprefix(odd)
    return name.removeprefix("rita_valid_tsv_").split(".")[0]


def test_every_real_zeek_log_is_identified_by_its_name_and_as_what_it_is(shared_data: Path) -> None:
    wrong = []
    kinds: Counter[str] = Counter()
    for path in sorted((shared_data / "zeek").rglob("*")):
        if not path.is_file():
            continue
        expected = first_word_of(path)
        if expected == "conn-summary":
            with pytest.raises(NotALogError):
                identify(head_of(path), path.name)
            kinds["none"] += 1
            continue
        head = head_of(path)
        found = identify(head, path.name)
        kind = {"open_conn": "conn"}.get(expected, expected)
        kind_expected = kind if kind in ("conn", "http", "dns", "ssl") else None
        format_expected = "json" if head.startswith(b"{") else "tsv"
        if (found.format, found.kind, found.path) != (format_expected, kind_expected, expected):
            wrong.append((path, found))
        kinds[kind_expected or "other"] += 1
    assert not wrong
    assert kinds == {"conn": 624, "http": 139, "dns": 97, "ssl": 98, "other": 850, "none": 24}


def test_every_real_json_record_says_its_kind_without_the_help_of_a_name(shared_data: Path) -> None:
    wrong = []
    count = 0
    for path in sorted((shared_data / "zeek").rglob("*")):
        if not path.is_file() or not (head := head_of(path)).startswith(b"{"):
            continue
        expected = identify(head, path.name).kind
        try:
            found = identify(head.replace(b'"_path"', b'"_other"'), "nameless").kind
        except NotALogError:
            found = None
        count += 1
        if found != expected:
            wrong.append((path, expected, found))
    assert count == 735
    assert not wrong


def test_real_suricata_events_are_eve_and_captures_and_tables_are_no_logs(
    shared_data: Path,
) -> None:
    found = Counter(
        identify(head, "nameless").format
        for path in (shared_data / "eve").rglob("*.gz")
        if (head := head_of(path))
    )
    assert found == {"eve": 48}
    for folder in ("pcap", "tables", "lists"):
        for path in (shared_data / folder).iterdir():
            with pytest.raises(NotALogError):
                identify(head_of(path), path.name)
