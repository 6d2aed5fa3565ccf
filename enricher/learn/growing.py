"""Growing what is in an attacker's hand on features themselves, for training against it.

The same growth as :mod:`enricher.learn.adversary`, without the logs: amounts are stored as
logarithms, so that what follows from them can be made anew; texts are padded and their statistics
made anew. Of the context only the usual size is moved along: what a whole log of grown records
would have counted is not known here. Texts are padded with other words than in evaluations, which
would otherwise find the words again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from enricher.features.agents import AGENT_FEATURES, agent_statistics
from enricher.features.lexical import spread_to_records
from enricher.features.names import name_features, name_statistics
from enricher.features.ngrams import NameModel
from enricher.features.rows import join, take
from enricher.features.spec import SPECS
from enricher.features.tensors import Features, FloatArray, TextColumn
from enricher.features.uris import URI_FEATURES, uri_statistics
from enricher.learn.adversary.growth import grown_volumes
from enricher.learn.adversary.strings import TAUGHT, padded_agent, padded_name, padded_uri
from enricher.logs import Kind

Floats = npt.NDArray[np.float64]
Pad = Callable[[str, float, random.Random], str]
Statistics = Callable[[TextColumn, NameModel | None], FloatArray]

_ENCODING: Final = "latin-1"
"""Any bytes to characters and back."""
_SIZE_MEANS: Final = ("source_size_mean", "pair_size_mean", "destination_size_mean")
_SIDES: Final = ("orig", "resp")
_SHORTEST: Final = 0.001


def _pad_uri(text: str, factor: float, rng: random.Random) -> str:
    return padded_uri(text, factor, rng, own_server=False, words=TAUGHT)


def _pad_agent(text: str, factor: float, rng: random.Random) -> str:
    return padded_agent(text, factor, rng, TAUGHT)


def _pad_name(text: str, factor: float, rng: random.Random) -> str:
    return padded_name(text, factor, rng, TAUGHT)


# Kind -> text field, how it is padded, the first feature of its statistics, and these.
_TEXTS: Final[dict[Kind, tuple[tuple[str, Pad, str, Statistics], ...]]] = {
    "conn": (),
    "http": (
        ("uri", _pad_uri, URI_FEATURES[0].name, lambda text, _: uri_statistics(text)),
        (
            "user_agent",
            _pad_agent,
            AGENT_FEATURES[0].name,
            lambda text, _: agent_statistics(text),
        ),
    ),
    "dns": (("query", _pad_name, name_features("query", "")[0].name, name_statistics),),
    "ssl": (("server_name", _pad_name, name_features("server", "")[0].name, name_statistics),),
}


@dataclass(frozen=True, slots=True)
class Growth:
    """How much of what is trained on has grown, as an attacker would let it.

    Attributes:
        attacks: Share of the attacks.
        benign: Share of the benign records, so that growth alone gives nothing away.
        largest: The largest factor.
    """

    attacks: float = 0.5
    benign: float = 0.1
    largest: float = 10.0


def grow_some(
    features: Features,
    attack: npt.NDArray[np.bool_],
    growth: Growth,
    rng: np.random.Generator,
    names: NameModel | None,
) -> tuple[Features, npt.NDArray[np.int64]]:
    """Grow some of the records.

    Args:
        features: N records with all features of their kind.
        attack: bool [N].
        growth: How many, and how far.
        rng: What is drawn.
        names: The model that the features of names were made with.

    Returns:
        The records, those that have grown last, and int64 [N], where each stood before.
    """
    chosen = rng.random(len(features)) < np.where(attack, growth.attacks, growth.benign)
    order = np.argsort(chosen, kind="stable")
    if not chosen.any() or growth.largest == 1.0:
        return features, np.arange(len(features))
    grown = grow(take(features, np.flatnonzero(chosen)), rng, growth.largest, names)
    return join([take(features, np.flatnonzero(~chosen)), grown]), order


def grow(
    features: Features, rng: np.random.Generator, largest: float, names: NameModel | None = None
) -> Features:
    """A copy in which every record has grown by its own factors between 1 and ``largest``.

    Meant for records of attacks. In half of the records of connections the responder grows too.

    Args:
        features: N records with all features of their kind.
        rng: What is drawn.
        largest: The largest factor, at least 1; factors are drawn evenly in the logarithm.
        names: The model that the features of names were made with.

    Raises:
        ValueError: If the factor is below 1, or features are missing.
    """
    spec = SPECS[features.kind]
    if not largest >= 1.0:
        raise ValueError(f"an attacker only grows: {largest} is below 1")
    if features.numeric.shape[1] != len(spec.numeric):
        raise ValueError(f"growing needs all {len(spec.numeric)} numbers of {features.kind}")
    if largest == 1.0 or not len(features):
        return features
    columns = {name: place for place, name in enumerate(spec.numeric_names)}
    numeric = features.numeric.copy()
    factor = _factors(len(features), rng, largest)
    if features.kind == "conn":
        _grow_conn(numeric, columns, factor, _factors(len(features), rng, largest), rng)
    elif features.kind == "http":
        place = columns["request_body_len"]
        numeric[:, place] = np.log1p(np.expm1(_column(numeric, place)) * factor)
    drawn = random.Random(int(rng.integers(2**62)))  # noqa: S311 - no secret
    text = dict(features.text)
    for name, pad, first, statistics in _TEXTS[features.kind]:
        column = _padded(text[name], factor, pad, drawn)
        table = spread_to_records(statistics(column, names), column.codes)
        start = columns[first]
        numeric[:, start : start + table.shape[1]] = table
        text[name] = column
    return replace(features, numeric=numeric, text=text)


def _factors(count: int, rng: np.random.Generator, largest: float) -> Floats:
    return np.exp(rng.uniform(0.0, np.log(largest), count))


def _column(numeric: FloatArray, place: int) -> Floats:
    return numeric[:, place].astype(np.float64)


def _grow_conn(
    numeric: FloatArray,
    columns: dict[str, int],
    volume: Floats,
    time: Floats,
    rng: np.random.Generator,
) -> None:
    """Grow volumes and duration in place, and make anew what follows from them."""

    def get(name: str) -> Floats:
        return _column(numeric, columns[name])

    def put(name: str, values: Floats) -> None:
        numeric[:, columns[name]] = values

    before = get("orig_bytes")
    of_far_end = np.where(rng.random(len(volume)) < 0.5, volume, 1.0)  # noqa: PLR2004 - half
    amounts: dict[str, Floats] = {}
    for side, factor in zip(_SIDES, (volume, of_far_end), strict=True):
        parts = (f"{side}_bytes", f"{side}_pkts", f"{side}_ip_bytes")
        payload, packets, wire = (np.rint(np.expm1(get(name))) for name in parts)
        for name, values in zip(parts, grown_volumes(payload, packets, wire, factor), strict=True):
            amounts[name] = values
            put(name, np.log1p(values))
    put("duration", np.log1p(np.expm1(get("duration")) * time))
    _follow(get, put, amounts)
    moved = np.nan_to_num(get("orig_bytes") - before)
    for name in _SIZE_MEANS:
        put(name, get(name) + moved)


def _follow(
    get: Callable[[str], Floats], put: Callable[[str, Floats], None], amounts: dict[str, Floats]
) -> None:
    """What follows from the amounts, as :mod:`enricher.features.conn` makes it."""
    put("bytes_quotient", get("resp_bytes") - get("orig_bytes"))
    put("pkts_quotient", get("resp_pkts") - get("orig_pkts"))
    # As there: nothing is shorter than a millisecond, and without a duration it is one.
    time = np.fmax(np.expm1(get("duration")), _SHORTEST)
    with np.errstate(divide="ignore", invalid="ignore"):
        for side in _SIDES:
            packets = amounts[f"{side}_pkts"]
            size = np.log1p(amounts[f"{side}_ip_bytes"] / packets)
            put(f"{side}_packet_size", np.where(packets > 0.0, size, np.nan))
        share = amounts["orig_bytes"] / amounts["orig_ip_bytes"]
        share = np.where(amounts["orig_ip_bytes"] > 0.0, np.clip(share, 0.0, 1.0), np.nan)
    put("orig_payload_share", share)
    for name in ("bytes", "pkts"):
        both = amounts[f"orig_{name}"] + amounts[f"resp_{name}"]
        put(f"{name}_per_second", np.log1p(both / time))


def _padded(column: TextColumn, factor: Floats, pad: Pad, rng: random.Random) -> TextColumn:
    """The column with every string padded by its record's factor."""
    data, offsets = column.data, column.offsets
    places: dict[bytes, int] = {}
    codes = np.full(len(column.codes), -1, np.int32)
    for row in np.flatnonzero(column.codes >= 0).tolist():
        code = int(column.codes[row])
        text = data[offsets[code] : offsets[code + 1]].tobytes().decode(_ENCODING)
        padded = pad(text, float(factor[row]), rng).encode(_ENCODING)
        codes[row] = places.setdefault(padded, len(places))
    ends = np.cumsum([0, *map(len, places)], dtype=np.int64)
    return TextColumn(np.frombuffer(b"".join(places), dtype=np.uint8), ends, codes)
