"""What the linter ``suricata-check`` finds in a rule (https://suricata-check.teuwen.net).

It is imported only when it is asked, for it is slow to import; it changes the import path and
speaks through ``logging``, and both are undone here.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from functools import cache
from types import ModuleType
from typing import Any

from enricher.errors import EngineError
from enricher.rulegen.engine.rules_file import refusal

# Findings that are not passed on, each with the reason.
IGNORED: dict[str, str] = {
    "S000": "asks for HOME_NET in the header: where the records of a family are on neither side of "
    "private addresses, nobody has said which networks are the site's own",
    "S020": "a rule on flags, sizes or counts has no content by its nature; where a rule can have "
    "one, the engine's own analysis says so",
    "S401": "asks for Platform/Family in msg: of a family that a site named no platform is known",
    "S405": "asks for a file type in msg: log records carry none",
}

_ESCAPED = re.compile(r"\\.")
# What the linter's checkers raise on options without the value that they expect.
_BROKEN = (TypeError, ValueError, LookupError, AssertionError, AttributeError)


def lint_rule(rule: str) -> tuple[str, ...]:
    """Lint a rule.

    Ask the engine first: the linter's expressions can take very long on a rule that is not well
    formed. One whose quotes do not match is not given to it.

    Args:
        rule: One rule, without its line's end.

    Returns:
        Findings as ``CODE: text``, in the linter's order; empty for a good rule. A rule that the
        linter cannot take apart has the one finding ``PARSE``.

    Raises:
        EngineError: If the linter is not installed.
    """
    linter = _linter()
    unreadable = ("PARSE: the linter cannot read the rule",)
    if refusal(rule) is not None or _ESCAPED.sub("", rule).count('"') % 2:
        return unreadable
    parsing: Any = importlib.import_module("suricata_check.utils.rule")
    typing: Any = importlib.import_module("suricata_check.utils.checker_typing")
    try:
        parsed = parsing.parse(rule)
        if parsed is None:
            return unreadable
        report = linter.analyze_rule(parsed, checkers=_checkers())
    except (parsing.ParsingError, typing.InvalidRuleError, *_BROKEN):
        return unreadable
    return tuple(
        f"{issue.code}: {' '.join(str(issue.message).split())}"
        for issue in report.issues
        if issue.code not in IGNORED
    )


@cache
def _linter() -> ModuleType:
    log = logging.getLogger("suricata_check")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    path = list(sys.path)
    try:
        return importlib.import_module("suricata_check")
    except ImportError as error:
        raise EngineError(
            "the linter is not installed: install the package suricata-check"
        ) from error
    finally:
        sys.path[:] = path


@cache
def _checkers() -> tuple[Any, ...]:
    """Those that the linter has on by default."""
    return tuple(vars(_linter())["get_checkers"]((), ()))
