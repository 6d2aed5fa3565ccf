"""One condition that a rule may be made of, with what it says in both worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from enricher.rulegen.matching.conditions import Condition, Content, Expression, OnBuffer, Size
from enricher.rulegen.rule.rule import Option
from enricher.rulegen.rule.text import encode_content

_ASCII = 0x80


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition on one buffer.

    Attributes:
        on: The condition, as it is evaluated.
        options: The same as it is written, without the buffer's own keyword.
        about: What it says, for a reader.
        bits: How surprising it is in ordinary traffic; 0 where that is not known.
        order: What is preferred among conditions that do the same: lower is better.
    """

    on: OnBuffer
    options: tuple[Option, ...]
    about: str
    bits: float
    order: float

    @property
    def buffer(self) -> str:
        """Name of the buffer."""
        return self.on.name

    @property
    def length(self) -> int:
        """Bytes of its contents."""
        return sum(len(one.pattern) for one in self.on.conditions if isinstance(one, Content))


def part(buffer: str, value: bytes, bits: float, order: float, *, nocase: bool = True) -> Atom:
    """The buffer has some bytes somewhere."""
    return Atom(
        OnBuffer(buffer, (Content(value, nocase=nocase),)),
        (_content(value), *_nocase(nocase)),
        f"{buffer} contains {shown(value)}",
        bits,
        order,
    )


def absent(buffer: str, value: bytes, about: str, order: float) -> Atom:
    """The buffer has some bytes nowhere."""
    return Atom(
        OnBuffer(buffer, (Content(value, negated=True, nocase=True),)),
        (Option("content", f'!"{encode_content(value)}"'), Option("nocase")),
        about,
        0.0,
        order,
    )


def whole(buffer: str, value: bytes, bits: float, order: float, *, nocase: bool = False) -> Atom:
    """The buffer is some bytes and nothing else."""
    placed = Content(value, nocase=nocase, offset=0, depth=len(value), endswith=True)
    conditions: tuple[Condition, ...] = (placed,)
    # bsize would say the same; linters find it slow, or out of its place in a second buffer.
    options = (_content(value), Option("startswith"), Option("endswith"), *_nocase(nocase))
    about = f"{buffer} is {shown(value)}"
    return Atom(OnBuffer(buffer, conditions), options, about, bits, order)


def ending(buffer: str, value: bytes, bits: float, order: float) -> Atom:
    """The buffer ends with some bytes."""
    return Atom(
        OnBuffer(buffer, (Content(value, nocase=True, endswith=True),)),
        (_content(value), Option("endswith"), Option("nocase")),
        f"{buffer} ends with {shown(value)}",
        bits,
        order,
    )


def beginning(buffer: str, value: bytes, bits: float, order: float) -> Atom:
    """The buffer begins with some bytes."""
    return Atom(
        OnBuffer(buffer, (Content(value, nocase=True, offset=0, depth=len(value)),)),
        (_content(value), Option("startswith"), Option("nocase")),
        f"{buffer} begins with {shown(value)}",
        bits,
        order,
    )


def domain(buffer: str, name: bytes, bits: float, order: float) -> Atom:
    """The buffer is a domain or a name below it."""
    value = b"." + name.lower()
    # The engine refuses nocase on a host, whose case it leaves where a port was named.
    lowered = buffer == "http.host"
    first = Option("to_lowercase") if lowered else None
    content = Content(value, nocase=not lowered, endswith=True)
    options = (Option("dotprefix"), _content(value), Option("endswith"), *_nocase(not lowered))
    return Atom(
        OnBuffer(buffer, (content,), dotted=True, lowered=lowered),
        options if first is None else (first, *options),
        f"{buffer} is {shown(name)} or below it",
        bits,
        order,
    )


def expression(
    buffer: str, pattern: bytes, anchor: Content, sizes: tuple[int, int], about: str, bits: float,
    order: float,
) -> Atom:  # fmt: skip
    """The buffer has a size, some bytes that the engine looks for first, and matches an expression.

    Args:
        buffer: Name of the buffer.
        pattern: The expression, of letters that need no escape in a rule.
        anchor: Bytes that every match has.
        sizes: Least and most bytes of the buffer.
        about: What it says.
        bits: How surprising it is.
        order: Of preference.
    """
    low, high = sizes
    compiled = Expression(regex.compile(pattern, regex.IGNORECASE))
    places = [Option("offset", str(anchor.offset))] if anchor.offset else []
    places += [Option("endswith")] if anchor.endswith else []
    places += [Option("nocase")] if anchor.nocase else []
    options = (
        Option("bsize", str(low) if low == high else f"{low - 1}<>{high + 1}"),
        _content(anchor.pattern), *places, Option("pcre", f'"/{pattern.decode()}/i"'),
    )  # fmt: skip
    return Atom(OnBuffer(buffer, (Size(low, high), anchor, compiled)), options, about, bits, order)


def shown(value: bytes) -> str:
    """Some bytes for a reader: what does not print as it is escaped."""
    text = "".join(chr(b) if chr(b).isprintable() and b < _ASCII else f"\\x{b:02x}" for b in value)
    return f'"{text}"'


def _content(value: bytes) -> Option:
    return Option("content", f'"{encode_content(value)}"')


def _nocase(wanted: bool) -> tuple[Option, ...]:
    return (Option("nocase"),) if wanted else ()


def one_of(buffer: str, parts: Sequence[bytes], anchor: bytes, bits: float, order: float) -> Atom:
    """The buffer has one of several parts somewhere.

    Args:
        buffer: Name of the buffer.
        parts: In lower case.
        anchor: Bytes that every match has, which the engine looks for first.
        bits: How surprising it is.
        order: Of preference.
    """
    pattern = "(" + "|".join("".join(map(letter, one)) for one in parts) + ")"
    compiled = Expression(regex.compile(pattern.encode(), regex.IGNORECASE))
    options = (_content(anchor), Option("nocase"), Option("pcre", f'"/{pattern}/i"'))
    about = f"{buffer} contains one of " + " ".join(map(shown, parts))
    return Atom(
        OnBuffer(buffer, (Content(anchor, nocase=True), compiled)), options, about, bits, order
    )


def letter(byte: int) -> str:
    """A byte in an expression: what is no letter or digit is written by its number."""
    return chr(byte) if chr(byte).isalnum() and byte < _ASCII else f"\\x{byte:02x}"
