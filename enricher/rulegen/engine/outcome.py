"""What a running engine says of its rules after a reload."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enricher.errors import EngineError


@dataclass(frozen=True, slots=True)
class RulesetStats:
    """Numbers of rules, over all tenants."""

    loaded: int
    failed: int
    skipped: int

    @classmethod
    def of(cls, message: Any) -> RulesetStats:
        """Read the answer to ``ruleset-stats``.

        Raises:
            EngineError: If it is another answer.
        """
        try:
            return cls(
                loaded=sum(int(tenant["rules_loaded"]) for tenant in message),
                failed=sum(int(tenant["rules_failed"]) for tenant in message),
                skipped=sum(int(tenant.get("rules_skipped", 0)) for tenant in message),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineError(f"Suricata's ruleset-stats cannot be read: {message!r}") from error


@dataclass(frozen=True, slots=True)
class FailedRule:
    """A rule that the engine did not load: its text, where it stands, and why if it is said."""

    rule: str
    file: Path
    line: int
    error: str

    @classmethod
    def all_of(cls, message: Any) -> tuple[FailedRule, ...]:
        """Read the answer to ``ruleset-failed-rules``.

        Raises:
            EngineError: If it is another answer.
        """
        try:
            return tuple(
                cls(
                    rule=str(one["rule"]),
                    file=Path(str(one["filename"])),
                    line=int(one["line"]),
                    error=str(one.get("error", "not said; check the rule with suricata -T")),
                )
                for one in message
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EngineError("Suricata's ruleset-failed-rules cannot be read") from error


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """What a reload came to.

    Attributes:
        stats: The engine's counts after it, of the rules of every file.
        expected: Rules that had to be loaded at least.
        failed: Our rules that failed.
        failed_elsewhere: Rules of other files that failed.
    """

    stats: RulesetStats
    expected: int
    failed: tuple[FailedRule, ...]
    failed_elsewhere: tuple[FailedRule, ...]

    @property
    def succeeded(self) -> bool:
        """Whether none of ours failed and as many are loaded as had to be."""
        return not self.failed and self.stats.loaded >= self.expected

    @property
    def reason(self) -> str:
        """Why it did not succeed; empty if it did."""
        if self.failed:
            first = self.failed[0]
            return f"{len(self.failed)} rules failed, first line {first.line}: {first.error}"
        if self.stats.loaded < self.expected:
            return f"{self.stats.loaded} rules are loaded, {self.expected} were expected"
        return ""
