"""Features of HTTP requests."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from enricher.features.agents import AGENT_FEATURES, agent_statistics
from enricher.features.arithmetic import signed_log
from enricher.features.blocks import (
    KindFeatures,
    NumericBlock,
    expression_category,
    port_category,
    stacked,
    string_category,
)
from enricher.features.columns import Columns
from enricher.features.declared import NumericFeature, TextFeature
from enricher.features.lexical import (
    character_statistics,
    spread_to_records,
    statistic_columns,
    statistic_features,
)
from enricher.features.names import name_features, name_statistics
from enricher.features.ngrams import NameModel
from enricher.features.tensors import FloatArray
from enricher.features.uris import URI_FEATURES, uri_statistics
from enricher.features.vocabulary import (
    EXTENSIONS,
    HTTP_VERSIONS,
    METHODS,
    MIME_TYPES,
    STATUS_CODES,
)

_AMOUNTS: Final = (
    NumericFeature("trans_depth", "requests on this connection so far", "count", "volume"),
    NumericFeature("request_body_len", "request body", "bytes", "volume"),
    NumericFeature("response_body_len", "response body", "bytes", "volume"),
)
_PRESENT: Final = {
    "referrer": "a referrer is given",
    "origin": "an origin is given",
    "user_agent": "a user agent is named",
    "host": "a host is named",
    "username": "a user name is given",
    "proxied": "proxy headers are there",
}
_PRESENT_FEATURES: Final = (
    *(NumericFeature(f"has_{name}", words, "flag", "shape") for name, words in _PRESENT.items()),
    NumericFeature("host_is_address", "the host is a bare address", "flag", "shape"),
    NumericFeature("referrer_is_host", "the referrer is the same site", "flag", "shape"),
)
_REFERRER: Final = ("length", "entropy", "digits", "punctuation", "high")
_HOST_NAME: Final = "host_name"
# Digits, dots, colons and brackets only: an address, perhaps with a port. It is no name, and must
# not become a feature.
_ADDRESS: Final = r"^[0-9.:\[\]]*$|^\[[0-9a-fA-F:.]*\](:\d+)?$"


def _prepare(columns: Columns) -> None:
    host = columns.frame["host"]
    columns.add(_HOST_NAME, host.set(host.str.contains(_ADDRESS).fill_null(value=False), None))


def _make_amounts(columns: Columns, _model: NameModel | None) -> FloatArray:
    return stacked([signed_log(columns.numbers(feature.name)) for feature in _AMOUNTS])


def _make_present(columns: Columns, _model: NameModel | None) -> FloatArray:
    host = pl.col("host")
    frame = columns.frame.select(
        *(pl.col(name).is_not_null() for name in _PRESENT),
        host.str.contains(_ADDRESS).alias("_address"),
        pl.col("referrer").str.contains(host, literal=True).alias("_same"),
    )
    return frame.select(pl.all().cast(pl.Float32()).fill_null(float("nan"))).to_numpy(
        order="c", writable=True
    )


def _make_uri(columns: Columns, _model: NameModel | None) -> FloatArray:
    text = columns.text("uri")
    return spread_to_records(uri_statistics(text), text.codes)


def _make_agent(columns: Columns, _model: NameModel | None) -> FloatArray:
    text = columns.text("user_agent")
    return spread_to_records(agent_statistics(text), text.codes)


def _make_host(columns: Columns, model: NameModel | None) -> FloatArray:
    text = columns.text(_HOST_NAME)
    return spread_to_records(name_statistics(text, model), text.codes)


def _make_referrer(columns: Columns, _model: NameModel | None) -> FloatArray:
    text = columns.text("referrer")
    table = character_statistics(text.data, text.offsets[:-1], text.offsets[1:])
    return spread_to_records(
        np.ascontiguousarray(table[:, statistic_columns(_REFERRER)]), text.codes
    )


_EXTENSION: Final = (
    pl.col("uri").str.extract(r"^[^?#]*\.([A-Za-z0-9]{1,5})(?:[/;?#]|$)").str.to_lowercase()
)

HTTP: Final = KindFeatures(
    numeric=(
        NumericBlock(_AMOUNTS, _make_amounts),
        NumericBlock(_PRESENT_FEATURES, _make_present),
        NumericBlock(URI_FEATURES, _make_uri),
        NumericBlock(AGENT_FEATURES, _make_agent),
        NumericBlock(name_features("host", "the host name"), _make_host),
        NumericBlock(
            statistic_features("referrer", "the referrer", only=_REFERRER), _make_referrer
        ),
    ),
    categories=(
        string_category("method", "method", METHODS, "method", "protocol"),
        expression_category(
            "status_class",
            pl.col("status_code") // 100,
            ("1", "2", "3", "4", "5"),
            "class of the status code",
            "history",
        ),
        expression_category(
            "status_code", pl.col("status_code"), STATUS_CODES, "status code", "history"
        ),
        string_category("version", "version", HTTP_VERSIONS, "HTTP version", "protocol"),
        expression_category(
            "request_type",
            pl.col("orig_mime_types").list.first(),
            MIME_TYPES,
            "type of what was sent",
            "protocol",
        ),
        expression_category(
            "response_type",
            pl.col("resp_mime_types").list.first(),
            MIME_TYPES,
            "type of what came back",
            "protocol",
        ),
        expression_category(
            "extension", _EXTENSION, EXTENSIONS, "file extension in the URI", "text"
        ),
        port_category(),
    ),
    text=(
        TextFeature("uri", "uri", "URI"),
        TextFeature("user_agent", "user_agent", "user agent"),
        TextFeature("host", _HOST_NAME, "host name"),
        TextFeature("referrer", "referrer", "referrer"),
    ),
    prepare=_prepare,
)
