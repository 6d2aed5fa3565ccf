"""What every learner promises, whichever it is."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from enricher.detector.learners import Learner
from enricher.learn.meta import Episode

MakeTasks = Callable[..., Episode]


def same(left: Tensor, right: Tensor) -> bool:
    return bool(torch.allclose(left, right, rtol=1e-3, atol=1e-4))


def ranked(scores: Tensor, labels: Tensor) -> float:
    """The worst task's area under the ROC curve."""
    areas = [
        float((line[own][:, None] > line[~own][None]).float().mean())
        for line, own in zip(scores, labels, strict=True)
    ]
    return min(areas)


def test_a_head_scores_each_query_record_of_each_task(learner: Learner, three: Episode) -> None:
    scores = learner.fit(three.attack, three.benign).scores(three.query)
    assert scores.shape == (3, 60)
    assert scores.dtype == torch.float32
    assert torch.isfinite(scores).all()


def test_one_query_set_serves_all_tasks(learner: Learner, three: Episode) -> None:
    head = learner.fit(three.attack, three.benign)
    shared = head.scores(three.query[0])
    assert same(shared, head.scores(three.query[:1].expand(3, -1, -1)))


def test_records_of_the_family_score_above_benign_ones(learner: Learner, three: Episode) -> None:
    scores = learner.fit(three.attack, three.benign).scores(three.query)
    assert ranked(scores, three.labels) > 0.8


def test_one_record_is_enough_to_rank_an_easy_family(
    learner: Learner, make_tasks: MakeTasks
) -> None:
    one = make_tasks(shots=1)
    scores = learner.fit(one.attack, one.benign).scores(one.query)
    assert ranked(scores, one.labels) > 0.8


def test_tasks_at_once_score_as_one_at_a_time(learner: Learner, three: Episode) -> None:
    together = learner.fit(three.attack, three.benign).scores(three.query)
    for task in range(3):
        part = slice(task, task + 1)
        alone = learner.fit(three.attack[part], three.benign[part]).scores(three.query[part])
        assert same(alone[0], together[task])


def test_a_shared_bank_is_the_same_records_for_every_task(learner: Learner, three: Episode) -> None:
    bank = three.benign[0]
    shared = learner.fit(three.attack, bank).scores(three.query)
    own = learner.fit(three.attack, bank.expand(3, -1, -1)).scores(three.query)
    assert same(shared, own)


def test_order_of_support_and_benign_does_not_matter(learner: Learner, three: Episode) -> None:
    plain = learner.fit(three.attack, three.benign).scores(three.query)
    turned = learner.fit(three.attack.flip(1), three.benign.roll(23, 1)).scores(three.query)
    assert same(plain, turned)


def test_the_same_arguments_give_the_same_scores(learner: Learner, three: Episode) -> None:
    first = learner.fit(three.attack, three.benign).scores(three.query)
    torch.rand(5)  # whatever happened to the global generator in between
    second = learner.fit(three.attack, three.benign).scores(three.query)
    assert torch.equal(first, second)


def test_a_score_does_not_depend_on_the_records_beside_it(learner: Learner, three: Episode) -> None:
    head = learner.fit(three.attack, three.benign)
    together = head.scores(three.query)
    assert same(head.scores(three.query[:, 7:8]), together[:, 7:8])
    crowd = torch.cat((three.query, 100 * three.query), dim=1)
    assert same(head.scores(crowd)[:, :60], together)


def test_a_support_set_counts_by_what_is_in_it_not_by_how_often(
    learner: Learner, three: Episode
) -> None:
    twice = three.attack.repeat(1, 2, 1), three.benign.repeat(1, 2, 1)
    plain = learner.fit(three.attack, three.benign).scores(three.query)
    assert same(learner.fit(*twice).scores(three.query), plain)


DEGENERATE = {
    "constant features": (torch.ones(2, 3, 6), torch.ones(2, 9, 6)),
    "nothing but zeros": (torch.zeros(2, 3, 6), torch.zeros(2, 9, 6)),
    "benign all the same": (torch.rand(2, 3, 6), torch.ones(2, 9, 6)),
    "one benign record": (torch.rand(2, 1, 6), torch.rand(2, 1, 6)),
    "attack is benign": (torch.rand(2, 3, 6).expand(2, 3, 6), torch.rand(2, 3, 6)),
    "huge": (1e30 * torch.randn(2, 3, 6), torch.randn(2, 9, 6)),
    "huge on both sides": (1e38 * torch.rand(2, 3, 6), -1e38 * torch.rand(2, 9, 6)),
    "tiny": (1e-38 * torch.rand(2, 3, 6), 1e-38 * torch.rand(2, 9, 6)),
    "one feature in millions": (torch.rand(2, 3, 6), torch.rand(2, 9, 6) * 10.0 ** torch.arange(6)),
}


@pytest.mark.parametrize("case", sorted(DEGENERATE))
def test_degenerate_support_sets_give_finite_scores(learner: Learner, case: str) -> None:
    attack, benign = DEGENERATE[case]
    head = learner.fit(attack, benign)
    for query in (attack, benign, torch.zeros(4, 6), 1e38 * torch.ones(4, 6)):
        assert torch.isfinite(head.scores(query)).all()


def spoiled(records: Tensor, value: float) -> Tensor:
    copy = records.clone()
    copy[1, 2, 3] = value
    return copy


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused(
    learner: Learner, three: Episode, value: float
) -> None:
    if math.isnan(value) and learner.name == "forest":
        pytest.skip("a forest takes NaN for a missing value")
    with pytest.raises(ValueError, match="attack holds values that are not finite"):
        learner.fit(spoiled(three.attack, value), three.benign)
    with pytest.raises(ValueError, match="benign holds values that are not finite"):
        learner.fit(three.attack, spoiled(three.benign, value))
    with pytest.raises(ValueError, match="query holds values that are not finite"):
        learner.fit(three.attack, three.benign).scores(spoiled(three.query, value))


@pytest.mark.parametrize(
    ("attack", "benign"),
    [
        ((5, 6), (9, 6)),
        ((3, 5, 6), (6,)),
        ((3, 5, 6), (9, 5)),
        ((3, 5, 6), (2, 9, 6)),
        ((3, 5, 6), (1, 9, 6)),
        ((3, 0, 6), (9, 6)),
        ((3, 5, 6), (0, 6)),
        ((0, 5, 6), (9, 6)),
        ((3, 5, 6), (1, 3, 9, 6)),
    ],
)
def test_support_sets_of_other_shapes_are_refused(
    learner: Learner, attack: tuple[int, ...], benign: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"attack|benign"):
        learner.fit(torch.zeros(attack), torch.zeros(benign))


def test_support_sets_of_other_types_are_refused(learner: Learner) -> None:
    with pytest.raises(ValueError, match="float"):
        learner.fit(torch.zeros(1, 2, 6), torch.zeros(9, 6, dtype=torch.float64))
    with pytest.raises(ValueError, match="floats"):
        learner.fit(torch.zeros(1, 2, 6).int(), torch.zeros(9, 6).int())


@pytest.mark.parametrize("shape", [(6,), (4, 5), (2, 4, 6), (1, 4, 6), (3, 4, 5), (1, 3, 4, 6)])
def test_query_sets_of_other_shapes_are_refused(
    learner: Learner, three: Episode, shape: tuple[int, ...]
) -> None:
    head = learner.fit(three.attack, three.benign)
    with pytest.raises(ValueError, match="query must be"):
        head.scores(torch.zeros(shape))


def test_an_empty_query_set_has_no_scores(learner: Learner, three: Episode) -> None:
    assert learner.fit(three.attack, three.benign).scores(torch.zeros(0, 6)).shape == (3, 0)


def test_gradients_do_not_leak(learner: Learner, three: Episode) -> None:
    attack, benign = three.attack.requires_grad_(), three.benign.requires_grad_()
    scores = learner.fit(attack, benign).scores(three.query)
    assert not scores.requires_grad
    assert attack.grad is None
    assert benign.grad is None
    if isinstance(learner, nn.Module):
        assert all(value.grad is None for value in learner.parameters())


def test_arguments_are_left_as_they_are(learner: Learner, three: Episode) -> None:
    given = (three.attack.clone(), three.benign.clone(), three.query.clone())
    learner.fit(three.attack, three.benign).scores(three.query)
    for before, after in zip(given, (three.attack, three.benign, three.query), strict=True):
        assert torch.equal(before, after)


def test_fitting_works_where_gradients_are_off(learner: Learner, three: Episode) -> None:
    plain = learner.fit(three.attack, three.benign).scores(three.query)
    with torch.no_grad():
        assert same(learner.fit(three.attack, three.benign).scores(three.query), plain)
    with torch.inference_mode():
        attack, benign = three.attack.clone(), three.benign.clone()
        assert same(learner.fit(attack, benign).scores(three.query.clone()), plain)


def test_a_head_keeps_its_scores_when_another_family_is_learned(
    learner: Learner, three: Episode
) -> None:
    head = learner.fit(three.attack, three.benign)
    before = head.scores(three.query)
    learner.fit(three.attack[:1] + 1, three.benign[:1])
    assert torch.equal(head.scores(three.query), before)


def test_learners_have_names(learner: Learner) -> None:
    assert learner.name.replace("-", "").isalnum()
