"""What the service tells of itself, for people and for programs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from enricher.errors import StateError
from enricher.pipeline.live.stored import FILE, FOLDER, REMEDY, read_words
from enricher.report.status_parts import Said, ServiceStatus, Totals

if TYPE_CHECKING:
    # A health check asks every few seconds: it should not have to load what reads logs.
    from enricher.sources.following import Lag

MOST_LAGS = 100
MOST_TROUBLES = 20
LONGEST_TROUBLE = 500
"""So many logs are named with their lag, those that are furthest behind."""


def read_status(state: Path) -> ServiceStatus | None:
    """The status of the service of a state directory; None where none ever ran.

    Raises:
        StateError: If what it wrote can not be read.
    """
    words = read_words(state, ("status", "accounting"))
    if words is None or words["status"] is None:
        return None
    try:
        said = Said.model_validate(words["status"])
        totals = Totals.model_validate(words["accounting"] or {})
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise StateError(
            f"{state / FOLDER / FILE}: is damaged (its status, at {place!a}); {REMEDY}"
        ) from error
    return ServiceStatus(
        said=said,
        totals=totals,
        running=not said.stopped and _is_running(said.pid),
        age=max(0.0, time.time() - said.updated),
    )


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is somebody else's
    return True


def plain_lags(lags: Sequence[Lag]) -> list[dict[str, Any]]:
    """The largest lags as plain values, the largest first."""
    largest = sorted(lags, key=lambda lag: (-lag.bytes, str(lag.path)))[:MOST_LAGS]
    return [{"path": _text(lag.path), "kind": lag.kind, "bytes": lag.bytes} for lag in largest]


def plain_troubles(troubles: Sequence[str]) -> list[str]:
    """The first sentences on what cannot be read, as JSON can hold them."""
    return [_text(trouble)[:LONGEST_TROUBLE] for trouble in troubles[:MOST_TROUBLES]]


def _text(path: Path | str) -> str:
    """A path, or words with one, as JSON can hold it, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
