"""What a rejected rule wrongly hit becomes benign to the detector too.

A rule is rejected because it fires on ordinary traffic. Those records, as they stood in the logs,
are kept as false alarms of the rule's family: corrections and benign records are made of them as
of those that 'enricher feedback' keeps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import torch

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.errors import StateError
from enricher.families.discovery.support import rows_of_set
from enricher.families.feedback import MAX_EVIDENCE, MAX_REASON, Feedback, FeedbackStore
from enricher.families.support import KeptSupport, SupportSet
from enricher.features.extract import extract
from enricher.logs import KINDS, PROVENANCE, SCHEMAS, Kind, LogBatch
from enricher.pipeline.adapting import names_digest
from enricher.pipeline.scoring import context_trackers
from enricher.pipeline.user import user_name
from enricher.rulegen.ledger.candidate import Candidate

MOST = 50
"""Records of a rule that are kept; of more, so many are taken evenly."""

Record: TypeAlias = Mapping[str, Any]
"""Canonical columns of a kind, ``_kind``, and ``_place`` (``path:line``) where it is known."""


def keep_false_hits(
    rejected: Sequence[tuple[Candidate, Sequence[Record]]], settings: Settings, why: str
) -> dict[str, int]:
    """Keep the benign records that rules hit as false alarms of their families.

    Their context is that of these records alone: what else was on the network then is not known
    any longer. Doing it again replaces what was kept of a rule.

    Args:
        rejected: Rules, and what each hit wrongly.
        settings: State and bundle.
        why: In the analyst's words.

    Returns:
        By id of the rule how many were kept; those of kinds that the bundle does not know are not.

    Raises:
        StateError: If a record is damaged, or they could not be kept.
        BundleError, DeviceError: If the detector could not be set up.
    """
    torch.set_num_threads(1)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    store, kept = FeedbackStore(settings.state), dict[str, int]()
    for rule, records in rejected:
        alarms = _false_alarms(rule, _evenly(records), plain, settings, why)
        for said in alarms:
            store.put(said)
        kept[rule.id] = len(alarms)
    return kept


def _evenly(records: Sequence[Record]) -> list[Record]:
    if len(records) <= MOST:
        return list(records)
    return [records[place] for place in np.linspace(0, len(records) - 1, MOST).astype(int)]


def _false_alarms(
    rule: Candidate, records: Sequence[Record], plain: Detector, settings: Settings, why: str
) -> list[Feedback]:
    names = names_digest(plain.bundle)
    reason = f"rule {rule.sid} revision {rule.rev} rejected: {why}"[:MAX_REASON]
    author, now = user_name(), time.time()
    found: list[Feedback] = []
    for kind in KINDS:
        of_kind = [one for one in records if one.get("_kind") == kind]
        if not of_kind or kind not in plain.kinds:
            continue
        support = _support(rule, kind, of_kind, plain, settings)
        for row in range(len(support)):
            evidence = KeptSupport({kind: rows_of_set(support, np.array([row]))}, names).to_bytes()
            if len(evidence) <= MAX_EVIDENCE:
                found.append(
                    Feedback(
                        f"rule:{rule.id}:{len(found)}", "false-positive", kind, rule.family, None,
                        author, now, reason, evidence,
                    )
                )  # fmt: skip
    return found


def _support(
    rule: Candidate, kind: Kind, records: Sequence[Record], plain: Detector, settings: Settings
) -> SupportSet:
    """Records with their features, in the order of their times."""
    try:
        rows = [{name: one.get(name) for name in SCHEMAS[kind]} for one in records]
        frame = pl.DataFrame(rows, schema=SCHEMAS[kind], strict=True, orient="row")
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise StateError(
            f"the false hits of rule {rule.sid} are damaged ({str(error)[:200]!a}): "
            "'enricher rules test' finds them anew"
        ) from error
    places = pl.Series("_place", [str(one.get("_place") or "") for one in records])
    frame = frame.with_columns(
        pl.lit(0, PROVENANCE["_file"]).alias("_file"),
        pl.int_range(1, pl.len() + 1).cast(PROVENANCE["_line"]).alias("_line"),
        places,
    ).sort("ts", nulls_last=True, maintain_order=True)
    tracker = context_trackers([kind], settings.context)[kind]
    canonical = frame.select(*SCHEMAS[kind], *PROVENANCE)
    features = extract(LogBatch(kind, canonical), tracker, plain.bundle.names)
    return SupportSet(
        features,
        tuple(frame["_place"]),
        tuple(uid or "" for uid in frame["uid"]),
        frame["ts"].fill_null(float("nan")).to_numpy().astype(np.float64),
    )
