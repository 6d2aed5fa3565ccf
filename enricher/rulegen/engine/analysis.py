"""Reads what ``--engine-analysis`` writes: which rules were loaded, and its warnings.

(Suricata user guide 7.0, "Engine Analysis".)
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import orjson

# Bytes of a report that are read.
_MOST = 1 << 28


def loaded_rules(path: Path) -> dict[str, int]:
    """The rules that the engine loaded, with their sids.

    Args:
        path: ``rules.json`` of the analysis; absent where no rule was loaded.
    """
    found: dict[str, int] = {}
    for line in _lines(path):
        try:
            record = orjson.loads(line)
            found[str(record["raw"])] = int(record["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue
    return found


def analysis_warnings(path: Path, rules: Collection[str]) -> dict[str, list[str]]:
    """The warnings of the analysis, by rule.

    Args:
        path: ``rules_analysis.txt``.
        rules: The rules that were given. A rule's content is printed in the report as well, so
            that only a line which is one of them begins the part about it.
    """
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in (raw.decode("utf-8", "replace") for raw in _lines(path)):
        text = line.strip()
        if line in rules:
            current = found.setdefault(line, [])
        elif line.startswith("== Sid: "):
            current = None
        elif current is not None and line.startswith("    Warning: "):
            current.append(text.removeprefix("Warning: "))
        elif current and text.startswith("-") and line.startswith("             "):
            current[-1] += f" {text}"
    return found


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    with path.open("rb") as report:
        return report.read(_MOST).split(b"\n")
