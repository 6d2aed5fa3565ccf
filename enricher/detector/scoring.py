"""From features to scores: one pass of the encoder feeds heads, novelty and p-values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from enricher.detector.adaptation.serving import AdaptedHeads
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.passes import filled
from enricher.detector.scores import FloatArray, Scores
from enricher.detector.table_distance import TableDistance
from enricher.features.tensors import Features
from enricher.logs import Kind


@torch.inference_mode()
def score_features(
    model: Model,
    features: Features,
    conformal: Mapping[Kind, ConformalCalibration],
    adapted: AdaptedHeads | None = None,
    distance: TableDistance | None = None,
) -> Scores:
    """Score records of one kind, in order, on the device that holds the model.

    Where ``conformal`` does not have the kind, every p-value is 1: nothing is called new. A family
    of the site that bears the name of one of the bundle's stands in its place. The distance from
    the site's own benign records adds to the novelty where there is one.
    """
    kind = features.kind
    inputs = Inputs.of(features, model.device)
    count, heads = len(inputs), model.heads
    family_scores = torch.empty(count, len(heads.families), device=model.device)
    novelty = torch.empty(count, device=model.device)
    embeddings = torch.empty(count, model.config.embedding, device=model.device)
    attack = torch.empty(count, 2, device=model.device)
    linear = torch.empty(count, len(adapted or ()), device=model.device)
    for start, stop, embedding in model.encoder.passes(inputs):
        size = stop - start
        family_scores[start:stop] = heads(embedding, kind)[:size]
        novelty[start:stop] = model.novelties_of(embedding, kind)[:size]
        if distance is not None:
            rows = len(embedding)  # a pass of one shape, as the encoder's
            novelty[start:stop] += distance(
                filled(inputs.numeric[start:stop], rows),
                filled(inputs.categorical[start:stop], rows),
            )[:size]
        embeddings[start:stop] = embedding[:size]
        attack[start:stop, 0] = model.attack.alone(embedding)[:size]
        attack[start:stop, 1] = model.attack.logits(embedding)[:size]
        if adapted:
            linear[start:stop] = adapted.linear(embedding)[:size]
    novelties = _host(novelty)
    calibration = conformal.get(kind)
    families, scores, embedded = heads.families, _host(family_scores), _host(embeddings)
    if adapted is not None:
        own = adapted.scores(_host(linear), features, embedded, _host(attack))
        families, scores = _joined(families, scores, adapted.names, own)
    return Scores(
        kind=kind,
        families=families,
        family_scores=scores,
        novelty=novelties,
        p_value=(
            np.ones(count, dtype=np.float32)
            if calibration is None
            else calibration.p_values(novelties)
        ),
        embedding=embedded,
        attack=_host(attack),
    )


def _joined(
    families: tuple[str, ...], scores: FloatArray, names: tuple[str, ...], own: FloatArray
) -> tuple[tuple[str, ...], FloatArray]:
    """The bundle's families and the site's, which stand in the place of those they are named as."""
    places = [families.index(name) if name in families else -1 for name in names]
    for column, place in enumerate(places):
        if place >= 0:
            scores[:, place] = own[:, column]
    fresh = [column for column, place in enumerate(places) if place < 0]
    added = tuple(names[column] for column in fresh)
    joined = np.empty((len(scores), len(families) + len(added)), np.float32)
    joined[:, : len(families)] = scores
    joined[:, len(families) :] = own if len(fresh) == len(names) else own[:, fresh]
    return families + added, joined


def _host(tensor: Tensor) -> FloatArray:
    return np.asarray(tensor.cpu().numpy(), dtype=np.float32)
