from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.logs.wanted import WANTED, LogFields, absent, fields_of


def test_a_header_says_which_fields_there_are_whatever_separates_them() -> None:
    tabs = b"#separator \\x09\n#fields\tts\tproto\tservice\n#types\ttime\tenum\n"
    commas = b"#separator ,\n#path,conn\n#fields,ts,proto,service\n1,tcp,http\n"
    assert fields_of(tabs, "tsv").names == {"ts", "proto", "service"}
    assert fields_of(commas, "tsv") == fields_of(tabs, "tsv")
    assert fields_of(tabs, "tsv").records is None


def test_labels_added_by_hand_are_fields_too() -> None:
    head = b"#separator \\x09\n#fields\tts\ttunnel_parents   label   detailed-label\n"
    assert {"tunnel_parents", "label", "detailed-label"} <= fields_of(head, "tsv").names


def test_of_json_the_fields_of_all_records_that_are_whole_count() -> None:
    head = b'{"ts":1,"query":"a"}\n{"ts":2,"rcode":0}\nno record\n[]\n{"ts":3,"cut'
    found = fields_of(head, "json")
    assert found == LogFields(frozenset({"ts", "query", "rcode"}), 2)


def test_a_field_is_there_under_every_name_that_the_readers_take() -> None:
    assert absent(["id.orig_h", "cert_chain"], {"id_orig_h", "cert_chain_fuids"}) == []
    assert absent(WANTED["dns"], {"query", "qtype"}) == ["rcode"]


@pytest.mark.parametrize("form", ["tsv", "json"])
@given(head=st.binary(max_size=400))
def test_any_bytes_have_fields_or_none(form: Literal["tsv", "json"], head: bytes) -> None:
    assert all(isinstance(name, str) for name in fields_of(head, form).names)
    assert fields_of(b"#fields\t" + head, "tsv").records is None
