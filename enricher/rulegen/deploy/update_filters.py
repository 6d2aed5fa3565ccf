"""What suricata-update would make of our rules: a filter of a site may turn an alert into a drop.

suricata-update applies the filters of ``drop.conf`` and ``modify.conf`` to every rule, ours among
them (https://suricata-update.readthedocs.io/en/latest/update.html, "modify.conf" and "drop.conf").
A line of the first names rules; one of the second names rules, a regular expression, and what takes
its place. Rules are named by ``sid``, ``gid:sid``, ``gid:sid:rev``, ``re:``, ``group:``,
``filename:``, ``metadata:`` or ``*``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from enricher.rulegen.ledger.deployment import Deployable
from enricher.rulegen.rule.rule import Rule
from enricher.rulegen.small_file import read_small

MAX_BYTES = 1024 * 1024
_WORDS = 3
"""Words of a line of modify.conf: which rules, what, by what."""
_OINKMASTER = 5
"""Words of one as Oinkmaster had it: modifysid, which rules, what, a bar, by what."""
_ACTION = re.compile(r"\w+")


def warnings(
    rules: Sequence[Deployable], name: str, modify: Path | None, drop: Path | None = None
) -> list[str]:
    """What a site's filters would do to rules that they should not.

    Args:
        rules: The rules.
        name: Name of the file that they stand in.
        modify: The site's ``modify.conf``; None where it has none.
        drop: Its ``drop.conf``.

    Returns:
        A sentence for each line that makes anything but an alert of a rule, or cannot be read.

    Raises:
        InputError: If a file can not be read.
    """
    found = []
    for path, is_drop in ((modify, False), (drop, True)):
        for number, line in _lines(path):
            try:
                changed = [one.sid for one in rules if _action(line, one, name, is_drop) != "alert"]
            except (ValueError, re.error) as error:
                found.append(
                    f"{path}:{number}: cannot be understood ({error}); look at it yourself"
                )
                continue
            if changed:
                found.append(
                    f"{path}:{number}: would turn {len(changed)} of our alerts into something else "
                    f"({', '.join(map(str, changed[:5]))}); leave {name} out of it"
                )
    return found


def _lines(path: Path | None) -> Iterator[tuple[int, str]]:
    if path is None:
        return
    data = read_small(path, MAX_BYTES)
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


def _action(line: str, one: Deployable, name: str, is_drop: bool) -> str:
    """The action that a rule has after a filter.

    Raises:
        ValueError, re.error: If the line is none.
    """
    if is_drop:
        return "drop" if _named(line, one, name) else "alert"
    words = shlex.split(line)
    if words[:1] == ["modifysid"] and len(words) >= _OINKMASTER:
        which, what, by = words[1], words[2], words[4]
    elif len(words) == _WORDS:
        which, what, by = words
    elif words[:1] in (["metadata-add"], ["metadata-set"]):
        return "alert"
    else:
        raise ValueError("it has not three words")
    if not _named(which, one, name):
        return "alert"
    by = re.sub(r"\$\{(\d+)\}", r"\\\1", by)
    begin = _ACTION.match(re.sub(what, by, one.rule))
    return begin.group() if begin else ""


def _named(which: str, one: Deployable, name: str) -> bool:
    """Whether a filter's words name a rule."""
    kind, _, rest = which.partition(":")
    rest = rest.strip()
    if which.strip() == "*":
        return True
    if kind == "re":
        return re.search(rest, one.rule, re.IGNORECASE) is not None
    if kind == "filename":
        return fnmatch(name, rest)
    if kind == "group" or which.endswith(".rules"):
        pattern = rest if kind == "group" else which.strip()
        return fnmatch(name, pattern) or fnmatch(Path(name).stem, pattern)
    if kind == "metadata":
        pairs = " ".join(Rule.parse(one.rule).values("metadata")).lower().split(",")
        return " ".join(rest.lower().split()) in (" ".join(pair.split()) for pair in pairs)
    return any(_is(part.strip(), one) for part in which.split(","))


def _is(words: str, one: Deployable) -> bool:
    """Whether ``sid``, ``gid:sid`` or ``gid:sid:rev`` is a rule.

    Raises:
        ValueError: If there is a word that is no number.
    """
    numbers = [int(word) for word in words.split(":")]
    if len(numbers) == 1:
        numbers.insert(0, 1)
    return numbers == [1, one.sid, one.rev][: len(numbers)]
