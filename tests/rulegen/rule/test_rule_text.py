"""Rules as text: nothing that a log says changes a rule's structure."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from enricher.rulegen.rule.identity import identity_of, with_identity
from enricher.rulegen.rule.rule import Header, Option, Rule
from enricher.rulegen.rule.text import decode_content, encode_content, message, quoted, word

BREAKING = b'"; sid:1; )'


@given(st.binary(max_size=255))
@example(BREAKING)
@example(b"|41|")
@example(b"a\\\\;b\x00\n$HOME_NET dead beef 1234")
def test_a_content_stands_for_exactly_its_bytes_and_has_no_byte_that_means_anything(
    value: bytes,
) -> None:
    text = encode_content(value)
    assert decode_content(text) == value
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-| ")
    assert text.count("|") % 2 == 0


@given(st.text(max_size=300))
@example('"; sid:1; )')
def test_a_rule_with_any_words_in_it_has_the_options_that_it_was_given(words: str) -> None:
    rule = Rule(
        Header("http"),
        (
            Option("msg", f'"{message(words)}"'),
            Option("http.uri"),
            Option("content", f'"{encode_content(words.encode("utf-8", "replace"))}"'),
            Option("sid", "7"),
            Option("rev", "3"),
            Option("metadata", f"family {word(words)}"),
        ),
    )
    assert Rule.parse(str(rule)) == rule
    assert identity_of(str(rule)) == (7, 3)


@pytest.mark.parametrize(
    "text",
    [
        'alert http any any -> any any (msg:"a"; sid:1; rev:2;)',
        'alert tcp $HOME_NET any -> [1.1.1.1,!2.2.2.2] [80,81:90] (msg:"a\\;b"; sid:1; rev:2;)',
        'alert dns any any <> any any (pcre:"/a\\;b/"; noalert; sid:4294967295; rev:1;)',
    ],
)
def test_a_rule_is_read_and_written_as_it_was(text: str) -> None:
    assert str(Rule.parse(text)) == text


def test_lists_in_a_header_may_have_spaces() -> None:
    text = "alert tcp [10.0.0.1, 10.0.0.2] any -> any [ 80 , 81 ] (sid:1;)"
    header = Rule.parse(text).header
    assert (header.source, header.destination_port) == ("[10.0.0.1,10.0.0.2]", "[80,81]")


def test_another_identity_leaves_the_rest_alone() -> None:
    text = 'alert http any any -> any any (msg:"sid\\:1"; content:"a"; sid:1; rev:2; metadata:x y;)'
    assert with_identity(text, 9, 4) == text.replace("sid:1; rev:2;", "sid:9; rev:4;")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alert",
        "alert http any any -> any any",
        "alert http any any any any (sid:1;)",
        'alert http any any -> any any (msg:"a"; sid:1; rev:1)',
        'alert http any any -> any any (msg:"a";\nsid:1;)',
        "alert http any any -> any any (ms\0g:1;)",
        "alert http any any -> any any (" + "a;" * 5000 + ")",
        "alert http any any -> any any (-x:1;)",
    ],
)
def test_what_is_no_rule_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"it |its |is no"):
        Rule.parse(text)


@pytest.mark.parametrize(
    "options", ["sid:1; sid:2;", "msg:1;", "sid:-1;", "sid:x;", "sid:4294967296;"]
)
def test_a_rule_without_one_number_has_no_identity(options: str) -> None:
    with pytest.raises(ValueError, match=r"sid|rev"):
        identity_of(f"alert http any any -> any any ({options})")


@pytest.mark.parametrize("text", ["a\\n", "|41", "|4g|", "\\"])
def test_a_content_that_the_engine_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"content|hex"):
        decode_content(text)


def test_a_value_without_quotes_is_refused() -> None:
    assert quoted('!"a"') == (True, "a")
    with pytest.raises(ValueError, match="quotes"):
        quoted("a")
