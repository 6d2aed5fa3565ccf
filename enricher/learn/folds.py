"""Splits by capture: what was recorded together is held out together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from enricher.learn.dataset import Dataset
from enricher.logs import Kind


def units(captures: Iterable[str], same_source: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Captures in groups that must not be torn apart, in the order of their first member.

    Args:
        captures: Names of captures.
        same_source: Groups of captures that show the same traffic.
    """
    present = tuple(dict.fromkeys(captures))
    seen: set[str] = set()
    result = []
    for capture in present:
        if capture in seen:
            continue
        mates = next((group for group in same_source if capture in group), (capture,))
        unit = tuple(name for name in present if name in mates)
        seen.update(unit)
        result.append(unit)
    return result


def capture_folds(
    datasets: Mapping[Kind, Dataset],
    same_source: Sequence[Sequence[str]],
    folds: int,
    never: tuple[str, ...] = (),
) -> list[frozenset[str]]:
    """Cut captures into folds that each have benign records of many kinds.

    The units with the most labels come first; each goes to the fold that has the least of what
    the unit brings (by the root of the number of records, so that no big capture decides).

    Args:
        datasets: The records of each kind.
        same_source: Captures that stay together.
        folds: Number of folds, at most the number of units.
        never: Captures whose name begins with one of these are in no fold.

    Returns:
        Disjoint sets of captures, together all of them but those.
    """
    captures = [
        name
        for dataset in datasets.values()
        for name in dataset.captures
        if not name.startswith(never)
    ]
    brings: dict[tuple[str, ...], dict[tuple[Kind, str], float]] = {}
    for unit in units(captures, same_source):
        brings[unit] = {}
        for kind, dataset in datasets.items():
            for (capture, label), count in dataset.counts().items():
                if capture in unit:
                    so_far = brings[unit].get((kind, label), 0.0)
                    brings[unit][kind, label] = so_far + count**0.5
    order = sorted(brings, key=lambda unit: (-sum(brings[unit].values()), unit))
    held: list[dict[tuple[Kind, str], float]] = [{} for _ in range(max(1, min(folds, len(order))))]
    members: list[set[str]] = [set() for _ in held]
    for unit in order:
        cost = [
            (
                sum(own.get(cell, 0.0) * amount for cell, amount in brings[unit].items()),
                len(names),
                place,
            )
            for place, (own, names) in enumerate(zip(held, members, strict=True))
        ]
        place = min(cost)[-1]
        members[place].update(unit)
        for cell, amount in brings[unit].items():
            held[place][cell] = held[place].get(cell, 0.0) + amount
    return [frozenset(names) for names in members if names]
