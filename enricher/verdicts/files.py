"""The two files that Zeek reads, whole: the same alerts and time give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Self

from enricher.verdicts.event import Verdict
from enricher.verdicts.indicators import Choice, Indicator, indicators_of
from enricher.verdicts.zeek_text import header, line

TABLE = "verdicts.dat"
INTEL = "intel.dat"
SOURCE = "enricher"
"""What the Intelligence framework knows our items by."""

TABLE_COLUMNS = (
    "alert_id", "ts", "uid", "orig_h", "orig_p", "resp_h", "resp_p", "family", "score", "p_value",
    "signature", "severity", "kind", "community_id", "expires",
)  # fmt: skip
INTEL_COLUMNS = (
    "indicator", "indicator_type", "meta.source", "meta.desc", "meta.url", "expires",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """The lines of one alert, made once: only what has expired changes after that.

    Attributes:
        alert_id: Id of the alert.
        ts: Its time.
        row: Its line of the table.
        items: Its indicators with their lines.
    """

    alert_id: str
    ts: float
    row: bytes
    items: tuple[tuple[Indicator, bytes], ...]

    @classmethod
    def of(cls, verdict: Verdict, choice: Choice) -> Self:
        """The lines of a verdict."""
        about = f"{verdict.family}, score {verdict.score:.3f}, alert {verdict.alert_id}"
        expires = f"{verdict.ts + choice.intel_seconds:.6f}"
        items = [
            (one, line((one.value, one.type, SOURCE, about, None, expires)))
            for one in indicators_of(verdict, choice)
        ]
        row = line(_row(verdict, verdict.ts + choice.notice_seconds))
        return cls(verdict.alert_id, verdict.ts, row, tuple(items))


def make_files(entries: Iterable[Entry], now: float, choice: Choice) -> dict[str, bytes]:
    """The content of the files, by name; the newest alert comes first.

    Args:
        entries: In the order in which their alerts were written.
        now: Flow time, seconds UTC: what has expired by then is left out.
        choice: What the entries were made with.
    """
    # Of alerts of the same time the one that was written last is the newest.
    newest = sorted(entries, key=lambda entry: entry.ts)
    newest.reverse()
    table: dict[str, bytes] = {}
    for entry in newest:
        if entry.ts + choice.notice_seconds <= now or len(table) == choice.most:
            break
        table.setdefault(entry.alert_id, entry.row)
    intel: dict[Indicator, bytes] = {}
    for entry in newest:
        if entry.ts + choice.intel_seconds <= now or len(intel) >= choice.most:
            break
        for indicator, text in entry.items:
            intel.setdefault(indicator, text)
    return {
        TABLE: b"".join((header(TABLE_COLUMNS), *table.values())),
        INTEL: b"".join((header(INTEL_COLUMNS), *islice(intel.values(), choice.most))),
    }


def _row(verdict: Verdict, expires: float) -> tuple[str | None, ...]:
    return (
        verdict.alert_id,
        f"{verdict.ts:.6f}",
        verdict.uid,
        str(verdict.orig_h),
        verdict.orig_p,
        str(verdict.resp_h),
        verdict.resp_p,
        verdict.family,
        f"{verdict.score:.6f}",
        f"{verdict.p_value:.6g}",
        verdict.signature,
        str(verdict.severity),
        verdict.kind,
        verdict.community_id,
        f"{expires:.6f}",
    )
