"""What families of a site cost: to teach one, and to serve a hundred."""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import orjson

from tests.bench.speed.processes import ENRICHER, Program, in_turn, module, run, say, spread
from tests.bench.speed.results import Goal, Row
from tests.bench.speed.simulated import BENIGN, Labelled, labelled, simulate
from tests.bench.speed.workplace import Bench

SHOTS = 50
BENIGN_RECORDS = 10_000
SERVED = 100
_WORK = Goal(200, "ms", at_most=True)
_WHOLE = Goal(2, "s", at_most=True)
_SERVING = Goal(1.1, at_most=True)
# A family with records enough, for each kind in which the simulation has one.
_TAUGHT = {"conn": "horizontal-scan", "dns": "dga", "http": "sql-injection"}
# Half a day has 10,000 benign records of every kind, and about 170,000 records in all.
_HOURS = 12.0
_FEWEST = 20
_MOST_TAUGHT = 12


def adapt(bench: Bench) -> list[Row]:
    """`enricher adapt` of 50 records against 10,000 benign ones, as processes."""
    logs = _simulated(bench)
    programs = {
        kind: _teaching(bench, labelled(logs / f"{kind}.log"), kind, family, "taught")
        for kind, family in _TAUGHT.items()
    }
    in_turn(programs, 1)
    runs = in_turn(programs, bench.rounds)
    rows = []
    for kind in _TAUGHT:
        work = [float(orjson.loads(one.output)["milliseconds"]) for one in runs[kind].each]
        rows += [
            Row(
                name=f"adapt-{kind}",
                what=f"`adapt` of {SHOTS} {kind} records against {BENIGN_RECORDS:,} benign ones, "
                "from features to a head",
                figure=spread(work, "ms"),
                goal=_WORK,
                value=statistics.median(work),
            ),
            Row(
                name=f"adapt-{kind}-process",
                what="the same as a whole process, which reads the logs too",
                figure=str(runs[kind]),
                goal=_WHOLE,
                value=runs[kind].seconds,
            ),
        ]
    return rows


def serving(bench: Bench) -> list[Row]:
    """A scan with a hundred families of the site against one with none.

    The logs really hold the families that the heads were made for, so that attacks are open to
    many of them: elsewhere they cost less.
    """
    logs = _simulated(bench)
    state = bench.folder / "served"
    if not state.exists():
        _fill(bench, labelled(logs / "conn.log"), state)
    one, many = bench.scan(logs), bench.scan(logs, state=state)
    in_turn({"none": one}, 1)
    runs = in_turn({"none": one, "many": many}, max(bench.rounds, 4))
    none, served = runs["none"], runs["many"]
    busy = f"{served.processor:.1f} s of processor time"
    return [
        Row(
            name="families",
            what=f"time of `scan` of simulated logs with {SERVED} families of the site for "
            "connections",
            figure=f"{served}, {busy}",
            against=f"with none: {none}, {none.processor:.1f} s of processor time",
            goal=_SERVING,
            value=served.seconds / none.seconds,
        )
    ]


def _simulated(bench: Bench) -> Path:
    # A try with few records takes few hours too; rows are then repeated.
    return simulate(bench.folder / "simulated", min(_HOURS, max(0.5, bench.records / 80_000)))


def _fill(bench: Bench, log: Labelled, state: Path) -> None:
    """Teach some families of connections, then keep copies under other names."""
    known = [name for name, rows in log.rows.items() if name != BENIGN and len(rows) >= _FEWEST]
    for family in known[:_MOST_TAUGHT]:
        run(_teaching(bench, log, "conn", family, state.name))
    run(module("families", state))
    say([f"{SERVED} families, copies of {len(known[:_MOST_TAUGHT])}"])


def _teaching(bench: Bench, log: Labelled, kind: str, family: str, state: str) -> Program:
    """The program that teaches a family, under a name that no shipped one has."""
    stem = f"{kind}-{family}"
    support = log.write(bench.folder / f"{stem}.log", log.rows[family][:SHOTS])
    rows = list(islice(cycle(log.rows[BENIGN]), BENIGN_RECORDS))
    benign = log.write(bench.folder / f"{stem}-benign.log", rows)
    return Program(
        (*ENRICHER, "adapt", f"site-{family}", "--support", str(support), "--benign", str(benign),
         "--state", str(bench.folder / state), "--json", "--quiet")
    )  # fmt: skip


def copy(state: Path, wanted: int) -> None:
    """Keep the families of a state again under other names, until there are so many."""
    from enricher.families.store import FamilyStore  # noqa: PLC0415 - keeps the driver small

    store = FamilyStore(state)
    own = store.families()
    for number, family in enumerate(islice(cycle(own), wanted - len(own))):
        name = family.name
        store.save(
            replace(family, name=f"{name}-{number:03}"),
            store.heads(name), store.support(name), store.records(name),
        )  # fmt: skip


if __name__ == "__main__":
    copy(Path(sys.argv[1]), SERVED)
