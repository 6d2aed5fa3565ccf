"""Events as the enricher writes them, and a reader of files as Zeek reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from enricher.alerts import EventOptions, family_label, render, single, to_event
from enricher.alerts.alert import Detection
from enricher.logs import SCHEMAS, Kind
from enricher.verdicts import Choice, Entry, Ordinary, Verdict, make_files, read_event

Event = dict[str, Any]
Rows = list[dict[str, bytes | None]]

RECORD = {
    "ts": 1_767_268_800.123456, "uid": "CyYLtc1eq5IBd3GmvS", "id.orig_h": "10.0.0.7",
    "id.orig_p": 50_000, "id.resp_h": "8.8.4.4", "id.resp_p": 80, "proto": "tcp",
    "community_id": "1:WAackQy+VtqEqkX9MAIP8qwmQ80=",
}  # fmt: skip


@pytest.fixture(scope="session")
def make_event() -> Callable[..., Event]:
    """An event of a record of some kind, as it is in a file: through JSON."""

    def make(
        kind: Kind = "http",
        record: Mapping[str, Any] | None = None,
        *,
        family: str = "sql-injection",
        score: float = 0.9874,
        version: Any = 7,
        **changes: Any,
    ) -> Event:
        values = dict.fromkeys(SCHEMAS[kind]) | RECORD | dict(record or {})
        detection = Detection(
            kind, values, "x.log:9", "unknown" if family == "unknown" else "family", family,
            family, score, 1.5, changes.pop("p_value", 0.00135),
        )  # fmt: skip
        alert = single(detection)
        for name, value in changes.items():
            setattr(alert, name, value)
        made = json.loads(
            render(to_event(alert, family_label(family), EventOptions(eve_version=version)))
        )
        assert isinstance(made, dict)
        return made

    return make


@pytest.fixture(scope="session")
def choice() -> Choice:
    return Choice(Ordinary())


def zeek_reads(data: bytes) -> Rows:
    """The records of a file, as ``src/input/readers/ascii`` of Zeek takes them, written anew."""
    columns: list[str] = []
    rows: Rows = []
    for raw in data.split(b"\n"):
        text = raw.removesuffix(b"\r")
        if text.startswith(b"#fields\t"):
            columns = text.decode().split("\t")[1:]
        if not text or text.startswith(b"#"):
            continue
        fields = text.split(b"\t")
        while fields and fields[-1] == b"":  # what C++'s getline() makes of it
            fields.pop()
        assert len(fields) == len(columns), text
        values = [None if field == b"-" else unescaped(field) for field in fields]
        rows.append(dict(zip(columns, values, strict=True)))
    return rows


def unescaped(field: bytes) -> bytes:
    parts = re.split(rb"\\x([0-9a-fA-F]{2})", field)
    return b"".join(
        bytes.fromhex(part.decode()) if at % 2 else part for at, part in enumerate(parts)
    )


@pytest.fixture(scope="session")
def as_zeek() -> Callable[[bytes], Rows]:
    return zeek_reads


@pytest.fixture(scope="session")
def files_of(choice: Choice) -> Callable[..., dict[str, Rows]]:
    """What Zeek reads of the files that some events give."""

    def make(*events: Event, now: float = 0.0, chosen: Choice = choice) -> dict[str, Rows]:
        verdicts = [read_event(event) for event in events]
        entries = [Entry.of(one, chosen) for one in verdicts if isinstance(one, Verdict)]
        return {name: zeek_reads(data) for name, data in make_files(entries, now, chosen).items()}

    return make
