"""Verdicts for Zeek out of the alerts that were written, as the settings want them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import orjson

from enricher.config import Settings
from enricher.errors import InputError
from enricher.families.feedback import FeedbackStore
from enricher.logs import Rejected
from enricher.pipeline.live.database import MAX_ALERTS
from enricher.pipeline.verdict_folder import write_verdicts
from enricher.rulegen.policy import load_ordinary
from enricher.sources import LineCutter, open_decompressed
from enricher.sources.compression import why_unreadable
from enricher.verdicts import Choice, Entry, NotTaken, Ordinary, Verdict, make_files, read_event

_PIECE = 256 * 1024


def choice_of(settings: Settings) -> Choice:
    """What the settings say of verdicts, with the ordinary values that ship.

    Raises:
        ConfigError: If those can not be read.
    """
    wanted = settings.verdicts
    return Choice(
        ordinary=Ordinary.of(load_ordinary()),
        score=wanted.score,
        intel_seconds=wanted.intel_hours * 3600.0,
        notice_seconds=wanted.notice_minutes * 60.0,
        most=wanted.most,
        local=tuple(map(ip_network, wanted.local_networks)),
    )


def read_line(text: bytes | str) -> Verdict | NotTaken:
    """The verdict in a line of EVE; where there is none, why."""
    try:
        return read_event(orjson.loads(text))
    except orjson.JSONDecodeError:
        return "foreign"


@dataclass(slots=True)
class VerdictCounts:
    """What became of the lines of some EVE files.

    Attributes:
        now: Flow time that expiry was counted by; None where there was no alert.
        lines: Lines by what was in them: ``verdict``, or why it was none.
        called_false: Alerts that an analyst has called false.
        rows: Lines of each file that was made, by its name.
    """

    now: float | None = None
    lines: Counter[str] = field(default_factory=Counter)
    called_false: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def verdicts_of_files(
    paths: Sequence[Path], out: Path, settings: Settings, now: float | None = None
) -> VerdictCounts:
    """Make the files for Zeek from EVE files that a scan or the service wrote.

    Of more alerts than the service keeps the newest are taken.

    Args:
        paths: The files, compressed or not.
        out: Folder of the files that are made.
        settings: What is written; of the state what analysts have called false.
        now: Flow time, seconds UTC; None for that of the latest alert.

    Raises:
        InputError: If a file can not be read; nothing is written then.
        OutputError: If a file can not be written.
        StateError: If the state can not be read.
        ConfigError: If the ordinary values can not be read.
    """
    counts = VerdictCounts()
    choice = choice_of(settings)
    said = FeedbackStore(settings.state).all()
    called_false = {one.alert_id for one in said if one.verdict == "false-positive"}
    newest: list[tuple[float, int, Entry]] = []
    for number, found in enumerate(_verdicts(paths, counts.lines)):
        if found.alert_id in called_false:
            counts.called_false += 1
            continue
        # Not the verdict, whose names may be as long as a line.
        heapq.heappush(newest, (found.ts, number, Entry.of(found, choice)))
        if len(newest) > MAX_ALERTS:
            heapq.heappop(newest)
    entries = [one for _, _, one in sorted(newest)]
    if entries:
        counts.now = now if now is not None else entries[-1].ts
    files = make_files(entries, counts.now or 0.0, choice)
    write_verdicts(out, files)
    counts.rows = {name: data.count(b"\n") - 1 for name, data in files.items()}
    return counts


def _verdicts(paths: Sequence[Path], lines: Counter[str]) -> Iterator[Verdict]:
    for path in paths:
        for text in _lines(path):
            if text == b"":
                continue
            found = "foreign" if text is None else read_line(text)
            if isinstance(found, Verdict):
                lines["verdict"] += 1
                yield found
            else:
                lines[found] += 1


def _lines(path: Path) -> Iterator[bytes | None]:
    """The lines of a file; None for one that is too long."""
    cutter = LineCutter(0, str(path))
    stream = open_decompressed(path)
    try:
        while piece := stream.read(_PIECE):
            for item in cutter.feed(piece):
                yield from (None,) if isinstance(item, Rejected) else item.data.splitlines()
        for item in cutter.finish():
            yield from (None,) if isinstance(item, Rejected) else item.data.splitlines()
    except OSError as error:
        raise InputError(why_unreadable(error), path) from error
    finally:
        stream.close()
