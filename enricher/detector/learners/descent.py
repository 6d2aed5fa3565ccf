"""Gradient descent on the parameters of one task; ``torch.func.vmap`` makes it many tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.func import grad

Parameters = dict[str, Tensor]
"""Parameters by name, as ``torch.func.functional_call`` takes them."""


def descend(
    loss: Callable[[Parameters, int], Tensor],
    start: Mapping[str, Tensor],
    rates: float | Mapping[str, Tensor],
    steps: int,
    *,
    second_order: bool = False,
) -> Parameters:
    """Take a few steps down a loss.

    Args:
        loss: The loss of some parameters at a step, a scalar.
        start: Where to start.
        rates: Learning rate, or one of the parameter's shape for each.
        steps: How many steps.
        second_order: Let gradients flow through the gradients themselves.
    """
    parameters = dict(start)
    for step in range(steps):
        gradient = grad(loss)(parameters, step)
        parameters = {
            name: value
            - (rates if isinstance(rates, float) else rates[name])
            * (gradient[name] if second_order else gradient[name].detach())
            for name, value in parameters.items()
        }
    return parameters
