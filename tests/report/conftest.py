"""A summary of a scan that never was, to look at and to test with."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

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


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., ScanSummary]:
    """Makes a realistic summary."""
    return demo_summary


@pytest.fixture(scope="session")
def make_collector() -> Callable[..., Collector]:
    """Makes the collector of a realistic scan, before its summary is drawn."""
    return demo_collector
