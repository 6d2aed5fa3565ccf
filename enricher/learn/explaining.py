"""Whether explanations are true: deleting what they name, and naming the same again.

Deletion as in Samek et al. 2017 ("Evaluating the Visualization of What a Deep Neural Network Has
Learned"): fields are replaced by those of an ordinary benign record, and the logit is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from enricher.detector.explain import Score, attributions
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.scaling import CHANNELS
from enricher.features.tensors import Features

TOP = (1, 3, 5)
"""How many fields are deleted."""
SAME = 5
"""Fields that are compared between retrained models."""
_RANDOM_DRAWS = 5

Places: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

NAMED, SLOPE, RANDOM = "named", "gradient x input", "random"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting fields of N records does to a score.

    Attributes:
        records: N.
        height: Mean score above that of an ordinary benign record.
        removed: Way of choosing fields -> number of fields -> mean share of the height that
            deleting them takes away: those that integrated gradients name first, those of the
            largest gradient times input, random ones.
        error: Mean distance of the attributions' sum from the height, as a share of it.
    """

    records: int
    height: float
    removed: Mapping[str, Mapping[int, float]]
    error: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Fields:
    """Records as a way from an ordinary one, field by field.

    Attributes:
        ordinary: float32 [1, 2 H], the stem's sums of an ordinary benign record.
        parts: float32 [N, D + C + T, 2 H], what each field adds to the way.
    """

    ordinary: Tensor
    parts: Tensor

    @property
    def sums(self) -> Tensor:
        """The stem's sums of the records, float32 [N, 2 H]."""
        return self.ordinary + self.parts.sum(1)

    def without(self, fields: Tensor) -> Tensor:
        """The sums with some fields (int64 [N, M]) as in an ordinary record."""
        index = fields[:, :, None].expand(-1, -1, self.parts.shape[2])
        return self.sums - self.parts.gather(1, index).sum(1)


def deletion(model: Model, features: Features, score: Score, seed: int = 0) -> Deletion:
    """Delete the fields that explanations name, and others.

    Args:
        model: The model, with fitted baselines.
        features: N records of one kind, at least one; a few hundred.
        score: What is explained, for example the logit of a family.
        seed: Of the random fields.
    """
    inputs = Inputs.of(features, model.device)
    named = attributions(model, inputs, score)
    fields = _fields(model, inputs)
    rng = np.random.default_rng(seed)
    ranked = {NAMED: [_best(named)], SLOPE: [_best(_slopes(model, fields, score))]}
    ranked[RANDOM] = [
        torch.from_numpy(rng.permuted(np.tile(np.arange(width), (count, 1)), axis=1))
        for count, width in [tuple(named.shape)] * _RANDOM_DRAWS
    ]
    with torch.no_grad():
        own = score(model.encoder.trunk(fields.sums))
        height = own - score(model.encoder.trunk(fields.ordinary))
        removed = {
            way: {
                count: float(
                    torch.stack(
                        [
                            own - score(model.encoder.trunk(fields.without(order[:, :count])))
                            for order in orders
                        ]
                    ).mean()
                    / height.mean()
                )
                for count in TOP
            }
            for way, orders in ranked.items()
        }
        error = (named.sum(1) - height).abs().mean() / height.abs().mean()
    return Deletion(len(inputs), float(height.mean()), removed, float(error))


def top_fields(model: Model, features: Features, score: Score) -> Places:
    """The fields that raised a score most, int64 [N, 5], strongest first; -1 where fewer did."""
    weights = attributions(model, Inputs.of(features, model.device), score)
    best = _best(weights)[:, :SAME]
    raised = weights.gather(1, best) > 0.0
    return np.asarray(torch.where(raised, best, -1).cpu().numpy(), np.int64)


def jaccard(one: Places, other: Places) -> float:
    """Mean Jaccard index of the sets of fields of N records, both int64 [N, 5]."""
    shares = []
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        first, second = set(a) - {-1}, set(b) - {-1}
        shares.append(len(first & second) / len(first | second) if first | second else 1.0)
    return float(np.mean(shares))


def _best(weights: Tensor) -> Tensor:
    return torch.argsort(weights, dim=1, descending=True, stable=True)


def _slopes(model: Model, fields: _Fields, score: Score) -> Tensor:
    """Gradient at the record times each field's part of the way, float32 [N, D + C + T]."""
    with torch.enable_grad():
        point = fields.sums.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(score(model.encoder.trunk(point)).sum(), point)
    return (fields.parts * gradient[:, None]).sum(2)


@torch.no_grad()
def _fields(model: Model, inputs: Inputs) -> _Fields:
    stem, baseline = model.encoder.stem(inputs.kind), model.baseline(inputs.kind)
    own = stem.parts(inputs)
    usual = stem.parts(Inputs(inputs.kind, baseline.numeric[None], baseline.categorical[None], {}))
    text = own.text - baseline.text if inputs.text else own.text
    record = torch.cat(
        (
            _numbers(own.record - usual.record, stem.record.weight),
            own.categorical - usual.categorical,
            text,
        ),
        dim=1,
    )
    context = _numbers(own.context - usual.context, stem.context.weight)
    numbers, width = stem.own, record.shape[2]
    parts = record.new_zeros(len(inputs), record.shape[1] + context.shape[1], 2 * width)
    # In the order of attributions: numbers, those of the context last; categories; texts.
    middle = numbers + context.shape[1]
    parts[:, :numbers, :width] = record[:, :numbers]
    parts[:, numbers:middle, width:] = context
    parts[:, middle:, :width] = record[:, numbers:]
    return _Fields(model.ordinary(inputs.kind), parts)


def _numbers(scaled: Tensor, weight: Tensor) -> Tensor:
    """What each number adds to a stem's sums: float32 [N, 3 D], [H, 3 D] to [N, D, H]."""
    channels = scaled.reshape(len(scaled), CHANNELS, -1)
    return torch.einsum("ncd,hcd->ndh", channels, weight.reshape(len(weight), CHANNELS, -1))
