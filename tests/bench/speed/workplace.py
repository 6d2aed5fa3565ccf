"""The folder that is measured in: logs that are made once, states, scans."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.bench.speed import logs
from tests.bench.speed.processes import ENRICHER, Program, Runs, in_turn, module, run

WARM_RECORDS = 2_000


@dataclass
class Bench:
    """Where and how much is measured.

    Attributes:
        folder: An empty folder for everything.
        records: Records of a log.
        rounds: How often each program runs.
    """

    folder: Path
    records: int
    rounds: int
    _made: dict[str, Path] = field(default_factory=dict)

    def with_records(self, records: int) -> Bench:
        """The same with logs of another length; what is made or measured is shared."""
        other = Bench(self.folder, records, self.rounds, self._made)
        if "start" in self.__dict__:
            other.__dict__["start"] = self.start
        return other

    def log(self, form: str, records: int | None = None, many: int = 0) -> Path:
        """A log of a form of :data:`tests.bench.speed.logs.FORMS`, made where it is not there.

        Args:
            form: The form.
            records: Its length; as long as all where it is None.
            many: Of how many files, or from how many sources.
        """
        count = self.records if records is None else records
        name = f"{form}-{count}-{many}"
        if name not in self._made:
            path = self.folder / f"{name}.log"
            run(module("logs", form, count, path, many))
            self._made[name] = path
        return self._made[name]

    def gz(self) -> Path:
        """The connections as a compressed log."""
        name = f"gz-{self.records}"
        if name not in self._made:
            self._made[name] = logs.write_gz(self.folder / f"{name}.log.gz", self.log("conn"))
        return self._made[name]

    def remove(self, log: Path) -> None:
        """Make room; the log is made anew where it is asked for again."""
        for name in [name for name, path in self._made.items() if path == log]:
            del self._made[name]
        if log.is_dir():
            shutil.rmtree(log)
        else:
            log.unlink()

    def scan(
        self,
        log: Path,
        *options: str,
        state: Path | None = None,
        on: frozenset[int] | None = None,
    ) -> Program:
        """The program that scans a log, without what this machine's user has set up."""
        return Program((*ENRICHER, *self.scan_arguments(log, *options, state=state)), on)

    def scan_arguments(
        self, log: Path, *options: str, state: Path | None = None
    ) -> tuple[str, ...]:
        """The arguments of :meth:`scan`."""
        paths = ("--out", str(self.folder / "out"), "--state", str(state or self.folder / "state"))
        return ("scan", str(log), *paths, "--quiet", *self._threads(options), *options)

    def _threads(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Where this process keeps to fewer cores than there are, the program is told."""
        kept = len(os.sched_getaffinity(0))
        said = any(option.startswith("detector.threads") for option in options)
        return () if said or kept == os.cpu_count() else ("--set", f"detector.threads={kept}")

    @cached_property
    def start(self) -> Runs:
        """Scans of a log of one record: what a scan takes before and after its records."""
        self.warm()
        return in_turn({"start": self.scan(self.log("conn", 1))}, max(self.rounds, 3))["start"]

    def warm(self) -> None:
        """Let what is compiled be compiled, for all kinds."""
        folder = self.folder / "warm"
        folder.mkdir(exist_ok=True)
        for kind in logs.SOURCES:
            self.log(kind, WARM_RECORDS).replace(folder / f"{kind}.log")
            del self._made[f"{kind}-{WARM_RECORDS}-0"]
        run(self.scan(folder))
        shutil.rmtree(folder)
