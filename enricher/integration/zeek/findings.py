"""What is said of a site's Zeek, and what to do about it."""

from __future__ import annotations

import grp
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator

from enricher.errors import InputError
from enricher.integration.finding import Finding, Level
from enricher.integration.looking import names_in, status_of
from enricher.integration.zeek.check import Site, written_twice
from enricher.integration.zeek.installation import NEWEST, OLDEST
from enricher.integration.zeek.places import Place
from enricher.integration.zeek.streams import Stream
from enricher.logs import KINDS
from enricher.logs.wanted import WANTED, absent

# A field that none of so many JSON records has is taken to be missing.
_RECORDS = 20
_SHOWN = 3
_COMMUNITY_ID = "@load policy/protocols/conn/community-id-logging"


def findings_of(site: Site) -> list[Finding]:
    """All findings, in the order in which they are to be read."""
    found = (
        *_of_zeek(site),
        *_of_processes(site),
        *_of_control(site),
        *_of_places(site),
        *_of_styles(site),
        *_of_kinds(site),
        *_of_fields(site),
        *_of_package(site),
    )
    # Several loggers write alike.
    return list(dict.fromkeys(found))


def _of_zeek(site: Site) -> Iterator[Finding]:
    found = site.installation
    # Where there are logs, Zeek itself may be on another machine.
    level: Level = "warning" if site.has_logs else "problem"
    enough = "Nothing needs to be done: its logs are enough." if site.has_logs else ""
    if found is None:
        advice = enough or "Name its folder with --zeek, or the folder of its logs with --logs."
        message = "no Zeek is on the PATH, in the usual places, or seen to run"
        yield Finding("zeek", level, message, advice)
    elif found.program is None:
        advice = enough or "Name the prefix or the program with --zeek."
        yield Finding("zeek", level, f"{found.prefix} has no bin/zeek", advice)
    elif found.version is None:
        message = f"{found.program}: its version is not known: {found.trouble}"
        advice = f"See that it is {OLDEST}.0 or newer: {found.program} --version"
        yield Finding("zeek", "warning" if found.not_run else level, message, advice)
    elif found.version.is_known:
        yield Finding("zeek", "ok", f"Zeek {found.version} ({found.program})")
    else:
        advice = "Its logs are read all the same; the package for Zeek may not load."
        message = f"Zeek {found.version} ({found.program}) is not one of {OLDEST} to {NEWEST}"
        yield Finding("zeek", "warning", message, advice)


def _of_processes(site: Site) -> Iterator[Finding]:
    if not site.processes:
        yield Finding(
            "process",
            "warning",
            "no running Zeek is to be seen",
            "Logs that are there are read all the same; new ones come when it is started.",
        )
        return
    here = [process for process in site.processes if not process.elsewhere]
    if here:
        first = ", ".join(f"{one.pid} ({' '.join(one.words)[:80]})" for one in here[:_SHOWN])
        more = f" and {len(here) - _SHOWN} more" if len(here) > _SHOWN else ""
        yield Finding("process", "ok", f"Zeek runs: {first}{more}")
    for process in site.processes:
        if process.elsewhere:
            yield Finding(
                "process",
                "warning",
                f"Zeek {process.pid} runs from other files than this machine's, as in a container",
                "Name the folder that its logs are in on this machine with --logs.",
            )


def _of_control(site: Site) -> Iterator[Finding]:
    control = site.control
    if control is None or control.file is None:
        if site.rotation is not None:
            yield Finding("rotation", "ok", _rotation_words(site.rotation))
        return
    yield Finding("zeekctl", "ok", f"{control.file}: logs in {control.logs}")
    if control.rotation is None:
        advice = "Write LogRotationInterval as a number of seconds."
        yield Finding("rotation", "warning", "LogRotationInterval is no number", advice)
    else:
        yield Finding("rotation", "ok", _rotation_words(control.rotation))
    loggers = control.logging_nodes()
    if loggers and not any(
        one.is_here or status_of(control.spool / one.name) is not None for one in loggers
    ):
        yield Finding(
            "zeekctl",
            "warning",
            f"node.cfg has logs written on {loggers[0].host}, not here",
            "Run the enricher there.",
        )


def _rotation_words(seconds: float) -> str:
    return f"logs are rotated every {seconds:,.0f} s" if seconds else "logs are never rotated"


def _of_places(site: Site) -> Iterator[Finding]:
    for place, streams in zip(site.places, site.streams, strict=True):
        yield from _of_place(place)
        for skipped in streams.unreadable:
            if skipped.path != place.live:
                message = f"{skipped.path}: {skipped.detail}"
                yield Finding("logs", "problem", message, _ADVICE_READ)
        if twice := written_twice(streams):
            yield Finding(
                "logs",
                "warning",
                f"{place.live} has {_and(twice)} in two forms: every record would count twice",
                "Let 'inputs' name files instead of the folder, as below.",
            )
    if not site.places and not site.has_logs:
        level: Level = "warning" if site.installation else "problem"
        advice = "Start Zeek, or name the folder of its logs with --logs."
        yield Finding("logs", level, "no folder of logs was found", advice)


_ADVICE_READ = (
    "Put the user of 'enricher run' into the group of the logs: "
    "'enricher service install --group NAME' does."
)


def _of_place(place: Place) -> Iterator[Finding]:
    try:
        names_in(place.live)
    except InputError as error:
        closed = isinstance(error.__cause__, PermissionError)
        # A folder that Zeek has not made yet is no mistake; one that was named may be one.
        level: Level = "problem" if closed or place.named else "warning"
        advice = _ADVICE_READ if closed else "Start Zeek, or correct the path."
        yield Finding("logs", level, f"{place.live}: {error.message}", advice)
        return
    where = f"{place.live}" + (f", archived in {place.archive}" if place.archive else "")
    status = status_of(place.live)
    rights = f", group {_group(status)}, mode {stat.S_IMODE(status.st_mode):o}" if status else ""
    yield Finding("logs", "ok", f"{where} ({place.why}; this user may read it{rights})")


def _group(status: os.stat_result) -> str:
    try:
        return grp.getgrgid(status.st_gid).gr_name
    except (KeyError, OSError, OverflowError):
        return str(status.st_gid)


def _of_styles(site: Site) -> Iterator[Finding]:
    """How logs are written; logs that are written alike are told of together."""
    alike: dict[tuple[object, ...], list[Stream]] = defaultdict(list)
    for stream in site.logs():
        key = (stream.style, stream.separator, stream.scope, stream.times)
        alike[key].append(stream)
    for streams in alike.values():
        kinds, one = _and(sorted({stream.path or stream.kind for stream in streams})), streams[0]
        times = f", times in {one.times}" if one.times else ""
        yield Finding("form", "ok", f"{kinds}: {one.style}{times}; read as it is")
        if one.style == "TSV":
            advice = "Nothing needs to be done. JSON is '@load policy/tuning/json-logs'."
            yield Finding("form", "warning", f"{kinds}: no JSON", advice)
            if one.separator != b"\t":
                shown = one.separator.decode("utf-8", "backslashreplace")
                message = f"{kinds}: fields are separated by {shown!a}, not by tabs"
                advice = "Nothing needs to be done: the header of the log says so."
                yield Finding("form", "warning", message, advice)
        if one.scope == "_":
            message = f"{kinds}: names are written as id_orig_h, not id.orig_h"
            yield Finding("form", "warning", message, "Nothing needs to be done.")


def _of_kinds(site: Site) -> Iterator[Finding]:
    found = {stream.kind for stream in site.logs() if not stream.is_long}
    missing = [kind for kind in KINDS if kind not in found]
    if missing and site.places:
        yield Finding(
            "logs",
            "warning",
            f"no {_or(missing)} log: no such traffic yet, or it is turned off",
            "Nothing needs to be done: what is there is read.",
        )
    if any(stream.path == "conn_long" for stream in site.logs()):
        message = "conn_long: connections that are still open are judged, and count once"
        yield Finding("logs", "ok", message)


def _of_fields(site: Site) -> Iterator[Finding]:
    for stream in site.logs():
        names, records = stream.fields.names, stream.fields.records
        if stream.is_long or (records is not None and records < _RECORDS):
            continue
        seen = "" if records is None else f" in its first {records} records"
        if missing := absent(WANTED[stream.kind], names):
            advice = "Let Zeek write it; detection works without, but weaker."
            message = f"{stream.kind} has no {_or(missing)}{seen}"
            yield Finding("fields", "warning", message, advice)
        if stream.kind == "conn" and "community_id" not in names:
            advice = (
                f"Not needed: the enricher computes it. For joins with Suricata: {_COMMUNITY_ID}"
            )
            yield Finding("fields", "warning", f"conn has no community_id{seen}", advice)
        if stream.kind == "ssl" and names.isdisjoint({"ja3", "ja4"}):
            advice = "Not needed. Packages add them: 'zkg install ja3', 'zkg install ja4'."
            yield Finding("fields", "warning", f"ssl has no ja3 or ja4{seen}", advice)


def _of_package(site: Site) -> Iterator[Finding]:
    package = site.package
    for skipped in package.streams.unreadable:
        yield Finding("package", "problem", f"{skipped.path}: {skipped.detail}", _ADVICE_READ)
    if package.streams.found:
        kinds = _and(sorted({stream.kind for stream in package.streams.found}))
        yield Finding("package", "ok", f"the package writes {kinds} to {package.directory}")
    elif package.script is not None or package.runs:
        by = f"{package.script} loads it" if package.script else "Zeek has loaded it"
        advice = "'zeekctl deploy', and see that Zeek's user may write there."
        message = f"{by}, but no log is in {package.directory} yet"
        yield Finding("package", "warning", message, advice)
    else:
        advice = "It works without. For verdicts in Zeek: 'enricher zeek install'."
        yield Finding("package", "warning", "Zeek does not load the enricher's package", advice)
    if package.runs is False and package.script is not None:
        advice = "'zeekctl deploy' loads it."
        yield Finding("package", "warning", "the running Zeek has not loaded it yet", advice)


def _and(words: Iterable[str]) -> str:
    return _joined(list(words), "and")


def _or(words: Iterable[str]) -> str:
    return _joined(list(words), "or")


def _joined(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
