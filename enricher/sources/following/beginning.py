"""Begins to follow files that are new, in the order in which they were written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from enricher.errors import InputError
from enricher.sources.files import LogFile
from enricher.sources.following.finding import is_rotated_name, series_name
from enricher.sources.following.judging import Judge, Judgement
from enricher.sources.following.places import Place
from enricher.sources.following.roster import Roster
from enricher.sources.following.states import NOTHING, LogState
from enricher.sources.following.troubles import Troubles
from enricher.sources.order import in_read_order


def begin_all(
    place: Place,
    new: Sequence[Judgement],
    roster: Roster,
    judge: Judge,
    troubles: Troubles,
) -> None:
    """Add new logs to the roster; copies of each other are read once."""
    originals = list(_without_copies(new))
    for judgement in new:
        judge.forget(judgement.found.file_id)  # the next time it is known
    files = [_as_file(place, number, j) for number, j in enumerate(originals)]
    for file in in_read_order([file for file in files if file is not None]):
        _begin(place, originals[file.number], roster, troubles)


def _without_copies(new: Sequence[Judgement]) -> Iterator[Judgement]:
    """Leave out what is the beginning of another, or the same under another name."""
    telling = sorted((j for j in new if j.telling), key=lambda j: (j.content, _preference(j)))
    yield from (j for j in new if not j.telling)
    for judgement, after in zip_longest(telling, telling[1:]):
        if after is None or not after.content.startswith(judgement.content):
            yield judgement


def _preference(judgement: Judgement) -> tuple[bool, bool, str]:
    """Larger for what is rather read: the live log, then what is not compressed."""
    name = judgement.found.path.name
    live = not is_rotated_name(name)
    return (live, judgement.compression == "plain", str(judgement.found.path))


def _as_file(place: Place, number: int, judgement: Judgement) -> LogFile | None:
    if judgement.identity is None:
        return None
    found = judgement.found
    return LogFile(
        number=number,
        path=place.path_in_order(found.path),
        compression=judgement.compression,
        identity=judgement.identity,
        size=found.size,
        mtime=found.mtime_ns / 1e9,
        file_id=found.file_id,
    )


def _begin(place: Place, judgement: Judgement, roster: Roster, troubles: Troubles) -> None:
    identity, found = judgement.identity, judgement.found
    assert identity is not None
    state = LogState(
        number=roster.next_number(),
        source=place.source,
        name=series_name(place.source, place.single, identity),
        format=identity.format,
        kind=identity.kind,
        log_path=identity.path,
        fingerprint=NOTHING,
        path=found.path,
        file_id=found.file_id,
        offset=0,
        line=1,
        header=judgement.header,
        written=None,
        finished=False,
        found=time.time(),
    )
    beginning = judgement.beginning if judgement.telling else None
    log = roster.begin(state, identity.first_written, beginning)
    rotated = is_rotated_name(found.path.name)
    log.seen = (found.size, found.mtime_ns)
    # What was written since the listing is read after the next one.
    log.size = found.size
    log.home = None if rotated else found.path
    log.rotated = rotated
    log.quiet_since = time.monotonic() - max(time.time() - found.mtime_ns / 1e9, 0.0)
    if not roster.has_room:
        return
    try:
        if not roster.open(log, found.path):
            roster.drop(state.number)  # replaced since it was listed; the next look sees it
    except InputError as error:
        troubles.say(str(found.path), "warning", error.message)
