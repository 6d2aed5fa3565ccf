"""Ridge regression in closed form on K attacks against a bank of benign records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from enricher.detector.learners.base import Learner
from enricher.detector.learners.gram import GramBank
from enricher.detector.learners.linear import LinearHead
from enricher.detector.learners.points import bounded, checked, spread


@dataclass(frozen=True, slots=True)
class RidgeHead(LinearHead):
    """A linear head that still knows its support set.

    Attributes:
        ridge: The learner that made it.
        attack: Floats [T, K, D], the support set.
        bank: The benign records.
    """

    ridge: Ridge
    attack: Tensor
    bank: GramBank

    def leave_one_out(self) -> Tensor:
        """What each support record would score had it been left out of the fit.

        Exact, from one factorisation for all K: the records that remain share the attacks'
        weight, as in a fit on K - 1 records.

        Returns:
            Floats [T, K], on the scale of ``scores``.

        Raises:
            ValueError: If K is 1: nothing would remain.
        """
        shots = self.attack.shape[-2]
        if shots == 1:
            raise ValueError("leaving one out takes at least two attack records")
        system = _System.of(self.ridge, self.attack, self.bank, shots - 1)
        leverage = system.attack_weight * system.leverage()
        with_it = system.head().scores(system.attack)
        # The fitted value of a record is (1 - leverage) times the one without it, plus leverage.
        left_out = 1 - (1 - with_it) / (1 - leverage)
        return bounded(left_out, self.attack.dtype)


class Ridge(Learner):
    """Ridge regression of 1 for attack and 0 for benign (R2D2: Bertinetto et al. 2019).

    The weights of all records sum to 1, so that regularisation means the same whatever K and B:
    it is measured in the mean variance of the benign features. The system solved has D unknowns
    and is put together from the bank's Gram matrix, so that its cost does not depend on B.

    Args:
        regularisation: Penalty on the squared weight, in units of the benign variance.
        balance: The attacks' share of the total weight; ``None``: every record weighs the same.

    Raises:
        ValueError: If a setting is out of its range.
    """

    name: ClassVar[str] = "ridge"

    def __init__(self, regularisation: float = 0.1, balance: float | None = 0.5) -> None:
        if not regularisation > 0 or not (balance is None or 0 < balance < 1):
            raise ValueError(
                "regularisation must be above 0 and balance between 0 and 1,"
                f" not {regularisation} and {balance}"
            )
        self.regularisation = regularisation
        self.balance = balance

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> RidgeHead:
        """See :meth:`Learner.fit`."""
        return self.solve(attack, benign)

    @torch.no_grad()
    def fit_bank(self, attack: Tensor, bank: GramBank) -> RidgeHead:
        """Adapt against a bank of benign records that was made before; as ``fit`` otherwise.

        Args:
            attack: Floats [T, K, D].
            bank: Of records of D features, one for all tasks or one for each.

        Raises:
            ValueError: If the shapes do not fit, or a value is not finite.
        """
        attack, _ = checked(attack, bank.mean.unsqueeze(-2).to(attack.dtype))
        return self._solve(attack, bank)

    def solve(self, attack: Tensor, benign: Tensor) -> RidgeHead:
        """As ``fit``, and gradients flow from the head to the points: for training an encoder."""
        attack, benign = checked(attack, benign)
        return self._solve(attack, GramBank.of(benign))

    def _solve(self, attack: Tensor, bank: GramBank) -> RidgeHead:
        head = _System.of(self, attack, bank, attack.shape[-2]).head()
        return RidgeHead(head.weight, head.bias, self, attack, bank)

    def weights(self, shots: int, benign: int) -> tuple[float, float]:
        """Weight of each attack and of each benign record; all of them sum to 1."""
        if self.balance is None:
            return 1 / (shots + benign), 1 / (shots + benign)
        return self.balance / shots, (1 - self.balance) / benign


@dataclass(frozen=True, slots=True)
class _System:
    """The normal equations of T tasks, centred, so that the bias is not penalised."""

    attack: Tensor
    attack_weight: float
    total: float
    share: float
    centre: Tensor
    factor: Tensor
    right: Tensor

    @classmethod
    def of(cls, ridge: Ridge, attack: Tensor, bank: GramBank, shots: int) -> _System:
        """Weigh the records as if there were ``shots`` attacks."""
        points = attack.double()
        attack_weight, benign_weight = ridge.weights(shots, bank.count)
        attacks, benign = attack_weight * points.shape[-2], benign_weight * bank.count
        total = attacks + benign
        mean = points.mean(-2)
        step = mean - bank.mean
        centred = points - mean.unsqueeze(-2)
        between = attacks * benign / total
        matrix = (
            attack_weight * (centred.mT @ centred)
            + benign_weight * bank.scatter
            + between * step.unsqueeze(-1) * step.unsqueeze(-2)
        )
        penalty = ridge.regularisation * spread(bank.variance(), points, bank.mean)
        identity = torch.eye(points.shape[-1], dtype=points.dtype, device=points.device)
        return cls(
            points,
            attack_weight,
            total,
            attacks / total,
            bank.mean + step * (attacks / total),
            torch.linalg.cholesky(matrix + penalty[:, None, None] * identity),
            between * step,
        )

    def head(self) -> LinearHead:
        """The solution."""
        weight = torch.cholesky_solve(self.right.unsqueeze(-1), self.factor).squeeze(-1)
        return LinearHead(weight, self.share - (weight * self.centre).sum(-1))

    def leverage(self) -> Tensor:
        """How much each attack, at a weight of 1, pulls on its own fitted value, [T, K]."""
        centred = self.attack - self.centre.unsqueeze(-2)
        whitened = torch.linalg.solve_triangular(self.factor, centred.mT, upper=False)
        squared: Tensor = whitened.square().sum(-2)
        return squared + 1 / self.total
