"""Which of a configuration's EVE outputs to follow, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from enricher.integration.finding import Finding
from enricher.integration.suricata.eve import EveOutput
from enricher.integration.suricata.events import WANTED, Lack, lacks
from enricher.integration.suricata.nodes import Node
from enricher.rulegen.engine.suricata import Engine

_INSTALL = "or let 'enricher suricata install' print an output of the enricher's own"
_UNREAD = {
    "unix_dgram": "set 'filetype: unix_stream', which the service listens to",
    "redis": "add an output to a file or to a socket",
    "syslog": "add an output to a file or to a socket",
}


@dataclass(slots=True)
class Choice:
    """The outputs to follow.

    Attributes:
        outputs: Each with the event types that are taken from it.
        lacking: What events of each type lack where they are best.
    """

    outputs: list[tuple[EveOutput, list[str]]] = field(default_factory=list)
    lacking: dict[str, list[Lack]] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """The ``path`` of each input, for the settings of ``enricher run``."""
        found = [output.follow for output, _ in self.outputs]
        return list(dict.fromkeys(path for path in found if path is not None))


def choose(outputs: Sequence[EveOutput], engine: Engine | None) -> Choice:
    """Choose the fewest outputs that bring all events as well as any do."""
    choice = Choice()
    usable = [one for one in outputs if one.follow is not None]
    left = list(WANTED)
    while left and usable:
        found = [{event: lacks(one, event, engine) for event in left} for one in usable]
        ranks = [_rank(one, of) for one, of in zip(usable, found, strict=True)]
        best = ranks.index(max(ranks))
        taken = [event for event in left if event in usable[best].types]
        if not taken:
            break
        choice.outputs.append((usable.pop(best), taken))
        choice.lacking |= {event: found[best][event] for event in taken}
        left = [event for event in left if event not in taken]
    for event in left:
        message = f"{event} is not logged by any output that can be followed"
        advice = f"add '- {event}' to the types of an eve-log, {_INSTALL}"
        choice.lacking[event] = [Lack("problem", message, advice)]
    return choice


def check_outputs(root: Node, outputs: Sequence[EveOutput], choice: Choice) -> Iterator[Finding]:
    """What is to be said of the outputs, and of the events that are taken from them."""
    chosen = [output for output, _ in choice.outputs]
    for output in outputs:
        if output in chosen:
            yield from _followed(output)
            yield from _among(output, outputs)
        elif output.follow is None and not chosen:
            yield Finding("eve-log", "problem", *_unread(output))
        else:
            message = f"{output.filetype} {output.target} is not needed ({output.node.place})"
            yield Finding("eve-log", "ok", message)
    if not outputs:
        advice = "let 'enricher suricata install' print one of the enricher's own"
        yield Finding("eve-log", "problem", "no eve-log is enabled", advice)
        return
    places = {event: output for output, events in choice.outputs for event in events}
    for event, found in choice.lacking.items():
        where = f"{places[event].target}: " if event in places else ""
        for lack in found:
            yield Finding("events", lack.level, f"{where}{lack.message}", lack.advice)
        if not found:
            message = f"{where}{event} has all that is read of it"
            yield Finding("events", "ok", message)
    yield from _parsers(root)


def _rank(output: EveOutput, found: dict[str, list[Lack]]) -> tuple[int, int, int, int]:
    worst = sum(any(one.level == "problem" for one in of) for of in found.values())
    joined = output.community_id and output.seed == 0
    return (
        sum(event in output.types for event in found),
        -worst,
        joined,
        -sum(len(of) for of in found.values()),
    )


def _followed(output: EveOutput) -> Iterator[Finding]:
    period = output.node.text("rotate-interval")
    more = f", a new one each {period}" if output.many_files and period else ""
    if output.filetype == "unix_stream":
        more = "; while the service is away, or too slow, Suricata drops events"
    message = f"{output.filetype} {output.target}{more} ({output.node.place})"
    yield Finding("eve-log", "ok", f"{message}: follow {output.follow} (path in 'inputs')")
    if not output.community_id:
        advice = f"set 'community-id: yes' in that eve-log, {_INSTALL}"
        message = f"{output.target} has no community id, by which alerts are joined with flows"
        yield Finding("eve-log", "warning", message, advice)
    elif output.seed != 0:
        seed = output.node.text("community-id-seed")
        message = f"{output.target}: the seed of the community id is {seed}; the enricher's is 0"
        advice = "set 'community-id-seed: 0' here and in Zeek, so that ids are the same"
        yield Finding("eve-log", "warning", message, advice)


def _among(output: EveOutput, outputs: Sequence[EveOutput]) -> Iterator[Finding]:
    """A folder is followed with all that is in it, and no event may come twice."""
    folder = output.target.parent
    beside = [one for one in outputs if one != output and one.target.parent == folder]
    if output.many_files and any(one.is_file for one in beside):
        message = f"{folder} would be followed as a whole, with {beside[0].target} in it"
        advice = "give the eve-log that is followed a folder of its own"
        yield Finding("eve-log", "warning", message, advice)


def _unread(output: EveOutput) -> tuple[str, str]:
    """Why an output cannot be followed, and what to do."""
    where = f"{output.filetype} {output.target} ({output.node.place})"
    if output.node.text("prefix"):
        return f"{where} has a prefix before each event: no JSON", f"take 'prefix' out, {_INSTALL}"
    advice = _UNREAD.get(output.filetype, "set 'filetype: regular' with the name of a file")
    return f"{where} cannot be followed by 'enricher run'", f"{advice}, {_INSTALL}"


def _parsers(root: Node) -> Iterator[Finding]:
    """Protocols whose parser is off: then there is nothing to log."""
    protocols = root.at("app-layer.protocols")
    for name in ("http", "tls", "dns.udp", "dns.tcp"):
        outer = name.split(".")[0]
        # Of two the engine takes the one above.
        paths = [f"{part}.enabled" for part in dict.fromkeys((outer, name))]
        words = [protocols.text(path) for path in paths] if protocols is not None else []
        word = next((one for one in words if one is not None), None)
        if word is not None and word.lower() in {"0", "no", "false", "off", "detection-only"}:
            message = f"app-layer.protocols.{name} is not enabled ({word}): no event is made of it"
            yield Finding("events", "problem", message, "set 'enabled: yes' there")
