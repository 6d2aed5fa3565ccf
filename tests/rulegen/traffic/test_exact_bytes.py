"""Whatever the bytes of a value are: what is not left out is what the engine sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.logs.escapes import to_bytes

HTTP = 'http any any -> any any (msg:"x"; flow:to_server; '
few = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def in_log(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def values(most: int = 120, least: int = 1) -> st.SearchStrategy[list[bytes]]:
    plain = st.text("abcXYZ019-._~/?&=%;:@,\"'\\|()#$ ", min_size=least, max_size=40)
    one = st.one_of(st.binary(min_size=least, max_size=most), plain.map(str.encode))
    printable = st.lists(st.integers(0x21, 0xFF), min_size=least, max_size=most).map(bytes)
    return st.lists(st.one_of(one, printable), min_size=20, max_size=60)


@pytest.mark.parametrize(
    ("column", "buffer"),
    [
        ("uri", "http.uri.raw"),
        ("user_agent", "http.user_agent"),
        ("referrer", "http.referer"),
        ("host", "http.host.raw"),
        ("method", "http.method"),
    ],
)
@few
@given(data=st.data())
def test_http_values_are_seen_byte_for_byte(
    rows: Callable[..., pl.DataFrame],
    sees_exactly: Callable[..., None],
    data: st.DataObject,
    column: str,
    buffer: str,
) -> None:
    given_values = data.draw(values())
    records: list[dict[str, Any]] = [
        {"method": "GET", "uri": "/", "host": "h", "status_code": 200, column: in_log(value)}
        for value in given_values
    ]
    expected = {row: to_bytes(in_log(value)) for row, value in enumerate(given_values)}
    sees_exactly("http", HTTP + buffer + ";", rows("http", records), expected)


@few
@given(data=st.data())
def test_dns_names_are_seen_byte_for_byte(
    rows: Callable[..., pl.DataFrame], sees_exactly: Callable[..., None], data: st.DataObject
) -> None:
    names = data.draw(values(70))
    records = [
        {"proto": "udp", "query": in_log(name), "rcode": 0, "trans_id": row}
        for row, name in enumerate(names)
    ]
    header = 'dns any any -> any any (msg:"x"; dns.query;'
    expected = {row: to_bytes(in_log(name)) for row, name in enumerate(names)}
    sees_exactly("dns", header, rows("dns", records, port=53), expected)


@few
@given(data=st.data())
def test_server_names_are_seen_byte_for_byte(
    rows: Callable[..., pl.DataFrame], sees_exactly: Callable[..., None], data: st.DataObject
) -> None:
    names = data.draw(values())
    records = [{"version": "TLSv12", "server_name": in_log(name)} for name in names]
    header = 'tls any any -> any any (msg:"x"; flow:to_server; tls.sni;'
    expected = {row: to_bytes(in_log(name)) for row, name in enumerate(names)}
    sees_exactly("ssl", header, rows("ssl", records, port=443), expected)
