"""The record of an alert among the support records of a family: put there, and taken away."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from enricher.families.support import MOST_SHOTS, SupportSet
from enricher.features.rows import join, take
from enricher.logs import Kind

Sets = Mapping[Kind, SupportSet]
_Sign = tuple[str, str, str]


def with_record(sets: Sets, kind: Kind, record: SupportSet) -> Sets | None:
    """A family's support records and one more; as they are where it is among them.

    Args:
        sets: The support records by kind.
        kind: Of the record.
        record: A support set of one.

    Returns:
        The records by kind; None where there may be no more of this kind.
    """
    own = sets.get(kind)
    if own is None:
        return {**sets, kind: record}
    if _signs(record)[0] in _signs(own):
        return sets
    if len(own) >= MOST_SHOTS:
        return None
    joined = SupportSet(
        join([own.features, record.features]),
        own.origins + record.origins,
        own.uids + record.uids,
        np.concatenate((own.times, record.times)),
    )
    return {**sets, kind: joined}


def without_record(sets: Sets, kind: Kind, record: SupportSet) -> Sets:
    """A family's support records without one; a kind of which there is no other goes with it."""
    own = sets.get(kind)
    if own is None:
        return sets
    gone = _signs(record)[0]
    rows = np.array([n for n, sign in enumerate(_signs(own)) if sign != gone], dtype=np.int64)
    if len(rows) == len(own):
        return sets
    left = {name: one for name, one in sets.items() if name != kind}
    if not len(rows):
        return left
    origins, uids = (tuple(names[n] for n in rows) for names in (own.origins, own.uids))
    return {**left, kind: SupportSet(take(own.features, rows), origins, uids, own.times[rows])}


def _signs(support: SupportSet) -> list[_Sign]:
    """What tells records apart: a log's name comes again after it is rotated, with its lines."""
    places = zip(support.origins, support.uids, support.times.tolist(), strict=True)
    return [(origin, uid, repr(when)) for origin, uid, when in places]
