"""Puts files in the order in which their records were written."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from enricher.logs.names import Moment, day_of_folder, parse_name
from enricher.sources.files import LogFile

# ZeekControl's link to the folder that Zeek is writing to.
LIVE_FOLDER = "current"

_LIVE: Moment = (9999,)
_MIDNIGHT: Moment = (0, 0, 0)

_Series = tuple[str, str, str | None]


def in_read_order(files: Sequence[LogFile]) -> list[LogFile]:
    """Sort by the time of the first record, then path; rotated files by the times in their names.

    The first record of a file need not be its oldest: a connection is logged when it ends. So
    within the rotated files of one log, names have the last word: they keep among themselves the
    order of their rotation, in the places that their records' times gave to all of them.
    """
    ordered = sorted(files, key=_by_time)
    series: dict[_Series, list[tuple[int, Moment]]] = defaultdict(list)
    for place, file in enumerate(ordered):
        name, rotated = _rotation(file)
        series[name].append((place, rotated))
    result = list(ordered)
    for members in series.values():
        if all(rotated == _LIVE for _, rotated in members):
            continue
        places = [place for place, _ in members]
        in_rotation = sorted(members, key=lambda member: (member[1], member[0]))
        for place, (was_at, _) in zip(places, in_rotation, strict=True):
            result[place] = ordered[was_at]
    return result


def _by_time(file: LogFile) -> tuple[float, str]:
    written = file.identity.first_written
    # A file without a record that tells its time is read when all others are.
    return (math.inf if written is None else written, str(file.path))


def _rotation(file: LogFile) -> tuple[_Series, Moment]:
    """The log whose rotated files belong together, and when this one of them was begun."""
    name = parse_name(file.path.name)
    home, of_folder = _home(str(file.path.parent))
    day = name.day or of_folder
    rotated = _LIVE if day is name.clock is None else (day or ()) + (name.clock or _MIDNIGHT)
    return (home, name.series, file.identity.path), rotated


@lru_cache(maxsize=256)
def _home(folder: str) -> tuple[str, Moment | None]:
    """Where the other files of a folder's logs are, and the day of the folder, if it is of one.

    Archives have a folder for each day, beside the live one; other folders are apart.
    """
    path = Path(folder)
    day = day_of_folder(path.name)
    return str(path.parent if path.name == LIVE_FOLDER or day else path), day
