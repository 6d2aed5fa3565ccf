"""What `enricher evaluate --explanations` does, without the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from enricher.detector.detector import Detector
from enricher.detector.model import Model
from enricher.features.rows import take
from enricher.features.tensors import Features
from enricher.learn.adversary.command import asking_recipe, write_results
from enricher.learn.adversary.records import Limits, collect
from enricher.learn.card import table
from enricher.learn.commands import Job
from enricher.learn.explaining import (
    NAMED,
    RANDOM,
    SAME,
    SLOPE,
    TOP,
    Deletion,
    deletion,
    jaccard,
    top_fields,
)
from enricher.learn.fitting import Progress
from enricher.learn.loading import attacked_logs
from enricher.learn.manifest import load_manifest
from enricher.logs import KINDS, Kind

FEWEST = 10
"""Families of which fewer records are found are left out."""
GOAL = 0.6
_RECORDS = 100

_HEAD = f"""\
Attack records that the bundle finds as their own family, at most {_RECORDS} a log. Height: how far
the family's logit is above that of an ordinary benign record. Removed: the share of it that goes
when the first {", ".join(map(str, TOP))} fields are made those of the ordinary benign record: the
fields that explanations name (integrated gradients), those of the largest gradient times input,
random ones. Error: how far the attributions' sum is from the height, as a share of it. Same:
Jaccard index of the top {SAME} with a bundle of another seed, goal {GOAL}."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Explanations of one family in one kind of record.

    Attributes:
        kind: Kind of the records.
        family: The family.
        deletion: What deleting fields does.
        same: Jaccard index of the top five with another model; None without one.
    """

    kind: Kind
    family: str
    deletion: Deletion
    same: float | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "kind": self.kind,
            "family": self.family,
            "same": self.same,
            **self.deletion.to_dict(),
        }


def run_explanations(
    job: Job,
    out: Path,
    progress: Progress,
    *,
    bundle: Path | None = None,
    other: Path | None = None,
) -> list[Explained]:
    """Test the explanations of a bundle; write ``explanations.md`` and ``explanations.json``.

    Args:
        job: Where things are.
        out: Folder of the results.
        progress: Told of every step.
        bundle: Folder of the bundle; None for the one that is shipped.
        other: Folder of a bundle of the same recipe and another seed, to compare with.

    Raises:
        EnricherError: If data, recipe or a bundle can not be used, or the folder not be written.
    """
    torch.set_num_threads(1)
    detector = Detector.load(bundle, job.device)
    second = None if other is None else Detector.load(other, job.device).bundle.model
    progress("reading logs", 0, 1)
    logs = attacked_logs(load_manifest(job.data), asking_recipe(job), detector.bundle.names)
    sample = collect(logs, Limits(benign=0, pool=1, query=_RECORDS))
    explained = []
    for number, ((_, family), features) in enumerate(sorted(sample.query.items())):
        progress("explaining", number, len(sample.query))
        found = _found(detector, features, family)
        if len(found) >= FEWEST:
            explained.append(_explained(detector.bundle.model, second, found, family))
    progress("explaining", len(sample.query), len(sample.query))
    note = f"Bundle {detector.bundle.name} {detector.bundle.version}."
    content = json.dumps([one.to_dict() for one in explained], indent=1)
    write_results(out, "explanations", markdown(explained, note), content)
    return explained


def _found(detector: Detector, features: Features, family: str) -> Features:
    """The records that are found as their own family."""
    if features.kind not in detector.kinds or family not in detector.bundle.model.heads.families:
        return take(features, np.zeros(0, np.int64))
    scores = detector.score(features)
    place = scores.families.index(family)
    bound = detector.thresholds(features.kind).values[place]
    return take(features, np.flatnonzero(scores.family_scores[:, place] >= bound))


def _explained(model: Model, second: Model | None, features: Features, family: str) -> Explained:
    score = partial(_logit, model, features.kind, family)
    same = None
    if second is not None and family in second.heads.families:
        of_other = partial(_logit, second, features.kind, family)
        same = jaccard(top_fields(model, features, score), top_fields(second, features, of_other))
    return Explained(features.kind, family, deletion(model, features, score), same)


def _logit(model: Model, kind: Kind, family: str, embedding: torch.Tensor) -> torch.Tensor:
    return model.heads.calibrated_logits(embedding, kind)[:, model.heads.index(family)]


def markdown(explained: Sequence[Explained], note: str) -> str:
    """The tables for people."""
    kinds = [
        (kind, "all", *_line([one for one in explained if one.kind == kind]))
        for kind in KINDS
        if any(one.kind == kind for one in explained)
    ]
    families = [(one.kind, one.family, *_line([one])) for one in explained]
    ways = (NAMED, SLOPE, RANDOM)
    columns = [f"{way}, {count}" for way in ways for count in TOP]
    head = ("kind", "family", "records", "height", *columns, "error", "same")
    parts = ["# Explanations", note, _HEAD, table(head, kinds), table(head, families)]
    return "\n\n".join(parts) + "\n"


def _line(some: Sequence[Explained]) -> tuple[str, ...]:
    """Means over families."""
    deletions = [one.deletion for one in some]
    same = [one.same for one in some if one.same is not None]
    return (
        f"{sum(d.records for d in deletions):,}",
        f"{np.mean([d.height for d in deletions]):.1f}",
        *(
            f"{np.mean([d.removed[way][count] for d in deletions]):.2f}"
            for way in (NAMED, SLOPE, RANDOM)
            for count in TOP
        ),
        f"{np.mean([d.error for d in deletions]):.3f}",
        f"{np.mean(same):.2f}" if same else "-",
    )
