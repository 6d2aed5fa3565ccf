"""One look at the files: which grew, were rotated, emptied or replaced, and which are new."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from enricher.config import FollowingSettings
from enricher.errors import InputError
from enricher.sources.following.beginning import begin_all
from enricher.sources.following.finding import (
    FileId,
    Found,
    file_at,
    found_at,
    is_rotated_name,
)
from enricher.sources.following.judging import Judge, Judgement
from enricher.sources.following.open_log import OpenLog
from enricher.sources.following.places import Place
from enricher.sources.following.roster import Roster
from enricher.sources.following.states import LogState, Piece
from enricher.sources.following.troubles import Troubles
from enricher.sources.position import Fingerprint, is_same_log


class Looker:
    """Looks at the places of the inputs and keeps the roster true.

    Args:
        roster: The logs that are known.
        settings: When a rotated log is over, how often the archive is looked through.
        troubles: Where to say what is wrong.
        news: Called with pieces that only bring a state, such as another path.
    """

    def __init__(
        self,
        roster: Roster,
        settings: FollowingSettings,
        troubles: Troubles,
        news: Callable[[Piece], None],
    ) -> None:
        self._roster = roster
        self._settings = settings
        self._troubles = troubles
        self._news = news
        self._judge = Judge(roster.known)

    def look(self, places: Sequence[Place]) -> None:
        """Look at all inputs."""
        seen: set[FileId] = set()
        latest = {series[-1].state.number for series in self._roster.series()}
        for place in places:
            seen |= self._look_at(place, latest)
        self._judge.forget_all_but(seen)

    def search(self, places: Sequence[Place], number: int) -> Path | None:
        """Find the file of a known log wherever it is now; None if it is not found."""
        files = [(p, f) for p in places for f in (*p.live().values(), *p.archived())]
        for place, found in files:
            if number in self._judged(place, found).numbers:
                return found.path
        state = self._roster.state(number)
        if state is None or state.written is not None:
            return None
        # Of a header alone every file that begins with it will do.
        return next((f.path for _, f in files if _begins_with(f.path, state.fingerprint)), None)

    def _look_at(self, place: Place, latest: set[int]) -> set[FileId]:
        now = time.monotonic()
        live = place.live()
        self._troubles.say(place.source, "warning", place.missing)
        lost, urgent = self._refresh_all(place, live, latest, now)
        urgent |= place.rotated(live)
        gone = {log.state.number for log in lost}
        taken = {log.state.file_id for n, log in self._roster.logs.items() if n not in gone}
        judged = [self._judged(place, f) for f in live.values() if f.file_id not in taken]
        new = [j for j in judged if j.is_new]
        seen = set(live)
        if new or urgent or now >= place.archive_at:
            place.archive_at = now + self._settings.archive_seconds
            archived = [f for f in place.archived() if f.file_id not in live]
            seen.update(f.file_id for f in archived)
            moved = {log.state.file_id: log for log in self._roster.logs.values() if log.vanished}
            for found in archived:
                if (log := moved.get(found.file_id)) is not None:
                    log.state = replace(log.state, path=found.path)
                    log.vanished = False
                history = place.is_history(found)
                if found.file_id in taken or (history and not lost):
                    continue
                judgement = self._judged(place, found)
                judged.append(judgement)
                if not history and place.fits(found) and judgement.is_new:
                    new.append(judgement)
        else:
            seen.update(self._judge.known_files())
        self._relocate(lost, judged, now)
        self._resume(judged)
        begin_all(place, new, self._roster, self._judge, self._troubles)
        return seen

    def _judged(self, place: Place, found: Found) -> Judgement:
        key = (place.source, place.log_path(found.path.name))
        judgement = self._judge.judge(found, self._roster.headers.get(key, b""))
        if judgement.unreadable:
            self._troubles.say(str(found.path), "warning", judgement.why_not)
        return judgement

    def _refresh_all(
        self, place: Place, live: dict[FileId, Found], latest: set[int], now: float
    ) -> tuple[list[OpenLog], bool]:
        """Refresh the logs of a place, later ones first; those that are lost, whether it is news.

        What stands in a later log was written after what stands in the one before it by then.
        """
        lost: list[OpenLog] = []
        urgent = False
        logs = [log for log in self._roster.logs.values() if log.state.source == place.source]
        for log in sorted(logs, key=lambda log: -log.state.number):
            was_rotated = log.rotated
            if self._refresh(log, live, log.state.number not in latest, now):
                log.lost_since = None
                urgent |= log.rotated and not was_rotated
                continue
            urgent |= log.lost_since is None
            log.lost_since = now if log.lost_since is None else log.lost_since
            lost.append(log)
        return lost, urgent

    def _refresh(
        self, log: OpenLog, live: dict[FileId, Found], superseded: bool, now: float
    ) -> bool:
        """Take in how a log's file is now; False if it is lost."""
        found = self._where(log, live)
        if log.is_open:
            seen = found_at(log.state.path, log.status())
        elif found is None or (log.given and log.seen is None and log.state.written is None):
            # A log of which only the header was read is not told from others: it begins anew.
            return False
        else:
            seen = found
            changed = (seen.size, seen.mtime_ns) != log.seen
            if changed and log.given and not self._open(log, found.path):
                if str(found.path) in self._troubles:
                    return log.lost_since is None  # it cannot be read for now
                log.truncated = True
                return False
        if log.is_open and not log.compressed and self._was_replaced(log, seen):
            log.truncated = True
            self._roster.close(log)
            return False
        if found is not None and found.path is not log.state.path:
            log.state = replace(log.state, path=found.path)
        if log.is_open and not log.compressed and log.state.written is None:
            # It may be archived by the time that its first record is read.
            self._roster.know_early(log)
        log.vanished = found is None
        rotated = superseded or found is None or self._is_rotated(log, found)
        self._saw(log, seen, rotated, now)
        return True

    def _where(self, log: OpenLog, live: dict[FileId, Found]) -> Found | None:
        file_id = log.state.file_id
        at_path = None
        if file_id is not None and (at_path := live.get(file_id)) is None:
            at_path = file_at(log.state.path)
        return at_path if at_path is not None and at_path.file_id == file_id else None

    def _was_replaced(self, log: OpenLog, seen: Found) -> bool:
        shrunk = log.seen is not None and seen.size < log.seen[0]
        if shrunk or log.replaced or seen.size < log.read_to or not log.begins_the_same():
            return True
        # What was not read yet is only known by how it began when it was found.
        return log.state.written is None and not self._roster.begins_as_known(log)

    @staticmethod
    def _is_rotated(log: OpenLog, found: Found) -> bool:
        moved = log.home is not None and log.home != found.path
        return moved or log.compressed or is_rotated_name(found.path.name)

    def _saw(self, log: OpenLog, found: Found, rotated: bool, now: float) -> None:
        """Keep size and time of a log's file, and since when it is quiet."""
        before = log.seen
        log.seen = (found.size, found.mtime_ns)
        if log.compressed and before != log.seen and log.damage is not None:
            log.restart()  # it was still being written
        log.size = found.size
        if before is None and rotated:
            log.quiet_since = now - max(time.time() - found.mtime_ns / 1e9, 0.0)
        elif before != log.seen or not log.rotated:
            log.quiet_since = now
        if before is None and not rotated:
            log.home = found.path
        log.rotated = rotated

    def _open(self, log: OpenLog, path: Path) -> bool:
        """Open a log's file; False if it cannot be, or is another log's."""
        try:
            opened = self._roster.open(log, path)
        except InputError as error:
            self._troubles.say(str(path), "warning", error.message)
            return False
        self._troubles.say(str(path), "warning", None)
        return opened

    def _relocate(self, lost: list[OpenLog], judged: list[Judgement], now: float) -> None:
        """Find lost logs by their content: renamed, copied and emptied, archived."""
        taken: set[FileId] = set()
        for log in sorted(lost, key=lambda log: log.state.number):
            matching = [j for j in judged if log.state.number in j.numbers]
            # A whole copy is rather the largest, and rather not compressed.
            matching.sort(key=lambda j: (j.compression != "plain", -j.found.size))
            for judgement in matching:
                if judgement.found.file_id in taken:
                    continue
                log.restart()
                if log.state.offset == 0:  # the judgement is all that tells it
                    log.state = replace(log.state, file_id=judgement.found.file_id)
                if self._open(log, judgement.found.path):
                    taken.add(judgement.found.file_id)
                    log.lost_since, log.truncated, log.vanished = None, False, False
                    log.seen = None
                    self._saw(log, judgement.found, rotated=True, now=now)
                    break
            else:
                self._is_lost(log, now)

    def _is_lost(self, log: OpenLog, now: float) -> None:
        """Say so when a log was searched for long enough."""
        state = log.state
        if not log.given:
            self._roster.drop(state.number)
            return
        if state.written is None:
            log.hopeless = True  # no record of it was read: if it turns up it is read as a new one
            return
        assert log.lost_since is not None
        if now - log.lost_since < self._settings.rotated_seconds:
            return
        unread = "" if log.seen is None else f" ({max(log.seen[0] - state.offset, 0)} bytes seen)"
        if log.truncated:
            log.hopeless = True
            self._troubles.note(
                "warning",
                f"{state.path} was emptied or replaced and no copy of it is found; what was not "
                f"read of it is lost{unread}; let logs be rotated by renaming",
            )
        else:
            self._troubles.say(
                f"lost:{state.number}",
                "warning",
                f"{state.path} is gone; what was not read of it{unread} is read if it turns up in "
                "the archive; set the input's archive",
            )

    def _resume(self, judged: list[Judgement]) -> None:
        """Go on with finished logs that have grown, and note where finished logs are now."""
        for judgement in judged:
            state = self._finished(judgement)
            if state is None:
                continue
            found = judgement.found
            if judgement.compression == "plain" and found.size > state.offset:
                log = self._roster.resume(state)
                if self._open(log, found.path):
                    self._saw(log, found, rotated=True, now=time.monotonic())
                else:
                    self._roster.gave(log, log.give_up())
            elif found.path != state.path and file_at(state.path) is None:
                moved = replace(state, path=found.path, file_id=found.file_id)
                self._roster.finished[state.number] = moved
                self._news(Piece(moved, moved.offset, moved.line, ()))

    def _finished(self, judgement: Judgement) -> LogState | None:
        if not judgement.numbers:
            return None
        return self._roster.finished.get(judgement.numbers[0])


def _begins_with(path: Path, fingerprint: Fingerprint) -> bool:
    try:
        return is_same_log(path, fingerprint)
    except InputError:
        return False
