"""What a site has to add so that the enricher gets all it needs; nothing is edited here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from enricher.errors import EngineError, InputError
from enricher.integration.suricata.choosing import choose
from enricher.integration.suricata.eve import LOG_FOLDER, EveOutput, eve_outputs, log_folder
from enricher.integration.suricata.events import OLDEST, has, major
from enricher.integration.suricata.include_file import (
    NAME,
    Content,
    check_eve,
    check_rules_path,
    is_ours,
    render,
    scalar,
)
from enricher.integration.suricata.loading import Configuration
from enricher.integration.suricata.nodes import Node
from enricher.integration.suricata.surroundings import (
    RULES,
    classification_file,
    loads,
    missing_classes,
    rule_files,
)
from enricher.rulegen.engine.suricata import Engine

EVE_FILE = "enricher-eve.json"

_FOLDER = Path("/etc/suricata")
_ADDED_TO = ("outputs", "app-layer", "rule-files")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for.

    Attributes:
        eve: Where events are to go, a file or ``unix:/path``; None for a file among the site's.
        rules: The rules file to load; None for none.
        fingerprints: Whether JA3 and JA4 may be switched on.
        include: Where the include file will be; None for beside the configuration.
    """

    eve: str | None = None
    rules: Path | None = RULES
    fingerprints: bool = True
    include: Path | None = None


@dataclass(slots=True)
class Plan:
    """What there is to add.

    Attributes:
        include: Where the include file belongs.
        eve: Where events go, as the ``path`` of an input.
        classes: Lines that the classification file lacks.
        steps: What there is to do, in order, each with the lines that it is about.
        notes: What else there is to know.
        text: The include file.
    """

    include: Path
    eve: str
    classes: list[str] = field(default_factory=list)
    steps: list[tuple[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    text: str = ""

    def lines(self) -> Iterator[str]:
        """The steps and notes, for people."""
        for number, (words, lines) in enumerate(self.steps, 1):
            yield shown(f"{number}. {words}")
            yield from (shown(f"     {line}") for line in lines)
        yield from (shown(f"Note: {note}") for note in self.notes)


def plan(made: Configuration | None, engine: Engine | None, wish: Wish) -> Plan:
    """Find out what there is to add.

    Args:
        made: The site's configuration; None where there is none to look at.
        engine: The engine, where it is known.
        wish: What is asked for.

    Raises:
        InputError: If what is asked for is not possible.
        EngineError: If the engine is too old.
    """
    if engine is not None and (major(engine) or 0) < OLDEST:
        raise EngineError(
            f"Suricata {engine.version} cannot add to its outputs by an include: install Suricata "
            f"{OLDEST} or later, or change the eve-log that is there ('enricher suricata check')"
        )
    root = Node("", Path(), 0) if made is None else made.root
    folder = Path(LOG_FOLDER) if made is None else log_folder(root)
    eve = check_eve(wish.eve or str(folder / EVE_FILE))
    beside = _FOLDER if made is None else made.path.absolute().parent
    found = Plan((wish.include or beside / NAME).absolute(), eve)
    if not str(found.include).isprintable():
        raise InputError("a path of printable characters is needed", ascii(str(found.include)))
    theirs = [one for one in eve_outputs(root) if not is_ours(one.node.file)]
    _refuse_taken(eve, theirs)
    _note_enough(found, theirs, engine)
    content = Content(
        eve,
        hashes=_hashes(found, root, engine) if wish.fingerprints else (),
        ja4=wish.fingerprints and has(engine, "ja4"),
        rules=_rules(found, root, wish.rules),
        rules_listed=made is None or _listed(root),
    )
    _steps(found, made, engine, content)
    found.text = render(content, "".join(f"# {line}".rstrip() + "\n" for line in found.lines()))
    return found


def shown(text: str) -> str:
    """Text of others on one line, as it may stand in a comment."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _refuse_taken(eve: str, theirs: list[EveOutput]) -> None:
    for one in theirs:
        if one.target == Path(eve.removeprefix("unix:")):
            raise InputError(
                f"an eve-log writes there already ({one.node.place}): choose another place, "
                "or let 'enricher suricata check' say what that one lacks",
                eve,
            )


def _note_enough(found: Plan, theirs: list[EveOutput], engine: Engine | None) -> None:
    choice = choose(theirs, engine)
    joined = all(one.community_id and one.seed == 0 for one, _ in choice.outputs)
    if joined and not any(choice.lacking.values()):
        inputs = ", ".join(choice.inputs)
        found.notes.append(f"what is logged to {inputs} is enough: no other eve-log is needed.")


def _hashes(found: Plan, root: Node, engine: Engine | None) -> list[str]:
    """The fingerprints to switch on; what the site has said of them stays."""
    wanted = []
    for hash_ in ("ja3", "ja4"):
        name = f"app-layer.protocols.tls.{hash_}-fingerprints"
        node = root.at(name)
        said = None if node is None or is_ours(node.file) else root.says(name)
        if said is False and node is not None:
            found.notes.append(f"{name} is {node.value} ({node.place}) and stays so.")
        if has(engine, hash_) and said is None:
            wanted.append(hash_)
    return wanted


def _rules(found: Plan, root: Node, rules: Path | None) -> Path | None:
    """The rules file, where it has to be named."""
    if rules is None:
        return None
    check_rules_path(rules)
    node = root.at("rule-files")
    items = [] if node is None or not _listed(root) else list(node.items())
    folder = Path(root.text("default-rule-path") or ".")
    for one in items:
        if one.value and not is_ours(one.file) and loads(folder / one.value, rules):
            found.notes.append(f"rule-files names {rules} already ({one.place}).")
            return None
    return rules


def _listed(root: Node) -> bool:
    """Whether the site itself has a list of rules files."""
    node = root.at("rule-files")
    return rule_files(root) is not None and node is not None and not is_ours(node.file)


def _steps(
    found: Plan, made: Configuration | None, engine: Engine | None, content: Content
) -> None:
    config = _FOLDER / "suricata.yaml" if made is None else made.path.absolute()
    found.steps.append((f"Save this file as {found.include}.", []))
    found.steps.append(_place(found.include, config, made))
    if content.rules is not None:
        words = "Make the rules file, where it is not there: without it 'suricata -T' fails."
        folder = shlex.quote(str(content.rules.parent))
        file = shlex.quote(str(content.rules))
        found.steps.append((words, [f"mkdir -p {folder} && touch {file}"]))
    _add_classes(found, made, engine)
    path = found.eve.removeprefix("unix:")
    settings = ["inputs:", f"  - path: {scalar(found.eve)}"]
    found.steps.append(("In the settings of the enricher (enricher.yaml):", settings))
    found.steps.append(("Try it:", [f"suricata -T -c {shlex.quote(str(config))}"]))
    words = "Restart Suricata (a reload of its rules is not enough), then look again:"
    found.steps.append((words, [f"enricher suricata check --config {shlex.quote(str(config))}"]))
    if found.eve != path:
        found.notes.append(
            "a running Suricata never waits for a socket: what the service does not take at once, "
            "or while it is away, is dropped. A file loses nothing."
        )
    if made is None:
        found.notes.append("no suricata.yaml was looked at; name it with --config.")


def _place(include: Path, config: Path, made: Configuration | None) -> tuple[str, list[str]]:
    """Where the include has to stand: after all that it adds to."""
    line = [f"include: {scalar(str(include))}"]
    there = [] if made is None else [one for one in made.includes if one.file == made.path]
    others = [one for one in there if one.target.absolute() != include]
    if made is None or not others:
        return f"As the last line of {config}, unless it is there:", line
    last = _last_line(made)
    after = [one for one in others if one.line > last]
    if not after:
        # What stands before a name is replaced by it; moving what is there could change it.
        words = f"As the last line of {config}, a second include, which Suricata warns of:"
        return words, line
    words = f"In {config}, line {after[0].line}, let it be the last of the files included:"
    names = [*(str(one.target) for one in after), str(include)]
    return words, ["include:", *(f"  - {scalar(name)}" for name in names)]


def _last_line(made: Configuration) -> int:
    """The last line of the site's own file on which something begins that is added to."""
    nodes = [made.root.children.get(name) for name in _ADDED_TO]
    return max((one.line for one in nodes if one is not None and one.file == made.path), default=0)


def _add_classes(found: Plan, made: Configuration | None, engine: Engine | None) -> None:
    if made is None:
        return
    file = classification_file(made.root, engine)
    try:
        found.classes = missing_classes(file)
    except InputError as error:
        found.notes.append(f"the classification file {error}.")
        return
    if found.classes:
        found.steps.append((f"Add to {file}:", found.classes))
