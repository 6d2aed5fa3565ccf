"""A summary of a scan that never was, to look at and to test with."""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from enricher.report.collect import Collector
from enricher.report.parts import BundleInfo, CalibrationInfo, FileRow, KindCalibration
from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary

START = 1_767_225_600.0  # 2026-01-01 00:00 UTC
DAY = 86_400.0

FAMILIES = {
    "horizontal-scan": (
        "Horizontal port scan",
        2,
        "412 destination hosts in 10 minutes (usual: 3)",
    ),
    "mirai": ("Mirai bot activity", 1, "telnet to 1,204 hosts, none answered"),
    "dns-tunnel": ("DNS tunnel", 1, "queries carry 41 bytes of entropy each (usual: 7)"),
    "sqli": ("SQL injection attempt", 2, "quotes and UNION SELECT in the query string"),
    "unknown": ("Unlike anything seen here", 3, "rarest of 120,000 benign records"),
}


def demo_row(number: int, random_source: random.Random) -> AlertRow:
    family = random_source.choices(list(FAMILIES), weights=[6, 2, 2, 3, 4])[0]
    title, severity, reason = FAMILIES[family]
    time = START + DAY * min(0.999, random_source.betavariate(4, 3))
    count = int(math.exp(random_source.uniform(0, 8)))
    return AlertRow(
        alert_id=f"{number:016x}",
        time=time,
        last_time=time + 540.0,
        source=f"10.20.{random_source.randint(0, 3)}.{random_source.randint(2, 9)}",
        family=family,
        title=title,
        severity=severity,
        count=count,
        destinations=max(1, count // 2),
        score=random_source.uniform(0.3, 0.6) if family == "unknown" else 0.999 - number / 1000,
        p_value=10 ** -random_source.uniform(2, 5),
        nearest="mirai" if family == "unknown" else family,
        kind="conn",
        origin=f"/opt/zeek/logs/2026-01-01/conn.14:00:00-15:00:00.log.gz:{number * 97 + 8}",
        reasons=[reason, "connections rejected: 97 % (usual: 2 %)", "no bytes returned"],
        record={
            "ts": time,
            "uid": "CHhAvVGS1DHFjwGM9",
            "id.orig_h": "10.20.1.5",
            "id.orig_p": 51234,
            "id.resp_h": "203.0.113.77",
            "id.resp_p": 23,
            "proto": "tcp",
            "conn_state": "REJ",
            "history": "Sr",
            "orig_pkts": 1,
            "orig_ip_bytes": 60,
            "resp_pkts": 1,
            "resp_ip_bytes": 40,
        },
    )


def demo_collector(alerts: int = 42, seed: int = 7) -> Collector:
    """A day of a middling site."""
    source = random.Random(seed)  # noqa: S311 - examples, no secrets
    generator = np.random.default_rng(seed)
    collector = Collector()
    collector.alerts.window_seconds = 600.0
    collector.alerts.per_day = 50.0
    amounts = {"conn": 812_004, "http": 96_110, "dns": 301_977, "ssl": 61_240}
    for kind, amount in amounts.items():
        account = collector.account(kind)
        found = {
            "mirai": amount // 900,
            "horizontal-scan": amount // 400,
            "unknown": amount // 9000,
        }
        scored = amount - 37
        hours = np.minimum(generator.normal(13.5, 4.5, scored) % 24, 23.999)
        score = np.where(
            np.arange(scored) < sum(found.values()),
            generator.beta(12, 1.2, scored),
            generator.beta(0.6, 14, scored),
        ).astype(np.float32)
        verdicts = {**found, "benign": scored - sum(found.values())}
        collector.add_scored(kind, START + 3600.0 * hours, score, verdicts)
        account.read = amount
        account.add_dropped({"field_count": 5, "repeat": 20, "bad_time": 12})
        account.add_repaired({"invalid_utf8": amount // 3000})
        for part in range(3):
            path = f"/opt/zeek/logs/2026-01-01/{kind}.{part:02}:00:00-{part + 1:02}:00:00.log.gz"
            collector.inputs.add_read(
                FileRow(path, kind, "zeek-tsv, gzip", amount // 3, 12, amount * 30)
            )
    other = collector.account("other")
    other.read = 1310
    other.add_dropped({"event:stats": 1290, "event:alert": 17, "bad_json": 3})
    collector.inputs.add_skipped("/opt/zeek/logs/2026-01-01/loaded_scripts.log", "kind not scored")
    collector.inputs.add_skipped("/opt/zeek/logs/2026-01-01/notes.txt", "no log of a known format")
    collector.inputs.add_failed(
        "/opt/zeek/logs/2026-01-01/conn.23:00:00-00:00:00.log.gz",
        "compressed data ends early after line 18,204",
    )
    for number in range(alerts):
        collector.add_alert(demo_row(number, source))
    collector.hold_back("horizontal-scan", 7)
    collector.note("12 records have times outside the rotation of their file")
    collector.note("the model was made for Zeek 6 and later; ssl_history is missing", warning=True)
    return collector


def demo_summary(alerts: int = 42, seed: int = 7) -> ScanSummary:
    return copy.deepcopy(_built(alerts, seed))


@functools.cache
def _built(alerts: int, seed: int) -> ScanSummary:
    return demo_collector(alerts, seed).summary(
        program_version="0.1.0",
        started=START + 2 * DAY,
        finished=START + 2 * DAY + 8.43,
        device="cpu",
        bundle=BundleInfo(
            "default",
            "1.0.0",
            families=["dns-tunnel", "horizontal-scan", "mirai", "sqli"],
            card="Trained on labelled captures of botnets, scans, tunnels and web attacks. "
            "Intended for networks of up to some thousand hosts. Not a verdict on a person.",
        ),
        calibration=CalibrationInfo(
            "bundle",
            0.95,
            {
                "conn": KindCalibration(120_000, 1e-4, 1.6e-4),
                "http": KindCalibration(40_000, 1e-4, 2.2e-4),
                "dns": KindCalibration(80_000, 1e-4, 1.8e-4),
                "ssl": KindCalibration(20_000, 1e-4, 3.3e-4),
            },
        ),
        outputs={
            "alerts": "out/eve.json",
            "summary": "out/summary.json",
            "report": "out/report.html",
            "rejected": "out/rejected.jsonl",
        },
    )


HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "' onmouseover='alert(1)' style='position:fixed",
    "{{ 1337*7919 }}{% for x in y %}",
    "]]></style></svg><svg onload=alert(1)>",
    "--><!--<img src=http://127.0.0.1:9/x>",
    "</title></textarea></details><iframe src=javascript:alert(1)>",
    "[bold red]markup[/bold red][link=http://127.0.0.1:9/]x[/link]",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred",
    "\x9b31m\x9d0;title\x9c",
    "exe.\u202egpj\u2066\u2069\u200b\ufeff",
    "two\r\nlines\u2028and\u2029more\x85",
    "nul\x00 \x7f\x08\x08 lone \ud800\udfff",
    "$x^2$ \\frac{1}{0} $",
    "\u4e2d\u6587 \U0001f600 \u0e33 \u0627\u0644",
    "a" + "\u0301" * 500,
    "%s%n{0.__class__}",
    "A" * 1_000_000,
    "",
)


def poison(value: Any, texts: list[str]) -> Any:
    """A copy of a summary with hostile text wherever there is text, names of counts included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fixed = {"level", "summary_version"}
        if type(value).__name__ == "CalibrationInfo":
            fixed.add("source")
        changes = {
            field.name: poison(getattr(value, field.name), texts)
            for field in dataclasses.fields(value)
            if field.name not in fixed
        }
        return dataclasses.replace(value, **changes)
    if isinstance(value, dict):
        return {poison(key, texts): poison(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [poison(item, texts) for item in value]
    if isinstance(value, str):
        texts.append(texts.pop(0))
        return texts[-1]
    return value


def hostile_summary(texts: list[str] | None = None, alerts: int = 30) -> ScanSummary:
    summary = demo_summary(alerts)
    poisoned: ScanSummary = poison(summary, list(texts or HOSTILE))
    return poisoned


@pytest.fixture(scope="session")
def make_hostile_summary() -> Callable[..., ScanSummary]:
    """Makes a summary all of whose text is hostile."""
    return hostile_summary


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., ScanSummary]:
    """Makes a realistic summary."""
    return demo_summary


@pytest.fixture(scope="session")
def make_collector() -> Callable[..., Collector]:
    """Makes the collector of a realistic scan, before its summary is drawn."""
    return demo_collector
