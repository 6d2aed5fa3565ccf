"""Measures on a CUDA device: scoring alone, and scans end to end. Prints a Markdown table.

    python -m tests.bench.speed.gpu [--records 3000000] [--rounds 3]

Takes less than three minutes. Without a CUDA device it says so and ends. Where the real logs are
absent, simulated connections are taken.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from enricher.config import ReadingSettings
from enricher.detector.detector import Detector
from enricher.detector.inputs import Inputs
from enricher.features.context import ContextTracker
from enricher.features.extract import extract
from enricher.features.tensors import Features
from enricher.pipeline.reading import RecordStream, find_logs
from tests.bench.speed import logs
from tests.bench.speed.processes import in_turn, run
from tests.bench.speed.reading import quotient, rate
from tests.bench.speed.results import Goal, Row, rows_table, table
from tests.bench.speed.simulated import simulate
from tests.bench.speed.workplace import Bench

NONE = "No CUDA device is here: nothing was measured on one."
_SCORING = Goal(20e6, "records/s")
_WHOLE = Goal(1.5e6, "records/s")
_SIZES = (65_536, 262_144, 1_048_576)
_SECONDS = 4.0


def end_to_end(folder: Path, log: Path, records: int, rounds: int, device: str) -> Row:
    """Scans of a log as whole processes."""
    bench = Bench(folder, records, rounds)
    short = folder / "short.log"
    with log.open() as lines:
        short.write_text("".join(line for line, _ in zip(lines, range(8), strict=False)))
    options = ("--device", device)
    whole, start = bench.scan(log, *options), bench.scan(short, *options)
    run(whole)  # compiles, and brings the log into the page cache
    runs = in_turn({"whole": whole, "start": start}, rounds)
    ours, least = runs["whole"], runs["start"]
    beyond = quotient(records, ours.least - least.least)
    after = "" if beyond is None else f"; after the start of {least} {beyond:,.0f} records/s"
    return Row(
        name="gpu-scan",
        what=f"`scan --device {device}` of {records:,} conn records",
        figure=rate(records, ours) + after,
        goal=_WHOLE,
        value=records / ours.seconds,
    )


def scoring(log: Path, size: int, device: str) -> tuple[Row, float]:
    """Scores of features that are kept ready, and the seconds a batch that bringing them takes."""
    detector = Detector.load("base", device)
    features = _features(log, size, detector)
    seconds = _repeated(lambda: detector.score(features))
    moving = _repeated(lambda: Inputs.of(features, detector.device))
    row = Row(
        name=f"gpu-score-{size}",
        what=f"scoring alone, batches of {len(features):,} conn records, features in memory",
        figure=f"{len(features) / seconds:,.0f} records/s",
        goal=_SCORING,
        value=len(features) / seconds,
    )
    return row, moving / seconds


def _features(log: Path, size: int, detector: Detector) -> Features:
    stream = RecordStream(find_logs([log]).files, ReadingSettings(), size)
    return extract(next(iter(stream)), ContextTracker("conn"), detector.bundle.names)


def _repeated(work: Callable[[], object]) -> float:
    """Seconds that some work takes, by doing it for a while."""
    for _ in range(3):
        work()
    _finish()
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < _SECONDS:
        work()
        _finish()
        count += 1
    return (time.perf_counter() - started) / count


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def make_log(folder: Path, records: int) -> Path:
    """Connections: real ones where they are at hand."""
    path, rows = folder / "conn.log", None
    if not logs.DATA.is_dir():
        whole = simulate(folder / "simulated", 1.0) / "conn.log"
        rows = list(logs.rows_of(whole, logs.tsv_fields("conn")))
        print("Simulated connections, for the real logs are not here.\n")
    return logs.write_tsv(path, "conn", records, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed.gpu")
    parser.add_argument("--records", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda", help="cpu to try the script itself")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print(NONE)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = make_log(folder, options.records)
        whole = end_to_end(folder, log, options.records, options.rounds, options.device)
        sizes = [size for size in _SIZES if size <= options.records] or [options.records]
        scored = [scoring(log, size, options.device) for size in sizes]
    card = torch.cuda.get_device_name() if options.device == "cuda" else "processor"
    print(f"On one {card}, {len(os.sched_getaffinity(0))} cores, torch {torch.__version__}:\n")
    print(rows_table([whole, *(row for row, _ in scored)]))
    shares = ((f"{size:,}", f"{share:.0%}") for size, (_, share) in zip(sizes, scored, strict=True))
    print(table(("batch", "of scoring, bringing features to the device"), shares))


if __name__ == "__main__":
    main()
