"""Whether memory stays flat, cores help, and many files or sources do no harm."""

from __future__ import annotations

from tests.bench.speed.processes import BenchError, cores, in_turn, python, run
from tests.bench.speed.reading import quotient, rate
from tests.bench.speed.results import Goal, Row
from tests.bench.speed.workplace import Bench

_PEAK = Goal(1024, "MiB", at_most=True)
_FLAT = Goal(1.1, at_most=True)
_CORES = Goal(1.7)
_FILES = Goal(1.2, at_most=True)
_TIMES = (1, 5, 10)
_MANY_FILES = 10_000
_MANY_SOURCES, _FEW_SOURCES = 1_000_000, 1_000
_CONTEXT_BYTES = """
from enricher.config import ContextSettings
from enricher.pipeline.scoring import context_trackers
print(context_trackers(("conn",), ContextSettings())["conn"].state_bytes())
"""


def memory(bench: Bench) -> list[Row]:
    """Peak memory of scans of logs that are one, five and ten times as long."""
    bench.warm()
    rows, peaks = [], []
    for times in _TIMES:
        records = times * bench.records
        log = bench.log("conn", records)
        one = run(bench.scan(log))
        if records != bench.records:
            bench.remove(log)
        peaks.append(one.peak_mib)
        rows.append(
            Row(
                name=f"peak-{times}",
                what=f"peak memory of `scan` of {records:,} conn records",
                figure=f"{one.peak_mib:,.0f} MiB, {records / one.seconds:,.0f} records/s",
                goal=_PEAK,
                value=one.peak_mib,
            )
        )
    flat = Row(
        name="flat",
        what=f"peak memory of a log {_TIMES[-1]} times as long",
        figure=f"{peaks[-1]:,.0f} MiB",
        against=f"{peaks[0]:,.0f} MiB",
        goal=_FLAT,
        value=peaks[-1] / peaks[0],
    )
    return [*rows, flat]


def two_cores(bench: Bench) -> list[Row]:
    """Two cores against one; the program on one is told to take one thread."""
    both = cores()[:2]
    if len(both) < 2:
        raise BenchError("two cores are to be compared with one, and here is one only")
    kept = {"two": frozenset(both), "one": frozenset(both[:1])}
    log, short = bench.log("conn"), bench.log("conn", 1)
    bench.warm()
    runs = in_turn(
        {
            f"{name}{end}": bench.scan(file, "--set", f"detector.threads={len(on)}", on=on)
            for name, on in kept.items()
            for end, file in (("", log), (" start", short))
        },
        bench.rounds,
    )
    one, two = runs["one"], runs["two"]
    works = [runs[name].least - runs[f"{name} start"].least for name in ("one", "two")]
    return [
        Row(
            name="cores",
            what="`scan` of conn TSV on two cores",
            figure=rate(bench.records, two),
            against=f"on one: {rate(bench.records, one)}",
            goal=_CORES,
            value=one.seconds / two.seconds,
            work=quotient(works[0], works[1]),
        )
    ]


def directory(bench: Bench, files: int = _MANY_FILES) -> list[Row]:
    """Many small files against one that holds the same records."""
    pieces, whole = bench.log("pieces", many=files), bench.log("conn")
    start = bench.start.least
    runs = in_turn({"pieces": bench.scan(pieces), "whole": bench.scan(whole)}, bench.rounds)
    ours, theirs = runs["pieces"], runs["whole"]
    bench.remove(pieces)
    return [
        Row(
            name="directory",
            what=f"time of `scan` of a directory of {files:,} conn logs",
            figure=rate(bench.records, ours),
            against=f"one log with the same records: {rate(bench.records, theirs)}",
            goal=_FILES,
            value=ours.seconds / theirs.seconds,
            work=quotient(ours.least - start, theirs.least - start),
        )
    ]


def sources(bench: Bench) -> list[Row]:
    """Memory of a log from a million sources, beyond that of one from a thousand.

    The tables of the context take memory as they fill; a thousand sources fill few rows of them.
    """
    few, many = min(_FEW_SOURCES, bench.records), min(_MANY_SOURCES, bench.records)
    bench.warm()
    logs = {name: bench.log("sources", many=count) for name, count in (("f", few), ("m", many))}
    runs = in_turn({name: bench.scan(log) for name, log in logs.items()}, bench.rounds)
    for log in set(logs.values()):
        bench.remove(log)
    least, most = runs["f"].peak_mib, runs["m"].peak_mib
    bound = int(run(python(_CONTEXT_BYTES)).output) / 2**20
    return [
        Row(
            name="sources",
            what=f"what {many:,} sources add to the peak memory of `scan`, beside {few:,} (the "
            "bound is what the tables of the context can take)",
            figure=f"{most - least:,.0f} MiB ({most:,.0f} beside {least:,.0f})",
            goal=Goal(bound, "MiB", at_most=True),
            value=most - least,
        )
    ]
