"""What analysts have said of alerts, with the record of each alert: kept in the site's database.

It is the one place where an analyst's word is kept. What follows from it (corrections, benign
records to adapt against) is made of it anew whenever it is needed, so that it can be taken back,
and so that it holds for another model too.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

from enricher.detector.family_names import MAX_NAME_LENGTH
from enricher.errors import StateError
from enricher.families.database import FEEDBACK_SINCE, FILE, has_tables, open_database
from enricher.kinds import KINDS, Kind

if TYPE_CHECKING:
    from enricher.families.support import SupportSet

Word = Literal["false-positive", "true-positive"]
WORDS: tuple[Word, ...] = get_args(Word)

MAX_REASON = 500
MAX_EVIDENCE = 1024 * 1024
MAX_FEEDBACK = 2000
"""Of so many alerts what was said last is used; what is older stays in the database."""
_MAX_WORD = 64


@dataclass(frozen=True, slots=True)
class Feedback:
    """An analyst's word on one alert.

    Attributes:
        alert_id: Id of the alert.
        verdict: What was said.
        kind: Kind of the alert's record.
        family: The family that the alert named; may be ``unknown``.
        taught: Family of the site that has the record among its support records; None where none.
        author: Name of the user at the operating system.
        given: When it was said, seconds UTC.
        reason: Why, in the analyst's words; may be empty.
        evidence: The record: a support set of one, as bytes.
    """

    alert_id: str
    verdict: Word
    kind: Kind
    family: str
    taught: str | None
    author: str
    given: float
    reason: str
    evidence: bytes

    @property
    def subject(self) -> str:
        """The family that it speaks of."""
        return self.taught or self.family

    def record(self, names: str) -> SupportSet | None:
        """The record, a support set of one; None where it can not be used with this model.

        Args:
            names: Digest of the model of names that its features must be made with.
        """
        from enricher.families.support import KeptSupport  # noqa: PLC0415  # numba: not for a list

        try:
            kept = KeptSupport.from_bytes(self.evidence)
        except ValueError:
            return None
        support = kept.sets.get(self.kind)
        return support if support is not None and kept.names == names else None

    def to_plain(self) -> dict[str, Any]:
        """As plain values for JSON, without the record."""
        plain = asdict(self)
        del plain["evidence"]
        return plain

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a row of the database.

        Raises:
            ValueError: If it is none.
        """
        if row["kind"] not in KINDS or row["verdict"] not in WORDS:
            raise ValueError("its kind or its verdict are none")
        words = (row["alert_id"], row["family"], row["taught"] or "", row["author"])
        longest = max(MAX_NAME_LENGTH, _MAX_WORD)
        if max(map(len, words)) > longest or len(row["reason"]) > MAX_REASON:
            raise ValueError("a word of it is too long")
        if len(row["evidence"]) > MAX_EVIDENCE:
            raise ValueError("its record is too large")
        return cls(
            alert_id=row["alert_id"],
            verdict=cast(Word, row["verdict"]),
            kind=cast(Kind, row["kind"]),
            family=row["family"],
            taught=row["taught"],
            author=row["author"],
            given=float(row["given"]),
            reason=row["reason"],
            evidence=row["evidence"],
        )


class FeedbackStore:
    """The feedback in a state directory. Reading makes nothing where there is none.

    Args:
        state: The state directory.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    def all(self, besides: str = "") -> list[Feedback]:
        """What was said, in the order in which it was; at most the newest :data:`MAX_FEEDBACK`.

        Args:
            besides: Id of an alert of which it is not asked.

        Raises:
            StateError: If it can not be read.
        """
        which = "WHERE alert_id <> ? ORDER BY given DESC, alert_id LIMIT ?"
        rows = self._select(which, besides, MAX_FEEDBACK)
        return [self._feedback(row) for row in rows[::-1]]

    def get(self, alert_id: str) -> Feedback | None:
        """What was said of an alert; None also where it is damaged, for it can be said again.

        Raises:
            StateError: If the database can not be read.
        """
        for row in self._select("WHERE alert_id = ?", alert_id):
            with suppress(StateError):
                return self._feedback(row)
        return None

    def _select(self, which: str, *values: str | int) -> list[sqlite3.Row]:
        if not (self._state / FILE).is_file():
            return []
        with open_database(self._state, write=False) as database:
            if not has_tables(database, FEEDBACK_SINCE):
                return []
            return database.execute(f"SELECT * FROM feedback {which}", values).fetchall()  # noqa: S608 - from above

    def _feedback(self, row: sqlite3.Row) -> Feedback:
        try:
            return Feedback.from_row(dict(row))
        except ValueError as error:
            raise StateError(
                f"{self._state / FILE}: the feedback on alert {row['alert_id'][:_MAX_WORD]!a} is "
                f"damaged ({error}); say it again with 'enricher feedback'"
            ) from error

    def put(self, feedback: Feedback) -> None:
        """Keep what was said; it takes the place of what was said of the alert before.

        Raises:
            StateError: If it could not be kept; nothing has changed then.
        """
        values = {name: getattr(feedback, name) for name in Feedback.__slots__}
        marks = ", ".join(f":{name}" for name in values)
        with open_database(self._state) as database:
            database.execute(
                f"INSERT OR REPLACE INTO feedback ({', '.join(values)}) VALUES ({marks})",  # noqa: S608 - our names
                values,
            )


@dataclass(slots=True)
class Tally:
    """How often alerts of a family were right.

    Attributes:
        confirmed: True positives.
        false: False positives.
    """

    confirmed: int = 0
    false: int = 0


def tally(given: Sequence[Feedback]) -> dict[str, Tally]:
    """How often analysts said which of the two, by family, in the order of names."""
    counts = Counter((one.subject, one.verdict) for one in given)
    return {
        name: Tally(counts[name, "true-positive"], counts[name, "false-positive"])
        for name in sorted({name for name, _ in counts})
    }
