"""Takes an analyst's word on an alert into the site's state, and what follows from it.

What was said is kept in ``enricher.db`` last, when everything that follows is done: who is
interrupted says it again, and nothing is done twice.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import torch

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.family_names import UNKNOWN_FAMILY, check_name
from enricher.errors import InputError, StateError
from enricher.families.feedback import MAX_EVIDENCE, Feedback, FeedbackStore, Word
from enricher.families.support import KeptSupport
from enricher.pipeline.feedback_teaching import FeedbackOutcome, Teaching
from enricher.pipeline.live.stored import read_alert
from enricher.pipeline.user import user_name

_ID = re.compile(r"[0-9a-f]{16}")
_LOCK = "feedback.lock"
_SHOWN = 64


@dataclass(frozen=True, slots=True)
class FeedbackRequest:
    """What an analyst says.

    Attributes:
        alert_id: Id of the alert.
        verdict: Whether it was right.
        family: Of a true positive: the family of the site that learns the record.
        reason: Why, in words.
    """

    alert_id: str
    verdict: Word
    family: str | None = None
    reason: str = ""


def give_feedback(request: FeedbackRequest, settings: Settings) -> FeedbackOutcome:
    """Keep what an analyst says of an alert, and teach the detector.

    A false positive corrects the detector: records that are near the alert's are benign, and
    families of the site that flag it are fitted anew with it among the benign records. A true
    positive of a family of the site is added to its support set.

    Args:
        request: What is said.
        settings: State, bundle, device.

    Raises:
        InputError: If the alert is not known, or its record can not teach.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    torch.set_num_threads(1)
    if request.family is not None:
        try:
            check_name(request.family)
        except ValueError as error:
            raise InputError(str(error)) from error
    _find(settings.state, request)
    with _alone(settings.state):
        earlier, said = _find(settings.state, request)
        if earlier is not None and _same(earlier, request):
            return FeedbackOutcome(earlier, changed=False)
        plain = Detector.load(settings.detector.bundle, settings.detector.device)
        return Teaching(plain, settings, earlier, said).teach(request.family)


def _same(earlier: Feedback, request: FeedbackRequest) -> bool:
    return earlier.verdict == request.verdict and request.family in {None, earlier.taught}


def _find(state: Path, request: FeedbackRequest) -> tuple[Feedback | None, Feedback]:
    """What was said of the alert before, and what is said now, without what it teaches."""
    shown = f"{request.alert_id[:_SHOWN]!a}"
    if not _ID.fullmatch(request.alert_id):
        raise InputError(f"{shown} is no id of an alert: those have 16 hexadecimal digits")
    earlier = FeedbackStore(state).get(request.alert_id)
    if earlier is None:
        said = _of_service(state, request, shown)
    else:
        said = replace(earlier, verdict=request.verdict, taught=None)
    said = replace(said, author=user_name(), given=time.time(), reason=request.reason)
    if said.verdict == "true-positive" and said.family == UNKNOWN_FAMILY:
        known = earlier is not None and earlier.taught is not None
        if request.family is None and not known:
            raise InputError(
                f"alert {shown} is of no family yet: say of which one with --family NAME"
            )
    return earlier, said


def _of_service(state: Path, request: FeedbackRequest, shown: str) -> Feedback:
    alert = read_alert(state, request.alert_id)
    if alert is None:
        raise InputError(
            f"alert {shown} is not known in {state}: 'enricher run' keeps the last ones it has "
            "written for feedback; name its state directory with --state"
        )
    if alert.evidence is None or len(alert.evidence) > MAX_EVIDENCE:
        raise InputError(f"the record of alert {shown} was not kept: it can teach nothing")
    try:
        (family,) = orjson.loads(alert.event)["alert"]["metadata"]["family"]
        (kind,) = KeptSupport.from_bytes(alert.evidence).sets
        family = UNKNOWN_FAMILY if family == UNKNOWN_FAMILY else check_name(family)
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(
            f"what the service has kept of alert {shown} can not be used ({error}): it is damaged "
            "or was made by another version; teach with 'enricher adapt' and logs instead"
        ) from error
    return Feedback(
        request.alert_id, request.verdict, kind, family, None, "", 0.0, "", alert.evidence
    )


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Wait until nobody else gives feedback, and keep others waiting."""
    path = state / _LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written ({error.strerror}); check the permissions of the state "
            "directory: feedback is given by the user that the service runs as"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
