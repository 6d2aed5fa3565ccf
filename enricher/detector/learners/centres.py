"""k-means centres that depend neither on chance nor on the order of the records."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_ROUNDS = 10


def centres(records: Tensor, count: int) -> Tensor:
    """Centres of T sets of records by Lloyd's algorithm.

    It starts from groups that come of splitting the one of largest scatter at its mean, along its
    feature of largest variance (Su and Dy 2007).

    Args:
        records: float64 [T, B, D].
        count: Centres wanted; with fewer records than that, each record is one.

    Returns:
        float64 [T, C, D]. Gradients flow to the records through the last means.
    """
    if count == 1:
        return records.mean(-2, keepdim=True)
    count = min(count, records.shape[-2])
    fixed = records.detach()
    group = _first_groups(fixed, count)
    # Where there are fewer distinct records than groups, the empty ones repeat the first.
    zeros = torch.zeros_like(fixed[:, :1])
    first = _means(fixed, group, zeros, count)[:, :1]
    middle = _means(fixed, group, first, count)
    for _ in range(_ROUNDS):
        group = _closest(fixed, middle)
        middle = _means(fixed, group, middle, count)
    return _means(records, group, middle, count)


def _first_groups(records: Tensor, count: int) -> Tensor:
    """Groups to start from, int64 [T, B]; the first one is never empty."""
    centred = records - records.mean(-2, keepdim=True)
    squares = centred.square()
    group = torch.zeros(records.shape[:-1], dtype=torch.int64, device=records.device)
    for new in range(1, count):
        member = _members(group, new, records.dtype)
        size = member.sum(-1, keepdim=True).clamp(min=1)
        scatter = member @ squares - (member @ centred).square() / size
        widest = scatter.sum(-1).argmax(-1, keepdim=True)
        feature = scatter.take_along_dim(widest.unsqueeze(-1), -2).argmax(-1, keepdim=True)
        value = centred.take_along_dim(feature, -1).squeeze(-1)
        own = group == widest
        mean = (value * own).sum(-1, keepdim=True) / own.sum(-1, keepdim=True)
        # Rounding could put the mean of equal values below them, and move them all.
        least = torch.where(own, value, torch.inf).amin(-1, keepdim=True)
        group = torch.where(own & (value > torch.maximum(mean, least)), new, group)
    return group


def _members(group: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Which records each group has, 1 or 0, [T, C, B]."""
    return functional.one_hot(group, count).to(dtype).mT


def _means(records: Tensor, group: Tensor, before: Tensor, count: int) -> Tensor:
    """Mean of each group; an empty one stays where it was."""
    member = _members(group, count, records.dtype)
    size = member.sum(-1, keepdim=True)
    return torch.where(size > 0, member @ records / size.clamp(min=1), before)


def _closest(records: Tensor, middle: Tensor) -> Tensor:
    origin = middle.mean(-2, keepdim=True)
    points = middle - origin
    products = (records - origin) @ points.mT
    return (points.square().sum(-1).unsqueeze(-2) - 2 * products).argmin(-1)
