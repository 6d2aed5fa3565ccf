"""What the service tells of itself, for people and for programs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enricher.pipeline.live.database import read_words
from enricher.sources.following import Lag


@dataclass(frozen=True, slots=True)
class Status:
    """How a service is.

    Attributes:
        words: What it said of itself last: ``pid``, ``started``, ``updated`` (seconds UTC),
            ``records_per_second`` by kind, ``lags`` (path, kind and bytes of each log that is not
            read to its end), ``flow_time``, ``drift``, ``waiting_for``, ``families``, ``model``.
        accounting: Its counts, see :class:`enricher.pipeline.live.accounting.Accounting`.
        running: Whether its process is there.
        age: Seconds since it said so.
    """

    words: Mapping[str, Any]
    accounting: Mapping[str, Any]
    running: bool
    age: float


def read_status(state: Path) -> Status | None:
    """The status of the service of a state directory; None where none ever ran.

    Raises:
        StateError: If what it wrote can not be read.
    """
    words = read_words(state, ("status", "accounting"))
    if words is None or words["status"] is None:
        return None
    said = words["status"]
    return Status(
        said,
        words["accounting"] or {},
        _is_running(int(said["pid"])) and not said.get("stopped", False),
        max(0.0, time.time() - float(said["updated"])),
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
    """Lags as plain values, the largest first."""
    return [
        {"path": str(lag.path), "kind": lag.kind, "bytes": lag.bytes}
        for lag in sorted(lags, key=lambda lag: -lag.bytes)
    ]
