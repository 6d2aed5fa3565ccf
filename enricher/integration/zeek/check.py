"""Looks at the Zeek of this machine and says what the enricher can make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enricher.integration.finding import Finding, no_problem
from enricher.integration.settings_text import Input
from enricher.integration.zeek.control import Control, read_control
from enricher.integration.zeek.installation import USUAL, Installation, find_installation
from enricher.integration.zeek.package import Package, find_package, read_site, site_scripts
from enricher.integration.zeek.places import Place, days_in, find_places, named_place
from enricher.integration.zeek.processes import ZeekProcess, running
from enricher.integration.zeek.scripts import seconds_of
from enricher.integration.zeek.streams import Stream, Streams, look_at

_DAYS = 2


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a Zeek is looked for.

    Attributes:
        proc: The mounted process information.
        usual: Prefixes.
        search: Folders of programs; None is the PATH.
    """

    proc: Path = Path("/proc")
    usual: tuple[Path, ...] = USUAL
    search: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """All that is known of a Zeek.

    Attributes:
        installation: What is installed; None where none was found.
        processes: What runs.
        control: What ZeekControl is told; None without an installation.
        scripts: The site's own scripts.
        places: Where logs are.
        streams: What they are, by place.
        package: The enricher's package.
        rotation: Seconds between rotations; None where nobody says.
        inputs: What the enricher is to read.
    """

    installation: Installation | None
    processes: tuple[ZeekProcess, ...]
    control: Control | None
    scripts: tuple[Path, ...]
    places: tuple[Place, ...]
    streams: tuple[Streams, ...]
    package: Package
    rotation: float | None
    inputs: tuple[Input, ...]

    def logs(self) -> Iterator[Stream]:
        """Every log of Zeek's own."""
        for streams in self.streams:
            yield from streams.found

    @property
    def has_logs(self) -> bool:
        """Whether there is any log that can be read."""
        return bool(self.package.streams.found) or any(True for _ in self.logs())


def look(named: Path | None, logs: Path | None, machine: Machine | None = None) -> Site:
    """Look at the Zeek of this machine.

    Args:
        named: Its prefix or program, where the user names it.
        logs: The folder of its logs, where the user names it.
        machine: Where to look; this machine by default.
    """
    machine = machine or Machine()
    processes = running(machine.proc)
    installation = find_installation(
        named, processes, usual=machine.usual, search=machine.search
    )  # fmt: skip
    control = None
    if installation is not None:
        control = read_control(installation.prefix, installation.settings)
    site = None if installation is None else installation.site
    scripts = read_site(site_scripts(control, site, processes))
    options = {name: value for one in scripts.values() for name, value in one.options.items()}
    if logs is not None:
        places: tuple[Place, ...] = (named_place(logs),)
    else:
        places = find_places(control, options.get("Log::default_logdir"), processes)
    folders = [_folders(place) for place in places]
    streams = tuple(look_at(one) for one in folders)
    package = find_package(scripts, [folder for one in folders for folder in one])
    rotation: float | None = seconds_of(options.get("Log::default_rotation_interval"))
    if control is not None and control.file is not None:
        rotation = control.rotation
    inputs = tuple(_inputs(package, places, streams))
    return Site(
        installation, processes, control, tuple(scripts), places, streams, package, rotation, inputs
    )


def is_usable(site: Site, findings: list[Finding]) -> bool:
    """Whether the enricher can stand beside it, be it with less than there could be."""
    found = site.has_logs or site.installation is not None
    return found and no_problem(findings)


def _folders(place: Place) -> list[Path]:
    """Folders that the logs of a place are in: live, then the newest days of the archive."""
    archived = days_in(place.archive)[:_DAYS] if place.archive is not None else []
    return [place.live, *archived]


def written_twice(streams: Streams) -> list[str]:
    """Kinds whose records are written in two ways at once: each would count twice."""
    live = [stream for stream in streams.found if stream.is_live and not stream.is_long]
    kinds = [stream.kind for stream in live]
    return sorted({kind for kind in kinds if kinds.count(kind) > 1})


def _inputs(
    package: Package, places: tuple[Place, ...], streams: tuple[Streams, ...]
) -> Iterator[Input]:
    """What to read: the package's logs where there are some, for they have more."""
    if package.streams.found:
        yield Input(package.directory)
        return
    for place, logs in zip(places, streams, strict=True):
        if not written_twice(logs):
            yield Input(place.live, place.archive)
            continue
        chosen: dict[str, Stream] = {}
        for stream in logs.found:
            # Zeek's own way comes first, for all its kinds are written so.
            if stream.is_live and (stream.style != "json-streaming" or stream.kind not in chosen):
                chosen[stream.path or stream.kind] = stream
        for stream in chosen.values():
            yield Input(stream.file, place.archive)
