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
from enricher.logs.eve import EveReader
from enricher.logs.identify import HEAD_BYTES, LogFormat, LogIdentity, identify
from enricher.logs.joined import Joined, SmallLog, read_joined
from enricher.logs.kinds import KINDS, PROVENANCE, SCHEMAS, Kind, Schema
from enricher.logs.longconn import LongConnections
from enricher.logs.reader import open_reader
from enricher.logs.tsv import ZeekTsvReader
from enricher.logs.zeek_json import ZeekJsonReader

__all__ = [
    "HEAD_BYTES",
    "KINDS",
    "PROVENANCE",
    "SCHEMAS",
    "Block",
    "EveReader",
    "Joined",
    "Kind",
    "LogBatch",
    "LogFormat",
    "LogIdentity",
    "LogReader",
    "LongConnections",
    "ReadResult",
    "Rejected",
    "Schema",
    "SmallLog",
    "ZeekJsonReader",
    "ZeekTsvReader",
    "concatenate",
    "empty",
    "identify",
    "open_reader",
    "read_joined",
]
