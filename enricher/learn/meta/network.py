"""A small network whose parameters are passed to it: a body and a linear head."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from enricher.detector.encoder import Encoder

_LARGEST = 1e9


class Network(nn.Module):
    """From points to the logit of 'belongs to the family'.

    Args:
        body: From floats [..., D] to [..., H]; without batch statistics or chance. A copy is kept.
        width: H.
    """

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.body = twice_differentiable(body)
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, points: Tensor) -> Tensor:
        """Logits of points [..., D], floats [...]."""
        return cast(Tensor, self.head(embed(self.body, points))).squeeze(-1)

    def call(self, parameters: Mapping[str, Tensor], points: Tensor) -> Tensor:
        """As ``forward``, with other parameters; those not named stay the network's own."""
        return cast(Tensor, functional_call(self, dict(parameters), (points,)))


def embed(body: nn.Module, points: Tensor) -> Tensor:
    """A body's output for points [..., D], floats [..., H]."""
    # Squares of larger values overflow in a LayerNorm; scaled points are nowhere near.
    return cast(Tensor, body(points.clamp(-_LARGEST, _LARGEST)))


class Trunk(nn.Module):
    """A copy of an encoder's trunk, without the stems: from a stem's sum to the embedding."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder)
        self.encoder.stems = nn.ModuleDict()

    def forward(self, total: Tensor) -> Tensor:
        """From floats [..., W] to [..., E]."""
        embedding = self.encoder.trunk(total.flatten(0, -2))
        return embedding.reshape(*total.shape[:-1], embedding.shape[-1])


class SplitLayerNorm(nn.LayerNorm):
    """LayerNorm whose scale and shift are operations of their own.

    The fused one has wrong gradients of gradients under ``torch.func.vmap``
    (pytorch/functorch issue 534, seen with torch 2.13).
    """

    def forward(self, points: Tensor) -> Tensor:
        """Floats of any shape to the same."""
        normal = functional.layer_norm(points, self.normalized_shape, eps=self.eps)
        return normal * self.weight + self.bias


def twice_differentiable(module: nn.Module) -> nn.Module:
    """A copy of a module in which every LayerNorm with scale and shift is split."""
    if type(module) is nn.LayerNorm and module.elementwise_affine:
        split = SplitLayerNorm(module.normalized_shape, module.eps).to(module.weight)
        split.load_state_dict(module.state_dict())
        return split
    changed = copy.deepcopy(module)
    for name, child in changed.named_children():
        setattr(changed, name, twice_differentiable(child))
    return changed


def multilayer(features: int, widths: tuple[int, ...], seed: int) -> nn.Sequential:
    """A body of linear layers, each with LayerNorm and GELU.

    Args:
        features: D.
        widths: Of each layer; the last one is H.
        seed: Of the weights.
    """
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for before, after in zip((features, *widths), widths, strict=False):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.GELU()]
    return nn.Sequential(*layers)
