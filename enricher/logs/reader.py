"""One way to every reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from enricher.logs.batch import LogReader
from enricher.logs.eve import EveReader
from enricher.logs.kinds import Kind
from enricher.logs.tsv import ZeekTsvReader
from enricher.logs.zeek_json import ZeekJsonReader


def open_reader(
    format: Literal["tsv", "json", "eve"],  # noqa: A002 - what :class:`LogIdentity` calls it
    name: str,
    kind: Kind | None,
    keep: Sequence[str] = (),
) -> LogReader:
    """A reader for one file.

    Args:
        format: How its records are written: Zeek's TSV, Zeek's JSON, Suricata's EVE.
        name: The file's path, for messages.
        kind: The kind of its records, where the file does not say it; EVE always does.
        keep: Further columns to keep, as strings (labels, for example).

    Returns:
        A reader that wants the file's blocks in order.
    """
    match format:
        case "tsv":
            return ZeekTsvReader(name, kind, keep)
        case "json":
            return ZeekJsonReader(name, kind, keep)
        case "eve":
            return EveReader(name, keep)
