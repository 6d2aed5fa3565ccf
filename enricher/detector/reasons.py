"""Attributions in words."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from torch import Tensor

from enricher.detector.explain import Score, attributions
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.scores import Reason
from enricher.detector.table_distance import TableDistance
from enricher.features.rows import take
from enricher.features.spec import FeatureSpec
from enricher.features.tensors import Features, TextColumn
from enricher.features.units import readable
from enricher.logs import Kind

TOP = 5
_ROWS_PER_PASS = 512
_TEXT_LENGTH = 60


def explain_rows(
    model: Model,
    spec: FeatureSpec,
    features: Features,
    rows: npt.NDArray[np.integer],
    weight: Tensor | None,
    distance: TableDistance | None = None,
) -> list[tuple[Reason, ...]]:
    """The fields that raised the score of some records most, strongest first, at most five each.

    A reason's weight is its share of everything that raised the score.

    Args:
        model: The model.
        spec: What the features are called.
        features: Records of one kind.
        rows: Which of them, int [R].
        weight: float32 [R, E], the linear head that is explained for each record; ``None`` explains
            the novelty: its squared distance, or where the site has a distance of its own, all
            of what is scored.
        distance: The site's own distance, a part of its novelty.
    """
    reasons: list[tuple[Reason, ...]] = []
    for start in range(0, len(rows), _ROWS_PER_PASS):
        some = take(features, np.asarray(rows[start : start + _ROWS_PER_PASS], dtype=np.int64))
        part = None if weight is None else weight[start : start + _ROWS_PER_PASS]
        inputs = Inputs.of(some, model.device)
        own = distance if weight is None else None
        parts = attributions(model, inputs, _score(model, features.kind, part, own))
        if own is not None:
            fields = own.credits(inputs.numeric, inputs.categorical)
            parts[:, : fields.shape[1]] += fields
        weights = parts.cpu().numpy()
        baseline = model.baseline(features.kind).numeric.cpu().numpy()
        reasons.extend(
            _reasons(spec, some, row, np.nan_to_num(weights[row]), baseline)
            for row in range(len(some))
        )
    return reasons


def _score(
    model: Model, kind: Kind, weight: Tensor | None, distance: TableDistance | None
) -> Score:
    if distance is not None:  # in the unit that both are added in
        return lambda embedding: model.novelties_of(embedding, kind)
    if weight is None:
        return model.novelty(kind).squared
    return lambda embedding: (embedding * weight).sum(dim=1)


def _reasons(
    spec: FeatureSpec,
    features: Features,
    row: int,
    weights: npt.NDArray[np.float32],
    baseline: npt.NDArray[np.float32],
) -> tuple[Reason, ...]:
    total = float(weights[weights > 0.0].sum())
    best = [int(place) for place in np.argsort(-weights, kind="stable")[:TOP]]
    return tuple(
        Reason(*_words(spec, features, row, place, baseline), float(weights[place]) / total)
        for place in best
        if weights[place] > 0.0
    )


def _words(
    spec: FeatureSpec,
    features: Features,
    row: int,
    place: int,
    baseline: npt.NDArray[np.float32],
) -> tuple[str, str]:
    """Name of the field and its value in words."""
    if place < len(spec.numeric):
        number = spec.numeric[place]
        usual = float(baseline[place])
        words = number.explain(float(features.numeric[row, place]))
        if not math.isnan(usual):
            words += f" (benign: {readable(number.unit, usual)})"
        return number.name, words
    place -= len(spec.numeric)
    if place < len(spec.categorical):
        category = spec.categorical[place]
        return category.name, category.explain(int(features.categorical[row, place]))
    text = spec.text[place - len(spec.categorical)]
    return text.name, f"{text.words}: {_shown(features.text[text.name], row)}"


def _shown(column: TextColumn, row: int) -> str:
    """The beginning of a string, fit for any screen: a log's bytes are anybody's."""
    code = int(column.codes[row])
    if code < 0:
        return "none"
    start, stop = int(column.offsets[code]), int(column.offsets[code + 1])
    cut = min(stop, start + 4 * _TEXT_LENGTH)
    value = column.data[start:cut].tobytes().decode("utf-8", errors="replace")
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
    if len(shown) > _TEXT_LENGTH or cut < stop:
        return shown[: _TEXT_LENGTH - 1] + "…"
    return shown
