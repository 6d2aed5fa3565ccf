"""Finds the Zeek of this machine: its program, version, and the folders it was built with."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import EngineError, InputError
from enricher.integration.looking import beginning, is_file, is_folder, real_path
from enricher.integration.zeek.processes import ZeekProcess

USUAL = (Path("/opt/zeek"), Path("/usr/local/zeek"), Path("/usr/local"), Path("/usr"))
"""Where Zeek is installed, as a rule: its own packages, its sources, FreeBSD's and Debian's."""
OLDEST, NEWEST = 6, 8
"""Major versions of Zeek that this is made for."""

_SECONDS = 20.0
_VERSION = re.compile(r"\bversion[ =]\"?(\d{1,4})\.(\d{1,4})([^\s\"]{0,60})")
_BUILT_WITH = re.compile(r"^(config_dir|site_dir|version)=\"([^\"\n\0]{1,4096})\"", re.MULTILINE)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Version:
    """A version of Zeek, such as 8.0.10."""

    major: int
    minor: int
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}{self.rest}"

    @property
    def is_known(self) -> bool:
        """Whether this is made for it."""
        return OLDEST <= self.major <= NEWEST


@dataclass(frozen=True, slots=True)
class Installation:
    """A Zeek that is installed.

    Attributes:
        prefix: The folder that ``bin/zeek`` and ``share/zeek`` are in.
        program: The program; None where there is none below the prefix.
        version: Its version, where it is known.
        trouble: Why the program did not say its version, where it did not.
        not_run: Whether it was not even asked.
        settings: Where the settings of ZeekControl may be, the best first.
        site: Where scripts of the site belong.
    """

    prefix: Path
    program: Path | None = None
    version: Version | None = None
    trouble: str = ""
    not_run: bool = False
    settings: tuple[Path, ...] = ()
    site: Path | None = None


def find_installation(
    named: Path | None,
    processes: Iterable[ZeekProcess] = (),
    *,
    usual: Iterable[Path] = USUAL,
    search: str | None = None,
) -> Installation | None:
    """Look for Zeek: what was named, or what runs, or is on the PATH, or where it usually is.

    Args:
        named: A prefix or a program that the user names.
        processes: Zeeks that run.
        usual: Prefixes to look at.
        search: Folders to look for programs in; the PATH if not given.
    """
    if named is not None:
        named = named.absolute()
        return _at(named, None) if is_folder(named) else _at(_prefix_of(named), named, asked=True)
    for process in processes:
        program = process.program
        if program is not None and not process.elsewhere and is_file(program):
            return _at(_prefix_of(program), program, asked=_is_trusted(program))
    on_path = shutil.which("zeek", path=search)
    if on_path is not None:
        program = Path(on_path).absolute()
        return _at(_prefix_of(program), program, asked=True)
    found = (one for one in usual if is_file(one / "bin" / "zeek"))
    prefix = next(found, None)
    return None if prefix is None else _at(prefix, None)


def parse_version(text: str) -> Version | None:
    """The version out of what ``zeek --version`` prints."""
    found = _VERSION.search(text)
    return None if found is None else Version(int(found[1]), int(found[2]), _shown(found[3]))


def _at(prefix: Path, program: Path | None, *, asked: bool | None = None) -> Installation:
    """What is installed there.

    Args:
        prefix: Where.
        program: Its program, if it is known.
        asked: Whether the program may be run to ask for its version; by default if nobody else
            than root and this user can have put it there.
    """
    if program is None and is_file(below := prefix / "bin" / "zeek"):
        program = below
    built = _built_with(prefix if program is None else program.parent.parent)
    version, trouble, not_run = None, "", False
    if program is not None:
        not_run = not (_is_trusted(program) if asked is None else asked)
        version, trouble = (None, _NOT_RUN) if not_run else _ask(program)
    if version is None:
        version = parse_version(f"version={built.get('version', '')}")
    settings = [Path(built["config_dir"])] if "config_dir" in built else []
    settings.append(prefix / "etc")
    if prefix == Path("/usr"):
        settings.append(Path("/etc/zeek"))
    site = Path(built["site_dir"]) if "site_dir" in built else prefix / "share" / "zeek" / "site"
    return Installation(prefix, program, version, trouble, not_run, tuple(settings), site)


_NOT_RUN = "others than root and you can change this program, so it was not run to ask for it"


def _ask(program: Path) -> tuple[Version | None, str]:
    """Run the program and take its version; or why that did not work."""
    from enricher.rulegen.engine.suricata import run_child  # noqa: PLC0415  # keeps --help light

    try:
        answer = run_child([str(program), "--version"], timeout=_SECONDS)
    except EngineError as error:
        return None, str(error)
    version = parse_version(answer.output)
    return version, "" if version else "it does not answer as Zeek would"


def _built_with(prefix: Path) -> dict[str, str]:
    """What ``zeek-config``, a shell script beside the program, says; it is read, not run."""
    try:
        text = os.fsdecode(beginning(prefix / "bin" / "zeek-config", 64 * 1024))
    except InputError:
        return {}
    return {found[1]: found[2] for found in _BUILT_WITH.finditer(text)}


def _prefix_of(program: Path) -> Path:
    """The prefix of a program, also where a link to it stands in another folder."""
    places = (program, real_path(program) or program)
    prefixes = [place.parent.parent for place in places]
    return next((one for one in prefixes if is_folder(one / "share" / "zeek")), prefixes[0])


def _is_trusted(program: Path) -> bool:
    """Whether only root and this user can have chosen what the program does."""
    real = real_path(program)
    return real is not None and all(map(_is_ours, (real, *real.parents)))


def _is_ours(path: Path) -> bool:
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    if status.st_uid not in {0, os.geteuid()}:
        return False
    # In a sticky folder such as /tmp nobody replaces what is not his own.
    sticky = stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)
    return sticky or not status.st_mode & _OTHERS_WRITE


def _shown(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ""
