"""A settings file as plain values, with the line that each stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from enricher.errors import ConfigError

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 16

Place: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """What a settings file says.

    Attributes:
        file: The file.
        values: Its content; empty where the file is.
        lines: The line of every key and list item, counted from 1, by its place from the top.
    """

    file: Path
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line of ``place``, or of the nearest thing around it that has one."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None


class _BoundedLoader(yaml.SafeLoader):
    """A safe loader without aliases and without deep nesting, both of which can exhaust it."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(_Marked("aliases (*name) are not supported here", mark))
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise yaml.YAMLError(_Marked("nested too deeply", mark))
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


@dataclass(frozen=True, slots=True)
class _Marked:
    text: str
    mark: yaml.Mark


def read_document(file: Path) -> Document:
    """Read a YAML settings file.

    Raises:
        ConfigError: If it cannot be read, is too large, is no YAML mapping, or says a key twice.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot be read: {reason}. Give another file with -c.", file) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES} bytes: that is no settings file.", file)
    return parse_document(data, file)


def parse_document(data: bytes, file: Path) -> Document:
    """Parse the content of a settings file; ``file`` is for messages.

    Raises:
        ConfigError: If it is no YAML mapping, or says a key twice.
    """
    document = Document(file)
    try:
        loader = _BoundedLoader(data)
        root = loader.get_single_node()
        if root is None:
            return document
        values = _build(loader, root, (), document)
    except yaml.YAMLError as error:
        raise _yaml_problem(error, file) from error
    if values is None:
        return document
    if not isinstance(values, dict):
        raise ConfigError("settings are 'name: value' lines; this is something else.", file, 1)
    document.values = values
    return document


def parse_value(text: str) -> object:
    """A setting's value given as text on the command line or in the environment, read as YAML.

    Raises:
        ConfigError: If it is no YAML value; without file and line.
    """
    if text == "-":
        return text  # standard output; YAML would read a list of nothing
    nowhere = Document(Path())
    try:
        loader = _BoundedLoader(text)
        node = loader.get_single_node()
        return None if node is None else _build(loader, node, (), nowhere)
    except yaml.YAMLError as error:
        raise ConfigError("is not a YAML value; quote it?") from error
    except ConfigError as error:
        raise ConfigError(error.message) from error


def _build(loader: _BoundedLoader, node: yaml.Node, place: Place, document: Document) -> Any:
    """The value of a node; notes the lines of all that is below it."""
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(loader, node, place, document)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            document.lines[(*place, index)] = item.start_mark.line + 1
            items.append(_build(loader, item, (*place, index), document))
        return items
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, OverflowError) as error:
        line = node.start_mark.line + 1
        raise ConfigError(f"not a usable value: {error}", document.file, line) from error


def _build_mapping(
    loader: _BoundedLoader, node: yaml.MappingNode, place: Place, document: Document
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
            raise ConfigError("a setting's name must be a word.", document.file, line)
        if key in values:
            first = document.lines[(*place, key)]
            raise ConfigError(
                f"{key!r} stands here a second time (first in line {first}); remove one.",
                document.file,
                line,
            )
        document.lines[(*place, key)] = line
        values[key] = _build(loader, value_node, (*place, key), document)
    return values


def _yaml_problem(error: yaml.YAMLError, file: Path) -> ConfigError:
    """Say what the YAML parser said, with the line."""
    if error.args and isinstance(error.args[0], _Marked):
        marked = error.args[0]
        return ConfigError(f"{marked.text}.", file, marked.mark.line + 1)
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not readable as YAML text"
    return ConfigError(f"not valid YAML: {problem}.", file, mark.line + 1 if mark else None)
