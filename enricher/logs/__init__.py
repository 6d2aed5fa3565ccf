"""Canonical columns per kind of record, and the readers that produce them."""

from enricher.logs.batch import (
    Block,
    LogBatch,
    LogReader,
    ReadResult,
    Rejected,
    concatenate,
    empty,
)
from enricher.logs.kinds import KINDS, PROVENANCE, SCHEMAS, Kind, Schema

__all__ = [
    "KINDS",
    "PROVENANCE",
    "SCHEMAS",
    "Block",
    "Kind",
    "LogBatch",
    "LogReader",
    "ReadResult",
    "Rejected",
    "Schema",
    "concatenate",
    "empty",
]
