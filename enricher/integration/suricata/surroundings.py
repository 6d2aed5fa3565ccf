"""What of a configuration concerns fingerprints, rules, classtypes and the control socket."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

from enricher.errors import InputError
from enricher.integration.finding import Finding
from enricher.integration.looking import beginning, is_file
from enricher.integration.suricata.events import has
from enricher.integration.suricata.nodes import Node
from enricher.rulegen.deploy.content import HEADER
from enricher.rulegen.deploy.layout import FILE
from enricher.rulegen.engine.classification import CLASSIFICATION
from enricher.rulegen.engine.suricata import Engine
from enricher.rulegen.policy import load_policy

RULES = Path("/etc/suricata/rules") / FILE
"""Where ``enricher rules deploy`` writes where nothing else is said."""

_SETTINGS = Path("/etc/suricata")
_RUN = Path("/var/run/suricata")
_MOST = 4 << 20
# PATH_MAX of Linux.
_LONGEST = 4096
_CLASS = re.compile(r"\s*config\s*classification\s*:\s*([a-zA-Z][a-zA-Z0-9-_]*)\s*,.+,\s*\d+\s*$")


def check_fingerprints(root: Node, engine: Engine | None) -> Iterator[Finding]:
    """Whether JA3 and JA4 are computed."""
    for hash_ in ("ja3", "ja4"):
        name = f"app-layer.protocols.tls.{hash_}-fingerprints"
        if not has(engine, hash_):
            yield Finding("tls", "ok", f"this Suricata was built without {hash_.upper()}")
        elif root.says(name) is True:
            yield Finding("tls", "ok", f"{name} is on")
        else:
            word = root.text(name)
            shown = "not set" if word is None else word
            message = f"{name} is {shown}: the detector and rules have no {hash_.upper()}"
            yield Finding("tls", "warning", message, f"set '{name}: yes'")


def rule_files(root: Node) -> list[Path] | None:
    """The patterns of rules files, as full paths; None where there is no list of them."""
    node = root.at("rule-files")
    if node is None or not node.is_list:
        return None
    folder = Path(root.text("default-rule-path") or ".")
    return [folder / one.value for one in node.items() if one.value]


def loads(pattern: Path, rules: Path) -> bool:
    """Whether an entry of ``rule-files`` loads a file."""
    return len(str(pattern)) <= _LONGEST and fnmatch.fnmatchcase(str(rules), str(pattern))


def check_rules(root: Node, rules: Path) -> Iterator[Finding]:
    """Whether the file of ``enricher rules deploy`` is loaded."""
    patterns = rule_files(root) or []
    named = [one for one in patterns if loads(one, rules)]
    other = [one for one in patterns if one.name == FILE]
    if not named and not other:
        message = f"rule-files does not name {rules}, where 'enricher rules deploy' writes"
        advice = "name it there, or name with --rules the file that you deploy to"
        yield Finding("rules", "warning", message, advice)
        return
    file = rules if named else other[0]
    if len(named) > 1:
        message = f"rule-files loads {file} more than once: each rule would be there twice"
        yield Finding("rules", "warning", message, f"leave only one of {named[0]}, {named[1]}")
        return
    try:
        begin = beginning(file, len(HEADER)) if is_file(file) else None
    except InputError as error:
        yield Finding("rules", "ok", f"rule-files names {file}, which {error.message}")
        return
    if begin is None:
        message = f"rule-files names {file}, which is not there: 'suricata -T' fails"
        advice = f"run 'touch {file}', or 'enricher rules deploy --to {file}'"
        yield Finding("rules", "warning", message, advice)
    elif begin and begin != HEADER:
        message = f"{file} is no rules file of the enricher: it will not deploy there"
        yield Finding("rules", "warning", message, "choose another name for it")
    else:
        yield Finding("rules", "ok", f"rule-files names {file}")


def classification_file(root: Node, engine: Engine | None) -> Path:
    """The file with the classtypes that the engine knows."""
    named = root.text("classification-file")
    settings = _SETTINGS if engine is None or engine.settings is None else engine.settings
    return Path(named) if named else settings / "classification.config"


def missing_classes(file: Path) -> list[str]:
    """The lines that a classification file lacks for the classtypes of rules.

    Raises:
        InputError: If it cannot be read.
    """
    lines = beginning(file, _MOST).decode("utf-8", "replace").splitlines()
    known = {found[1].lower() for line in lines if (found := _CLASS.match(line))}
    used = {one.classtype for one in load_policy().templates.values()}
    standard = {
        found[1]: line for line in CLASSIFICATION.splitlines() if (found := _CLASS.match(line))
    }
    return [
        standard.get(name, f"config classification: {name},{name},2")
        for name in sorted(used)
        if name not in known
    ]


def check_classes(root: Node, engine: Engine | None) -> Iterator[Finding]:
    """Whether the classtypes of rules are known."""
    file = classification_file(root, engine)
    try:
        missing = missing_classes(file)
    except InputError as error:
        message = f"the classification file {error}"
        advice = "name with 'classification-file' the one that came with Suricata"
        yield Finding("classtype", "warning", message, advice)
        return
    for line in missing:
        message = f"{file} lacks a classtype of the enricher's rules"
        yield Finding("classtype", "warning", message, f"add the line '{line}'")
    if not missing:
        yield Finding("classtype", "ok", f"{file} has the classtypes of the enricher's rules")


def control_socket(root: Node) -> Path:
    """The control socket, where the engine makes one."""
    return _RUN / (root.text("unix-command.filename") or "suricata-command.socket")


def check_control(root: Node) -> Iterator[Finding]:
    """Whether the engine can be told to load rules."""
    word = root.text("unix-command.enabled")
    if word == "auto" or root.says("unix-command.enabled") is True:
        socket = control_socket(root)
        yield Finding("control", "ok", f"give 'enricher rules deploy' --socket {socket}")
    else:
        message = "unix-command is not enabled: 'enricher rules deploy' can not reload the rules"
        yield Finding("control", "warning", message, "set 'enabled: auto' below 'unix-command:'")
