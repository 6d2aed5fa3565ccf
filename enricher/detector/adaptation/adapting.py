"""Fits the head of a family: base learners, their shares, what its scores mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from enricher.detector.adaptation.family_head import (
    ATTACK,
    FLOOR,
    FOREST,
    LINEAR,
    MEMBERS,
    WIDE,
    FamilyHead,
)
from enricher.detector.adaptation.gates import Gates
from enricher.detector.adaptation.points import FloatArray, Points
from enricher.detector.adaptation.shares import Shares
from enricher.detector.adaptation.tail import Tail
from enricher.detector.calibration import Platt, Threshold, fit_platt, threshold_at
from enricher.detector.learners.forest import Forest
from enricher.detector.learners.forest_settings import ForestSettings
from enricher.detector.learners.gram import GramBank
from enricher.detector.learners.ridge import Ridge
from enricher.features.spec import SPECS

Integers = npt.NDArray[np.int64]

BENIGN_SHARE = 0.9
_STEEPEST = 2.0
_GENTLEST = 0.3
_REGULARISATION = 0.3


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """How a head is fitted.

    Attributes:
        rate: Share of the benign records that its threshold lets through, at most.
        trees: Of each forest.
        seed: Of the forests.
    """

    rate: float = 1e-3
    trees: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Adapted:
    """A head and what it can promise.

    Attributes:
        head: The head.
        threshold: Its threshold, and the bound on its false alarms.
        recall: Share of the support records that are found when each is left out; NaN for one.
        left_out: float32 [K], the score of each support record when it is left out; for a single
            record its own score.
    """

    head: FamilyHead
    threshold: Threshold
    recall: float
    left_out: FloatArray


def adapt(
    support: Points,
    benign: Points,
    *,
    bundle: str,
    context: bool,
    shares: Shares,
    options: AdaptOptions = AdaptOptions(),
) -> Adapted:
    """Fit a head on the records of a family and benign records of the site.

    Every score that a scale, a threshold or a promise rests on is one of a record that the
    learner was not shown: out of bag for the forests, in closed form for the linear head.

    Args:
        support: K records of the family, K at least 1.
        benign: B benign records.
        bundle: SHA-256 of the weights that made the embeddings.
        context: Whether the records' context is to be looked at. False where the support set was
            cut out of its log: its context is then that of the cutting.
        shares: Shares of the base learners by K.
        options: How.

    Raises:
        ValueError: If there is no record on a side, or they are of different kinds.
    """
    if not len(support) or not len(benign) or support.kind != benign.kind:
        raise ValueError("adapting takes records of a family and benign ones, of one kind")
    side = int(context)
    linear = _linear(support, benign, context)
    forests, outside = _forests(support, benign, context, options)
    of_benign = {LINEAR: linear.benign, ATTACK: benign.attack[:, side], **outside.benign}
    of_support = {LINEAR: linear.left_out, ATTACK: support.attack[:, side], **outside.left_out}
    tails = {name: Tail.fit(scores) for name, scores in of_benign.items()}
    head = FamilyHead(
        kind=support.kind,
        bundle=bundle,
        context=context,
        weight=linear.weight,
        bias=linear.bias,
        gates=linear.gates,
        shares=shares.at(support.kind, len(support)),
        tails=tails,
        forests=forests,
        platt=Platt(),
        threshold=1.0,
    )
    return _calibrated(head, of_benign, of_support, options)


def _calibrated(
    head: FamilyHead,
    of_benign: Mapping[str, FloatArray],
    of_support: Mapping[str, FloatArray],
    options: AdaptOptions,
) -> Adapted:
    """Give the head's scores their meaning."""
    benign, support = head.combine(of_benign), head.combine(of_support)
    ordinary = threshold_at(benign, options.rate)
    platt = _sigmoid(benign, support, ordinary.value)
    head = replace(head, platt=platt)
    open_ = head.gates.open(of_benign[LINEAR], of_benign[ATTACK])
    scores = np.where(open_, head.calibrated(benign), 0.0).astype(np.float32)
    threshold = threshold_at(scores, options.rate)
    if threshold.value <= FLOOR:  # where fewer are open than may pass
        threshold = replace(threshold, value=float(np.nextafter(np.float32(FLOOR), np.float32(1))))
    left_out = head.calibrated(support)
    open_ = head.gates.open(of_support[LINEAR], of_support[ATTACK])
    found = (left_out >= threshold.value) & open_
    recall = float(found.mean()) if len(support) > 1 else float("nan")
    return Adapted(replace(head, threshold=threshold.value), threshold, recall, left_out)


def _sigmoid(benign: FloatArray, support: FloatArray, middle: float) -> Platt:
    """Platt's sigmoid on records left out; of one record only where the middle lies is known."""
    if len(support) == 1:
        return Platt(1.0, -middle)
    positive = np.arange(len(support) + len(benign)) < len(support)
    weight = np.where(positive, (1 - BENIGN_SHARE) / len(support), BENIGN_SHARE / len(benign))
    fitted = fit_platt(np.concatenate((support, benign)), positive, weight * 20 * len(support))
    scale = min(max(fitted.scale, _GENTLEST), _STEEPEST)
    # A slope that was held back turns about the score of one half.
    return Platt(scale, fitted.offset * scale / fitted.scale)


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: FloatArray
    bias: float
    gates: Gates
    benign: FloatArray
    left_out: FloatArray


def _linear(support: Points, benign: Points, context: bool) -> _Linear:
    """The ridge head, scaled and shifted so that the widest gate lies at 0."""
    size = support.embedding.shape[1]
    used = size if context else size // 2
    attack = torch.from_numpy(np.ascontiguousarray(support.embedding[None, :, :used]))
    bank = GramBank.of(torch.from_numpy(np.ascontiguousarray(benign.embedding[:, :used])))
    head = Ridge(_REGULARISATION).fit_bank(attack, bank)
    weight = np.zeros(size, np.float32)
    weight[:used] = head.weight[0].numpy()
    scores = benign.embedding @ weight + np.float32(head.bias[0])
    left_out = head.leave_one_out() if len(support) > 1 else head.scores(attack)
    own = left_out[0].numpy().astype(np.float32)
    gates = Gates.fit(scores, benign.attack[:, int(context)])
    gate, spread = gates.linear[0], max(float(scores.std()), 1e-6)
    return _Linear(
        (weight / spread).astype(np.float32),
        (float(head.bias[0]) - float(gate)) / spread,
        Gates((gates.linear - gate) / np.float32(spread), gates.attack),
        ((scores - gate) / spread).astype(np.float32),
        ((own - gate) / spread).astype(np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Outside:
    benign: dict[str, FloatArray]
    left_out: dict[str, FloatArray]


def _forests(
    support: Points, benign: Points, context: bool, options: AdaptOptions
) -> tuple[dict[str, Forest], _Outside]:
    settings = ForestSettings(trees=options.trees)
    forests: dict[str, Forest] = {}
    outside = _Outside({}, {})
    tables = {FOREST: (support.table, benign.table), WIDE: (support.wide(), benign.wide())}
    for name in MEMBERS:
        if name in tables:
            attack, ordinary = tables[name]
            columns = _columns(support, wide=name == WIDE, context=context)
            forests[name], own = Forest.fit_out_of_bag(
                attack, ordinary, settings=settings, seed=options.seed, columns=columns
            )
            inside = forests[name].scores(attack)
            outside.benign[name] = np.nan_to_num(own.benign, nan=0.0)
            outside.left_out[name] = np.where(np.isnan(own.attack), inside, own.attack)
    return forests, outside


def _columns(points: Points, *, wide: bool, context: bool) -> Integers | None:
    """Columns that a forest may ask for: without context those that tell of the record alone."""
    if context:
        return None
    spec = SPECS[points.kind]
    groups = [feature.group for feature in spec.numeric]
    groups += [feature.group for feature in spec.categorical]
    own = [place for place, group in enumerate(groups) if group != "context"]
    if wide:
        width, size = points.table.shape[1], points.embedding.shape[1]
        own += [*range(width, width + size // 2), width + size]
    return np.array(own, dtype=np.int64)
