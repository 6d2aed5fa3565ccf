"""Reads a suricata.yaml and all that it includes, as Suricata itself does.

Suricata does not build YAML's values. It walks through the parser's events and makes a tree of
texts of its own, and this does the same (Suricata 7.0, ``src/conf-yaml-loader.c``): a name that is
said again replaces the first, a name with dots reaches into what is there, aliases and merges mean
nothing. A test compares the two. Files and their number are bounded: who wrote them is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import yaml

from enricher.errors import InputError
from enricher.integration.looking import beginning
from enricher.integration.suricata.nodes import Node

MAX_BYTES = 2 << 20
"""Bytes of all files together. The file that ships has 87 KB."""
MAX_FILES = 64
_MAX_EVENTS = 500_000
# Suricata's own bounds.
_MAX_DEPTH = 128
_MAX_NAME = 1024

_ENDS = (yaml.SequenceEndEvent, yaml.MappingEndEvent, yaml.StreamEndEvent)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_VARIABLES = frozenset({"address-groups", "port-groups"})
_FAILS = "Suricata does not start with it."


@dataclass(frozen=True, slots=True)
class Include:
    """One include of another file.

    Attributes:
        target: The file that is included.
        file: The file that says so.
        line: The line there.
    """

    target: Path
    file: Path
    line: int


@dataclass(slots=True)
class Configuration:
    """What a configuration says.

    Attributes:
        path: The file that was asked for.
        root: All settings.
        includes: The includes at the top, in their order.
        alias: Where the first of YAML's aliases stands (``*name``); Suricata passes over them.
        replaced: Names at the top that were said again: the later and the earlier place.
    """

    path: Path
    root: Node
    includes: list[Include] = field(default_factory=list)
    alias: str | None = None
    replaced: list[tuple[Node, str]] = field(default_factory=list)


def load(path: Path) -> Configuration:
    """Read a configuration and what it includes.

    Raises:
        InputError: If Suricata could not read it either, or it is beyond all bounds.
    """
    return _Loader(path).load()


class _State(Enum):
    KEY = 0
    VALUE = 1
    INCLUDE = 2


@dataclass(slots=True)
class _Frame:
    """One mapping, list or file that is being read."""

    events: Iterator[yaml.Event]
    file: Path
    parent: Node
    node: Node
    listed: bool
    depth: int
    state: _State = _State.KEY
    index: int = 0
    was_empty: bool | None = None


class _Loader:
    def __init__(self, path: Path) -> None:
        self._made = Configuration(path, Node("", path, 0))
        self._frames: list[_Frame] = []
        self._files = self._bytes = self._events = 0

    def load(self) -> Configuration:
        self._open(self._made.path, self._made.root)
        while self._frames:
            frame = self._frames[-1]
            self._take(frame, self._next(frame))
        return self._made

    def _open(self, path: Path, parent: Node, by: _Frame | None = None, line: int = 0) -> None:
        """Begin with a file; what it says goes below ``parent``."""
        asked_by, asked_at = (None, None) if by is None else (by.file, line)
        if any(frame.file == path for frame in self._frames):
            raise InputError(f"includes {str(path)!a} within itself. {_FAILS}", asked_by, asked_at)
        self._files += 1
        if self._files > MAX_FILES:
            raise InputError(f"more than {MAX_FILES} files are included", self._made.path)
        try:
            data = beginning(path, MAX_BYTES - self._bytes + 1)
        except InputError as error:
            if by is None:
                raise
            message = f"includes {str(path)!a}, which {error.message}. {_FAILS}"
            raise InputError(message, asked_by, asked_at) from error
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            message = f"with it, it is more than {MAX_BYTES >> 20} MiB: no configuration has that"
            raise InputError(message, path)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        events = iter(yaml.parse(data, Loader=loader))
        self._frames.append(_Frame(events, path, parent, parent, listed=False, depth=0))

    def _next(self, frame: _Frame) -> yaml.Event:
        self._events += 1
        if self._events > _MAX_EVENTS:
            raise InputError("says too much for a configuration of Suricata", self._made.path)
        try:
            event = next(frame.events)
            if isinstance(event, yaml.ScalarEvent):
                event.value.encode()  # YAML written in Python lets halves of surrogates pass
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = None if mark is None else mark.line + 1
            problem = getattr(error, "problem", None) or "not readable as text"
            raise InputError(f"is no YAML ({problem}). {_FAILS}", frame.file, line) from error
        except (ValueError, OverflowError) as error:
            raise InputError(f"has characters that are none. {_FAILS}", frame.file) from error
        return event

    def _take(self, frame: _Frame, event: yaml.Event) -> None:
        line = 0 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            if event.version != (1, 1):
                message = f"has to begin with the lines '%YAML 1.1' and '---'. {_FAILS}"
                raise InputError(message, frame.file, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(frame, event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._list(frame)
        elif isinstance(event, yaml.MappingStartEvent):
            self._mapping(frame, line)
        elif isinstance(event, yaml.AliasEvent):
            self._made.alias = self._made.alias or f"{frame.file}:{line}"
        elif isinstance(event, _ENDS):
            self._frames.pop()

    def _list(self, frame: _Frame) -> None:
        if frame.state is _State.INCLUDE:
            self._push(frame, frame.parent, listed=True, state=_State.INCLUDE)
        else:
            frame.node.is_list = True
            self._push(frame, frame.node, listed=True)
        frame.state = _State.KEY

    def _mapping(self, frame: _Frame, line: int) -> None:
        if frame.state is _State.INCLUDE:
            raise InputError(f"'include' has to name files. {_FAILS}", frame.file, line)
        if frame.listed:
            item = self._item(frame, frame.node, None, line)
            item.is_list = True
            self._push(frame, item)
        else:
            self._push(frame, frame.node)
        frame.state = _State.KEY

    def _push(
        self, above: _Frame, parent: Node, *, listed: bool = False, state: _State = _State.KEY
    ) -> None:
        depth = above.depth + 1
        if depth > _MAX_DEPTH:
            raise InputError(f"is nested too deeply. {_FAILS}", above.file)
        frame = _Frame(above.events, above.file, parent, parent, listed, depth, state)
        self._frames.append(frame)

    def _scalar(self, frame: _Frame, event: yaml.ScalarEvent, line: int) -> None:
        # As in C, a text ends at the first zero.
        text = event.value.split("\0", 1)[0]
        if frame.state is _State.KEY and not text:
            return
        plain = not event.style
        value: str | None = text
        if plain and text in _NULLS and (frame.listed or frame.state is _State.VALUE):
            value = None
        if frame.state is _State.INCLUDE:
            if not frame.listed:
                frame.state = _State.KEY
            if value is not None:
                self._include(frame, frame.parent, value, line)
        elif frame.listed:
            self._item(frame, frame.parent, value, line)
        elif frame.state is _State.KEY:
            self._key(frame, text, line)
        else:
            frame.state = _State.KEY
            if value is not None and event.tag == "!include":
                self._include(frame, frame.node, value, line)
            elif value is not None:
                frame.node.value = value

    def _include(self, frame: _Frame, parent: Node, name: str, line: int) -> None:
        # All names are relative to the folder of the first file, as for Suricata.
        target = self._made.path.parent / name
        if parent is self._made.root:
            self._made.includes.append(Include(target, frame.file, line))
        self._open(target, parent, frame, line)

    def _item(self, frame: _Frame, parent: Node, value: str | None, line: int) -> Node:
        """The next item of a list; one that was there before is moved, and keeps its value."""
        name = str(frame.index)
        frame.index += 1
        if frame.was_empty is None:
            frame.was_empty = not parent.children
        item = None if frame.was_empty else parent.children.pop(name, None)
        if item is None:
            item = Node(name, frame.file, line, value)
        parent.add(item)
        return item

    def _key(self, frame: _Frame, text: str, line: int) -> None:
        if text == "include":
            frame.state = _State.INCLUDE
            return
        frame.state = _State.VALUE
        parent = frame.parent
        if parent.is_list and parent.value is None:
            parent.value = text.replace("_", "-")
        if "." in text:
            self._events += text.count(".")  # each is a node
            frame.node = _reach(parent, text, frame.file, line)
            return
        there = parent.children.get(text)
        if there is not None:
            if parent is self._made.root:
                self._made.replaced.append((there, there.place))
            there.empty()
            there.file, there.line = frame.file, line
            frame.node = there
            return
        name = text if parent.name in _VARIABLES else text.replace("_", "-")
        frame.node = Node(name, frame.file, line)
        parent.add(frame.node)


def _reach(parent: Node, path: str, file: Path, line: int) -> Node:
    """The node at a name with dots; what is missing on the way is made, nothing is replaced."""
    if len(path.encode()) >= _MAX_NAME:
        raise InputError(f"a name is too long. {_FAILS}", file, line)
    node = parent
    for name in path.split("."):
        below = node.children.get(name)
        if below is None:
            below = Node(name, file, line)
            node.add(below)
        node = below
    node.file, node.line = file, line
    return node
