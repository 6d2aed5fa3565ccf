"""What is looked at closely: how much, by whom, and what a file may say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from enricher.detector.adaptation.adapting import AdaptOptions, adapt
from enricher.detector.adaptation.family_head import FLOOR
from enricher.detector.adaptation.gates import SHARES, Gates
from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.shares import Shares


def some_gates(seed: int = 0) -> tuple[Gates, Any, Any]:
    """Gates of scores whose widest linear gate lies at 0, and the scores."""
    rng = np.random.default_rng(seed)
    linear, attack = rng.normal(size=(2, 20_000)).astype(np.float32)
    gates = Gates.fit(linear, attack)
    linear -= gates.linear[0]
    return Gates(gates.linear - gates.linear[0], gates.attack), linear, attack


def test_no_more_benign_records_are_open_than_the_widest_share() -> None:
    gates, linear, attack = some_gates()
    share = gates.open(linear, attack).mean()
    assert 0.8 * SHARES[0] < share <= SHARES[0]


@pytest.mark.parametrize("families", [1, 2, 5, 20, 100, 150])
def test_what_is_open_to_all_families_together_does_not_grow_with_their_number(
    families: int,
) -> None:
    gates, linear, attack = some_gates()
    least_linear, least_attack = gates.at(families)
    open_ = (linear >= least_linear) | (attack >= least_attack)
    assert families * open_.mean() <= SHARES[0] * 1.05


def test_what_any_attack_looks_like_is_open_where_the_linear_head_sees_nothing() -> None:
    gates, linear, _ = some_gates()
    low = np.full(1, linear.min(), np.float32)
    assert gates.open(low, gates.attack[:1]).all()
    assert not gates.open(low, gates.attack[:1] - np.float32(1e-3)).any()


def test_a_family_that_the_linear_head_rules_out_is_found_by_its_forests(make_points: Any) -> None:
    def hidden(count: int, seed: int) -> Points:
        """The family's records: their embedding is that of benign ones."""
        family, benign = make_points(count, seed, shift=6.0), make_points(count, seed + 50)
        return Points("ssl", family.table, benign.embedding, family.attack)

    found = adapt(
        hidden(10, 1), make_points(2_000, 2), bundle="abc", context=True,
        shares=Shares({"ssl": {1: (0.1, 0.1, 0.4, 0.4)}}), options=AdaptOptions(trees=32),
    )  # fmt: skip
    asked = hidden(300, 3)
    assert (found.head.linear(asked.embedding) < 0.0).mean() > 0.3
    assert (found.head.scores(asked) > FLOOR).mean() > 0.95
    assert (found.head.scores(asked) >= found.head.threshold).mean() > 0.8


@pytest.mark.parametrize("name", ["gates", "attack_gates"])
@pytest.mark.parametrize(
    "change",
    [
        lambda gates: gates[:-1],
        lambda gates: gates[::-1] - gates[-1],
        lambda gates: np.full_like(gates, np.nan),
        lambda gates: gates.astype(np.float64),
        lambda gates: gates * np.float32(1e9) + np.arange(len(gates), dtype=np.float32) * 1e9,
    ],
    ids=["fewer", "falling", "nan", "type", "large"],
)
def test_gates_of_a_file_that_are_none_are_refused(name: str, change: Any) -> None:
    arrays = some_gates()[0].to_arrays()
    with pytest.raises(ValueError, match="gate"):
        Gates.from_arrays(arrays | {name: change(arrays[name])})


def test_heads_of_a_version_without_attack_gates_are_refused() -> None:
    arrays = some_gates()[0].to_arrays()
    del arrays["attack_gates"]
    with pytest.raises(ValueError, match="earlier version"):
        Gates.from_arrays(arrays)


def test_gates_come_back_from_their_arrays() -> None:
    gates = some_gates()[0]
    again = Gates.from_arrays(gates.to_arrays())
    assert all(again.at(n) == gates.at(n) for n in (1, 5, 50, 5_000))
