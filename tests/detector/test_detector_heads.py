"""Heads are one product, calibrated per kind."""

from __future__ import annotations

import pytest
import torch

from enricher.detector.calibration import Platt
from enricher.detector.heads import Heads


def heads() -> Heads:
    torch.manual_seed(0)
    made = Heads(["a", "b"], ["conn", "http"], 4).requires_grad_(False)
    made.bias.copy_(torch.tensor([0.5, -0.5]))
    made.calibrate("conn", "a", Platt(2.0, -1.0))
    made.calibrate("http", "a", None)
    return made


def test_scores_are_the_calibrated_sigmoid_of_each_head() -> None:
    made, point = heads(), torch.randn(3, 4)
    logit = point @ made.weight[0] + 0.5
    assert torch.allclose(made(point, "conn")[:, 0], torch.sigmoid(2.0 * logit - 1.0))


def test_a_family_that_does_not_occur_in_a_kind_scores_zero_there() -> None:
    made, point = heads(), torch.randn(3, 4)
    assert made(point, "http")[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert (made(point, "http")[:, 1] > 0.0).all()


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="distinct"):
        Heads(["a", "a"], ["conn"], 4)
