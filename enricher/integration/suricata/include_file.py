"""The include file: its text, and how it gets to its place."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError, OutputError
from enricher.integration.looking import beginning
from enricher.sinks.file import remedy
from enricher.sinks.replacing import replace_file

MARK = "# Made by 'enricher suricata install'. Do not edit: make it anew.\n"
NAME = "include-enricher.yaml"

_PLAIN = re.compile(r"(unix:)?/[A-Za-z0-9_./-]+")
_MODE = 0o644
_SOCKET = "unix:"
# sockaddr_un(7) has 108 bytes; the engine cuts off what is longer, and says nothing.
_LONGEST_SOCKET = 107


@dataclass(frozen=True, slots=True)
class Content:
    """What the include file sets.

    Attributes:
        eve: Where events go: a file, or ``unix:/path``.
        hashes: Fingerprints to compute: ``ja3``, ``ja4``.
        ja4: Whether tls events are to have JA4.
        rules: The rules file to load; None for none.
        rules_listed: Whether the site has a list of rules files that this one is added to.
    """

    eve: str
    hashes: Sequence[str] = ()
    ja4: bool = False
    rules: Path | None = None
    rules_listed: bool = True


def render(content: Content, steps: str) -> str:
    """The text of the include file.

    Args:
        content: What it sets.
        steps: What there is to do, as lines of comment.
    """
    socket = content.eve.startswith(_SOCKET)
    lines = [
        "%YAML 1.1",
        "---",
        "# An EVE output for the enricher. A name with dots adds to the outputs that are there;",
        "# a list below 'outputs:' would take their place.",
        "outputs.enricher: eve-log",
        "outputs.enricher.eve-log:",
        "  enabled: yes",
        f"  filetype: {'unix_stream' if socket else 'regular'}",
        f"  filename: {quoted(content.eve.removeprefix(_SOCKET))}",
        "  community-id: yes",
        "  community-id-seed: 0",
        "  types:",
        "    - flow",
        "    - http:",
        "        extended: yes",
        "    - dns",
        "    - tls:",
        "        extended: yes",
        *(["        ja4: yes"] if content.ja4 else []),
    ]
    if content.hashes:
        lines += ["# Computed for all outputs: the site's own tls events get JA3, too."]
        lines += [f"app-layer.protocols.tls.{one}-fingerprints: yes" for one in content.hashes]
    if content.rules is not None:
        place = quoted(str(content.rules))
        lines += ["# The file that 'enricher rules deploy' writes."]
        listed = [f"rule-files.enricher: {place}"]
        lines += listed if content.rules_listed else ["rule-files:", f"  - {place}"]
    return MARK + steps + "\n".join((*lines, ""))


def check_eve(eve: str) -> str:
    """Where events go, as it is written in the include file.

    Raises:
        InputError: If Suricata could not write there by that name.
    """
    path = eve.removeprefix(_SOCKET)
    if eve.startswith(_SOCKET):
        path = path.removeprefix("//")
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise InputError(
                "the path of the socket is too long; choose a shorter one", ascii(path)
            )
    elif "%" in path:
        raise InputError("Suricata would put a time for the %; choose another name", ascii(path))
    _check_path(path)
    return f"{_SOCKET}{path}" if eve.startswith(_SOCKET) else path


def check_rules_path(rules: Path) -> None:
    """Refuse a rules file that Suricata would not find by its name.

    Raises:
        InputError: If it is none that can be named.
    """
    _check_path(str(rules))
    if set("*?[") & set(str(rules)):
        raise InputError("Suricata takes it for a pattern; choose another name", ascii(str(rules)))


def _check_path(path: str) -> None:
    if not path.startswith("/") or path.endswith("/") or not path.isprintable():
        raise InputError("name a full path of printable characters", ascii(path))


def quoted(path: str) -> str:
    """A path as YAML has it in quotes."""
    return json.dumps(path, ensure_ascii=False)


def scalar(path: str) -> str:
    """A path as YAML has it, in quotes where it needs them."""
    return path if _PLAIN.fullmatch(path) else quoted(path)


def is_ours(path: Path) -> bool:
    """Whether a file is an include file that was made here."""
    mark = MARK.encode()
    with suppress(InputError):
        return beginning(path, len(mark)) == mark
    return False


def write(path: Path, text: str, *, force: bool = False) -> None:
    """Write the include file, whole or not at all.

    Args:
        path: The file.
        text: What it is to have.
        force: Whether a file that is not ours may be replaced.

    Raises:
        OutputError: If there is one that is not ours, or it can not be written.
    """
    try:
        with suppress(FileNotFoundError):
            there = path.lstat().st_mode
            if not stat.S_ISREG(there) and not stat.S_ISLNK(there):
                raise OutputError(f"{path}: is no ordinary file; name another one")
            if not force and (stat.S_ISLNK(there) or not is_ours(path)):
                raise OutputError(
                    f"{path}: is not a file that 'enricher suricata install' made; name another "
                    "one, or replace it with --force"
                )
        replace_file(path, text.encode(), mode=_MODE)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        advice = remedy(error) if isinstance(error, OSError) else "Name another one."
        raise OutputError(f"{path}: {why}. {advice}") from error
