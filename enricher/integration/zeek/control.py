"""ZeekControl's settings, ``zeekctl.cfg`` and ``node.cfg``, read as ZeekControl reads them.

One option a line, ``Name = value``; names in any case; of several with one name the last counts;
a value is taken as it stands. What is not set has a default that is made of other options
(``ZeekControl/options.py`` of ZeekControl 2.5 and later).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError
from enricher.integration.looking import beginning, is_file

_HOUR = 3600
_MOST_OPTIONS = 4096
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", ""})
_LOGGING = ("logger", "manager", "standalone")
_SECTION = re.compile(r"\[([^\]]+)\]")
_OPTION = re.compile(r"([^=:]+)[=:](.*)")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of ``node.cfg``: one process of Zeek.

    Attributes:
        name: The folder below ``SpoolDir`` that it works in is called so.
        type: ``standalone``, ``manager``, ``logger``, ``proxy`` or ``worker``.
        host: The machine that it runs on.
    """

    name: str
    type: str
    host: str

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as its host's name tells."""
        return self.host.lower() in {*_LOCAL, socket.gethostname().lower()}


@dataclass(frozen=True, slots=True)
class Control:
    """What ZeekControl is told.

    Attributes:
        file: Its settings file; None where there is none and all are defaults.
        logs: Where logs are archived, below it ``current``.
        spool: Where its nodes work, each in a folder of its name.
        sites: Folders of the site's own scripts.
        scripts: Names of the site's scripts, such as ``local.zeek``.
        rotation: Seconds between two rotations; 0 is never, None is no number.
        nodes: The nodes of ``node.cfg``.
    """

    file: Path | None
    logs: Path
    spool: Path
    sites: tuple[Path, ...]
    scripts: tuple[str, ...]
    rotation: int | None
    nodes: tuple[Node, ...] = ()

    def logging_nodes(self) -> tuple[Node, ...]:
        """The nodes that write logs: the loggers, or else the manager, or the only one."""
        for kind in _LOGGING:
            if found := tuple(node for node in self.nodes if node.type == kind):
                return found
        return ()


def read_control(prefix: Path, folders: tuple[Path, ...]) -> Control:
    """ZeekControl's settings for an installation of Zeek; defaults where they cannot be read.

    Args:
        prefix: Where Zeek is installed.
        folders: Where ``zeekctl.cfg`` may be, the best first.
    """
    file = next((place for one in folders if is_file(place := one / "zeekctl.cfg")), None)
    options: Mapping[str, str] = {}
    if file is not None:
        try:
            options = read_options(beginning(file))
        except InputError:
            file = None
    base = Path(options.get("zeekbase", str(prefix)))
    default_folder = file.parent if file is not None else base / "etc"
    folder = Path(options.get("cfgdir", str(default_folder)))
    policy = options.get("policydir", str(base / "share" / "zeek"))
    sites = options.get("sitepolicypath", f"{policy}/site").split(":")
    return Control(
        file=file,
        logs=Path(options.get("logdir", str(base / "logs"))),
        spool=Path(options.get("spooldir", str(base / "spool"))),
        sites=tuple(Path(one) for one in sites if one),
        scripts=tuple(options.get("sitepolicyscripts", "local.zeek").split()),
        rotation=_number(options.get("logrotationinterval", str(_HOUR))),
        nodes=_nodes_at(Path(options.get("nodecfg", str(folder / "node.cfg")))),
    )


def read_options(data: bytes) -> dict[str, str]:
    """The options of a ``zeekctl.cfg``, by their names in lower case.

    Values are as :func:`os.fsdecode` has them: most of them are paths. Lines that are no options,
    and values that no path can be, are left out.
    """
    options: dict[str, str] = {}
    for line in _lines(data):
        name, found, value = line.partition("=")
        if found and "\0" not in value and len(options) < _MOST_OPTIONS:
            options[name.strip().lower()] = value.strip()
    return options


def read_nodes(data: bytes) -> tuple[Node, ...]:
    """The nodes of a ``node.cfg``; those without a type are left out."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in _lines(data):
        if heading := _SECTION.match(line):
            current = {}
            if len(sections) < _MOST_OPTIONS and "\0" not in heading[1]:
                current = sections.setdefault(heading[1], current)
            continue
        if (option := _OPTION.match(line)) and "\0" not in line and len(current) < _MOST_OPTIONS:
            current[option[1].strip().lower()] = option[2].strip()
    return tuple(
        Node(name, options["type"], options.get("host", ""))
        for name, options in sections.items()
        if "type" in options
    )


def _nodes_at(path: Path) -> tuple[Node, ...]:
    try:
        return read_nodes(beginning(path))
    except InputError:
        return ()


def _lines(data: bytes) -> list[str]:
    """Lines that say something."""
    lines = (line.strip() for line in os.fsdecode(data).split("\n"))
    return [line for line in lines if line and not line.startswith(("#", ";"))]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("1" * 10) else None
