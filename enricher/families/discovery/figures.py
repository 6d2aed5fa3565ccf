"""What is known of a family that nobody has named, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, Self, get_args

import orjson
from pydantic import Field, TypeAdapter

from enricher.kinds import Kind

Status = Literal["open", "named", "dismissed", "merged"]

SHOWN = 5
"""Hosts, ports and reasons that are kept of each."""
MAX_TEXT = 200
"""Characters of a value of a record."""
MAX_BYTES = 512 * 1024
r"""More than all values at their longest take, each character written as ``\u0000``."""
MAX_WHY = 500
MAX_WORD = 64

_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Few = Field(max_length=4 * SHOWN)


@dataclass(frozen=True, slots=True)
class Often:
    """A value that records have, and how many of them.

    Attributes:
        value: A host, or a port.
        records: About so many records have it.
    """

    value: _Text
    records: _Count


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one field.

    Attributes:
        different: How many there are in the sample.
        top: The most frequent ones.
    """

    different: _Count
    top: Annotated[tuple[Often, ...], _Few]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One record, for people.

    Attributes:
        origin: ``path:line``.
        uid: Zeek's or Suricata's id; may be empty.
        ts: Seconds UTC; None where there is none.
        fields: The main values of its kind, by Zeek's names, as text.
    """

    origin: Annotated[str, Field(max_length=1024)]
    uid: _Text
    ts: _Number | None
    fields: Annotated[Mapping[_Text, _Text], _Few]


@dataclass(frozen=True, slots=True)
class Apart:
    """A field in which the records are unlike benign ones.

    Attributes:
        feature: Name of the feature.
        words: The value of one record, in words.
        weight: Mean share of the novelty that it explains.
    """

    feature: _Text
    words: Annotated[str, Field(max_length=4 * MAX_TEXT)]
    weight: _Number


@dataclass(frozen=True, slots=True)
class Interval:
    """How regularly records come between the two hosts and the port that have the most.

    Attributes:
        seconds: Median time between two records.
        deviation: Median absolute deviation from it, seconds.
    """

    seconds: _Number
    deviation: _Number


@dataclass(frozen=True, slots=True)
class Figures:
    """A cluster of records that are far from benign and from every family.

    Hosts and times are evidence; the clusters were made without them.

    Attributes:
        kind: Kind of its records.
        records: About so many records are in it: a sample counts for what it was drawn from.
        sampled: Records of the sample in it.
        first: Time of its first sampled record, seconds UTC; None where there is none.
        last: Of the last.
        sources: Hosts that began the connections.
        destinations: The other ends.
        ports: Destination ports.
        interval: None where it is not known.
        exemplars: The record in the middle, then some that are unlike each other.
        apart: What sets it apart from benign records, most important first.
        nearest: The known family that its records are most like; None where there is none.
        nearest_score: Their mean score for it, in [0, 1].
        nearest_threshold: A record would belong to it from this score upwards; above 1 is never.
        cohesion: Simplified silhouette (Rousseeuw 1987), in [-1, 1]: 1 is a dense cluster far
            from benign records, 0 one that is as wide as it is far from them.
    """

    kind: Kind
    records: _Count
    sampled: _Count
    first: _Number | None
    last: _Number | None
    sources: Values
    destinations: Values
    ports: Values
    interval: Interval | None
    exemplars: Annotated[tuple[Exemplar, ...], _Few]
    apart: Annotated[tuple[Apart, ...], _Few]
    nearest: _Text | None
    nearest_score: _Number
    nearest_threshold: _Number
    cohesion: _Number

    def to_json(self) -> bytes:
        """As JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """From JSON, which may come from anybody.

        Raises:
            ValueError: If it holds no figures.
        """
        if len(data) > MAX_BYTES:
            raise ValueError("it is too large")
        return _FIGURES.validate_json(data)  # type: ignore[return-value]  # no subclasses


_FIGURES = TypeAdapter(Figures)


@dataclass(frozen=True, slots=True)
class Discovery:
    """A family that was discovered, as the site keeps it.

    Attributes:
        number: Never used again.
        status: Whether it waits for an analyst (``open``), or what became of it.
        became: Name of the family that was made of it, or id of the discovery that it is a part
            of; None otherwise.
        created: When it was first found, seconds UTC.
        seen: When it was last found.
        author: Who named or dismissed it; may be empty.
        why: In their words; may be empty.
        figures: As it was last found.
    """

    number: int
    status: Status
    became: str | None
    created: float
    seen: float
    author: str
    why: str
    figures: Figures

    @property
    def id(self) -> str:
        """What an analyst calls it."""
        return id_of(self.number)

    def to_plain(self) -> dict[str, Any]:
        """As plain values for JSON."""
        plain = asdict(self)
        return {"id": self.id} | plain

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a row of the database.

        Raises:
            ValueError: If it is none.
        """
        if row["status"] not in get_args(Status):
            raise ValueError("its status is none")
        longest = max(len(row["became"] or ""), len(row["author"]))
        if longest > MAX_WORD or len(row["why"]) > MAX_WHY:
            raise ValueError("a word of it is too long")
        return cls(**{**row, "figures": Figures.from_json(row["figures"])})


def id_of(number: int) -> str:
    """The id of a discovery by its number."""
    return f"d{number}"
