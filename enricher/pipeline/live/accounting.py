"""Where every record went: read = scored + dropped, for as long as the service lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from enricher.logs import Kind, ReadResult

OTHER = "other"
"""Stands for the kind of what belongs to none, such as lines that are no records."""


@dataclass(slots=True)
class KindAccount:
    """The records of one kind.

    Attributes:
        read: Lines that were read as records, usable or not.
        scored: Of these, records with a verdict.
        dropped: Of these, the others, by reason.
        repaired: Scored records that were repaired, by what was.
        verdicts: Scored records by verdict.
    """

    read: int = 0
    scored: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def balance(self) -> int:
        """Records that are not accounted for; 0, or there is a bug."""
        return self.read - self.scored - self.dropped.total()


@dataclass(slots=True)
class Accounting:
    """Counts since the state directory was new.

    Attributes:
        kinds: By kind, and under ``other`` what belongs to none.
        alerts: Opening alerts by family.
        held_back: Groups that the budget held back, by family.
        suppressed: Groups that a suppression kept silent, by its words.
        late: Records that came after their group was closed, by family.
        within_chance: Unknown records that chance explains.
        closed_early: Groups that were closed for want of room.
    """

    kinds: dict[str, KindAccount] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    held_back: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    within_chance: int = 0
    closed_early: int = 0

    def of(self, kind: str | None) -> KindAccount:
        """The account of a kind."""
        return self.kinds.setdefault(kind or OTHER, KindAccount())

    def add_read(self, kind: Kind | None, result: ReadResult) -> None:
        """Count what a reader made of a block of a log of ``kind``."""
        for batch in result.batches:
            self.of(batch.kind).read += len(batch)
        dropped = Counter(line.reason for line in result.rejected) + result.passed
        if dropped:
            account = self.of(kind)
            account.read += dropped.total()
            account.dropped += dropped
        if result.repaired:
            self.of(kind).repaired += result.repaired

    def add_scored(self, kind: Kind, count: int, verdicts: Mapping[str, int]) -> None:
        """Count records that got a verdict."""
        account = self.of(kind)
        account.scored += count
        account.verdicts.update(verdicts)

    def add_dropped(self, kind: Kind, reason: str, count: int) -> None:
        """Count records, counted as read before, that are not scored."""
        if count:
            self.of(kind).dropped[reason] += count

    def to_plain(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "kinds": {
                kind: {
                    "read": one.read,
                    "scored": one.scored,
                    "dropped": dict(one.dropped),
                    "repaired": dict(one.repaired),
                    "verdicts": dict(one.verdicts),
                }
                for kind, one in self.kinds.items()
            },
            "alerts": dict(self.alerts),
            "held_back": dict(self.held_back),
            "suppressed": dict(self.suppressed),
            "late": dict(self.late),
            "within_chance": self.within_chance,
            "closed_early": self.closed_early,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> Self:
        """The inverse; nothing gives one without counts."""
        found = cls()
        if plain is None:
            return found
        for kind, one in plain["kinds"].items():
            found.kinds[kind] = KindAccount(
                int(one["read"]),
                int(one["scored"]),
                *(Counter(one[name]) for name in ("dropped", "repaired", "verdicts")),
            )
        for name in ("alerts", "held_back", "suppressed", "late"):
            setattr(found, name, Counter(plain[name]))
        found.within_chance = int(plain["within_chance"])
        found.closed_early = int(plain["closed_early"])
        return found
