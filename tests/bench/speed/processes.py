"""Runs programs as processes of their own, in turn, and says what each took."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENRICHER = (sys.executable, "-m", "enricher.cli.main")
# What a program prints before its own account of seconds, without interpreter and imports.
WORK = "work "
_MESSAGE = 2000


class BenchError(Exception):
    """A program that was to be measured has failed."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process to run.

    Attributes:
        command: What to run.
        cores: The processor cores that it may use; None for those of this process.
        variables: Environment variables of its own.
    """

    command: Sequence[str]
    cores: frozenset[int] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process.

    Attributes:
        started: When it was started, on the clock of ``time.monotonic``.
        seconds: From its start to its end.
        processor: Processor time of it and its threads, in seconds.
        peak_mib: Most memory that it held.
        output: What it wrote to standard output.
    """

    started: float
    seconds: float
    processor: float
    peak_mib: float
    output: str

    @property
    def work(self) -> float:
        """Seconds by the program's own account; NaN where it gives none."""
        told = [line for line in self.output.splitlines() if line.startswith(WORK)]
        return float(told[-1].removeprefix(WORK)) if told else float("nan")


@dataclass(frozen=True, slots=True)
class Runs:
    """Several runs of one program."""

    each: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.each)

    @property
    def least(self) -> float:
        """Seconds of the fastest: what others do on the machine only ever adds to them."""
        return min(run.seconds for run in self.each)

    @property
    def processor(self) -> float:
        return statistics.median(run.processor for run in self.each)

    @property
    def work(self) -> float:
        """The least of the program's own accounts, for what it is held against is small."""
        return min(run.work for run in self.each)

    @property
    def peak_mib(self) -> float:
        return max(run.peak_mib for run in self.each)

    def __str__(self) -> str:
        return spread([run.seconds for run in self.each], "s")


def spread(values: Sequence[float], unit: str) -> str:
    """Median with least and most."""
    form = ".0f" if unit == "ms" else ".2f"
    middle = f"{statistics.median(values):{form}} {unit}"
    return f"{middle} ({min(values):{form}}-{max(values):{form}})" if len(values) > 1 else middle


def run(program: Program) -> Run:
    """Run a process to its end.

    Raises:
        BenchError: If it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **program.variables}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        with _on(program.cores):
            started = time.monotonic()
            child = subprocess.Popen(
                program.command, stdout=out, stderr=errors, env=environment, cwd=ROOT
            )
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-_MESSAGE:]
            raise BenchError(f"{' '.join(program.command)[:300]} failed:\n{said}")
        out.seek(0)
        output = out.read().decode(errors="replace")
    # A child is said to have held at least what this process holds: keep it small, see logs.main.
    peak = usage.ru_maxrss / 1024
    return Run(started, seconds, usage.ru_utime + usage.ru_stime, peak, output)


@contextmanager
def _on(cores: frozenset[int] | None) -> Iterator[None]:
    """Within, this process and those that it starts keep to some cores."""
    if cores is None:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def in_turn(programs: Mapping[str, Program], rounds: int) -> dict[str, Runs]:
    """Run each of some programs once, then each again: what disturbs one, disturbs all."""
    each: dict[str, list[Run]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            each[name].append(run(program))
    return {name: Runs(tuple(several)) for name, several in each.items()}


def python(code: str, *arguments: str | Path) -> Program:
    """A program that is given as its text."""
    return Program((sys.executable, "-c", code, *map(str, arguments)))


def module(name: str, *arguments: str | Path | int) -> Program:
    """A module beside this one."""
    return Program((sys.executable, "-m", f"tests.bench.speed.{name}", *map(str, arguments)))


def cores() -> tuple[int, ...]:
    """The cores that this process may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def say(words: Iterable[str]) -> None:
    """Tell who waits what is going on."""
    print(*words, file=sys.stderr, flush=True)
