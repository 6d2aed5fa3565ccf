"""Brings back what the service knew when it stopped, however it stopped."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from enricher.config import Settings
from enricher.errors import InputError
from enricher.pipeline.live.accounting import Accounting
from enricher.pipeline.live.database import ServiceDatabase, Span, log_of
from enricher.pipeline.live.fold import Fold
from enricher.pipeline.live.snapshot import read_snapshot
from enricher.pipeline.site_detector import Loaded
from enricher.sources.following import Follower, LogState, Piece

_AT_ONCE = 32
"""Spans that are read again in one go."""

log = logging.getLogger("enricher")


def restore(
    database: ServiceDatabase, follower: Follower, loaded: Loaded, settings: Settings
) -> Fold:
    """The fold as it was at the last commit.

    The last snapshot is taken up, then the lines of the journal are read once more, wherever their
    logs are now; the alerts that come of them were written before and are not written again.

    Raises:
        StateError: If what was committed can not be read.
    """
    known = {log.number: log for log in database.logs()}
    journal = database.journal()
    fold = _from_snapshot(database, loaded, settings)
    if journal:
        log.info(
            "reading %d spans of %d logs again, to know what was known before",
            len(journal),
            len({span.log for span in journal}),
        )
    for start in range(0, len(journal), _AT_ONCE):
        fold.take(_pieces(journal[start : start + _AT_ONCE], known, follower))
    fold.accounting = Accounting.from_plain(database.word("accounting"))
    return fold


def _from_snapshot(database: ServiceDatabase, loaded: Loaded, settings: Settings) -> Fold:
    name = database.word("snapshot")
    if name is None:
        return Fold(loaded.detector, settings, (), loaded.false_alarms)
    arrays, words = read_snapshot(settings.state, name)
    at_snapshot = [log_of(plain) for plain in words["logs"]]
    fold = Fold(loaded.detector, settings, at_snapshot, loaded.false_alarms)
    try:
        fold.restore(arrays, words["fold"])
    except (ValueError, KeyError, TypeError) as error:
        log.warning(
            "the settings, the calibration or the version have changed (%s): context and open "
            "groups begin anew; no record is lost",
            error,
        )
        fold = Fold(loaded.detector, settings, at_snapshot, loaded.false_alarms)
    return fold


def _pieces(
    spans: Sequence[Span], known: dict[int, LogState], follower: Follower
) -> Iterator[Piece]:
    for span in spans:
        try:
            items = follower.again(span.log, span.start, span.end, span.line)
        except InputError as error:
            log.warning(
                "%s: lines that were scored before are gone (%s): the context of what follows "
                "does not have them",
                known[span.log].name,
                error.message,
            )
            continue
        state = replace(known[span.log], offset=span.end, finished=False)
        yield Piece(state, span.start, span.line, items)
