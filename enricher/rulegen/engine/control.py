"""Talks to a running Suricata over its control socket, through its own client ``suricatasc``.

(Suricata user guide 7.0, "Interacting via Unix Socket".) The engine answers a reload with ``done``
even if rules failed or the rules file is gone, so what it has loaded is asked for afterwards.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import EngineError
from enricher.rulegen.engine.outcome import FailedRule, ReloadOutcome, RulesetStats
from enricher.rulegen.engine.suricata import run_child

_BUSY = "already in progress"
# Seconds between two looks at whether a reload is done.
_ASK_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Control:
    """The control socket of a running Suricata.

    Attributes:
        socket: Its path, as in ``unix-command.filename`` of the engine's settings.
        program: The client, on the PATH or by its path.
        timeout: Seconds for one command; a reload takes several.
    """

    socket: Path
    program: str = "suricatasc"
    timeout: float = 30

    def command(self, words: Sequence[str]) -> Any:
        """Send a command and get the message of the answer.

        Args:
            words: The command and its arguments; none may hold space.

        Raises:
            EngineError: If there is no client or socket, the engine refuses, or the answer is none.
        """
        if not words or any(not word or any(map(str.isspace, word)) for word in words):
            raise EngineError(f"a command of words without space is needed, not {list(words)!r}")
        client = shutil.which(self.program)
        if client is None:
            raise EngineError(f"{self.program} is not on the PATH: install Suricata's client")
        if not self.socket.is_socket():
            raise EngineError(
                f"{self.socket} is no socket: start Suricata with unix-command enabled, "
                "or name its socket"
            )
        done = run_child([client, "-c", " ".join(words), str(self.socket)], timeout=self.timeout)
        try:
            answer = orjson.loads(done.output)
            message, verdict = answer["message"], answer["return"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise EngineError(
                f"Suricata gave no answer to {words[0]!r} on {self.socket}: {done.output[:300]!r}"
            ) from error
        if verdict != "OK" or done.status != 0:
            raise EngineError(f"Suricata refused {words[0]!r}: {str(message)[:300]}")
        return message

    def version(self) -> str:
        """The version of the running engine."""
        return str(self.command(["version"]))

    def uptime(self) -> int:
        """Seconds since it was started."""
        message = self.command(["uptime"])
        if not isinstance(message, int):
            raise EngineError(f"Suricata gave no number of seconds but {message!r}")
        return message

    def stats(self) -> RulesetStats:
        """How many rules it has loaded and how many failed, over all tenants."""
        return RulesetStats.of(self.command(["ruleset-stats"]))

    def failed_rules(self) -> tuple[FailedRule, ...]:
        """The rules that failed at the last load."""
        return FailedRule.all_of(self.command(["ruleset-failed-rules"]))

    def reload(
        self, *, ours: Path | None = None, expected: int = 1, timeout: float = 600
    ) -> ReloadOutcome:
        """Reload the rules, and ask what has become of them.

        Args:
            ours: The rules file that was changed; a rule that failed elsewhere is not ours. All
                are ours where None.
            expected: Rules that must be loaded at least.
            timeout: Seconds for the reload; one that is under way already is waited for.

        Raises:
            EngineError: If the engine refuses or does not end in time.
        """
        until = time.monotonic() + timeout
        before = self._reloaded()
        self._start(until)
        while self._reloaded() == before:
            _wait(until, f"the reload did not end within {timeout:g} s")
        stats, failed = self.stats(), self.failed_rules()
        where = None if ours is None else ours.resolve()
        return ReloadOutcome(
            stats=stats,
            expected=expected,
            failed=tuple(f for f in failed if where is None or f.file.resolve() == where),
            failed_elsewhere=tuple(
                f for f in failed if where is not None and f.file.resolve() != where
            ),
        )

    def _start(self, until: float) -> None:
        while True:
            try:
                self.command(["ruleset-reload-nonblocking"])
            except EngineError as error:
                if _BUSY not in str(error):
                    raise
                _wait(until, "an earlier reload does not end: the engine may see no packets")
            else:
                return

    def _reloaded(self) -> Any:
        """When the rules were loaded last, in the engine's words."""
        return self.command(["ruleset-reload-time"])


def _wait(until: float, late: str) -> None:
    if time.monotonic() >= until:
        raise EngineError(f"{late}; ask again later with `suricatasc -c ruleset-reload-time`")
    time.sleep(_ASK_EVERY)
