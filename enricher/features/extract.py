"""From records to features: the one entry to this room.

Everything is done on whole columns; the context alone depends on what came before.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from enricher.features.columns import Columns
from enricher.features.context import ContextTracker
from enricher.features.ngrams import NameModel
from enricher.features.spec import KIND_FEATURES, SPEC_VERSION, SPECS, Group
from enricher.features.tensors import Features
from enricher.logs import LogBatch


def extract(
    batch: LogBatch, context: ContextTracker, name_model: NameModel | None = None
) -> Features:
    """Make the features of a batch, and take its records into the context.

    Args:
        batch: Records of one kind, the next of the log.
        context: What came before; it is changed.
        name_model: How usual letters are in benign names; without it those features are NaN.

    Returns:
        Features in the order of ``SPECS[batch.kind]``.

    Raises:
        ValueError: If the context is of another kind.
    """
    if batch.kind != context.kind:
        raise ValueError(f"a context of {context.kind} was given records of {batch.kind}")
    made, spec = KIND_FEATURES[batch.kind], SPECS[batch.kind]
    columns = Columns(batch.frame)
    made.prepare(columns)
    numeric = np.empty((len(batch), len(spec.numeric)), np.float32)
    first = 0
    for block in made.numeric:
        numeric[:, first : first + len(block.features)] = block.make(columns, name_model)
        first += len(block.features)
    context.follow(columns, numeric, first)
    categorical = np.empty((len(batch), len(spec.categorical)), np.int32)
    for place, category in enumerate(made.categories):
        categorical[:, place] = category.make(columns)
    text = {feature.name: columns.text(feature.column) for feature in made.text}
    return Features(batch.kind, SPEC_VERSION, numeric, categorical, text)


def without(features: Features, groups: Collection[Group]) -> Features:
    """The features that ``SPECS[kind].hidden(groups)`` names, for evaluation."""
    spec = SPECS[features.kind]
    numbers = [i for i, feature in enumerate(spec.numeric) if feature.group not in groups]
    kinds = [i for i, feature in enumerate(spec.categorical) if feature.group not in groups]
    return Features(
        features.kind,
        features.spec_version,
        np.ascontiguousarray(features.numeric[:, numbers]),
        np.ascontiguousarray(features.categorical[:, kinds]),
        {} if "text" in groups else dict(features.text),
    )
