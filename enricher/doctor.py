"""Checks of an installation, a device, a bundle, a state directory and paths.

Each check gives findings and never raises: a broken part is what it is there to tell of.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from enricher.errors import EnricherError
from enricher.integration.finding import Finding
from enricher.resources import Resource, resource_dir

if TYPE_CHECKING:
    from enricher.logs import Kind

_NEEDED = (
    *("numpy", "polars", "numba", "torch", "orjson", "safetensors", "pydantic", "communityid"),
    *("jinja2", "matplotlib"),
)
_LITTLE_SPACE = 512 * 1024 * 1024


def examine(
    paths: Sequence[Path], *, state: Path, bundle: str = "base", device: str = "auto"
) -> Iterator[Finding]:
    """Every check in turn.

    Args:
        paths: Logs or directories of logs that are to be read.
        state: The site state directory.
        bundle: Name or folder of the model bundle.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    yield from check_python()
    yield from check_packages()
    yield from check_data()
    yield from check_device(device)
    yield from check_bundle(bundle)
    yield from check_state(state)
    yield from check_paths(paths)
    yield from check_tools()


def check_python() -> Iterator[Finding]:
    """The interpreter."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("python", "ok", f"Python {version} ({sys.executable})")


def check_packages(names: Sequence[str] = _NEEDED) -> Iterator[Finding]:
    """The libraries, and whether they can be loaded."""
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, OSError, RuntimeError) as error:
            advice = f"Install it again: pip install --force-reinstall {name}"
            yield Finding("packages", "problem", f"{name} cannot be loaded: {error}", advice)
            continue
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "of unknown version"
        yield Finding("packages", "ok", f"{name} {version}")


def check_data() -> Iterator[Finding]:
    """Models, rules and Zeek scripts that ship with the program."""
    kinds: tuple[Resource, ...] = ("models", "rules", "zeek_scripts")
    for kind in kinds:
        try:
            folder = resource_dir(kind)
        except EnricherError as error:
            yield Finding("data", "problem", str(error), "Install the program again.")
        else:
            yield Finding("data", "ok", f"{kind}: {folder}")


def check_device(device: str) -> Iterator[Finding]:
    """The device the model is to run on."""
    try:
        import torch  # noqa: PLC0415  # a broken torch is a finding, not the end

        from enricher.detector.device import choose_device  # noqa: PLC0415
    except (ImportError, OSError) as error:
        yield Finding(
            "device", "problem", f"PyTorch cannot be loaded: {error}", "Install it again."
        )
        return
    try:
        chosen = choose_device(device)
    except EnricherError as error:
        yield Finding("device", "problem", str(error), "Set detector.device to auto.")
        return
    if chosen.type == "cuda":
        name, memory = torch.cuda.get_device_name(chosen), torch.cuda.mem_get_info(chosen)
        free = memory[0] / 2**30
        yield Finding("device", "ok", f"{device}: {name}, {free:.1f} GiB free")
    else:
        cores = os.cpu_count() or 1
        yield Finding("device", "ok", f"{device}: processor, {cores} cores (no GPU in use)")


def check_bundle(name: str) -> Iterator[Finding]:
    """The model bundle: whole, of this version, and saying what it said when it was made."""
    try:
        from enricher.detector import bundle as bundles  # noqa: PLC0415
        from enricher.detector import reference  # noqa: PLC0415
    except (ImportError, OSError) as error:
        yield Finding("bundle", "problem", f"the detector cannot be loaded: {error}", "See above.")
        return
    try:
        folder = bundles.find_bundle(name)
        bundle = bundles.Bundle.load(folder)
        compared = reference.verify(bundle, folder)
    except EnricherError as error:
        advice = "Install the program again, or name another bundle with detector.bundle."
        yield Finding("bundle", "problem", str(error), advice)
        return
    kinds, families = ", ".join(bundle.specs), len(bundle.labels)
    yield Finding(
        "bundle",
        "ok",
        f"{bundle.name} ({folder}): {families} families, {kinds}; "
        f"{compared} reference records score as when it was made",
    )


def check_state(folder: Path) -> Iterator[Finding]:
    """The state directory: there or to be made, writable, with room."""
    place = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    other = "Name another directory with --state, or make this one writable for this user."
    if not place.is_dir():
        yield Finding("state", "problem", f"{place} is no directory", other)
        return
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
        free = shutil.disk_usage(place).free
    except OSError as error:
        yield Finding("state", "problem", f"{place} cannot be written: {error.strerror}", other)
        return
    known = "is writable" if place == folder else "will be made on first use"
    room = f"{free / 2**30:.1f} GiB free"
    if free < _LITTLE_SPACE:
        yield Finding("state", "warning", f"{folder} {known}, {room}", "Make room on that disk.")
    else:
        yield Finding("state", "ok", f"{folder} {known}, {room}")


def check_paths(paths: Sequence[Path]) -> Iterator[Finding]:
    """The logs: found, readable, of which kinds and formats, with the fields that matter."""
    if not paths:
        return
    from enricher.sources import discover  # noqa: PLC0415  # loads polars, which may be broken

    for path in paths:
        found = discover([path])
        for skipped in found.skipped:
            if skipped.error:
                message = f"{skipped.path}: {skipped.detail}"
                yield Finding("paths", "problem", message, "Repair it, or leave it out.")
        kinds: Counter[str] = Counter()
        for file in found.files:
            identity = file.identity
            kinds[f"{identity.kind or 'events'} ({identity.format})"] += 1
            yield from _missing_fields(file.path, identity.format, identity.kind)
        if kinds:
            listed = ", ".join(f"{number} x {kind}" for kind, number in sorted(kinds.items()))
            left = sum(not skipped.error for skipped in found.skipped)
            others = f"; {left} other files left alone" if left else ""
            yield Finding("paths", "ok", f"{path}: {listed}{others}")
        elif not any(skipped.error for skipped in found.skipped):
            yield Finding(
                "paths",
                "warning",
                f"{path}: no log of a kind that is read",
                "Give the directory that holds conn.log, http.log, dns.log, ssl.log or eve.json.",
            )


def _missing_fields(path: Path, form: str, kind: Kind | None) -> Iterator[Finding]:
    """Fields that a TSV log's header does not name; JSON leaves absent ones out by nature."""
    if form != "tsv" or kind is None:
        return
    from enricher.errors import InputError  # noqa: PLC0415
    from enricher.logs.wanted import WANTED, absent, fields_of  # noqa: PLC0415
    from enricher.sources import open_decompressed  # noqa: PLC0415

    try:
        stream = open_decompressed(path)
        head = stream.read(65_536) or b""
        stream.close()
    except (InputError, OSError) as error:
        yield Finding("paths", "problem", f"{path}: {error}", "Repair it, or leave it out.")
        return
    missing = absent(WANTED[kind], fields_of(head, "tsv").names)
    if missing:
        yield Finding(
            "paths",
            "warning",
            f"{path}: has no {', '.join(missing)}",
            "Let Zeek write these fields; detection is weaker without them.",
        )


def check_tools(names: Sequence[str] = ("zeek", "suricata", "fever")) -> Iterator[Finding]:
    """Programs that can stand beside this one; none is needed."""
    for name in names:
        place = shutil.which(name)
        yield Finding("tools", "ok", f"{name}: {place or 'not on PATH (not needed)'}")
