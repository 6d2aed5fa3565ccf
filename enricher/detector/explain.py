"""Why a record scored as it did: integrated gradients over its fields.

Every field of a record adds its part to a sum, the stem's. So the integral of the gradient is
taken once, along the straight line from the sum of an ordinary benign record to the record's own
(Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks"), and each field is
credited with its own part of the way. The credits add up to the difference of the two scores.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.scaling import CHANNELS

STEPS = 32

Score = Callable[[Tensor], Tensor]
"""A differentiable score of embeddings: float32 [N, E] to float32 [N]."""


def attributions(model: Model, inputs: Inputs, score: Score) -> Tensor:
    """How much each field moved the score away from that of an ordinary benign record.

    Args:
        model: The model, with fitted baselines.
        inputs: N records; few, for this costs some dozens of times what a score costs.
        score: What is explained, for example the logit of a family.

    Returns:
        float32 [N, D + C + T], numbers, then categories, then texts; positive raises the score.
    """
    stem, baseline = model.encoder.stem(inputs.kind), model.baseline(inputs.kind)
    with torch.no_grad():
        parts = stem.parts(inputs)
        texts = list(inputs.text)
        ordinary = stem.parts(
            Inputs(inputs.kind, baseline.numeric[None], baseline.categorical[None], {})
        )
        record = parts.record - ordinary.record
        context = parts.context - ordinary.context
        categorical = parts.categorical - ordinary.categorical
        text = parts.text - baseline.text if texts else parts.text
        own = record @ stem.record.weight.t() + categorical.sum(1) + text.sum(1)
        way = torch.cat((own, context @ stem.context.weight.t()), dim=1)
    gradient = _mean_gradient(model, score, model.ordinary(inputs.kind), way)
    with torch.no_grad():
        of_record, of_context = gradient.chunk(2, dim=1)
        return torch.cat(
            (
                _by_number(record * (of_record @ stem.record.weight)),
                _by_number(context * (of_context @ stem.context.weight)),
                (categorical * of_record[:, None]).sum(2),
                (text * of_record[:, None]).sum(2),
            ),
            dim=1,
        )


def _by_number(parts: Tensor) -> Tensor:
    """What a number's channels are credited with, added up: float32 [N, 3 D] to [N, D]."""
    return parts.reshape(len(parts), CHANNELS, -1).sum(1)


def _mean_gradient(model: Model, score: Score, start: Tensor, way: Tensor) -> Tensor:
    """Mean gradient of the score on the way from ``start`` to ``start + way``, float32 [N, 2 H]."""
    total = torch.zeros_like(way)
    for step in range(STEPS):
        with torch.enable_grad():
            point = (start + way * ((step + 0.5) / STEPS)).requires_grad_()
            (gradient,) = torch.autograd.grad(score(model.encoder.trunk(point)).sum(), point)
        total += gradient
    return total / STEPS
