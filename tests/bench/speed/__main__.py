"""Measures how fast and how large the program is, and holds it against its goals.

    python -m tests.bench.speed [--records N] [--rounds R] [--only NAME,...] [--write]

Prints Markdown tables as it goes. ``--write`` puts them into ``docs/performance.md`` and draws
``docs/evaluation/where-time-goes.png``. Takes about half an hour as it stands. Nothing here
passes or fails: see ``tests.bench.speed.short`` for what does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from tests.bench.speed import families, logs, page, reading, scale, starting
from tests.bench.speed.processes import BenchError, Program, module, python, run, say
from tests.bench.speed.results import Row, rows_table
from tests.bench.speed.workplace import Bench

MEASURES: Mapping[str, Callable[[Bench], list[Row]]] = {
    "tsv": reading.tsv,
    "json": reading.json,
    "eve": reading.eve,
    "gz": reading.gz,
    "start": starting.start,
    "adapt": families.adapt,
    "memory": scale.memory,
    "sources": scale.sources,
    "cores": scale.two_cores,
    "directory": scale.directory,
    "families": families.serving,
}
_STAGES, _GPU = "stages", "gpu"
NAMES = (*MEASURES, _STAGES, _GPU)
_CORES = 2
_STAGE_RECORDS = 200_000
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1")
_HAS_CUDA = "import torch; print(torch.cuda.is_available())"


def stages(bench: Bench) -> page.Stages:
    """Microseconds a record by log and stage."""
    short = bench.with_records(min(bench.records, _STAGE_RECORDS))
    files: dict[str, Callable[[], Path]] = {
        **{f"{kind} TSV": lambda kind=kind: short.log(kind) for kind in logs.SOURCES},  # type: ignore[misc]
        "conn JSON": lambda: short.log("json"),
        "EVE": lambda: short.log("eve"),
        "conn TSV, gz": short.gz,
    }
    spent = {}
    for name, make in files.items():
        command = module("stages", make()).command
        spent[name] = orjson.loads(run(Program(command, variables=_ONE_THREAD)).output)
    return spent


def on_gpu() -> str:
    """The table of a CUDA device, or a sentence that there is none. Needs all cores."""
    if run(python(_HAS_CUDA)).output.strip() != "True":
        return page.NOT_ON_A_GPU
    return run(module("gpu")).output.strip()


def measure(bench: Bench, names: Sequence[str]) -> str:
    """Measure what is named, print each part; gives the text for the page."""
    every = os.sched_getaffinity(0)
    rows: list[Row] = []
    os.sched_setaffinity(0, set(sorted(every)[:_CORES]))
    for name in MEASURES:
        if name in names:
            say([name])
            part = MEASURES[name](bench)
            rows += part
            print(rows_table(part), flush=True)
    spent: page.Stages = {}
    if _STAGES in names:
        say([_STAGES])
        spent = stages(bench)
        print(page.stages_table(spent), flush=True)
    os.sched_setaffinity(0, every)
    gpu = on_gpu() if _GPU in names else ""
    print(gpu, flush=True)
    os.sched_setaffinity(0, set(sorted(every)[:_CORES]))  # what is said of the machine
    written = page.text(rows, spent, gpu, bench.records, bench.rounds)
    if spent and tuple(names) == NAMES:
        page.draw(spent, bench.folder / page.PLOT.name)
    return written


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME,...", help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    names = tuple(options.only.split(",")) if options.only else NAMES
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"no such measurement: {', '.join(unknown)}")
    if options.write and options.only:
        parser.error("--write takes all measurements: the page is of one day and one machine")
    if options.write:
        page.put_between(page.PAGE.read_text(), "")  # before half an hour has gone
    if not logs.DATA.is_dir():
        sys.exit("the real logs are not here: shared/data is missing beside the checkout")
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), options.records, options.rounds)
        try:
            written = measure(bench, names)
        except BenchError as error:
            sys.exit(str(error))
        if options.write:
            page.PAGE.write_text(page.put_between(page.PAGE.read_text(), written))
            page.PLOT.write_bytes((bench.folder / page.PLOT.name).read_bytes())


if __name__ == "__main__":
    main()
