"""Records, batches and scores for the tests of decisions and alerts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import numpy as np
import polars as pl
import pytest

from enricher.alerts import Alert, Detection, single
from enricher.detector.scores import Scores
from enricher.logs import PROVENANCE, SCHEMAS, Kind, LogBatch

MakeBatch: TypeAlias = Callable[..., LogBatch]
MakeScores: TypeAlias = Callable[..., Scores]
MakeAlert: TypeAlias = Callable[..., Alert]
Validate: TypeAlias = Callable[[Any, int], None]


@pytest.fixture(scope="session")
def make_batch() -> MakeBatch:
    """A batch from dicts; what is left out is absent, lines count from 1."""

    def make(rows: Sequence[Mapping[str, Any]], kind: Kind = "conn") -> LogBatch:
        schema = {**SCHEMAS[kind], **PROVENANCE}
        columns = {name: [row.get(name) for row in rows] for name in schema}
        columns["_file"] = [row.get("_file", 0) for row in rows]
        columns["_line"] = [row.get("_line", place + 1) for place, row in enumerate(rows)]
        return LogBatch(kind, pl.DataFrame(columns, schema=schema))

    return make


@pytest.fixture(scope="session")
def make_scores() -> MakeScores:
    """Scores from one list of family scores a row, and p-values."""

    def make(
        families: tuple[str, ...],
        family_scores: Sequence[Sequence[float]],
        p_value: Sequence[float] | None = None,
        kind: Kind = "conn",
    ) -> Scores:
        count = len(family_scores)
        return Scores(
            kind=kind,
            families=families,
            family_scores=np.asarray(family_scores, np.float32).reshape(count, len(families)),
            novelty=np.zeros(count, np.float32),
            p_value=np.asarray([1.0] * count if p_value is None else p_value, np.float32),
            embedding=np.zeros((count, 2), np.float32),
            attack=np.zeros((count, 2), np.float32),
        )

    return make


@pytest.fixture(scope="session")
def make_alert() -> MakeAlert:
    """The alert of one record."""

    def make(
        record: Mapping[str, Any] | None = None,
        kind: Kind = "conn",
        family: str = "port-scan",
        **changes: Any,
    ) -> Alert:
        values = dict.fromkeys(SCHEMAS[kind]) | {"ts": 1_767_268_800.123456} | dict(record or {})
        detection = Detection(
            kind=kind,
            record=values,
            origin="conn.log:9",
            verdict="unknown" if family == "unknown" else "family",
            family=family,
            nearest=changes.pop("nearest", family),
            score=changes.pop("score", 0.75),
            novelty=1.5,
            p_value=changes.pop("p_value", 0.001),
        )
        alert = single(detection)
        for name, value in changes.items():
            setattr(alert, name, value)
        return alert

    return make


@pytest.fixture(scope="session")
def validate(project_root: Path) -> Validate:
    """Checks an event against Suricata's own schema of a version (7 or 8)."""
    folder = project_root.parent / "shared" / "reference"
    validators = {}
    for version in (7, 8):
        path = folder / f"eve-schema-{version}.0.json"
        if not path.is_file():
            pytest.skip(f"Suricata's schema is not here: {path} is missing")
        schema = json.loads(path.read_text())
        validators[version] = jsonschema.Draft202012Validator(schema)

    def check(event: Any, version: int) -> None:
        validators[version].validate(event)

    return check
