"""What an alert says of a family: label, signature id.

A bundle brings the labels of its families; here are those of the verdict ``unknown`` and of
families that only this site knows. Categories and severities are those of Suricata's
``classification.config`` (https://docs.suricata.io/en/latest/rules/meta.html#classtype).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from enricher.detector.family_names import MAX_NAME_LENGTH, UNKNOWN_FAMILY, check_name
from enricher.detector.labels import FamilyLabel

__all__ = ["UNKNOWN_FAMILY", "check_name", "family_label", "signature_id"]

FIRST_SIGNATURE_ID = 1_000_000_000
_SIGNATURE_IDS = 1_000_000_000

_UNKNOWN_LABEL = FamilyLabel(
    name=UNKNOWN_FAMILY,
    title="Behaviour never seen here",
    category="Unknown Traffic",
    severity=3,
    description="New to every known family and to the traffic of this site.",
)


@lru_cache(maxsize=1024)
def family_label(name: str) -> FamilyLabel:
    """The label of the verdict ``unknown``, or of a family that no bundle describes.

    Never fails: a name that :func:`check_name` refuses is shown without what is wrong with it.
    """
    if name == UNKNOWN_FAMILY:
        return _UNKNOWN_LABEL
    shown = "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME_LENGTH]).strip()
    shown = shown or "unnamed"
    return FamilyLabel(
        name=shown,
        title=f"Family {shown}",
        category="Potentially Bad Traffic",
        severity=2,
        description="A family that this site named.",
    )


@lru_cache(maxsize=1024)
def signature_id(family: str, category: str, severity: int) -> int:
    """A signature id that is the same wherever family, category and severity are.

    Arkime takes ids below 2^31 only, and ids from 1,000,000,000 upwards keep clear of those of
    the common rule sets.

    Returns:
        A number in 1,000,000,000 to 1,999,999,999.
    """
    text = "\0".join((family, category, str(severity))).encode("utf-8", "replace")
    digest = hashlib.blake2s(text, digest_size=8).digest()
    return FIRST_SIGNATURE_ID + int.from_bytes(digest, "big") % _SIGNATURE_IDS
