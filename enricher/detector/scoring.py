"""From features to scores: one pass of the encoder feeds heads, novelty and p-values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from enricher.detector.conformal import ConformalCalibration
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.scores import Scores
from enricher.features.tensors import Features
from enricher.logs import Kind


@torch.inference_mode()
def score_features(
    model: Model, features: Features, conformal: Mapping[Kind, ConformalCalibration]
) -> Scores:
    """Score records of one kind, in order, on the device that holds the model.

    Where ``conformal`` does not have the kind, every p-value is 1: nothing is called new.
    """
    kind = features.kind
    inputs = Inputs.of(features, model.device)
    count, heads, novelty = len(inputs), model.heads, model.novelty(kind)
    family_scores = torch.empty(count, len(heads.families), device=model.device)
    distance = torch.empty(count, device=model.device)
    embeddings = torch.empty(count, model.config.embedding, device=model.device)
    for start, stop, embedding in model.encoder.passes(inputs):
        size = stop - start
        family_scores[start:stop] = heads(embedding, kind)[:size]
        distance[start:stop] = novelty.score(embedding)[:size]
        embeddings[start:stop] = embedding[:size]
    novelties = _host(distance)
    calibration = conformal.get(kind)
    return Scores(
        kind=kind,
        families=heads.families,
        family_scores=_host(family_scores),
        novelty=novelties,
        p_value=(
            np.ones(count, dtype=np.float32)
            if calibration is None
            else calibration.p_values(novelties)
        ),
        embedding=_host(embeddings),
    )


def _host(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(tensor.cpu().numpy(), dtype=np.float32)
