"""Suppressions are written as people write them, and mistakes are told with their line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from enricher.config import load_settings
from enricher.errors import ConfigError


def write(folder: Path, *lines: str) -> Path:
    file = folder / "enricher.yaml"
    file.write_text("suppressions:\n" + "".join(f"  {line}\n" for line in lines))
    return file


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("'2026-01-02T03:04'", datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_date_or_a_time_in_utc(tmp_path: Path, text: str, time: datetime) -> None:
    file = write(tmp_path, "- family: scan", f"  until: {text}", "  reason: test")
    (one,) = load_settings(file).settings.suppressions
    assert one.until == time


def test_addresses_and_networks_are_taken(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "- {source: 10.0.0.1, reason: a}",
        "- {destination: '2001:db8::/32', kind: dns, signature: 5, reason: b}",
    )
    first, second = load_settings(file).settings.suppressions
    assert first.source == "10.0.0.1/32"
    assert (second.destination, second.kind, second.signature) == ("2001:db8::/32", "dns", 5)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("source: 10.0.0.1/8", "host bits"),
        ("source: somewhere", "not an address or network"),
        ("kind: smtp", "conn"),
        ("until: soon", "until"),
        ("family: ''", "at least 1 character"),
        ("surce: 10.0.0.1", "did you mean 'source'"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    file = write(tmp_path, "- reason: test", "  signature: 5", f"  {line}")
    with pytest.raises(ConfigError, match=words) as told:
        load_settings(file)
    assert told.value.line == 4


def test_one_that_would_hide_everything_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "- until: 2026-01-01", "  reason: quiet")
    with pytest.raises(ConfigError, match="at least one of source"):
        load_settings(file)


def test_a_reason_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reason: is missing"):
        load_settings(write(tmp_path, "- family: scan"))
