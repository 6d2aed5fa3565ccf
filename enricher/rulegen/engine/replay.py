"""Replays captures in the real engine: which packets rules fire on, or what the engine logs.

One run of the engine for each capture, in its mode with a single thread, so that the same capture
gives the same events in the same order.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import EngineError
from enricher.rulegen.engine.captures import ready
from enricher.rulegen.engine.configuration import ENGINE_LOG, EVENTS, write_configuration
from enricher.rulegen.engine.engine_log import complaints, read_engine_log
from enricher.rulegen.engine.hits import Hit, hit_of
from enricher.rulegen.engine.rules_file import write_datasets, write_rules
from enricher.rulegen.engine.suricata import Engine, Finished, run_child

# Events that are taken from one run.
MOST_EVENTS = 5_000_000

_PACKETS = re.compile(r"read (?:\d+) files?, (\d+) packets")
_UNREADABLE = ("failed to initialize", "failed to start in time")
_READERS = frozenset({"pcap", "threads"})
_NO_PACKET = "failed to get first packet timestamp"


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay.

    Attributes:
        hits: In the order of the captures and of the engine.
        packets: Read by the engine from all captures.
        seconds: Taken by the runs.
        failed: Rules (by their number) that the engine did not load, with the reason.
    """

    hits: tuple[Hit, ...]
    packets: int
    seconds: float
    failed: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the engine: what it was told, and where."""

    engine: Engine
    rules: Sequence[str] = ()
    datasets: Mapping[str, bytes] | None = None
    home: str | None = None
    midstream: bool = False
    timeout: float = 600


def replay(
    engine: Engine,
    rules: Sequence[str],
    captures: Sequence[Path],
    *,
    home: str | None = None,
    midstream: bool = False,
    datasets: Mapping[str, bytes] | None = None,
    timeout: float = 600,
) -> Replay:
    """Run the engine with rules over captures.

    Args:
        engine: See :func:`enricher.rulegen.engine.suricata.require_engine`.
        rules: One rule each, every one with its own sid.
        captures: pcap or pcapng files, plain or compressed with gzip.
        home: HOME_NET in Suricata's notation; any where None.
        midstream: Whether a TCP session without a handshake is followed.
        datasets: The files that the rules load, by their plain name.
        timeout: Seconds for each capture.

    Raises:
        InputError: If a capture cannot be read; names it.
        EngineError: If the engine fails or takes too long.
    """
    run = _Run(engine, rules, datasets, home, midstream, timeout)
    began = time.monotonic()
    hits: list[Hit] = []
    packets = 0
    failed: dict[int, str] = {}
    for number, capture in enumerate(captures):
        with tempfile.TemporaryDirectory(prefix="enricher-replay-") as name:
            folder = Path(name)
            refused = write_rules(rules, folder / "replay.rules")
            packets += _run(run, capture, folder, ("alert",))
            hits += [hit_of(event, number) for event in _events(folder / EVENTS)]
            found = complaints(read_engine_log(folder / ENGINE_LOG), {})
            failed |= {line: "; ".join(why) for line, why in found.errors.items()} | refused
    seconds = time.monotonic() - began
    return Replay(tuple(hits), packets, seconds, tuple(sorted(failed.items())))


def events(
    engine: Engine,
    capture: Path,
    types: Sequence[str],
    *,
    midstream: bool = False,
    timeout: float = 600,
) -> list[dict[str, Any]]:
    """What the engine logs of a capture.

    Args:
        engine: See :func:`enricher.rulegen.engine.suricata.require_engine`.
        capture: A pcap or pcapng file, plain or compressed with gzip.
        types: EVE event types, such as ``http``, ``dns``, ``tls``, ``flow``.
        midstream: Whether a TCP session without a handshake is followed.
        timeout: Seconds for the run.

    Raises:
        InputError: If the capture cannot be read; names it.
        EngineError: If the engine fails or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="enricher-replay-") as name:
        folder = Path(name)
        write_rules((), folder / "replay.rules")
        _run(_Run(engine, midstream=midstream, timeout=timeout), capture, folder, types)
        return list(_events(folder / EVENTS))


def _run(run: _Run, capture: Path, folder: Path, types: Sequence[str]) -> int:
    """Run the engine over one capture; its files are in the folder afterwards.

    Returns:
        The number of packets that it read.
    """
    file = ready(capture, folder)
    write_datasets(run.datasets or {}, folder)
    configuration = write_configuration(
        run.engine, folder, home=run.home, events=types, midstream=run.midstream
    )
    log = folder / ENGINE_LOG
    command = [str(run.engine.path), "-c", str(configuration), "-l", str(folder), "-k", "none"]
    command += ["--runmode", "single", "-S", str(folder / "replay.rules"), "-r", str(file)]
    try:
        done = run_child(command, timeout=run.timeout, hopeless=lambda: _unreadable(log))
    except EngineError as error:
        if any(_NO_PACKET in message.text for message in read_engine_log(log)):
            return 0
        raise EngineError(f"{capture}: {error}") from error
    counts = [_PACKETS.search(message.text) for message in read_engine_log(log)]
    read = [int(count[1]) for count in counts if count]
    if done.status != 0 or not read:
        raise EngineError(f"{capture}: Suricata failed on this capture: {_last_error(log, done)}")
    return sum(read)


def _unreadable(log: Path) -> str | None:
    """Whether the engine has found that it cannot read its capture; it waits on all the same."""
    errors = [m.text for m in read_engine_log(log) if m.level == "error" and m.module in _READERS]
    if any(mark in text for text in errors for mark in _UNREADABLE):
        return f"Suricata cannot read this capture: {errors[0][:300]}"
    return None


def _last_error(log: Path, done: Finished) -> str:
    errors = [message.text for message in read_engine_log(log) if message.level == "error"]
    return (errors[-1] if errors else done.output)[-300:]


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of an EVE file, in its order."""
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if number >= MOST_EVENTS:
                raise EngineError(
                    f"the engine wrote more than {MOST_EVENTS} events: replay a smaller capture"
                )
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise EngineError(f"the engine wrote an event that is no JSON: {error}") from error
            yield event
