"""How long it takes until the first record is scored, and until a command has answered."""

from __future__ import annotations

from tests.bench.speed.processes import ENRICHER, Program, Run, Runs, in_turn, spread
from tests.bench.speed.programs import first_batch
from tests.bench.speed.results import Goal, Row
from tests.bench.speed.workplace import Bench

_FIRST = Goal(1.5, "s", at_most=True)
_ANSWER = Goal(0.3, "s", at_most=True)
_ROUNDS = 5
_COMMANDS = (("--help",), ("rules", "list"), ("families", "list"))


def start(bench: Bench) -> list[Row]:
    """Start-up, by processes that do next to nothing."""
    state = bench.folder / "state"
    programs = {"scan": first_batch(bench.scan_arguments(bench.log("conn", 1)))}
    for words in _COMMANDS:
        options = () if words == ("--help",) else ("--state", str(state))
        programs[" ".join(words)] = Program((*ENRICHER, *words, *options))
    in_turn(programs, 1)  # what is compiled and cached is not what a user waits for every day
    runs = in_turn(programs, max(bench.rounds, _ROUNDS))
    return [_first(runs["scan"]), *(_answer(" ".join(words), runs) for words in _COMMANDS)]


def _first(runs: Runs) -> Row:
    seconds = [_until_first(run) for run in runs.each]
    return Row(
        name="first-record",
        what="from the start of the process to the first record, scored and decided "
        "(`scan` of a log of one record)",
        figure=spread(seconds, "s"),
        goal=_FIRST,
        value=sorted(seconds)[len(seconds) // 2],
    )


def _until_first(run: Run) -> float:
    """Seconds from the start of the process; one clock counts for all processes of a machine."""
    told = next(line for line in run.output.splitlines() if line.startswith("first "))
    return float(told.split()[1]) - run.started


def _answer(words: str, runs: dict[str, Runs]) -> Row:
    return Row(
        name=words.strip("-").replace(" ", "-"),
        what=f"`{words}`",
        figure=str(runs[words]),
        goal=_ANSWER,
        value=runs[words].seconds,
    )
