"""Looks at the configuration of a running Suricata: what is there, and what the enricher lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from enricher.errors import EngineError, InputError
from enricher.integration.finding import Finding, no_problem
from enricher.integration.suricata.choosing import check_outputs, choose
from enricher.integration.suricata.eve import eve_outputs
from enricher.integration.suricata.events import OLDEST, major
from enricher.integration.suricata.loading import Configuration, load
from enricher.integration.suricata.surroundings import (
    RULES,
    check_classes,
    check_control,
    check_fingerprints,
    check_rules,
)
from enricher.rulegen.engine.suricata import Engine, find_engine

_USUAL = ("/etc/suricata", "/usr/local/etc/suricata", "/opt/suricata/etc/suricata")
_NAME = "suricata.yaml"
# The engine replaces what stands twice: of these names that loses much.
_WEIGHTY = frozenset({"outputs", "app-layer", "rule-files", "vars"})


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        config: The configuration; None where there is none.
        engine: The version of the engine; None where it is not known.
        inputs: The paths that ``enricher run`` has to follow.
        findings: All that is to be said.
    """

    config: Path | None = None
    engine: str | None = None
    inputs: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether the enricher can read its events, be it with less than there could be."""
        return no_problem(self.findings)


def find_configuration(engine: Engine | None, usual: Sequence[str] = _USUAL) -> Path | None:
    """Where the configuration is, if nobody says so: where the engine looks, or a usual place."""
    places = [Path(one) for one in usual]
    if engine is not None and engine.settings is not None:
        places.insert(0, engine.settings)
    return next((place / _NAME for place in places if (place / _NAME).is_file()), None)


def examine(config: Path | None, program: str | None = None, rules: Path = RULES) -> Report:
    """Look at a configuration.

    Args:
        config: The file; None to look for it.
        program: The engine; ``suricata`` on the PATH where None.
        rules: Where rules are deployed to.
    """
    report = Report()
    engine = _engine(program, report)
    report.config = config or find_configuration(engine)
    if report.config is None:
        report.findings.append(
            Finding("config", "problem", f"no {_NAME} was found", "name it with --config")
        )
        return report
    try:
        made = load(report.config)
    except InputError as error:
        advice = "repair it, or name the file that Suricata runs with, with --config"
        report.findings.append(Finding("config", "problem", str(error), advice))
        return report
    outputs = list(eve_outputs(made.root))
    choice = choose(outputs, engine)
    report.inputs = choice.inputs
    report.findings += [
        *_reading(made),
        *check_outputs(made.root, outputs, choice),
        *check_fingerprints(made.root, engine),
        *check_rules(made.root, rules),
        *check_classes(made.root, engine),
        *check_control(made.root),
    ]
    return report


def _engine(program: str | None, report: Report) -> Engine | None:
    try:
        engine = find_engine(program or "suricata")
    except EngineError as error:
        report.findings.append(Finding("engine", "warning", str(error), "name it with --suricata"))
        return None
    if engine is None:
        message = f"{program or 'suricata'} is not on the PATH: its build is not known"
        found = Finding("engine", "ok", message)
        if program is not None:
            found = Finding("engine", "warning", message, "name another one with --suricata")
        report.findings.append(found)
        return None
    report.engine = engine.version
    if (major(engine) or 0) < OLDEST:
        advice = "install Suricata 7 or later"
        message = f"Suricata {engine.version} is older than any that was tried"
        report.findings.append(Finding("engine", "warning", message, advice))
    else:
        report.findings.append(Finding("engine", "ok", f"Suricata {engine.version}"))
    return engine


def _reading(made: Configuration) -> Iterator[Finding]:
    """What is to be said of the files themselves."""
    more = [str(one.target) for one in made.includes]
    yield Finding("config", "ok", f"{made.path}" + (f", with {', '.join(more)}" if more else ""))
    for node, before in made.replaced:
        if node.name in _WEIGHTY:
            message = f"{node.name} ({node.place}) replaces all that {before} says"
            advice = "move what follows it, such as an include, to the end, or say it once"
            yield Finding("config", "warning", message, advice)
    if made.alias is not None:
        message = f"Suricata passes over YAML aliases ({made.alias})"
        yield Finding("config", "warning", message, "write out what they stand for")
