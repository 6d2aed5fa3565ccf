"""What logs say of a rule is what the engine says of the traffic."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from enricher.logs import SCHEMAS
from enricher.logs.escapes import to_bytes
from enricher.rulegen.engine.checking import check_rules
from enricher.rulegen.engine.replay import replay
from enricher.rulegen.engine.suricata import Engine
from enricher.rulegen.matching.buffers import Buffers
from enricher.rulegen.matching.evaluate import matched
from enricher.rulegen.matching.reading import read_rule
from enricher.rulegen.matching.uris import normalised_uri
from enricher.rulegen.rule.rule import Rule
from enricher.rulegen.rule.text import encode_content
from enricher.rulegen.traffic.reconstruct import write_capture

HOSTILE = (
    '"; sid:1; )', "|", "\\", "a|41|b", "a;b", "$HOME_NET", 'x" -> any any (', "%00", "a\\;b",
    "\\xff\\xfe", "é", "<script>alert(1)</script>", "' or 1=1 --", "dead beef 1234", "x" * 250,
    "content:!", "pcre:/a/", "#", "\\x80\\x9f|\\x22", "\\u202e", "(", ")", "any any", "sid:1;",
)  # fmt: skip
PIECES = (
    "/", "/", ".", "..", "%2e", "%2F", "\\", "a", "b", "%5c", "?", "=", "&", "%u0041", "%u1234",
    "%c0%af", "%c3%a9", "é", "%", "%1", ";", "+", "%20", "\\xff", "~", ":", "@", '"', "|",
)  # fmt: skip


def requests(**columns: list[str]) -> pl.DataFrame:
    rows = [
        {
            "ts": 1_700_000_000.0 + number, "id.orig_h": "192.168.0.2", "id.orig_p": 20000 + number,
            "id.resp_h": "203.0.113.5", "id.resp_p": 80, "method": "GET", "uri": "/",
            "host": "h.example", "version": "1.1", "user_agent": "x", "status_code": 200,
            "status_msg": "OK", "request_body_len": 0,
            **{name: values[number] for name, values in columns.items()},
        }
        for number in range(len(next(iter(columns.values()))))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMAS["http"])


def rule(buffer: str, value: bytes, sid: int) -> str:
    return (
        f'alert http any any -> any any (msg:"x"; flow:established,to_server; {buffer}; '
        f'content:"{encode_content(value)}"; startswith; endswith; sid:{sid}; rev:1;)'
    )


def fired(engine: Engine, rules: list[str], frame: pl.DataFrame, folder: Path) -> tuple[
    dict[int, set[int]], set[int]
]:  # fmt: skip
    """Rows by rule, and the rows that were sent at all."""
    rebuilt = write_capture({"http": frame}, folder / "rebuilt.pcap")
    done = replay(engine, rules, [folder / "rebuilt.pcap"])
    assert done.failed == ()
    rows: dict[int, set[int]] = {}
    for hit in done.hits:
        place = rebuilt.row_of(hit)
        assert place is not None
        rows.setdefault(hit.sid, set()).add(place[1])
    return rows, set(range(len(frame))) - {row for _, row, _ in rebuilt.left_out}


@pytest.mark.parametrize("buffer", ["http.user_agent", "http.uri"])
def test_a_rule_of_a_hostile_value_is_accepted_and_fires_on_exactly_its_bytes(
    suricata: Engine, tmp_path: Path, buffer: str
) -> None:
    chance = random.Random(5)  # noqa: S311 - a test's values
    letters = [chr(n) for n in range(0x21, 0x7F)] + [f"\\x{n:02x}" for n in range(0x80, 0x100)]
    values = list(HOSTILE) + ["".join(chance.choices(letters, k=12)) for _ in range(200)]
    if buffer == "http.uri":
        # Bytes that look like UTF-8 are made ASCII in a path by a table of the engine's.
        values = [f"/?{value}" for value in values]
    frame = requests(**{BUFFERS[buffer]: values})
    column = Buffers("http", frame)[buffer]
    own = [column.distinct[code] for code in column.codes.tolist()]
    rules = [rule(buffer, value[:255], sid + 1) for sid, value in enumerate(own)]
    assert [check.errors for check in check_rules(suricata, rules) if not check.accepted] == []
    rows, sent = fired(suricata, rules, frame, tmp_path)
    assert len(sent) > len(values) * 0.7
    for number in sent:
        same = {other for other in sent if own[other] == own[number]}
        assert rows.get(number + 1, set()) == same, own[number]


BUFFERS = {"http.user_agent": "user_agent", "http.uri": "uri"}


def test_uris_are_normalised_as_the_engine_does(suricata: Engine, tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - a test's values
    values = sorted(
        {"/" + "".join(chance.choices(PIECES, k=chance.randint(1, 8))) for _ in range(400)}
    )
    own = [normalised_uri(to_bytes(value)) for value in values]
    frame = requests(uri=values)
    rules = [rule("http.uri", value or b"-", sid + 1) for sid, value in enumerate(own)]
    rows, sent = fired(suricata, rules, frame, tmp_path)
    assert len(sent) > 300
    wrong = [
        v for n, v in enumerate(values) if n in sent and own[n] and n not in rows.get(n + 1, ())
    ]
    assert wrong == []


CONDITIONS = [
    'http.uri; content:"/a"; nocase;',
    'http.uri; content:"b"; offset:2; depth:6;',
    'http.uri; content:"a"; content:"b"; distance:1; within:4;',
    'http.uri; content:!"b"; content:"/";',
    'http.uri; bsize:4<>9; content:"/";',
    'http.uri; content:"/"; startswith; content:"a"; endswith;',
    'http.uri; content:"/"; pcre:"/a[^b]{1,3}b/i";',
    'http.uri; content:"/"; pcre:!"/^.{3}b/";',
    'http.method; content:"GET"; http.uri; content:"?";',
    'http.host; dotprefix; content:".example"; endswith;',
    'http.host; to_lowercase; content:"h.exa";',
    'http.header_names; content:!"|0d 0a|User-Agent|0d 0a|";',
    'http.header_names; content:"|0d 0a|User-Agent|0d 0a|"; nocase;',
    'http.protocol; content:"HTTP/1.1";',
    'urilen:>6; http.uri; content:"a";',
]


def test_every_condition_means_on_logs_what_it_means_to_the_engine(
    suricata: Engine, tmp_path: Path
) -> None:
    chance = random.Random(3)  # noqa: S311 - a test's values
    letters = ["a", "b", "A", "/", "c", "?", "x"]
    count = 300
    names = chance.choices(["h.example", "H.Example", "other.test", "example"], k=count)
    frame = requests(
        uri=["/" + "".join(chance.choices(letters, k=chance.randint(1, 9))) for _ in names],
        host=names,
    )
    frame = frame.with_columns(
        user_agent=pl.when(pl.int_range(count) % 3 > 0).then(pl.lit("agent"))
    )
    texts = [
        'alert http any any -> any any (msg:"x"; flow:established,to_server; '
        f"{one} sid:{n + 1}; rev:1;)"
        for n, one in enumerate(CONDITIONS)
    ]
    rows, sent = fired(suricata, texts, frame, tmp_path)
    buffers = Buffers("http", frame)
    for number, text in enumerate(texts):
        readable = read_rule(Rule.parse(text))
        assert readable.unread == ()
        expected = set(np.flatnonzero(matched(readable, buffers)).tolist()) & sent
        assert 0 < len(expected) < len(sent) or "protocol" in text
        assert rows.get(number + 1, set()) == expected, text
