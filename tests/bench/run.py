"""Measures `enricher scan` beside other ways to read the same log. Prints Markdown tables.

Usage: python tests/bench/run.py [--records 1000000] [--rounds 3] [--memory 1,5,10]

Everything runs as a process of its own, in turn, on a log that is made by repeating real
connection records. Ratios within one run are what counts: absolute figures drift from machine to
machine and from hour to hour. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "zeek"
LOGS = (
    "labelled/ctu-sme-11-ubuntu-benign/conn.log.labeled.gz",
    "labelled/stratosphere-008-exposed-windows/conn.log.labeled.gz",
    "labelled/stratosphere-010-exposed-windows/conn.log.labeled.gz",
    "genuine/crawl-00002/conn.log.gz",
)
FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port",
    "id.resp_h": "addr", "id.resp_p": "port", "proto": "enum", "service": "string",
    "duration": "interval", "orig_bytes": "count", "resp_bytes": "count", "conn_state": "string",
    "local_orig": "bool", "local_resp": "bool", "missed_bytes": "count", "history": "string",
    "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count",
    "resp_ip_bytes": "count",
}  # fmt: skip

ZAT = """
import sys
from zat.zeek_log_reader import ZeekLogReader
print(sum(1 for _ in ZeekLogReader(sys.argv[1]).readrows()))
"""
ZAT_FOREST = """
import sys, warnings
warnings.simplefilter("ignore")
from sklearn.ensemble import IsolationForest
from zat.dataframe_to_matrix import DataFrameToMatrix
from zat.log_to_dataframe import LogToDataFrame
frame = LogToDataFrame().create_dataframe(sys.argv[1])
columns = ["proto", "conn_state", "orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"]
matrix = DataFrameToMatrix().fit_transform(frame[columns])
forest = IsolationForest(n_jobs=-1, random_state=0).fit(matrix)
print(len(forest.score_samples(matrix)))
"""
POLARS = """
import sys
import polars as pl
types = {"time": pl.Float64, "interval": pl.Float64, "count": pl.Int64, "port": pl.Int32}
with open(sys.argv[1]) as lines:
    head = [next(lines) for _ in range(7)]
names = head[5].rstrip("\\n").split("\\t")[1:]
kinds = head[6].rstrip("\\n").split("\\t")[1:]
schema = {n: types.get(k, pl.String) for n, k in zip(names, kinds)}
frame = pl.read_csv(sys.argv[1], separator="\\t", has_header=False, comment_prefix="#",
                    schema=schema, quote_char=None, null_values=["-"])
print(frame.height)
"""


@dataclass(frozen=True)
class Run:
    """One finished process."""

    seconds: float
    peak_mib: float


def real_rows() -> Iterator[list[str]]:
    """Connection records of several captures, with the fields that all have."""
    for name in LOGS:
        with gzip.open(DATA / name, "rt", errors="replace") as lines:
            fields: list[str] = []
            for line in lines:
                if line.startswith("#fields"):
                    fields = line.rstrip("\n").split("\t")[1:]
                elif not line.startswith("#"):
                    row = dict(zip(fields, line.rstrip("\n").split("\t"), strict=True))
                    yield [row.get(field, "-") for field in FIELDS]


def make_log(path: Path, records: int) -> None:
    """Repeat real records, each repetition a day later and under other uids."""
    rows = list(real_rows())
    with path.open("w") as out:
        out.write("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n")
        out.write("#path\tconn\n#fields\t" + "\t".join(FIELDS) + "\n")
        out.write("#types\t" + "\t".join(FIELDS.values()) + "\n")
        for number in range(records):
            turn, place = divmod(number, len(rows))
            row = rows[place]
            ts = float(row[0]) + 86_400 * turn
            out.write(f"{ts:.6f}\t{row[1]}{turn}\t" + "\t".join(row[2:]) + "\n")


def run(command: Sequence[str], environment: dict[str, str]) -> Run:
    """Run a process to its end; its wall time and the most memory it took."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    assert child.stderr is not None
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode:
        sys.exit(f"{command[:3]} failed:\n{errors.decode(errors='replace')[-2000:]}")
    return Run(seconds, usage.ru_maxrss / 1024)


def scan_command(log: Path, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "enricher.cli.main", "scan", str(log), "--out", str(out), "--quiet",
        "--state", str(out / "state"),
    ]  # fmt: skip


def speed(folder: Path, records: int, rounds: int, environment: dict[str, str]) -> None:
    log = folder / "conn.log"
    make_log(log, records)
    python = [sys.executable, "-c"]
    commands = {
        "enricher scan": scan_command(log, folder / "out"),
        "Polars reading the file": [*python, POLARS, str(log)],
        "zat's reader alone": [*python, ZAT, str(log)],
        "zat + scikit-learn IsolationForest": [*python, ZAT_FOREST, str(log)],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    run(commands["enricher scan"], environment)  # compiles and caches
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(run(command, environment))
    ours = statistics.median(r.seconds for r in runs["enricher scan"])
    print(f"\n{records:,} conn records ({log.stat().st_size / 2**20:.0f} MiB), whole processes,")
    print(f"median of {rounds} rounds in turn, {os.cpu_count()} cores\n")
    print("| | records/s | seconds | min-max | peak MiB | enricher is … times as fast |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, several in runs.items():
        seconds = statistics.median(r.seconds for r in several)
        low, high = min(r.seconds for r in several), max(r.seconds for r in several)
        peak = max(r.peak_mib for r in several)
        print(
            f"| {name} | {records / seconds:,.0f} | {seconds:.2f} | {low:.2f}-{high:.2f} "
            f"| {peak:,.0f} | {seconds / ours:.2f} |"
        )


def memory(folder: Path, millions: Sequence[int], environment: dict[str, str]) -> None:
    print("\n| records | seconds | records/s | peak MiB |\n| ---: | ---: | ---: | ---: |")
    for million in millions:
        log = folder / "conn.log"
        make_log(log, million * 1_000_000)
        one = run(scan_command(log, folder / "out"), environment)
        rate = million * 1e6 / one.seconds
        print(f"| {million},000,000 | {one.seconds:.1f} | {rate:,.0f} | {one.peak_mib:,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure `enricher scan`.")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="1,5,10", help="millions of records; empty for none")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"real logs are not here: {DATA}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speed(folder, options.records, options.rounds, environment)
        if options.memory:
            memory(folder, [int(m) for m in options.memory.split(",")], environment)


if __name__ == "__main__":
    main()
