"""A simulated site and ways to scan it, shared by the tests of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from enricher.config import Settings, load_settings
from enricher.pipeline.scan import ScanRequest, scan
from enricher.report.progress import Progress, progress
from enricher.report.summary import ScanSummary
from enricher.simulate import generate

Scan: TypeAlias = Callable[..., ScanSummary]


def bar(size: int, label: str) -> AbstractContextManager[Progress]:
    return progress(size, label=label, quiet=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few hours of simulated, labelled traffic as Zeek TSV."""
    folder = tmp_path_factory.mktemp("site") / "logs"
    generate(folder, seed=3, hours=2, hosts=10)
    return folder


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a state of their own and some changes."""

    def make(*changes: str) -> Settings:
        return load_settings(None, {}, [f"state={tmp_path / 'state'}", *changes]).settings

    return make


@pytest.fixture
def run_scan(settings_with: Callable[..., Settings]) -> Scan:
    """Scans paths with some settings changed."""

    def run(paths: Sequence[Path], out: Path, *changes: str, **request: Any) -> ScanSummary:
        return scan(ScanRequest(paths, out, **request), settings_with(*changes), bar)

    return run


def events(out: Path) -> list[dict[str, Any]]:
    """The alerts of a scan."""
    return [json.loads(line) for line in (out / "eve.json").read_bytes().splitlines()]


@pytest.fixture
def read_events() -> Callable[[Path], list[dict[str, Any]]]:
    return events
