"""Rules for every labelled family: later records covered, held-out benign records hit.

    python tests/bench/rules.py DATA [FAMILY...] > table.md

Of each family's records the earlier 60 % are mined, the later 40 % are asked about; of every
benign capture the earlier half is mined against, and the later half is held out.
"""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from enricher.learn.loading import read_log
from enricher.learn.manifest import load_manifest
from enricher.learn.wrapping import wrap_names, wrap_payloads
from enricher.logs import KINDS, SCHEMAS, Kind
from enricher.logs.escapes import to_bytes
from enricher.pipeline.rules.proposing import bounds_of
from enricher.rulegen.compose import Author
from enricher.rulegen.engine.checking import check_rules
from enricher.rulegen.engine.linting import lint_rule
from enricher.rulegen.engine.replay import events, replay
from enricher.rulegen.engine.suricata import require_engine
from enricher.rulegen.matching.buffers import BUFFERS, Buffers
from enricher.rulegen.matching.evaluate import matched
from enricher.rulegen.matching.reading import read_rule
from enricher.rulegen.mining.evidence import Evidence
from enricher.rulegen.mining.mine import mine
from enricher.rulegen.policy import load_ordinary, load_policy
from enricher.rulegen.proof.backtest import History, backtest
from enricher.rulegen.proof.captures import rebuild_and_replay
from enricher.rulegen.rule.rule import Rule
from enricher.rulegen.rule.text import encode_content

EARLIER, BENIGN_EARLIER = 0.6, 0.5
LABELS = ("family", "capture")
CAPTURES = {
    "normal_normal_normal_00000_20230805150331": "crawl-00000",
    "tunnel_iodine-cname": "tunnel_iodine-cname",
    "tunnel_dnscat2-cname_dnscat2-cname_00001_20230903170247": "tunnel_dnscat2-cname",
    "pcap_plugins_zeek-httpattacks_http": "pcap_plugins_zeek-httpattacks_http",
    "pcap_protocols_SSL": "pcap_protocols_SSL",
    "pcap_protocols_DNS": "pcap_protocols_DNS",
    "pcap_protocols_HTTP_websocket": "pcap_protocols_HTTP_websocket",
}


def labelled(data: Path) -> dict[Kind, pl.DataFrame]:
    """All labelled records by kind, with their family and capture."""
    manifest = load_manifest(data)
    parts: dict[Kind, list[pl.DataFrame]] = {kind: [] for kind in KINDS}
    for source in manifest.logs:
        frame = read_log(source).frame
        families = _families(frame, source)
        parts[source.kind].append(_labelled(frame, source.kind, families, source.capture))
    lists = [
        *wrap_names(manifest.lists["dga"], 0),
        *wrap_payloads(manifest.lists["http-parameters"], 0),
    ]
    for log in lists:
        families = pl.Series(log.varieties or log.families)
        kind = log.batch.kind
        parts[kind].append(_labelled(_one_version(log.batch.frame), kind, families, log.capture))
    return {kind: pl.concat(own) for kind, own in parts.items()}


def _one_version(frame: pl.DataFrame) -> pl.DataFrame:
    """Wrapped lists have clients of IPv6 that talk to IPv4: no capture can be made of them."""
    rank = pl.col("id.orig_h").rank("dense")
    address = pl.format("10.77.{}.{}", rank // 250, rank % 250 + 1)
    is_six = pl.col("id.orig_h").str.contains(":", literal=True)
    return frame.with_columns(
        pl.when(is_six).then(address).otherwise(pl.col("id.orig_h")).alias("id.orig_h")
    )


def _families(frame: pl.DataFrame, source: object) -> pl.Series:
    from enricher.learn import loading  # noqa: PLC0415

    found: pl.Series = loading._families(source, frame)  # type: ignore[arg-type]
    return found


def _labelled(frame: pl.DataFrame, kind: Kind, families: pl.Series, capture: str) -> pl.DataFrame:
    return frame.select(*SCHEMAS[kind]).with_columns(
        families.alias("family"), pl.lit(capture).alias("capture")
    )


def halves(benign: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The earlier and the later half of every benign capture."""
    earlier, later = [], []
    for part in benign.partition_by("capture"):
        ordered = part.sort("ts").drop(*LABELS)
        cut = int(len(ordered) * BENIGN_EARLIER)
        earlier.append(ordered.head(cut))
        later.append(ordered.slice(cut))
    return pl.concat(earlier), pl.concat(later)


def measure(kind: Kind, name: str, frame: pl.DataFrame, known: pl.DataFrame, held: History) -> str:
    """One line of the table."""
    ordered = frame.sort("ts").drop(*LABELS)
    cut = max(int(len(ordered) * EARLIER), 1)
    earlier, later = ordered.head(cut), ordered.slice(cut)
    policy = load_policy()
    begin = time.perf_counter()
    author = Author(policy, dt.datetime.now(dt.UTC).date())
    finding = mine(Evidence(kind, earlier, known, load_ordinary()), bounds_of(policy))
    seconds = time.perf_counter() - begin
    rules = [author.write(name, one, n + 1) for n, one in enumerate(finding.rules)]
    texts = [str(rule.with_value("sid", str(1_000_000 + n))) for n, rule in enumerate(rules)]
    covered = np.zeros(len(later), dtype=bool)
    benign = alerts = 0
    for rule in rules:
        test = backtest(rule, History.of({kind: later}), held)
        covered |= test.covered if test.covered is not None else False
        benign += len(test.false_rows)
        alerts += len(test.benign.alerts) if test.benign is not None else 0
    engine = require_engine()
    checks = check_rules(engine, texts) if texts else []
    accepted = sum(check.accepted and not check.warnings for check in checks)
    findings = sum(bool(lint_rule(text)) for text in texts)
    rebuilt = rebuild_and_replay(engine, texts, {kind: later}, {}) if texts else []
    shares = [one["agreement"] for one in rebuilt if one and one["agreement"] is not None]
    agreement = f"{np.mean(shares):.4f}" if shares else "-"
    found = f"{covered.mean():.2f}" if texts and len(later) else "refused"
    records = len(held.buffers[kind].frame)
    return (
        f"| {name} | {kind} | {len(earlier)} | {len(later)} | {len(texts)} | {found} | "
        f"{benign} of {records:,} | {alerts} | {accepted} of {len(texts)} | {findings} | "
        f"{agreement} | {seconds:.1f} |"
    )


def table(data: Path, wanted: list[str]) -> Iterator[str]:
    """The table of all families."""
    yield (
        "| family | kind | mined | later | rules | later covered | held-out benign hit | alerts on "
        "them | accepted without a warning | with lint findings | engine agrees | seconds |"
    )
    yield "|" + " --- |" * 12
    for kind, frame in labelled(data).items():
        known, held = halves(frame.filter(pl.col("family") == "benign"))
        history = History.of({kind: held})
        for name in sorted(set(frame["family"].to_list()) - {"benign", "", None}):
            if not wanted or any(word in name for word in wanted):
                own = frame.filter(pl.col("family") == name)
                yield measure(kind, name, own, known, history)


def agreement(data: Path) -> Iterator[str]:
    """By keyword: flows on which log and engine say the same, of those on which either fires."""
    same: Counter[str] = Counter()
    all_flows: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for capture, logs in CAPTURES.items():
            pcap = Path(folder) / f"{capture}.pcap"
            place = next((data / "pcap").glob(f"{capture}*.gz"))
            with gzip.open(place) as packed, pcap.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
            _compare(pcap, data / "zeek" / "genuine" / logs, same, all_flows)
    yield "| keyword | flows | log and engine agree |"
    yield "| --- | --- | --- |"
    for name, count in sorted(all_flows.items()):
        yield f"| `{name}` | {count} | {same[name] / count:.4f} |"


_PROTOCOLS = {"http": "http", "dns": "dns", "ssl": "tls"}
_EVENTS: dict[Kind, str] = {"http": "http", "dns": "dns", "ssl": "tls"}


def _flow(*ends: str | int) -> frozenset[tuple[str, int]]:
    """The two ends of a flow, whichever comes first; addresses in one notation."""
    one, port, other, other_port = ends
    return frozenset(
        (str(ipaddress.ip_address(str(host))), int(number))
        for host, number in ((one, port), (other, other_port))
    )


def _seen(pcap: Path, kind: Kind) -> dict[bytes, set[frozenset[tuple[str, int]]]]:
    """Flows in which the engine sees a request; of dns by name, for some have the answer alone."""
    found: dict[bytes, set[frozenset[tuple[str, int]]]] = {}
    for one in events(require_engine(), pcap, [_EVENTS[kind]]):
        dns = one.get("dns", {"type": "query", "rrname": ""})
        if dns["type"] == "query":
            flow = _flow(one["src_ip"], one["src_port"], one["dest_ip"], one["dest_port"])
            found.setdefault(to_bytes(dns["rrname"].lower()), set()).add(flow)
    return found


def _compare(pcap: Path, logs: Path, same: Counter[str], all_flows: Counter[str]) -> None:
    from enricher.config import Settings  # noqa: PLC0415
    from enricher.pipeline.rules.history import read_logs  # noqa: PLC0415
    from enricher.report.progress import progress  # noqa: PLC0415

    frames = read_logs(
        [logs], Settings(), lambda size, label: progress(size, label=label, quiet=True), "logs"
    ).frames
    rules: list[str] = []
    asked: list[tuple[str, Kind, bytes]] = []
    for name, buffer in BUFFERS.items():
        if buffer.kind not in frames or not buffer.exact:
            continue
        values = Buffers(buffer.kind, frames[buffer.kind])[name]
        for code in np.argsort(-values.counts, kind="stable")[:15].tolist():
            content = encode_content(values.distinct[code][:255])
            ends = "endswith;" if name == "http.host" else "startswith; endswith; nocase;"
            if not content:
                continue
            rules.append(
                f'alert {_PROTOCOLS[buffer.kind]} any any -> any any (msg:"x"; {name}; '
                f'content:"{content}"; {ends} sid:{len(rules) + 1}; rev:1;)'
            )
            asked.append((name, buffer.kind, values.distinct[code].lower()))
    done = replay(require_engine(), rules, [pcap])
    fired: dict[int, set[frozenset[tuple[str, int]]]] = {}
    for hit in done.hits:
        flow = _flow(hit.src_ip, hit.src_port, hit.dest_ip, hit.dest_port)
        fired.setdefault(hit.sid - 1, set()).add(flow)
    seen = {kind: _seen(pcap, kind) for kind in _EVENTS}
    refused = {number for number, _ in done.failed}
    for place, (text, (name, kind, value)) in enumerate(zip(rules, asked, strict=True)):
        if place in refused:
            continue
        frame = frames[kind]
        mask = matched(read_rule(Rule.parse(text)), Buffers(kind, frame)) > 0
        rows = frame.filter(mask).select("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p").rows()
        said = {_flow(*row) for row in rows} & seen[kind].get(
            value if kind == "dns" else b"", set()
        )
        engine_says = fired.get(place, set())
        same[name] += len(said & engine_says)
        all_flows[name] += len(said | engine_says)


def main() -> None:
    """Print both tables."""
    data, *wanted = sys.argv[1:]
    for line in (*table(Path(data), wanted), "", *agreement(Path(data))):
        print(line, flush=True)


if __name__ == "__main__":
    main()
