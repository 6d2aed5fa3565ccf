"""The records that are kept of a discovery: enough to adapt a family from without its logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from enricher.families.discovery.candidates import Candidates, Rows
from enricher.families.support import MOST_SHOTS, SupportSet
from enricher.features.rows import join, take
from enricher.logs import Kind

SUPPORT = 200
"""Records that are kept of a discovery."""

Sets = Mapping[Kind, SupportSet]


def support_of(candidates: Candidates, names: Sequence[str]) -> SupportSet:
    """Candidates as support records.

    Args:
        candidates: The records.
        names: Path of each file by its number.
    """
    frame = candidates.frame
    origins = [
        f"{names[file]}:{line}"
        for file, line in frame.select("_file", "_line").fill_null(0).iter_rows()
    ]
    times = frame["ts"].fill_null(float("nan")).to_numpy().astype(np.float64)
    uids = tuple(frame["uid"].fill_null("").to_list())
    return SupportSet(candidates.features, tuple(origins), uids, times)


def rows_of_set(support: SupportSet, rows: Rows) -> SupportSet:
    """The support records at ``rows``."""
    return SupportSet(
        take(support.features, rows),
        tuple(support.origins[row] for row in rows),
        tuple(support.uids[row] for row in rows),
        support.times[rows],
    )


def joined_sets(own: Sets, more: Sets) -> dict[Kind, SupportSet]:
    """The support records of a family and further ones, of each kind as many as it may have.

    Where there would be more, they are taken evenly from both. A record that the family has comes
    once.
    """
    both: dict[Kind, SupportSet] = {**own, **more}
    for kind in own.keys() & more.keys():
        first, second = own[kind], _besides(more[kind], own[kind])
        whole = SupportSet(
            join([first.features, second.features]),
            first.origins + second.origins,
            first.uids + second.uids,
            np.concatenate((first.times, second.times)),
        )
        both[kind] = rows_of_set(whole, rows_joined(len(first), len(second)))
    return both


def _besides(support: SupportSet, known: SupportSet) -> SupportSet:
    """The records that are not known."""
    names, old = _signs(support), set(_signs(known))
    new = [row for row, sign in enumerate(names) if sign not in old]
    return rows_of_set(support, np.array(new, dtype=np.int64))


def _signs(support: SupportSet) -> list[tuple[str, str, str]]:
    places = zip(support.origins, support.uids, support.times.tolist(), strict=True)
    return [(origin, uid, repr(when)) for origin, uid, when in places]


def rows_joined(first: int, second: int) -> Rows:
    """Which of so many records and so many further ones are kept when they are joined."""
    count = first + second
    if count <= MOST_SHOTS:
        return np.arange(count)
    return np.linspace(0, count - 1, MOST_SHOTS).astype(np.int64)
