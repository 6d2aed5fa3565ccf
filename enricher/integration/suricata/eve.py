"""The EVE outputs of a configuration, and how ``enricher run`` can follow each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from enricher.integration.suricata.nodes import Node

LOG_FOLDER = "/var/log/suricata"
_FILE = "eve.json"
_MOST_SEED = 0xFFFF


@dataclass(frozen=True, slots=True)
class EveOutput:
    """One ``eve-log`` that is enabled.

    Attributes:
        node: Its settings.
        filetype: As in the configuration, ``regular`` where it says nothing.
        target: The file or socket.
        types: The event types that it logs, each with its settings where it has any.
    """

    node: Node
    filetype: str
    target: Path
    types: Mapping[str, Node | None]

    @property
    def is_file(self) -> bool:
        """Whether it writes to a file."""
        return self.filetype in {"regular", "file"}

    @property
    def many_files(self) -> bool:
        """Whether it writes to several files, of each thread or each period."""
        return self.is_file and (self.node.says("threaded") is True or "%" in self.target.name)

    @property
    def follow(self) -> str | None:
        """The ``path`` of an input of ``enricher run`` that reads it; None where none does."""
        if (self.node.text("prefix") or "") != "" or "%" in str(self.target.parent):
            return None
        if self.filetype == "unix_stream":
            return f"unix:{self.target}"
        if not self.is_file or self.target.is_relative_to("/dev"):
            return None
        return str(self.target.parent if self.many_files else self.target)

    @property
    def community_id(self) -> bool:
        """Whether its events have a community id."""
        return self.node.says("community-id") is True

    @property
    def seed(self) -> int | None:
        """The seed of the community id; None where it is no number."""
        text = self.node.text("community-id-seed")
        if text is None:
            return 0
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(_MOST_SEED)):
            return None
        return int(text)


def log_folder(root: Node) -> Path:
    """The folder of all logs that are not named with a full path."""
    return Path(root.text("default-log-dir") or LOG_FOLDER)


def eve_outputs(root: Node) -> Iterator[EveOutput]:
    """The EVE outputs that are enabled, in their order."""
    outputs = root.at("outputs")
    for item in () if outputs is None else outputs.items():
        node = item.at("eve-log") if item.value == "eve-log" else None
        if node is None or node.says("enabled") is not True:
            continue
        yield EveOutput(
            node,
            node.text("filetype") or node.text("type") or "regular",
            log_folder(root) / (node.text("filename") or _FILE),
            _types(node.at("types")),
        )


def _types(node: Node | None) -> dict[str, Node | None]:
    found: dict[str, Node | None] = {}
    for item in () if node is None else node.items():
        settings = None if item.value is None else item.children.get(item.value)
        enabled = None if settings is None else settings.text("enabled")
        off = settings is not None and enabled is not None and not settings.says("enabled")
        if item.value is not None and not off:
            found.setdefault(item.value, settings)
    return found
