"""The tables of what growth costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from enricher.learn.adversary.growth import OWN_SERVER
from enricher.learn.adversary.measuring import (
    ADAPTED,
    DRAWS,
    MEASURES,
    SHOTS,
    THRESHOLD,
    ZERO_SHOT,
    Cell,
)
from enricher.learn.card import table
from enricher.logs import KINDS

GOALS = {2.0: 10.0, 10.0: 25.0}
"""Points of TPR at FPR 1e-3 that growth by a factor may cost."""

_WAYS = {False: "everything by the factor", True: "each record by its own factors up to it"}

_HEAD = f"""\
Attack records are grown in what is in the attacker's hand: bytes, packets and duration of
connections, the request's body, URI, referrer and user agent, labels before names of the
attacker's own zones. Where the attacker runs the far end ({", ".join(sorted(OWN_SERVER))}), what it
sends back grows as well. Features and context are made anew from the whole log. Benign records,
thresholds and support sets are those from before.

'{THRESHOLD}': share of records that any family's shipped threshold lets through. '{ZERO_SHOT}': TPR
at FPR 1e-3 of the largest family score. '{ADAPTED}': TPR at FPR 1e-3 of a head adapted to {SHOTS}
records that had not grown, mean of {DRAWS} draws. The model's training has seen these logs (not the
simulated site); what counts here is the difference. Losses are in points; below 0 more is found."""


def markdown(cells: Sequence[Cell], note: str) -> str:
    """All tables for people."""
    parts = ["# Records that an attacker has grown", note, _HEAD]
    for varied, way in _WAYS.items():
        own = [cell for cell in cells if cell.varied == varied]
        if own:
            parts += [f"## Growing {way}", _summary(own), _families(own)]
    return "\n\n".join(parts) + "\n"


def _summary(cells: Sequence[Cell]) -> str:
    """Mean loss over families and the worst family, for each kind, measure and factor."""
    rows = []
    for kind in KINDS:
        for measure in MEASURES:
            for factor in _factors(cells):
                some = [
                    cell
                    for cell in cells
                    if (cell.kind, cell.measure, cell.factor) == (kind, measure, factor)
                ]
                if some:
                    rows.append((kind, measure, f"{factor:g}x", *_row(some, factor)))
    head = ("kind", "measure", "growth", "before", "after", "loss", "worst family", "goal")
    return table(head, rows)


def _row(cells: Sequence[Cell], factor: float) -> Iterator[str]:
    before = sum(cell.before for cell in cells) / len(cells)
    after = sum(cell.after for cell in cells) / len(cells)
    worst = max(cells, key=lambda cell: cell.loss)
    goal = GOALS.get(factor)
    met = "-" if goal is None else "met" if 100 * (before - after) <= goal else "missed"
    yield f"{before:.3f}"
    yield f"{after:.3f}"
    yield f"{100 * (before - after):.1f}"
    yield f"{worst.family} {worst.loss:.1f}"
    yield met if goal is None or worst.loss <= goal else f"{met}; worst family missed"


def _families(cells: Sequence[Cell]) -> str:
    """One line a kind, family and measure."""
    factors = _factors(cells)
    lines: dict[tuple[str, str, str], dict[float, Cell]] = {}
    for cell in cells:
        lines.setdefault((cell.kind, cell.family, cell.measure), {})[cell.factor] = cell
    rows = []
    for (kind, family, measure), own in lines.items():
        first = next(iter(own.values()))
        rows.append(
            (
                *(kind, family, f"{first.records:,}", measure, f"{first.before:.3f}"),
                *(f"{own[factor].loss:.1f}" for factor in factors),
            )
        )
    head = ("kind", "family", "records", "measure", "before", *(f"{f:g}x" for f in factors))
    return table(head, rows)


def _factors(cells: Sequence[Cell]) -> list[float]:
    return sorted({cell.factor for cell in cells})
