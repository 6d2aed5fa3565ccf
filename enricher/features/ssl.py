"""Features of TLS sessions."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from enricher.features.arithmetic import signed_log
from enricher.features.blocks import (
    Category,
    KindFeatures,
    NumericBlock,
    expression_category,
    flag_category,
    port_category,
    stacked,
    string_category,
)
from enricher.features.columns import Columns
from enricher.features.declared import ABSENT, CategoricalFeature, NumericFeature, TextFeature
from enricher.features.lexical import (
    character_statistics,
    spread_to_records,
    statistic_columns,
    statistic_features,
)
from enricher.features.names import name_features, name_statistics, top_level_domains
from enricher.features.ngrams import NameModel
from enricher.features.tensors import FloatArray, IntArray
from enricher.features.vocabulary import (
    BULK_CIPHERS,
    CURVES,
    KEY_EXCHANGES,
    NEXT_PROTOCOLS,
    TLS_ALERTS,
    TLS_VERSIONS,
    TOP_LEVEL,
    VALIDATION,
)

_COUNTS: Final = (
    NumericFeature("certificates", "certificates of the server", "count", "shape"),
    NumericFeature("client_certificates", "certificates of the client", "count", "shape"),
    NumericFeature("ja4_ciphers", "cipher suites that the client offered", "count", "shape"),
    NumericFeature("ja4_extensions", "extensions that the client sent", "count", "shape"),
    NumericFeature("history_length", "steps in the handshake's history", "count", "history"),
    NumericFeature("subject_parts", "parts of the certificate's subject", "count", "text"),
    NumericFeature("issuer_parts", "parts of the certificate's issuer", "count", "text"),
)
_FLAGS: Final = (
    NumericFeature("has_server_name", "a server name is given", "flag", "shape"),
    NumericFeature("self_issued", "the certificate's issuer is its subject", "flag", "shape"),
    NumericFeature("issuer_is_bare", "the issuer is a common name alone", "flag", "shape"),
)
_CERTIFICATE: Final = ("length", "entropy", "digits", "upper", "hex", "consonant_run")
_SERVER: Final = "server_host"
_ADDRESS: Final = r"^[0-9.:]+$"


def _prepare(columns: Columns) -> None:
    name = columns.frame["server_name"]
    columns.add(_SERVER, name.set(name.str.contains(_ADDRESS).fill_null(value=False), None))


def _make_counts(columns: Columns, _model: NameModel | None) -> FloatArray:
    # JA4: letter, version, SNI, then two digits of ciphers and two of extensions
    # (https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md).
    ja4 = pl.col("ja4").str.slice(0, 10)
    made = columns.frame.select(
        pl.col("cert_chain").list.len(),
        pl.col("client_cert_chain").list.len(),
        ja4.str.slice(4, 2).cast(pl.Int64(), strict=False).alias("ja4_ciphers"),
        ja4.str.slice(6, 2).cast(pl.Int64(), strict=False).alias("ja4_extensions"),
        pl.col("ssl_history").str.len_bytes(),
        pl.col("subject").str.count_matches("=", literal=True),
        pl.col("issuer").str.count_matches("=", literal=True),
    )
    numbers = Columns(made)
    return stacked([signed_log(numbers.numbers(name)) for name in made.columns])


def _make_flags(columns: Columns, _model: NameModel | None) -> FloatArray:
    issuer = pl.col("issuer")
    frame = columns.frame.select(
        pl.col("server_name").is_not_null(),
        (issuer == pl.col("subject")).alias("_self"),
        (issuer.str.starts_with("CN=") & ~issuer.str.contains(",", literal=True)).alias("_bare"),
    )
    return frame.select(pl.all().cast(pl.Float32()).fill_null(float("nan"))).to_numpy(
        order="c", writable=True
    )


def _make_name(columns: Columns, model: NameModel | None) -> FloatArray:
    text = columns.text(_SERVER)
    return spread_to_records(name_statistics(text, model), text.codes)


def _make_certificate(columns: Columns, _model: NameModel | None) -> FloatArray:
    parts = []
    for column in ("subject", "issuer"):
        text = columns.text(column)
        table = character_statistics(text.data, text.offsets[:-1], text.offsets[1:])
        used = np.ascontiguousarray(table[:, statistic_columns(_CERTIFICATE)])
        parts.append(spread_to_records(used, text.codes))
    return np.concatenate(parts, axis=1)


def _top_level(columns: Columns) -> IntArray:
    text = columns.text(_SERVER)
    return np.append(top_level_domains(text), np.int32(ABSENT))[text.codes]


_CIPHER: Final = pl.col("cipher")
_KEY_EXCHANGE: Final = (
    pl.when(_CIPHER.str.contains("_WITH_", literal=True))
    .then(_CIPHER.str.extract(r"^TLS_(.*?)_WITH_"))
    .when(_CIPHER.is_not_null())
    .then(pl.lit("TLS"))
)
_BULK: Final = _CIPHER.str.extract(r"^TLS_(?:.*?_WITH_)?(.*?)(?:_SHA\d*|_MD5|_8)*$")
_STATUS: Final = pl.col("validation_status").str.to_lowercase()

SSL: Final = KindFeatures(
    numeric=(
        NumericBlock(_COUNTS, _make_counts),
        NumericBlock(_FLAGS, _make_flags),
        NumericBlock(name_features("server", "the server name"), _make_name),
        NumericBlock(
            (
                *statistic_features("subject", "the certificate's subject", only=_CERTIFICATE),
                *statistic_features("issuer", "the certificate's issuer", only=_CERTIFICATE),
            ),
            _make_certificate,
        ),
    ),
    categories=(
        string_category("version", "version", TLS_VERSIONS, "TLS version", "protocol"),
        expression_category(
            "key_exchange", _KEY_EXCHANGE, KEY_EXCHANGES, "key exchange", "protocol"
        ),
        expression_category("bulk_cipher", _BULK, BULK_CIPHERS, "cipher", "protocol"),
        string_category("curve", "curve", CURVES, "elliptic curve", "protocol"),
        string_category(
            "next_protocol", "next_protocol", NEXT_PROTOCOLS, "protocol inside", "service"
        ),
        flag_category("resumed", "resumed", "session was resumed", "history"),
        flag_category("established", "established", "session was established", "history"),
        flag_category(
            "sni_matches", "sni_matches_cert", "server name matches the certificate", "history"
        ),
        string_category("last_alert", "last_alert", TLS_ALERTS, "last alert", "history"),
        expression_category(
            "validation",
            _STATUS,
            tuple(status.lower() for status in VALIDATION),
            "validation of the certificate",
            "history",
        ),
        Category(
            CategoricalFeature("top_level", TOP_LEVEL, "top-level domain", "text"), _top_level
        ),
        port_category(),
    ),
    text=(
        TextFeature("server_name", _SERVER, "server name"),
        TextFeature("subject", "subject", "certificate's subject"),
        TextFeature("issuer", "issuer", "certificate's issuer"),
        TextFeature("ja3", "ja3", "JA3 fingerprint of the client"),
        TextFeature("ja3s", "ja3s", "JA3S fingerprint of the server"),
        TextFeature("ja4", "ja4", "JA4 fingerprint of the client"),
    ),
    prepare=_prepare,
)
