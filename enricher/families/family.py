"""What is known of a family of the site, apart from its heads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, cast

from enricher.detector.family_names import check_name
from enricher.kinds import KINDS, Kind

Origin = Literal["adapted", "imported"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_NOTES, _MAX_NOTE = 64, 500
_MAX_WORD = 64
_MOST = 2**53


@dataclass(frozen=True, slots=True)
class KindFigures:
    """What the head of one kind was made from and what it promises.

    Attributes:
        shots: Support records K.
        distinct: Different ones among them.
        benign: Benign records that it was fitted and calibrated on.
        context: Whether it looks at the records before a record.
        recall: Share of the support records that are found when each is left out; None for one.
        threshold: A record is found from this score upwards.
        rate: Share of the benign records that it flags.
        bound: Upper bound of that share at ``confidence``, as if records were independent.
        confidence: Of the bound.
    """

    shots: int
    distinct: int
    benign: int
    context: bool
    recall: float | None
    threshold: float
    rate: float
    bound: float
    confidence: float

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From plain values, which may come from anybody.

        Raises:
            KeyError, TypeError, ValueError: If they are no such figures.
        """
        recall = plain["recall"]
        return cls(
            shots=_count(plain["shots"]),
            distinct=_count(plain["distinct"]),
            benign=_count(plain["benign"]),
            context=bool(plain["context"]),
            recall=None if recall is None else _share(recall),
            threshold=_share(plain["threshold"], most=2.0),
            rate=_share(plain["rate"]),
            bound=_share(plain["bound"]),
            confidence=_share(plain["confidence"]),
        )


@dataclass(frozen=True, slots=True)
class Family:
    """A family of the site.

    Attributes:
        name: Its name.
        origin: Adapted here, or imported from another site.
        created: When it came, seconds UTC.
        updated: When its heads were made or came, seconds UTC.
        bundle: SHA-256 of the weights that its heads need.
        bundle_name: Name of that bundle.
        bundle_version: Its version.
        kinds: Figures by kind of record.
        notes: Sentences for the user: what the figures can not promise.
    """

    name: str
    origin: Origin
    created: float
    updated: float
    bundle: str
    bundle_name: str
    bundle_version: str
    kinds: Mapping[Kind, KindFigures]
    notes: tuple[str, ...] = ()

    @property
    def shots(self) -> int:
        """Support records of all kinds: the labels that were used."""
        return sum(one.shots for one in self.kinds.values())

    def to_plain(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From plain values, which may come from anybody.

        Raises:
            KeyError, TypeError, ValueError: If they are no family.
        """
        origin, bundle, kinds = plain["origin"], plain["bundle"], plain["kinds"]
        if origin not in {"adapted", "imported"} or not _DIGEST.fullmatch(bundle):
            raise ValueError("origin or model of the family are none")
        if not kinds or not set(kinds) <= set(KINDS):
            raise ValueError("the family has no kind of record that is known")
        return cls(
            name=check_name(_word(plain["name"])),
            origin=cast(Origin, origin),
            created=_number(plain["created"]),
            updated=_number(plain["updated"]),
            bundle=bundle,
            bundle_name=_word(plain["bundle_name"]),
            bundle_version=_word(plain["bundle_version"]),
            kinds={kind: KindFigures.from_plain(kinds[kind]) for kind in KINDS if kind in kinds},
            notes=tuple(str(note)[:_MAX_NOTE] for note in plain["notes"][:_MAX_NOTES]),
        )


def _word(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_WORD or not value.isprintable():
        raise ValueError("a name is too long, or has characters that do not print")
    return value


def _number(value: Any) -> float:
    number = float(value)
    if not 0.0 <= number <= _MOST:
        raise ValueError("a number is out of its range")
    return number


def _count(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("a count is no whole number")
    return int(number)


def _share(value: Any, most: float = 1.0) -> float:
    share = float(value)
    if not math.isfinite(share) or not 0.0 <= share <= most:
        raise ValueError("a share is out of its range")
    return share
