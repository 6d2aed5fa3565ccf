"""Asks the real engine whether rules are accepted, and what it warns of.

Rules are loaded together with ``--engine-analysis``, which goes on after a rule that it cannot
parse; what was loaded is then tried as a whole with ``-T``, as suricata-update does. What the
engine says without naming a rule is settled by asking about fewer rules at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import EngineError
from enricher.rulegen.engine.analysis import analysis_warnings, loaded_rules
from enricher.rulegen.engine.configuration import ENGINE_LOG, write_configuration
from enricher.rulegen.engine.engine_log import Complaints, complaints, read_engine_log
from enricher.rulegen.engine.rules_file import write_datasets, write_rules
from enricher.rulegen.engine.suricata import Engine, run_child


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """The engine's verdict on one rule.

    Attributes:
        accepted: Whether the engine loads it.
        errors: Why not; empty if it does.
        warnings: What the engine and its analysis warn of.
    """

    accepted: bool
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_rules(
    engine: Engine,
    rules: Sequence[str],
    *,
    datasets: Mapping[str, bytes] | None = None,
    timeout: float = 120,
) -> list[RuleCheck]:
    """Check rules with the engine.

    Args:
        engine: See :func:`enricher.rulegen.engine.suricata.require_engine`.
        rules: One rule each. One that no line of a rules file can hold is refused unseen.
        datasets: The files that the rules load, by their plain name.
        timeout: Seconds for each run of the engine.

    Returns:
        A verdict for each rule. A rejected rule never takes another with it.

    Raises:
        EngineError: If the engine fails for another reason than the rules.
    """
    if not rules:
        return []
    checks = _together(engine, rules, datasets or {}, timeout)
    good = [rule for rule, check in zip(rules, checks, strict=True) if check.accepted]
    if good:
        _confirm(engine, good, datasets or {}, timeout)
    return checks


def _together(
    engine: Engine, rules: Sequence[str], datasets: Mapping[str, bytes], timeout: float
) -> list[RuleCheck]:
    with tempfile.TemporaryDirectory(prefix="enricher-check-") as name:
        folder = Path(name)
        refused = write_rules(rules, folder / "check.rules")
        write_datasets(datasets, folder)
        if len(refused) == len(rules):
            return [RuleCheck(accepted=False, errors=(refused[i],)) for i in range(len(rules))]
        _run(engine, folder, "--engine-analysis", timeout)
        by_text = {rule: line for line, rule in enumerate(rules)}
        sids = {
            sid: by_text[raw]
            for raw, sid in loaded_rules(folder / "rules.json").items()
            if raw in by_text
        }
        found = complaints(read_engine_log(folder / ENGINE_LOG), sids)
        analysed = analysis_warnings(folder / "rules_analysis.txt", set(by_text))
    unclear = bool(found.of_somebody) or any(
        line not in refused and line not in sids.values() and not found.errors[line]
        for line in range(len(rules))
    )
    if unclear and len(rules) > 1:
        middle = len(rules) // 2
        parts = (rules[:middle], rules[middle:])
        halves = [c for part in parts for c in _together(engine, part, datasets, timeout)]
        return [
            RuleCheck(accepted=False, errors=tuple(found.errors[line]))
            if half.accepted and found.errors[line]
            else half
            for line, half in enumerate(halves)
        ]
    lines = {line: sid for sid, line in sids.items()}
    return [
        RuleCheck(accepted=False, errors=(refused[line],))
        if line in refused
        else _verdict(line, rule, lines.get(line), found, analysed)
        for line, rule in enumerate(rules)
    ]


def _verdict(
    line: int,
    rule: str,
    sid: int | None,
    found: Complaints,
    analysed: Mapping[str, Sequence[str]],
) -> RuleCheck:
    # Of one rule alone, every complaint that names none is about it.
    unnamed = tuple(found.of_somebody)
    errors = tuple(found.errors.get(line, ()))
    if errors or sid is None:
        why = errors or unnamed or ("the engine does not load it",)
        return RuleCheck(accepted=False, errors=why)
    warnings = (*unnamed, *found.warnings.get(sid, ()), *analysed.get(rule, ()))
    return RuleCheck(accepted=True, warnings=tuple(dict.fromkeys(warnings)))


def _confirm(
    engine: Engine, rules: Sequence[str], datasets: Mapping[str, bytes], timeout: float
) -> None:
    """Load the accepted rules as suricata-update's own test does."""
    with tempfile.TemporaryDirectory(prefix="enricher-check-") as name:
        folder = Path(name)
        write_rules(rules, folder / "check.rules")
        write_datasets(datasets, folder)
        status = _run(engine, folder, "-T", timeout)
        if status != 0:
            errors = [m.text for m in read_engine_log(folder / ENGINE_LOG) if m.level == "error"]
            raise EngineError(
                "Suricata's test of the accepted rules failed: " + "; ".join(errors)[:1000]
            )


def _run(engine: Engine, folder: Path, mode: str, timeout: float) -> int:
    configuration = write_configuration(engine, folder)
    arguments = [str(engine.path), mode, "-c", str(configuration), "-l", str(folder)]
    done = run_child([*arguments, "-S", str(folder / "check.rules"), "-k", "none"], timeout=timeout)
    if not (folder / ENGINE_LOG).is_file():
        raise EngineError(f"{engine.path} failed: {done.output[:500]!r}")
    return done.status
