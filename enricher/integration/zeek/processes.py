"""Zeek processes that run on this machine, as ``/proc`` shows them to this user."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError
from enricher.integration.looking import beginning, link_of, names_in, status_of

_MOST_PROCESSES = 1 << 22
_MOST_FOUND = 256
_MOST_WORDS = 64 * 1024
_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class ZeekProcess:
    """A Zeek that runs. All of it was chosen by whoever started it.

    Attributes:
        pid: Its number.
        program: The program, where this user may know it.
        words: Its command line.
        folder: The folder it works in, where this user may know it.
        elsewhere: Whether its files are not those of this machine, as in a container.
    """

    pid: int
    program: Path | None
    words: tuple[str, ...]
    folder: Path | None
    elsewhere: bool = False


def running(proc: Path = Path("/proc")) -> tuple[ZeekProcess, ...]:
    """Look for running Zeeks.

    Args:
        proc: The mounted process information, proc(5).
    """
    try:
        names = names_in(proc, _MOST_PROCESSES)
    except InputError:
        return ()
    found: list[ZeekProcess] = []
    for pid in sorted(int(name) for name in names if name.isascii() and name.isdigit()):
        process = _zeek_at(pid, proc / str(pid))
        if process is not None:
            found.append(process)
        if len(found) >= _MOST_FOUND:
            break
    return tuple(found)


def _zeek_at(pid: int, place: Path) -> ZeekProcess | None:
    """The process, if it is a Zeek. It may end while it is looked at."""
    target = link_of(place / "exe")
    if target is not None:
        program: Path | None = Path(target.removesuffix(_DELETED))
        if Path(target).name.removesuffix(_DELETED) != "zeek":
            return None
    elif _is_called_zeek(place):
        # Programs of other users are not shown, but how they were called is.
        program = None
    else:
        return None
    words = _words(place)
    # Whoever started it chose what it is called: no other program may be asked in its place.
    if program is None and words and words[0].startswith("/") and words[0].endswith("/zeek"):
        program = Path(words[0])
    folder = link_of(place / "cwd")
    elsewhere = target is not None and not target.endswith(_DELETED) and _is_elsewhere(place)
    return ZeekProcess(pid, program, words, Path(folder) if folder else None, elsewhere)


def _is_called_zeek(place: Path) -> bool:
    """Nodes under Zeek's own supervisor are called ``zeek.`` and their name."""
    try:
        name = beginning(place / "comm", 64).rstrip(b"\n")
    except InputError:
        return False
    return name == b"zeek" or name.startswith(b"zeek.")


def _words(place: Path) -> tuple[str, ...]:
    try:
        data = beginning(place / "cmdline", _MOST_WORDS)
    except InputError:
        return ()
    return tuple(os.fsdecode(word) for word in data.rstrip(b"\0").split(b"\0")) if data else ()


def _is_elsewhere(place: Path) -> bool:
    """Whether the program is another file than the one of that path on this machine."""
    its, target = status_of(place / "exe"), link_of(place / "exe")
    here = None if target is None else status_of(Path(target))
    if its is None:
        return False
    return here is None or (its.st_dev, its.st_ino) != (here.st_dev, here.st_ino)
