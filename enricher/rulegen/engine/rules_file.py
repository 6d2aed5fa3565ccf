"""Writes rules one a line for the engine, and keeps back those that no line could hold.

The engine joins a line that ends in a backslash with the next one and takes a line that begins
with ``#`` for a comment: a rule like that could swallow its neighbour or vanish in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from enricher.errors import InputError, OutputError

# Suricata's own bound on a line of a rules file (DETECT_MAX_RULE_SIZE), with its end.
MOST_BYTES = 8190

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def refusal(rule: str) -> str | None:
    """Why a rule is not shown to the engine at all, or None if it can be."""
    try:
        size = len(rule.encode())
    except UnicodeEncodeError:
        return "cannot be encoded as UTF-8"
    reasons = (
        (size > MOST_BYTES, f"is {size} bytes long, the engine takes {MOST_BYTES}"),
        (_CONTROL.search(rule), "holds a control character, such as a line's end"),
        (rule != rule.strip(), "begins or ends with space"),
        (not rule or rule.startswith("#"), "is no rule but an empty line or a comment"),
        (rule.endswith("\\"), "ends in a backslash, which would join it with the next line"),
    )
    return next((why for holds, why in reasons if holds), None)


def write_rules(rules: Sequence[str], path: Path) -> dict[int, str]:
    """Write a rules file in which rule number i stands in line i + 1.

    Returns:
        The reason for each rule (by its number) that was kept back; a comment stands in its line.

    Raises:
        OutputError: If the file cannot be written.
    """
    refused = {number: why for number, rule in enumerate(rules) if (why := refusal(rule))}
    lines = ["#" if number in refused else rule for number, rule in enumerate(rules)]
    try:
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error
    return refused


def write_datasets(datasets: Mapping[str, bytes], folder: Path) -> None:
    """Write the files that rules ``load``, beside the rules file where the engine looks for them.

    Args:
        datasets: The content of each file, by its plain name.
        folder: Where the rules file stands.

    Raises:
        InputError: If a name is a path.
        OutputError: If a file cannot be written.
    """
    for name, content in datasets.items():
        if Path(name).name != name or name in {"", ".", ".."} or "\0" in name:
            raise InputError(f"a dataset is named {name!r}: give the name of a file, not a path")
        try:
            (folder / name).write_bytes(content)
        except OSError as error:
            raise OutputError(f"{folder / name} cannot be written: {error}") from error
