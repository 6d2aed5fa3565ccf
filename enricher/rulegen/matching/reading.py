"""From a rule's options to conditions: what of it can be evaluated on logs, and what can not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, cast

import regex

from enricher.logs import Kind
from enricher.rulegen.matching.buffers import BUFFERS
from enricher.rulegen.matching.conditions import (
    Content,
    Expression,
    OnBuffer,
    Size,
)
from enricher.rulegen.matching.packets import PACKET_KEYWORDS, OnPacket
from enricher.rulegen.rule.rule import Header, Option, Rule
from enricher.rulegen.rule.text import decode_content, quoted

Track = Literal["by_src", "by_dst", "by_both", "by_rule"]
Counting = Literal["limit", "threshold", "both", "detection_filter"]

_KINDS: Final[dict[str, Kind]] = {
    "http": "http", "dns": "dns", "tls": "ssl", "ssl": "ssl",
    "tcp": "conn", "udp": "conn", "icmp": "conn", "ip": "conn", "tcp-pkt": "conn",
}  # fmt: skip
_NOT_MATCHING = frozenset(
    {"msg", "sid", "rev", "gid", "reference", "classtype", "metadata", "fast_pattern", "target",
     "priority", "requires", "flow", "noalert"}
)  # fmt: skip
_MODIFIERS = frozenset(
    {"nocase", "startswith", "endswith", "offset", "depth", "distance", "within"}
)
_PCRE = re.compile(r"/(.*)/([a-zA-Z]*)", re.DOTALL)
_PCRE_FLAGS = {"i": regex.IGNORECASE, "s": regex.DOTALL, "m": regex.MULTILINE, "x": regex.VERBOSE}
_RANGE = re.compile(r"(?:([<>])\s*(\d+)|(\d+)\s*(?:<>|-)\s*(\d+)|(\d+))")


@dataclass(frozen=True, slots=True)
class Rate:
    """A ``threshold`` or ``detection_filter``.

    Attributes:
        type: How it counts.
        track: By what.
        count: Matches.
        seconds: In which they come.
    """

    type: Counting
    track: Track
    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Readable:
    """What a rule asks for, as far as logs can tell.

    Attributes:
        kind: Kind of record that it is about.
        header: Its header.
        buffers: Conditions on buffers.
        packet: Conditions on packets.
        rate: How its matches are counted; None where each is an alert.
        answers: It is about what the responder sends.
        unread: Keywords that logs can not tell anything about; the rule matches no more than what
            is said here.
    """

    kind: Kind
    header: Header
    buffers: tuple[OnBuffer, ...] = ()
    packet: OnPacket = field(default_factory=OnPacket)
    rate: Rate | None = None
    answers: bool = False
    unread: tuple[str, ...] = ()


def read_rule(rule: Rule) -> Readable:
    """What a rule asks for.

    Args:
        rule: The rule.

    Raises:
        ValueError: If an option is not what the engine would take.
    """
    reader = _Reader()
    for option in rule.options:
        reader.take(option)
    kinds = {BUFFERS[one.name].kind for one in reader.buffers}
    named = _KINDS.get(rule.header.protocol)
    unread = list(reader.unread)
    if len(kinds | {named} - {None, "conn"}) > 1 or (named is None and not kinds):
        unread.append(f"protocol {rule.header.protocol}")
    kind = kinds.pop() if kinds else named or "conn"
    packet = replace(reader.packet, protocol=rule.header.protocol)
    unread += packet.unread
    flow = ",".join(rule.values("flow"))
    return Readable(
        kind,
        rule.header,
        tuple(reader.buffers),
        packet,
        reader.rate,
        answers="to_client" in flow or "from_server" in flow,
        unread=tuple(dict.fromkeys(unread)),
    )


class _Reader:
    """Walks over the options as the engine does: a buffer holds for what follows it."""

    def __init__(self) -> None:
        self._inside = False
        self.buffers: list[OnBuffer] = []
        self.packet = OnPacket()
        self.rate: Rate | None = None
        self.unread: list[str] = []

    def take(self, option: Option) -> None:
        """Take the next option."""
        name, value = option.name, option.value or ""
        if name in BUFFERS:
            self.buffers.append(OnBuffer(name, ()))
            self._inside = True
        elif name in _MODIFIERS:
            self._modify(name, value)
        elif name in ("dotprefix", "to_lowercase") and self._inside:
            last = self.buffers[-1]
            dotted = last.dotted or name == "dotprefix"
            self.buffers[-1] = replace(
                last, dotted=dotted, lowered=last.lowered or name == "to_lowercase"
            )
        elif name in ("threshold", "detection_filter"):
            self.rate = _rate(name, value)
        elif name in PACKET_KEYWORDS:
            self.packet = self.packet.with_keyword(name, value)
        elif name == "urilen":
            self.buffers.append(OnBuffer("http.uri", (_size(value.partition(",")[0]),)))
            self._inside = False
        elif name not in _NOT_MATCHING:
            self._condition(name, value)

    def _condition(self, name: str, value: str) -> None:
        read = {"content": _content, "pcre": _expression, "bsize": _size}.get(name)
        condition = read(value) if read is not None and self._inside else None
        if condition is None:
            self.unread.append(name)
            # What stands in a buffer that no log has is not to be taken for the one before.
            self._inside = self._inside and "." not in name
            return
        last = self.buffers[-1]
        self.buffers[-1] = replace(last, conditions=(*last.conditions, condition))

    def _modify(self, name: str, value: str) -> None:
        if not self._inside:
            return
        last = self.buffers[-1]
        if not last.conditions or not isinstance(content := last.conditions[-1], Content):
            raise ValueError(f"{name} stands after no content")
        changed = _changed(content, name, value)
        self.buffers[-1] = replace(last, conditions=(*last.conditions[:-1], changed))


def _changed(content: Content, modifier: str, value: str) -> Content:
    if modifier == "nocase":
        return replace(content, nocase=True)
    if modifier == "endswith":
        return replace(content, endswith=True)
    if modifier == "startswith":
        return replace(content, offset=0, depth=len(content.pattern))
    place = int(value)
    if modifier in ("offset", "depth"):
        offset = place if modifier == "offset" else content.offset
        return replace(
            content, offset=offset, depth=content.depth if modifier == "offset" else place
        )
    distance = place if modifier == "distance" else content.distance
    return replace(
        content, distance=distance, within=content.within if modifier == "distance" else place
    )


def _content(value: str) -> Content:
    negated, inside = quoted(value)
    return Content(decode_content(inside), negated=negated)


def _expression(value: str) -> Expression | None:
    negated, inside = quoted(value)
    found = _PCRE.fullmatch(inside)
    if found is None:
        raise ValueError("a pcre is not between slashes")
    flags = 0
    for letter in found.group(2):
        if letter not in _PCRE_FLAGS:
            return None
        flags |= _PCRE_FLAGS[letter]
    pattern = found.group(1).replace("\\;", ";").replace('\\"', '"')
    try:
        return Expression(regex.compile(pattern.encode(), flags), negated)
    except regex.error:
        return None


def _size(value: str) -> Size:
    found = _RANGE.fullmatch(value.strip().replace("-", "<>"))
    if found is None:
        raise ValueError(f"{value[:40]!a} is no size")
    sign, bound, low, high, exact = found.groups()
    if exact is not None:
        return Size(int(exact), int(exact))
    if sign == ">":
        return Size(int(bound) + 1, None)
    if sign == "<":
        return Size(0, int(bound) - 1)
    return Size(int(low) + 1, int(high) - 1)


def _rate(name: str, value: str) -> Rate:
    words = dict(_pairs(value))
    kind = "detection_filter" if name == "detection_filter" else words.get("type", "")
    if kind not in ("limit", "threshold", "both", "detection_filter"):
        raise ValueError(f"{value[:60]!a} is no threshold")
    try:
        return Rate(
            cast(Counting, kind), cast(Track, words["track"]),
            int(words["count"]), int(words["seconds"]),
        )  # fmt: skip
    except KeyError as missing:
        raise ValueError(f"a threshold without {missing}") from missing


def _pairs(value: str) -> Iterator[tuple[str, str]]:
    for part in value.split(","):
        name, _, rest = part.strip().partition(" ")
        yield name, rest.strip()
