"""Where a record's time goes: every stage of a scan alone, one after another, on one thread.

Run as a process of its own, ``python -m tests.bench.speed.stages LOG [STATE]``, with one thread
for each library; prints JSON: microseconds a record by stage.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import orjson
import torch

from enricher.cli.options import prepare_process
from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.inputs import Inputs
from enricher.detector.site import load_site
from enricher.features.context import ContextTracker
from enricher.logs import Block, Kind, LogBatch, concatenate, open_reader
from enricher.pipeline.alerting import Alerting
from enricher.pipeline.reading import find_logs
from enricher.pipeline.scoring import Scorer
from enricher.pipeline.site_detector import Loaded, site_detector
from enricher.report.collect import Collector
from enricher.sources import LogFile, blocks

STAGES = ("read", "parse", "features", "context", "transfer", "score", "decide", "write")
"""In the order of a record's way. ``read`` inflates too; ``write`` is grouping, explaining and
writing alerts."""

T = TypeVar("T")


class Clock:
    """Processor time of this process by stage, in seconds; a stage within another counts once."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._within = 0.0

    def time(self, stage: str, work: Callable[[], T]) -> T:
        """Do some work of a stage."""
        outside, self._within = self._within, 0.0
        started = time.process_time()
        try:
            return work()
        finally:
            spent = time.process_time() - started
            self.seconds[stage] += spent - self._within
            self._within = outside + spent

    def timed(self, stage: str, function: Callable[..., T]) -> Callable[..., T]:
        """A function whose calls are work of a stage."""
        return lambda *arguments: self.time(stage, lambda: function(*arguments))

    def each(self, stage: str, function: Callable[..., Iterator[T]]) -> Callable[..., Iterator[T]]:
        """A generator whose steps are work of a stage."""

        def steps(*arguments: Any) -> Iterator[T]:
            inner = function(*arguments)
            while (item := self.time(stage, lambda: next(inner, None))) is not None:
                yield item

        return steps


def measure(path: Path, state: Path) -> dict[str, float]:
    """Microseconds a record by stage, after a first pass that compiles and warms up."""
    settings = Settings(state=state)
    plain = Detector.load(settings.detector.bundle, "cpu")
    loaded = site_detector(plain, load_site(settings.state), settings.state)
    _pass(Clock(), path, settings, loaded)
    clock = Clock()
    records = _pass(clock, path, settings, loaded)
    return {stage: 1e6 * spent / records for stage, spent in clock.seconds.items()}


def _pass(clock: Clock, path: Path, settings: Settings, loaded: Loaded) -> int:
    """Take a log through every stage, in the order of a scan; gives its number of records."""
    count = 0
    scorer = Scorer(loaded.detector, settings.detector, settings.context)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        target = str(Path(folder) / "eve.json")
        alerting = stack.enter_context(
            Alerting(target, [str(path)], loaded, settings, Collector().add_alert)
        )
        follow, move = ContextTracker.follow, Inputs.of
        stack.enter_context(
            mock.patch.object(ContextTracker, "follow", clock.timed("context", follow))
        )
        for batch in _batches(clock, find_logs([path]).files[0], settings):
            count += len(batch)
            features = clock.timed("features", scorer._extract)(batch)
            with mock.patch.object(Inputs, "of", clock.timed("transfer", move)):
                scores = clock.timed("score", scorer.detector.score)(features)
            scored = clock.timed("decide", scorer._decided)(batch, features, scores)
            clock.timed("write", alerting.take)(scored)
        clock.time("write", alerting.finish)
    return count


def _batches(clock: Clock, file: LogFile, settings: Settings) -> Iterator[LogBatch]:
    """Read a log in batches of the size that they have in a scan."""
    size = settings.detector.batch_records
    reader = open_reader(file.identity.format, str(file.path), file.identity.kind)
    held: dict[Kind, list[LogBatch]] = {}
    for item in clock.each("read", blocks)(file, settings.reading.block_bytes):
        if not isinstance(item, Block):
            continue
        for batch in clock.timed("parse", reader.read)(item).batches:
            parts = held.setdefault(batch.kind, [])
            parts.append(batch)
            if sum(map(len, parts)) >= size:
                joined = clock.timed("parse", concatenate)(parts)
                whole = len(joined) - len(joined) % size
                for start in range(0, whole, size):
                    yield LogBatch(joined.kind, joined.frame.slice(start, size))
                held[batch.kind] = [LogBatch(joined.kind, joined.frame.slice(whole))]
    for parts in held.values():
        if len(joined := clock.timed("parse", concatenate)(parts)):
            yield joined


def main() -> None:
    """Measure one log."""
    torch.set_num_threads(1)
    prepare_process(threads=0)
    with tempfile.TemporaryDirectory() as empty:
        state = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(empty)
        print(orjson.dumps(measure(Path(sys.argv[1]), state)).decode())


if __name__ == "__main__":
    main()
