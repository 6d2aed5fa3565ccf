"""The site's families, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

from enricher.families.family import Family, KindFigures
from enricher.kinds import Kind
from enricher.report.text import safe, utc

if TYPE_CHECKING:
    from enricher.families.support import SupportSet

_NAME, _LINE = 64, 400
_EXEMPLARS = 10


def print_families(families: Sequence[Family], console: Console) -> None:
    """One line for each family and kind."""
    if not families:
        console.out("This site has no families of its own; 'enricher adapt' makes one.")
        return
    table = Table(title_justify="left")
    for heading in ("family", "log", "records", "recall", "false alarms", "at most", "from"):
        right = heading in {"records", "recall", "false alarms", "at most"}
        table.add_column(heading, justify="right" if right else "left")
    for family in families:
        for place, (kind, one) in enumerate(family.kinds.items()):
            table.add_row(
                safe(family.name, _NAME) if place == 0 else "",
                kind,
                f"{one.shots:,}",
                _recall(one),
                f"{one.rate:.2e}",
                f"{one.bound:.2e}",
                family.origin,
            )
    console.print(table)


def print_family(
    family: Family, support: Mapping[Kind, SupportSet] | None, console: Console
) -> None:
    """Everything that is known of one family."""
    say = _speaker(console)
    say(f"Family {safe(family.name, _NAME)}, {family.origin} {utc(family.updated)}")
    say(f"Model {safe(family.bundle_name)} {safe(family.bundle_version)} ({family.bundle[:12]})")
    _print_figures(family, console)
    for kind, one in (support or {}).items():
        say(f"{kind} records that it was adapted from:")
        for origin, uid in list(zip(one.origins, one.uids, strict=True))[:_EXEMPLARS]:
            say(f"  {safe(f'{origin} {uid}', _LINE)}")
        if len(one) > _EXEMPLARS:
            say(f"  and {len(one) - _EXEMPLARS:,} more")


def print_adapted(family: Family, milliseconds: float, console: Console, *, replaced: bool) -> None:
    """What adapting gave, what it can promise and what it can not."""
    say = _speaker(console)
    done = "adapted anew" if replaced else "adapted"
    say(f"Family {safe(family.name, _NAME)} is {done}; 'enricher scan' finds it from now on.")
    _print_figures(family, console)
    benign = sum(one.benign for one in family.kinds.values())
    say(
        f"Labels used: {family.shots:,} records of the family and {benign:,} benign ones. "
        f"Work: {milliseconds:,.0f} ms."
    )


def print_imported(family: Family, console: Console) -> None:
    """What came from another site."""
    say = _speaker(console)
    say(f"Family {safe(family.name, _NAME)} is imported; 'enricher scan' finds it from now on.")
    say("The figures are those of the site that made it.")
    _print_figures(family, console)


def families_json(families: Sequence[Family]) -> bytes:
    """The same as JSON."""
    return _json([family.to_plain() for family in families])


def family_json(
    family: Family, support: Mapping[Kind, SupportSet] | None = None, **more: Any
) -> bytes:
    """One family as JSON, with its support records where they are given."""
    plain = family.to_plain() | more
    if support is not None:
        plain["support"] = [
            {"log": kind, "origin": origin, "uid": uid, "ts": when}
            for kind, one in support.items()
            for origin, uid, when in zip(one.origins, one.uids, one.times.tolist(), strict=True)
        ]
    return _json(plain)


def _json(plain: object) -> bytes:
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _print_figures(family: Family, console: Console) -> None:
    say = _speaker(console)
    for kind, one in family.kinds.items():
        looks = "with" if one.context else "without"
        say(
            f"{kind}: {one.shots:,} records ({one.distinct:,} different), {looks} their context. "
            f"Found when left out: {_recall(one)}. False alarms: {one.rate:.2e} of "
            f"{one.benign:,} benign records, at most {one.bound:.2e} at {one.confidence:.0%} "
            "confidence, as if records were independent."
        )
    for note in family.notes:
        say(f"Note: {safe(note, _LINE)}")


def _recall(one: KindFigures) -> str:
    return "not known" if one.recall is None else f"{one.recall:.0%}"


def _speaker(console: Console) -> Any:
    return lambda text: console.out(text, highlight=False)
