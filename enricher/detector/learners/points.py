"""What every learner asks of the points it gets, and how it hands out scores."""

from __future__ import annotations

import torch
from torch import Tensor

SHARED, PER_TASK = 2, 3
"""Dimensions of records that all tasks share, and of records of each task."""


def checked(attack: Tensor, benign: Tensor) -> tuple[Tensor, Tensor]:
    """Check the arguments of ``fit``.

    Args:
        attack: Floats [T, K, D].
        benign: Floats [T, B, D] or [B, D] of the same type, on the same device.

    Returns:
        The same two, free of inference mode, so that gradients can be taken beside them.

    Raises:
        ValueError: If the shapes or types do not fit, a set is empty, or a value is not finite.
    """
    if attack.ndim != PER_TASK or benign.ndim not in {SHARED, PER_TASK}:
        raise ValueError(
            "attack must be [T, K, D] and benign [T, B, D] or [B, D],"
            f" not {list(attack.shape)} and {list(benign.shape)}"
        )
    per_task = benign.ndim == attack.ndim
    if benign.shape[-1] != attack.shape[-1] or (per_task and len(benign) != len(attack)):
        raise ValueError(
            f"benign {list(benign.shape)} has other tasks or features than"
            f" attack {list(attack.shape)}"
        )
    if benign.dtype != attack.dtype or benign.device != attack.device:
        raise ValueError(
            f"attack is {attack.dtype} on {attack.device},"
            f" benign {benign.dtype} on {benign.device}: give both alike"
        )
    return usable(attack, "attack"), usable(benign, "benign")


def checked_query(query: Tensor, tasks: int, features: int) -> Tensor:
    """Check the argument of ``scores``.

    Args:
        query: Floats [T, Q, D] or [Q, D].
        tasks: T.
        features: D.

    Returns:
        The query set, [T, Q, D] or [Q, D].

    Raises:
        ValueError: If the shape does not fit, or a value is not finite.
    """
    fits = query.ndim in {SHARED, PER_TASK} and query.shape[-1] == features
    if not fits or (query.ndim == PER_TASK and len(query) != tasks):
        raise ValueError(
            f"query must be [{tasks}, Q, {features}] or [Q, {features}], not {list(query.shape)}"
        )
    if not bool(torch.isfinite(query).all()):
        raise ValueError("query holds values that are not finite: leave those records out")
    return query


def usable(records: Tensor, name: str) -> Tensor:
    """Records that a learner can compute with.

    Args:
        records: Floats of any shape.
        name: What to call them in an error.

    Raises:
        ValueError: If there are none, or a value is not a finite float.
    """
    if not records.is_floating_point() or records.numel() == 0:
        raise ValueError(f"{name} must be floats and not empty: {list(records.shape)}")
    if not bool(torch.isfinite(records).all()):
        raise ValueError(f"{name} holds values that are not finite: leave those records out")
    return records.clone() if records.is_inference() else records


def bounded(scores: Tensor, dtype: torch.dtype) -> Tensor:
    """Scores in another type; what is beyond its range becomes its largest number."""
    limits = torch.finfo(dtype)
    return scores.clamp(limits.min, limits.max).to(dtype)


def spread(variance: Tensor, attack: Tensor, centre: Tensor) -> Tensor:
    """The unit in which regularisation is measured: the mean variance of the benign features.

    Where benign records hardly vary, the attacks' distance from them stands in, so that a
    penalty never vanishes.

    Args:
        variance: float64 [T] or scalar, mean over the features.
        attack: float64 [T, K, D].
        centre: float64 [T, D] or [D], mean of the benign records.

    Returns:
        float64 [T], above 0.
    """
    distance = (attack - centre.unsqueeze(-2)).square().mean((-2, -1))
    unit = torch.maximum(variance.expand_as(distance), 1e-6 * distance)
    return torch.where(unit > torch.finfo(unit.dtype).tiny, unit, 1.0)
