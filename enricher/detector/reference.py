"""Reference outputs: a bundle says the same as when it was made, or is not trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from enricher.detector.bundle import Bundle
from enricher.detector.scores import Scores
from enricher.detector.scoring import score_features
from enricher.errors import BundleError
from enricher.features.tensors import Features, TextColumn
from enricher.logs import Kind

RECORDS = "reference.safetensors"
INDEX = "reference.json"
TOLERANCE = 1e-4
"""How near a run on any machine must come, relative and absolute."""

_OUTPUTS = ("family_scores", "novelty", "p_value", "embedding")


def write_reference(bundle: Bundle, folder: Path, records: Mapping[Kind, Features]) -> None:
    """Score some records of each kind and keep both beside the bundle in ``folder``."""
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for kind, features in records.items():
        scores = score_features(bundle.model, features, bundle.conformal)
        tensors |= {f"{kind}.in.{k}": v for k, v in _plain(features).items()}
        tensors |= {f"{kind}.out.{k}": getattr(scores, k) for k in _OUTPUTS}
    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    (folder / RECORDS).write_bytes(safetensors.numpy.save(contiguous))
    index = {
        "tolerance": TOLERANCE,
        "weights_sha256": bundle.digest,
        "kinds": {
            kind: {"spec_version": features.spec_version, "text": list(features.text)}
            for kind, features in records.items()
        },
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def verify(bundle: Bundle, folder: Path) -> int:
    """Score the reference records of a bundle again and compare.

    Returns:
        Number of records compared.

    Raises:
        BundleError: If the references are missing or damaged, or the outputs differ.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        tensors = safetensors.numpy.load((folder / RECORDS).read_bytes())
        if index["weights_sha256"] != bundle.digest:
            raise BundleError(f"{folder / INDEX}: belongs to other weights; install it again")
        tolerance = float(index["tolerance"])
        compared = 0
        for kind, entry in index["kinds"].items():
            features = _features(kind, entry, tensors)
            scores = score_features(bundle.model, features, bundle.conformal)
            _compare(scores, tensors, tolerance, folder)
            compared += len(features)
    except OSError as error:
        raise BundleError(
            f"{error.filename}: cannot be read ({error.strerror}); install the bundle again"
        ) from error
    except (KeyError, TypeError, ValueError, IndexError, SafetensorError) as error:
        raise BundleError(f"{folder / INDEX}: is damaged ({error}); install it again") from error
    return compared


def _compare(
    scores: Scores, tensors: Mapping[str, npt.NDArray[Any]], tolerance: float, folder: Path
) -> None:
    for name in _OUTPUTS:
        expected, found = tensors[f"{scores.kind}.out.{name}"], getattr(scores, name)
        # One rank more or less is no difference: a p-value moves in steps.
        slack = 2e-2 if name == "p_value" else tolerance
        if not np.allclose(found, expected, rtol=slack, atol=slack):
            worst = float(np.abs(found - expected).max())
            raise BundleError(
                f"{folder}: {name} of the {scores.kind} reference records differ by up to "
                f"{worst:.2g}; do not trust this bundle here: check the PyTorch version, or "
                "install the bundle again"
            )


def _plain(features: Features) -> dict[str, npt.NDArray[np.generic]]:
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "numeric": features.numeric,
        "categorical": features.categorical,
    }
    for name, column in features.text.items():
        arrays[f"{name}.data"] = column.data
        arrays[f"{name}.offsets"] = column.offsets
        arrays[f"{name}.codes"] = column.codes
    return arrays


def _features(
    kind: Kind, entry: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]
) -> Features:
    return Features(
        kind=kind,
        spec_version=int(entry["spec_version"]),
        numeric=tensors[f"{kind}.in.numeric"],
        categorical=tensors[f"{kind}.in.categorical"],
        text={
            name: TextColumn(
                data=tensors[f"{kind}.in.{name}.data"],
                offsets=tensors[f"{kind}.in.{name}.offsets"],
                codes=tensors[f"{kind}.in.{name}.codes"],
            )
            for name in entry["text"]
        },
    )
