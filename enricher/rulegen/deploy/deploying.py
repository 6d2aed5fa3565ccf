r"""Approved rules into a running Suricata, and back out where anything fails.

::

    ledger -> check the file that it makes -> write it -> reload -> look at the answer -> ledger
                                                 \_ put the file before back, reload _/

The ledger changes last, and only when all went well. A deployment that was killed is seen by the
file that it left aside, and put right by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from enricher.errors import EngineError, InputError, StateError
from enricher.rulegen.deploy.content import count_rules, lists_of, render
from enricher.rulegen.deploy.files import RulesFile, open_rules_file
from enricher.rulegen.engine.checking import check_rules
from enricher.rulegen.engine.outcome import ReloadOutcome, RulesetStats
from enricher.rulegen.engine.suricata import Engine
from enricher.rulegen.ledger.candidate import Candidate, Stage
from enricher.rulegen.ledger.checks import check_words
from enricher.rulegen.ledger.deployment import (
    Deployable,
    deployable,
    deployed,
    record_deployment,
)
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.rule.identity import identity_of

TELL = "Suricata was not told: let it reload its rules (suricatasc -c ruleset-reload-nonblocking)"


class Reloading(Protocol):
    """What tells a running Suricata to read its rules again."""

    def stats(self) -> RulesetStats:
        """How many rules it has.

        Raises:
            EngineError: If it can not be reached.
        """

    def reload(self, *, expected: int) -> ReloadOutcome:
        """Let it, and ask what has become of the rules.

        Args:
            expected: Rules that must be loaded at least.

        Raises:
            EngineError: If it can not be reached, or refuses.
        """


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was deployed.

    Attributes:
        rules: All rules that the file has now, in the order of their sids.
        new: Those that have a new status by it.
        gone: Sids of those that the file had before and has no longer.
        reloaded: Whether Suricata has read the file.
        notes: What the user has to know or do.
    """

    rules: tuple[Deployable, ...]
    new: tuple[Candidate, ...]
    gone: tuple[int, ...]
    reloaded: bool
    notes: tuple[str, ...]


def deploy(
    ledger: Ledger,
    target: Path,
    engine: Engine,
    control: Reloading | None,
    *,
    who: str,
    why: str,
    stage: Stage = "shadow",
) -> Deployed:
    """Bring the rules file, and the Suricata that loads it, to what the ledger says.

    Args:
        ledger: The ledger.
        target: The rules file; it is the enricher's alone, and ``rule-files`` of the
            ``suricata.yaml`` has to name it.
        engine: The Suricata that checks the file.
        control: The control socket of the one that loads it; None where there is none.
        who: Name of the user.
        why: In the user's words.
        stage: As what rules are deployed that were only approved until now.

    Raises:
        InputError: If a word is missing, the file is somebody else's, or two rules load different
            files of one name.
        StateError: If the ledger can not be read or written, is not in order, or was changed
            meanwhile.
        OutputError: If the file can not be written, or somebody else is deploying.
        EngineError: If Suricata does not take a rule, or did not reload. The file is as it was
            before then, and so is the ledger.
    """
    check_words(who, why)
    with open_rules_file(target) as file:
        grows = not _put_right(ledger, file)
        rules, before = deployable(ledger), deployed(ledger)
        data, lists = render(rules, stage), lists_of(rules)
        _check(engine, rules, lists)
        grows = grows and len(rules) > count_rules(file.read())
        had = control.stats().loaded if control is not None else 0
        file.add(lists)
        file.replace(data)
        try:
            if control is not None:
                _reload(control, rules, had if grows else None)
            new = record_deployment(ledger, rules, stage, who=who, why=why)
        except EngineError as error:
            raise EngineError(f"{error}; {_roll_back(file, control)}") from error
        except (InputError, StateError) as error:
            raise StateError(f"{error}; {_roll_back(file, control)}") from error
        file.settle()
    sids = {one.sid for one in rules}
    return Deployed(
        rules=tuple(rules),
        new=tuple(new),
        gone=tuple(one.sid for one in before if one.sid not in sids),
        reloaded=control is not None,
        notes=() if control is not None else (TELL,),
    )


def _put_right(ledger: Ledger, file: RulesFile) -> bool:
    """See to a deployment that was killed: the file becomes what the ledger says was deployed.

    Returns:
        Whether there was one.
    """
    if not file.interrupted():
        return False
    if file.read() == render(deployed(ledger), "shadow"):
        file.settle()
    else:
        file.restore()
    return True


def _check(engine: Engine, rules: list[Deployable], lists: Mapping[str, bytes]) -> None:
    checks = check_rules(engine, [one.rule for one in rules], datasets=lists)
    refused = [
        f"{one.sid} ({'; '.join(check.errors)[:300]})"
        for one, check in zip(rules, checks, strict=True)
        if not check.accepted
    ]
    if refused:
        raise EngineError(
            f"nothing was deployed: Suricata does not take rule {', '.join(refused[:5])}; "
            "edit or retire it"
        )


def _reload(control: Reloading, rules: list[Deployable], had: int | None) -> None:
    """Let Suricata read the file, and see that it took our rules.

    Args:
        control: What tells it.
        rules: The rules of the file.
        had: How many rules it had before, of all files, where it must have more now.
    """
    outcome = control.reload(expected=len(rules))
    ours = {one.sid for one in rules}
    # It may know the file by another path than we do: the sid says whose a rule is.
    every = (*outcome.failed, *outcome.failed_elsewhere)
    failed = [one for one in every if _sid(one.rule) in ours]
    if failed:
        raise EngineError(
            f"Suricata failed to load rule {_sid(failed[0].rule)} and {len(failed) - 1} others of "
            f"ours ({failed[0].error[:300]!a})"
        )
    loaded = outcome.stats.loaded
    if loaded < len(rules) or loaded == had:
        raise EngineError(
            f"Suricata has {loaded} rules after the reload and did not read the file: "
            "name it under rule-files in suricata.yaml"
        )


def _sid(text: str) -> int | None:
    try:
        return identity_of(text)[0]
    except ValueError:
        return None


def _roll_back(file: RulesFile, control: Reloading | None) -> str:
    """Put the file before back and let Suricata read it; says how that went."""
    file.restore()
    if control is None:
        return "the file before was put back"
    try:
        control.reload(expected=0)
    except EngineError as error:
        return f"the file before was put back, but Suricata has not read it ({error})"
    return "the file before was put back and loaded"
