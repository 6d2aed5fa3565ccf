"""Whether a site's Zeek has the enricher's package, and where the package writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError
from enricher.integration.looking import beginning, is_file, names_in, real_path
from enricher.integration.zeek.control import Control
from enricher.integration.zeek.processes import ZeekProcess
from enricher.integration.zeek.scripts import Script, read_script
from enricher.integration.zeek.setting_up import LOGS, NAME
from enricher.integration.zeek.streams import Streams, look_at
from enricher.logs.names import parse_name
from enricher.resources import resource_dir
from enricher.sources import open_decompressed
from enricher.sources.compression import ByteStream

_DIRECTORY = "Enricher::directory"
_PIECE = 64 * 1024
_MOST_OF_A_LOG = 4 << 20
_MOST_FILES = 8
_MOST_WORDS = 256
_MOST_SCRIPTS = 64


@dataclass(frozen=True, slots=True)
class Package:
    """What is known of the package at a site.

    Attributes:
        script: The site's script that loads it; None where none is seen to.
        runs: Whether the running Zeek has loaded it, as ``loaded_scripts.log`` tells; None where
            nobody tells.
        directory: Where it writes.
        streams: What it has written there.
    """

    script: Path | None
    runs: bool | None
    directory: Path
    streams: Streams


def site_scripts(
    control: Control | None, site: Path | None, processes: Iterable[ZeekProcess] = ()
) -> list[Path]:
    """The site's own scripts that are there: ``local.zeek``, and what Zeeks that run were given.

    Args:
        control: What ZeekControl is told.
        site: Where scripts of the site belong.
        processes: Zeeks that run.
    """
    folders = [*(control.sites if control is not None else ()), *([site] if site else [])]
    names = control.scripts if control is not None else ("local.zeek",)
    places = [folder / name for folder in folders for name in names]
    places += [place for process in processes for place in _given(process)]
    return [place for place in dict.fromkeys(places) if is_file(place)][:_MOST_SCRIPTS]


def _given(process: ZeekProcess) -> Iterator[Path]:
    """Scripts on a command line, as far as they are named by their files."""
    if process.elsewhere:
        return
    for word in process.words[1:_MOST_WORDS]:
        if word.endswith(".zeek") and (word.startswith("/") or process.folder is not None):
            yield (process.folder or Path("/")) / word


def read_site(paths: Iterable[Path]) -> dict[Path, Script]:
    """What the site's scripts say; those that cannot be read say nothing."""
    scripts: dict[Path, Script] = {}
    for path in paths:
        try:
            scripts[path] = read_script(beginning(path))
        except InputError:
            scripts[path] = Script()
    return scripts


def find_package(scripts: dict[Path, Script], folders: Sequence[Path]) -> Package:
    """Look for the package at a site.

    Args:
        scripts: What the site's scripts say.
        folders: Where Zeek's logs are, the newest first.
    """
    loader = next((path for path, script in scripts.items() if _loads(script)), None)
    told = next((d for one in scripts.values() if (d := one.options.get(_DIRECTORY))), "")
    directory = Path(told) if told.startswith("/") else LOGS
    return Package(loader, _runs(folders), directory, look_at([directory]))


def _loads(script: Script) -> bool:
    if any(name.startswith("Enricher::") for name in script.options):
        return True
    ours = real_path(resource_dir("zeek_scripts"))
    return any(
        Path(load).name == NAME or (load.startswith("/") and real_path(Path(load)) == ours)
        for load in script.loads
    )


def _runs(folders: Iterable[Path]) -> bool | None:
    """Whether the newest ``loaded_scripts.log`` has it."""
    marks = [f"/{NAME}/__load__.zeek", f"{resource_dir('zeek_scripts')}/__load__.zeek"]
    for path in _loaded_scripts(folders):
        try:
            with closing(open_decompressed(path)) as stream:
                return _has(stream, [os.fsencode(mark) for mark in marks])
        except (InputError, OSError):
            continue
    return None


def _loaded_scripts(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            names = names_in(folder)
        except InputError:
            continue
        # The names of one day's files sort by their times.
        found = [name for name in names if parse_name(name).path == "loaded_scripts"]
        yield from (folder / name for name in found[::-1][:_MOST_FILES])


def _has(stream: ByteStream, marks: Sequence[bytes]) -> bool:
    data, left, longest = b"", _MOST_OF_A_LOG, max(map(len, marks))
    while left > 0 and (piece := stream.read(_PIECE)):
        data = data[-longest:] + piece
        left -= len(piece)
        if any(mark in data for mark in marks):
            return True
    return False
