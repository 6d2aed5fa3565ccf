"""The raw records that are kept of a discovery: the one place that knows how."""

from __future__ import annotations

from enricher.families.discovery.candidates import Candidates


def records_of(kept: Candidates) -> bytes:
    """The records of a discovery as the bytes that are kept beside its support set."""
    del kept
    return b""  # CALL SITE: enricher.families.records.KeptRecords
