"""Features of DNS queries and answers."""

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
    QUERY_CLASSES,
    QUERY_TYPES,
    RETURN_CODES,
    TOP_LEVEL,
)

_ANSWERS: Final = (
    NumericFeature("rtt", "time to the answer", "seconds", "volume"),
    NumericFeature("answers", "answers", "count", "volume"),
    NumericFeature("answer_names", "answers that are no addresses", "count", "volume"),
    NumericFeature("ttl_least", "shortest lifetime of an answer", "seconds", "volume"),
    NumericFeature("ttl_most", "longest lifetime of an answer", "seconds", "volume"),
)
_ANSWER_TEXT: Final = (
    "length", "entropy", "digits", "punctuation", "vowels", "consonant_run", "distinct",
)  # fmt: skip
_QUERY: Final = "query_name"
_ANSWER: Final = "answer_name"
# An address is no feature: neither as an answer nor spelt backwards in a query.
_ADDRESS: Final = r"^[0-9.]+$|^[0-9a-fA-F.]*:[0-9a-fA-F:.]*$"
_REVERSE: Final = r"(?i)^[0-9a-f./-]+\.((?:in-addr|ip6)\.arpa\.?)$"


def _prepare(columns: Columns) -> None:
    query = columns.frame["query"]
    if query.str.ends_with("arpa").any():
        query = query.str.replace(_REVERSE, "$1")
    columns.add(_QUERY, query)
    names = columns.frame["answers"].list.eval(
        pl.element().filter(~pl.element().str.contains(_ADDRESS))
    )
    columns.add(_ANSWER, names.list.first())


def _make_answers(columns: Columns, _model: NameModel | None) -> FloatArray:
    answers, lifetimes = pl.col("answers"), pl.col("TTLs")
    made = columns.frame.select(
        answers.list.len().alias("a"),
        answers.list.eval(~pl.element().str.contains(_ADDRESS)).list.sum().alias("b"),
        lifetimes.list.min().alias("c"),
        lifetimes.list.max().alias("d"),
    )
    numbers = Columns(made)
    return stacked(
        [signed_log(columns.numbers("rtt")), *(signed_log(numbers.numbers(n)) for n in "abcd")]
    )


def _make_query(columns: Columns, model: NameModel | None) -> FloatArray:
    text = columns.text(_QUERY)
    return spread_to_records(name_statistics(text, model), text.codes)


def _make_answer(columns: Columns, _model: NameModel | None) -> FloatArray:
    text = columns.text(_ANSWER)
    table = character_statistics(text.data, text.offsets[:-1], text.offsets[1:])
    return spread_to_records(
        np.ascontiguousarray(table[:, statistic_columns(_ANSWER_TEXT)]), text.codes
    )


def _top_level(columns: Columns) -> IntArray:
    text = columns.text(_QUERY)
    return np.append(top_level_domains(text), np.int32(ABSENT))[text.codes]


DNS: Final = KindFeatures(
    numeric=(
        NumericBlock(_ANSWERS, _make_answers),
        NumericBlock(name_features("query", "the query"), _make_query),
        NumericBlock(
            statistic_features("answer", "the answered name", only=_ANSWER_TEXT), _make_answer
        ),
    ),
    categories=(
        string_category("proto", "proto", ("udp", "tcp"), "transport protocol", "protocol"),
        expression_category("qtype", pl.col("qtype"), QUERY_TYPES, "query type", "service"),
        expression_category("qclass", pl.col("qclass"), QUERY_CLASSES, "query class", "service"),
        expression_category("rcode", pl.col("rcode"), RETURN_CODES, "return code", "history"),
        flag_category("authoritative", "AA", "answer is authoritative", "protocol"),
        flag_category("truncated", "TC", "answer is cut short", "protocol"),
        flag_category("recursion_desired", "RD", "recursion is asked for", "protocol"),
        flag_category("recursion_available", "RA", "recursion is offered", "protocol"),
        expression_category("reserved", pl.col("Z"), ("0", "1", "2"), "reserved bits", "protocol"),
        flag_category("rejected", "rejected", "query was refused", "history"),
        Category(
            CategoricalFeature("top_level", TOP_LEVEL, "top-level domain", "text"), _top_level
        ),
    ),
    text=(
        TextFeature("query", _QUERY, "queried name"),
        TextFeature("answer", _ANSWER, "answered name"),
    ),
    prepare=_prepare,
)
