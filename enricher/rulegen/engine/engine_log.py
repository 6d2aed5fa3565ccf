"""Reads the engine's own log, and says which rule each complaint is about.

The engine complains about a rule that it cannot parse in one or more lines and ends with one that
names the line of the rules file. Warnings about rules that it does load name the sid, or nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

# Bytes of a log that are read; one of a sane run has some thousand.
_MOST = 1 << 26

_REJECTED = re.compile(r"^error parsing signature .* at line (\d+)$", re.DOTALL)
_SKIPPED = re.compile(
    r"^Skipping signature due to missing requirements.* at line (\d+)$", re.DOTALL
)
_SID = re.compile(r"^(?:rule |signature sid:)(\d+)\b")
_FLOWBIT = re.compile(r" is checked but not set\. Checked in (\d+) and 0 other sigs$")
# Parts of the engine that speak of rules when they warn.
_OF_RULES = re.compile(r"^(?:detect|datasets|reputation|hs|mpm|reference|classtype)")
_OF_ALL = "no rules were loaded"
_ONLY_ONCE = "This message won't be shown again"


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the engine's log: its level in lower case, the part that speaks, and the text."""

    level: str
    module: str
    text: str


@dataclass(slots=True)
class Complaints:
    """What the engine has against rules.

    Attributes:
        errors: Why rules were not loaded, by their line, counted from 0.
        warnings: By sid.
        of_somebody: About rules of which it is not said which.
    """

    errors: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    warnings: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    of_somebody: list[str] = field(default_factory=list)


def read_engine_log(path: Path) -> list[Message]:
    """Read a log in the engine's JSON format; a line that is none is passed over."""
    if not path.is_file():
        return []
    with path.open("rb") as log:
        lines = log.read(_MOST).splitlines()
    found: list[Message] = []
    for line in lines:
        try:
            record = orjson.loads(line)
            message = record["engine"]
            found.append(
                Message(record["log_level"].lower(), message.get("module", ""), message["message"])
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
    return found


def complaints(messages: Iterable[Message], loaded: Mapping[int, int]) -> Complaints:
    """Sort the messages by the rule that they are about.

    Args:
        messages: The engine's log, in its order.
        loaded: The line of each rule that was loaded, by sid.
    """
    found = Complaints()
    waiting: list[Message] = []
    for message in messages:
        rejected = _REJECTED.match(message.text)
        skipped = _SKIPPED.match(message.text)
        if rejected:
            own, waiting = waiting, []
            found.errors[int(rejected[1]) - 1] += _reasons(own, loaded, found)
        elif skipped:
            found.errors[int(skipped[1]) - 1] += [
                "the engine leaves it out, for its version does not meet the rule's requirements"
            ]
        elif message.level in {"warning", "error"} and _speaks_of_rules(message):
            waiting.append(message)
    for message in waiting:
        _warn(message, loaded, found)
    return found


def _speaks_of_rules(message: Message) -> bool:
    return _OF_RULES.match(message.module) is not None and _OF_ALL not in message.text


def _reasons(own: list[Message], loaded: Mapping[int, int], found: Complaints) -> list[str]:
    """Of the messages before a rejection, those that are its reason; warnings go on."""
    errors = [message.text for message in own if message.level == "error"]
    last = own[-1] if own else None
    for message in own:
        if message.level == "warning" and (errors or message is not last):
            _warn(message, loaded, found)
    if errors:
        return errors
    return ["the engine cannot parse it"] if last is None else [last.text]


def _warn(message: Message, loaded: Mapping[int, int], found: Complaints) -> None:
    named = _SID.match(message.text) or _FLOWBIT.search(message.text)
    if named and int(named[1]) in loaded and _ONLY_ONCE not in message.text:
        found.warnings[int(named[1])].append(message.text)
    elif named is None or int(named[1]) in loaded:
        found.of_somebody.append(message.text)
