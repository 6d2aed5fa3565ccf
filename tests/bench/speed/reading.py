"""How fast a scan is beside what it takes to read the same log: TSV, JSON, EVE, gz, and zat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.speed import programs
from tests.bench.speed.processes import Program, Runs, in_turn
from tests.bench.speed.results import Goal, Row
from tests.bench.speed.workplace import Bench

_SCAN = "scan"
_TSV_GOALS = {"conn": Goal(1 / 2), "http": Goal(1 / 3), "dns": Goal(1 / 3), "ssl": Goal(1 / 3)}
_JSON_GOAL = Goal(1 / 2)
_GZ_GOAL = Goal(1.1, at_most=True)
_ZAT = {"zat's reader alone": Goal(10), "zat + scikit-learn's IsolationForest": Goal(20)}


def tsv(bench: Bench) -> list[Row]:
    """Zeek's TSV logs of every kind against Polars; connections against zat as well."""
    return [row for kind in _TSV_GOALS for row in tsv_of(bench, kind)]


def tsv_of(bench: Bench, kind: str) -> list[Row]:
    """One kind of TSV log."""
    log = bench.log(kind)
    others = {"Polars reading it": programs.polars_tsv(log, bench.records)}
    if kind == "conn":
        reader, forest = _ZAT
        others[reader] = programs.zat_reader(log, bench.records)
        others[forest] = programs.zat_forest(log, bench.records)
    runs = in_turn({_SCAN: bench.scan(log), **others}, bench.rounds)
    polars, *zat = others
    rows = [_row(bench, kind, f"`scan` of {kind} TSV", runs, polars, _TSV_GOALS[kind])]
    names = ("zat", "forest")
    return rows + [
        _row(bench, name, f"`scan` of {kind} TSV", runs, other, _ZAT[other])
        for name, other in zip(names, zat, strict=False)
    ]


def json(bench: Bench) -> list[Row]:
    """Zeek's JSON log of connections against a parser alone."""
    return _against_parsers(bench, "json", "`scan` of conn JSON")


def eve(bench: Bench) -> list[Row]:
    """Suricata's events against a parser alone."""
    return _against_parsers(bench, "eve", "`scan` of EVE (flow, dns, http, tls)")


def _against_parsers(bench: Bench, form: str, what: str) -> list[Row]:
    log = bench.log(form)
    parsers: Mapping[str, Callable[[Path, int], Program]] = {
        "orjson parsing it": programs.orjson_lines,
        "Polars parsing it": programs.polars_json,
    }
    others = {name: make(log, bench.records) for name, make in parsers.items()}
    runs = in_turn({_SCAN: bench.scan(log), **others}, bench.rounds)
    faster = min(others, key=lambda name: runs[name].work)
    return [_row(bench, form, what, runs, faster, _JSON_GOAL)]


def gz(bench: Bench) -> list[Row]:
    """A compressed log: either reading the plain one is what takes long, or inflating it."""
    plain, packed = bench.log("conn"), bench.gz()
    alone, same = "inflating alone (zlib)", "`scan` of the plain log"
    runs = in_turn(
        {_SCAN: bench.scan(packed), same: bench.scan(plain), alone: programs.inflate(packed)},
        bench.rounds,
    )
    ours, slower = runs[_SCAN], max((same, alone), key=lambda name: runs[name].seconds)
    others = "; ".join(f"{name}: {runs[name]}" for name in (same, alone))
    start = bench.start.least
    work = runs[slower].work if slower == alone else runs[same].least - start
    return [
        Row(
            name="gz",
            what="time of `scan` of conn TSV, gz, against the slower of",
            figure=rate(bench.records, ours),
            against=others,
            goal=_GZ_GOAL,
            value=ours.seconds / runs[slower].seconds,
            work=quotient(ours.least - start, work),
        )
    ]


def _row(
    bench: Bench, name: str, what: str, runs: Mapping[str, Runs], other: str, goal: Goal
) -> Row:
    """How many times as fast as another program a scan is."""
    ours, theirs = runs[_SCAN], runs[other]
    return Row(
        name=name,
        what=what,
        figure=rate(bench.records, ours),
        against=f"{other}: {rate(bench.records, theirs)}",
        goal=goal,
        value=theirs.seconds / ours.seconds,
        work=quotient(theirs.work, ours.least - bench.start.least),
    )


def rate(records: int, runs: Runs) -> str:
    """Records a second of whole processes, and their seconds."""
    return f"{records / runs.seconds:,.0f} records/s, {runs}"


def quotient(one: float, other: float) -> float | None:
    """A ratio of what is left without the start; None where a log was too short to say."""
    return one / other if one > 0 and other > 0 else None
