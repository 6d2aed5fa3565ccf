"""Suricata's configuration as the engine holds it: a tree of named nodes, every value a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_TRUE = frozenset({"1", "yes", "true", "on"})
_FALSE = frozenset({"0", "no", "false", "off"})


# No comparing by content: a configuration may be nested deeper than Python can follow.
@dataclass(slots=True, eq=False)
class Node:
    """One setting, with what stands below it.

    An item of a list has its number for a name. Where the item is a mapping, such as
    ``- eve-log: ...``, its value is the mapping's first key.

    Attributes:
        name: Its name.
        file: The file that said it last.
        line: The line there, counted from 1.
        value: Its text; None where it has none.
        is_list: Whether it was written as a list.
        children: What stands below it by its name, in the engine's order.
    """

    name: str
    file: Path
    line: int
    value: str | None = None
    is_list: bool = False
    children: dict[str, Node] = field(default_factory=dict)

    def at(self, path: str) -> Node | None:
        """The node at a path below this one, such as ``app-layer.protocols.tls``."""
        node: Node | None = self
        for name in path.split("."):
            node = None if node is None else node.children.get(name)
        return node

    def text(self, path: str) -> str | None:
        """The value at a path below this one."""
        node = self.at(path)
        return None if node is None else node.value

    def says(self, path: str) -> bool | None:
        """Whether the value at a path means yes or no; None where it means neither, or is absent.

        The engine takes 1, yes, true, on and 0, no, false, off, whatever their case.
        """
        text = (self.text(path) or "").lower()
        return True if text in _TRUE else False if text in _FALSE else None

    def items(self) -> Iterator[Node]:
        """What stands below it, in the engine's order."""
        return iter(self.children.values())

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.file}:{self.line}"

    def add(self, child: Node) -> None:
        """Put a node below this one; of several of one name the first is found."""
        twice = child.name in self.children
        self.children[f"{child.name}\0{id(child)}" if twice else child.name] = child

    def empty(self) -> None:
        """Forget the value and all below, as the engine does when a name is said again."""
        self.value = None
        self.children.clear()
