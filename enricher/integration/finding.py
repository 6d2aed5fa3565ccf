"""What a check of something on this machine found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        area: What was looked at, in one word, such as ``packages`` or ``logs``.
        level: ``problem`` where the program cannot do its work.
        message: What was found. May hold names that others chose: escape it before showing it.
        advice: What to do, empty where nothing needs to be done.
    """

    area: str
    level: Level
    message: str
    advice: str = ""


def no_problem(findings: Iterable[Finding]) -> bool:
    """Whether the program can do its work, be it with warnings: exit status 0 of every check."""
    return all(one.level != "problem" for one in findings)
