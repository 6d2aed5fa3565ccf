"""Where a running Zeek writes its logs, and where they are moved to at rotation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError
from enricher.integration.looking import is_folder, link_of, names_in
from enricher.integration.zeek.control import Control
from enricher.integration.zeek.processes import ZeekProcess
from enricher.logs.names import day_of_folder, parse_name
from enricher.sources.order import LIVE_FOLDER

_LOGDIR = "Log::default_logdir="
# Zeek writes one of these within minutes, whatever the traffic is.
_SIGNS = frozenset({"conn", "stats", "loaded_scripts", "packet_filter", "dns", "http", "ssl"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where logs are.

    Attributes:
        live: Folder that Zeek writes to.
        archive: Folder that they are moved to at rotation; None where they stay in ``live``.
        why: How it is known.
        named: Whether the user named it.
    """

    live: Path
    archive: Path | None
    why: str
    named: bool = False


def named_place(folder: Path) -> Place:
    """The place that a user names: what Zeek writes to, or ZeekControl's folder of all logs."""
    why = "it was named"
    folder = folder.absolute()
    if folder.name == LIVE_FOLDER and days_in(folder.parent):
        return Place(folder, folder.parent, why, named=True)
    live = folder / LIVE_FOLDER
    if is_folder(live) or link_of(live) is not None or (days_in(folder) and not _logs_in(folder)):
        return Place(live, folder, why, named=True)
    return Place(folder, None, why, named=True)


def find_places(
    control: Control | None, logdir: str | None, processes: Sequence[ZeekProcess]
) -> tuple[Place, ...]:
    """Where logs are written, as far as it can be told; several where there are several loggers.

    Args:
        control: What ZeekControl is told.
        logdir: What the site's scripts set ``Log::default_logdir`` to.
        processes: Zeeks that run.
    """
    if logdir and logdir.startswith("/"):
        return (Place(Path(logdir), None, "Log::default_logdir"),)
    if control is not None and (found := tuple(_of_control(control))):
        return found
    return tuple(_of_processes(processes))


def days_in(folder: Path) -> list[Path]:
    """Folders of archived logs, one for each day, the newest first."""
    try:
        names = names_in(folder)
    except InputError:
        return []
    days = [(day, name) for name in names if (day := day_of_folder(name)) is not None]
    return [folder / name for _, name in sorted(days, reverse=True) if is_folder(folder / name)]


def _of_control(control: Control) -> Iterator[Place]:
    archive = control.logs if is_folder(control.logs) else None
    spools = [control.spool / node.name for node in control.logging_nodes()]
    spools = [folder for folder in spools if is_folder(folder)]
    if len(spools) > 1:
        # `current` leads to one of them only.
        why = f"one of {len(spools)} loggers in node.cfg"
        yield from (Place(folder, archive, why) for folder in spools)
        return
    live = control.logs / LIVE_FOLDER
    if is_folder(live) or link_of(live) is not None:
        yield Place(live, archive, "ZeekControl")
        return
    for folder in (*spools, *(control.spool / name for name in ("zeek", "manager", "logger"))):
        if is_folder(folder):
            yield Place(folder, archive, "ZeekControl's spool")
            return
    if archive is not None and days_in(archive):
        yield Place(live, archive, "ZeekControl's archive")


def _of_processes(processes: Sequence[ZeekProcess]) -> Iterator[Place]:
    seen: set[Path] = set()
    for process in processes:
        if process.elsewhere:
            continue
        folder = process.folder
        for word in process.words:
            told = Path(word.removeprefix(_LOGDIR).strip('"'))
            if word.startswith(_LOGDIR) and told.is_absolute():
                folder = told
        if folder is not None and folder not in seen and _logs_in(folder):
            seen.add(folder)
            yield Place(folder, None, f"process {process.pid} writes there")


def _logs_in(folder: Path) -> bool:
    """Whether there are logs of Zeek's, by their names."""
    try:
        return any(parse_name(name).path in _SIGNS for name in names_in(folder))
    except InputError:
        return False
