"""The real engine as the judge of what a rebuilt capture holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from enricher.logs.kinds import SCHEMAS, Kind
from enricher.rulegen.engine.replay import events, replay
from enricher.rulegen.engine.suricata import Engine, require_engine
from enricher.rulegen.traffic.reconstruct import Rebuilt, write_capture

Rows = Callable[..., pl.DataFrame]
Exact = Callable[[Kind, str, pl.DataFrame, Mapping[int, bytes]], None]


@pytest.fixture(scope="session")
def engine() -> Engine:
    if shutil.which("suricata") is None:
        pytest.skip("Suricata is not installed")
    return require_engine()


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Canonical records, a second apart, from what is set for each."""

    def build(kind: Kind, records: list[dict[str, Any]], *, port: int = 80) -> pl.DataFrame:
        common = {"id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "id.resp_p": port}
        whole = [
            {"ts": 1_700_000_000.0 + n, "id.orig_p": 20_000 + n, **common, **record}
            for n, record in enumerate(records)
        ]
        return pl.DataFrame(whole, schema=SCHEMAS[kind])

    return build


@pytest.fixture
def logged(
    engine: Engine, tmp_path: Path
) -> Callable[[Mapping[Kind, pl.DataFrame], list[str]], tuple[Rebuilt, list[dict[str, Any]]]]:
    """What the engine logs of records."""

    def run(
        records: Mapping[Kind, pl.DataFrame], types: list[str]
    ) -> tuple[Rebuilt, list[dict[str, Any]]]:
        path = tmp_path / "rebuilt.pcap"
        return write_capture(records, path), events(engine, path, types)

    return run


@pytest.fixture(scope="session")
def sees_exactly(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Exact:
    """Asserts that the engine sees in a buffer the bytes given for each row, and no others."""

    def check(
        kind: Kind, header: str, records: pl.DataFrame, expected: Mapping[int, bytes]
    ) -> None:
        path = tmp_path_factory.mktemp("exact") / "rebuilt.pcap"
        rebuilt = write_capture({kind: records}, path)
        out = {row for _, row, _ in rebuilt.left_out}
        wanted = {row: value for row, value in expected.items() if row not in out}
        values = sorted(set(wanted.values()))
        rules = [
            f'alert {header} bsize:{len(value)}; content:"|{value.hex(" ")}|"; sid:{sid};)'
            for sid, value in enumerate(values, 1)
        ]
        found = replay(engine, rules, [path])
        assert not found.failed
        seen = {(rebuilt.row_of(hit), values[hit.sid - 1]) for hit in found.hits}
        assert seen == {((kind, row), value) for row, value in wanted.items()}

    return check


@pytest.fixture(scope="session")
def fires(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[int]]:
    """The rows, with repetition, on which a rule fires."""

    def run(kind: Kind, records: pl.DataFrame, rule: str, *, midstream: bool = False) -> list[int]:
        path = tmp_path_factory.mktemp("fires") / "rebuilt.pcap"
        rebuilt = write_capture({kind: records}, path)
        found = replay(engine, [rule], [path], midstream=midstream)
        assert not found.failed
        places = [rebuilt.row_of(hit) for hit in found.hits]
        assert None not in places
        return sorted(place[1] for place in places if place is not None)

    return run
