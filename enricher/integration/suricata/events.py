"""What the events of an EVE output lack for the detector (Suricata 7.0, ``output-json-*.c``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from enricher.integration.finding import Level
from enricher.integration.suricata.eve import EveOutput
from enricher.integration.suricata.nodes import Node
from enricher.logs.eve_raw import EVENTS
from enricher.rulegen.engine.suricata import Engine

WANTED = tuple(EVENTS)
"""The event types that are scored: ``flow``, ``http``, ``dns``, ``tls``."""

OLDEST = 7
"""The oldest engine that was tried, and that adds to settings by names with dots."""

# Fields that readers take, by the names that 'custom' has for them.
_TLS_FIELDS = ("subject", "issuer", "session_resumed", "fingerprint", "sni", "version")
# Where an engine has them, 'custom' has to name them too.
_HASHES = ("ja3", "ja3s")
# Suricata 8 logs JA4 unasked.
_JA4_UNASKED = 8


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing of events.

    Attributes:
        level: ``problem`` where they are not logged, or not worth much.
        message: What is missing.
        advice: What to do about it.
    """

    level: Level
    message: str
    advice: str


def lacks(output: EveOutput, event: str, engine: Engine | None) -> list[Lack]:
    """What events of one type lack in an output.

    Args:
        output: The output.
        event: One of :data:`WANTED`.
        engine: The engine that reads the configuration, where it is known.
    """
    if event not in output.types:
        return [Lack("problem", f"{event} is not logged", f"add '- {event}' to its types")]
    settings = output.types[event]
    found = {"http": _http, "dns": _dns, "tls": _tls}.get(event)
    return [] if found is None else list(found(settings, engine))


def _http(settings: Node | None, engine: Engine | None) -> Iterator[Lack]:  # noqa: ARG001 - alike
    if settings is None or settings.says("extended") is not True:
        yield Lack(
            "problem",
            "http has no method, status, length and referrer",
            "set 'extended: yes' below '- http:'",
        )


def _dns(settings: Node | None, engine: Engine | None) -> Iterator[Lack]:
    if settings is None:
        return
    for name in ("requests", "responses"):
        # What is neither yes nor no counts as no here.
        if settings.text(name) is not None and settings.says(name) is not True:
            message = f"dns has no {name}"
            yield Lack("problem", message, f"take '{name}: no' from below '- dns:'")
    if settings.text("version") == "1" and major(engine) in {5, 6}:
        message = "dns is logged in the format of version 1, which is not read"
        yield Lack("problem", message, "set 'version: 2' below '- dns:'")
    if settings.at("types") is not None:
        message = "dns is logged for some record types only"
        yield Lack("warning", message, "take 'types' from below '- dns:'")
    formats = settings.at("formats")
    if formats is not None and [one.value for one in formats.items()] == ["grouped"]:
        message = "dns answers have no time to live"
        yield Lack("warning", message, "add 'detailed' to 'formats' below '- dns:'")


def _tls(settings: Node | None, engine: Engine | None) -> Iterator[Lack]:
    custom = None if settings is None else settings.at("custom")
    if custom is not None:
        yield from _custom(custom, engine)
    elif settings is None or settings.says("extended") is not True:
        yield Lack(
            "problem",
            "tls has no server name, version and fingerprints",
            "set 'extended: yes' below '- tls:'",
        )
        return
    if settings is None:
        return
    if settings.text("session-resumption") is not None and not settings.says("session-resumption"):
        message = "tls sessions that are resumed are not logged"
        yield Lack("warning", message, "take 'session-resumption' from below '- tls:'")
    named = custom is not None and "ja4" in _names(custom)
    unasked = (major(engine) or 0) >= _JA4_UNASKED and custom is None
    if has(engine, "ja4") and not (settings.says("ja4") or named or unasked):
        yield Lack("warning", "tls has no JA4", "set 'ja4: yes' below '- tls:'")


def _custom(custom: Node, engine: Engine | None) -> Iterator[Lack]:
    """What a list of fields leaves out; beside it ``extended`` means nothing."""
    wanted = (*_TLS_FIELDS, *(_HASHES if has(engine, "ja3") else ()))
    names = _names(custom)
    if "chain" in names:
        names.add("fingerprint")
    missing = ", ".join(name for name in wanted if name not in names)
    if missing:
        level: Level = "warning" if {"sni", "version"} <= names else "problem"
        advice = "add them to 'custom' below '- tls:', or take it out and set 'extended: yes'"
        yield Lack(level, f"tls has no {missing}", advice)


def has(engine: Engine | None, hash_: str) -> bool:
    """Whether an engine computes ``ja3`` or ``ja4``; one that is not known does."""
    return engine is None or (engine.ja3 if hash_ == "ja3" else engine.ja4)


def major(engine: Engine | None) -> int | None:
    """The first number of the engine's version, where it is known."""
    return None if engine is None else int(engine.version.split(".", 1)[0])


def _names(custom: Node) -> set[str]:
    return {(one.value or "").lower() for one in custom.items()}
