"""Measures `enricher run`: from a line to its alert, and over many records. Prints Markdown.

    python tests/bench/live.py latency [--rate 5000] [--seconds 60] [--plot FILE.png]
    python tests/bench/live.py soak [--records 50000000]

Logs are made of real and simulated records, with times that go on. Nothing here passes or fails:
what counts are the distribution of one run, and the figures of its beginning beside those of its
end. Slips publishes 83 flows a second (its own documentation); that is what the rate is held
against.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import orjson

from enricher.pipeline.live.stored import read_words
from enricher.simulate import generate

mpl.use("Agg")

SLIPS = 83.0
_TICK = 0.02
_ATTACK = "sql-injection"


@dataclass
class Site:
    """A folder with live logs, and a service beside it."""

    folder: Path

    def __post_init__(self) -> None:
        self.logs = self.folder / "logs"
        self.alerts = self.folder / "eve.json"
        self.state = self.folder / "state"
        self.logs.mkdir(parents=True)

    def start(self, per_day: int) -> subprocess.Popen[bytes]:
        """Start the service and wait until it follows."""
        config = self.folder / "enricher.yaml"
        config.write_text(
            f"inputs: [{{path: {self.logs}}}]\nstate: {self.state}\n"
            f"outputs: {{eve: {self.alerts}}}\nalerts: {{per_day: {per_day}}}\n"
        )
        command = [sys.executable, "-m", "enricher.cli.main", "run", "-c", str(config)]
        with (self.folder / "messages").open("ab") as messages:
            service = subprocess.Popen(command, stderr=messages)
        while self.read() < 0:
            time.sleep(0.1)
        return service

    def read(self) -> int:
        """Records read so far; -1 before the first commit."""
        words = read_words(self.state, ("accounting",)) or {}
        account = words.get("accounting")
        return -1 if account is None else sum(k["read"] for k in account["kinds"].values())


def template(folder: Path) -> tuple[bytes, list[bytes], bytes, list[bytes], list[bytes]]:
    """Headers and rows of a simulated site: conn, http without attacks, http attacks."""
    generate(folder / "template", seed=5, hours=2, hosts=20)
    conn = (folder / "template" / "conn.log").read_bytes().splitlines()
    http = (folder / "template" / "http.log").read_bytes().splitlines()
    benign = [row for row in conn if not row.startswith(b"#") and row.endswith(b"benign")]
    rows = [row for row in http if not row.startswith(b"#")]
    return (
        _header(conn),
        benign,
        _header(http),
        [row for row in rows if row.endswith(b"benign")],
        [row for row in rows if row.endswith(_ATTACK.encode())],
    )


def _header(lines: list[bytes]) -> bytes:
    head = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
    return b"\n".join(head) + b"\n"


def _renewed(row: bytes, ts: float, uid: str, source: str | None = None) -> bytes:
    cells = row.split(b"\t")
    cells[0], cells[1] = b"%.6f" % ts, uid.encode()
    if source is not None:
        cells[2] = source.encode()
    return b"\t".join(cells)


def _source(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def latency(rate: int, seconds: float, plot: Path | None) -> None:
    """From the moment a line is written to the moment its alert can be read."""
    with tempfile.TemporaryDirectory() as temporary:
        site = Site(Path(temporary))
        conn_head, benign, http_head, requests, attacks = template(site.folder)
        (site.logs / "conn.log").write_bytes(conn_head)
        (site.logs / "http.log").write_bytes(http_head)
        service = site.start(1_000_000)
        written: dict[str, float] = {}
        seen: dict[str, float] = {}
        lags: list[tuple[float, int]] = []
        done = threading.Event()
        tail = threading.Thread(target=_tail, args=(site.alerts, seen, done))
        tail.start()
        began, count, number = time.monotonic(), 0, 0
        with (
            (site.logs / "conn.log").open("ab") as conn,
            (site.logs / "http.log").open("ab") as http,
        ):
            while (now := time.monotonic() - began) < seconds:
                wanted = int(now * rate)
                ts = time.time()
                rows = [
                    _renewed(benign[i % len(benign)], ts, f"C{i}") for i in range(count, wanted)
                ]
                conn.write(b"".join(row + b"\n" for row in rows))
                conn.flush()
                if number < now * 10:
                    uid = f"A{number}"
                    attack = attacks[number % len(attacks)]
                    http.write(_renewed(attack, ts, uid, _source(number)) + b"\n")
                    http.write(_renewed(requests[number % len(requests)], ts, f"B{number}") + b"\n")
                    http.flush()
                    written[uid] = time.monotonic()
                    number += 1
                count = wanted
                if not lags or now - lags[-1][0] > 1.0:
                    lags.append((now, max(0, count - site.read())))
                time.sleep(_TICK)
        end = time.monotonic() + 30.0
        while site.read() < count + 2 * number and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        done.set()
        tail.join()
        service.send_signal(signal.SIGTERM)
        service.wait()
    took = np.array(sorted(seen[uid] - written[uid] for uid in written if uid in seen))
    behind = np.array([lag for _, lag in lags])
    print(
        f"{rate:,} records/s for {seconds:g} s ({rate / SLIPS:.0f} times {SLIPS:g}/s), "
        f"{len(written)} attacks, {len(took)} with an alert of their own\n"
    )
    print("| | median | 90 % | 99 % | worst |\n| --- | --- | --- | --- | --- |")
    print(_row("from line to alert, s", took, "{:.2f}"))
    print(_row("records not committed yet", behind, "{:,.0f}"))
    if plot is not None:
        _plot(took, plot)


def _row(name: str, values: np.ndarray, shape: str) -> str:
    if not len(values):
        return f"| {name} | - | - | - | - |"
    points = [*np.quantile(values, [0.5, 0.9, 0.99]), values.max()]
    return f"| {name} | " + " | ".join(shape.format(point) for point in points) + " |"


def _tail(path: Path, seen: dict[str, float], done: threading.Event) -> None:
    """Note when the alert of a record can be read."""
    at = 0
    while not done.is_set():
        if path.exists():
            with path.open("rb") as file:
                file.seek(at)
                data = file.read()
            whole = data.rfind(b"\n") + 1
            now = time.monotonic()
            for line in data[:whole].splitlines():
                uid = orjson.loads(line)["alert"]["metadata"].get("zeek_uid", [""])[0]
                seen.setdefault(uid, now)
            at += whole
        time.sleep(0.005)


def _plot(took: np.ndarray, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(took, np.arange(1, len(took) + 1) / len(took))
    axes.set_xlabel("seconds from line to alert")
    axes.set_ylabel("share of alerts")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def soak(records: int) -> None:
    """Many records as fast as they are read, in files that are rotated and removed."""
    with tempfile.TemporaryDirectory() as temporary:
        site = Site(Path(temporary))
        head, benign, *_ = template(site.folder)
        (site.logs / "conn.log").write_bytes(head)
        service = site.start(50)
        print("| records | memory, MiB | open files | state, MiB | records/s |")
        print("| --- | --- | --- | --- | --- |")
        began, told, made = time.monotonic(), 0, 0
        last = (began, 0)
        for block in _blocks(benign, records):
            made += block.count(b"\n")
            _rotate(site.logs, head)
            with (site.logs / "conn.log").open("ab") as file:
                file.write(block)
            while made - site.read() > 1_500_000:
                time.sleep(0.05)
            if site.read() >= told:
                now = (time.monotonic(), site.read())
                speed = (now[1] - last[1]) / max(now[0] - last[0], 1e-9)
                print(
                    f"| {now[1]:,} | {_memory(service.pid):,.0f} | {_files(service.pid)} | "
                    f"{_size(site.state):,.1f} | {speed:,.0f} |",
                    flush=True,
                )
                last, told = now, told + max(500_000, records // 25)
        while site.read() < records:
            time.sleep(0.2)
        print(
            f"| {site.read():,} | {_memory(service.pid):,.0f} | {_files(service.pid)} | "
            f"{_size(site.state):,.1f} | |"
        )
        service.send_signal(signal.SIGTERM)
        service.wait()


def _blocks(rows: list[bytes], records: int) -> Iterator[bytes]:
    """Blocks of records; flow time goes on, a thousand records a second."""
    per_block, done = 250_000, 0
    while done < records:
        count = min(per_block, records - done)
        yield b"".join(
            _renewed(rows[i % len(rows)], 1.7e9 + i / 1000, f"C{i}", _source(i % 300_007)) + b"\n"
            for i in range(done, done + count)
        )
        done += count


def _rotate(logs: Path, head: bytes) -> None:
    live = logs / "conn.log"
    moment = time.time_ns() // 1_000_000_000
    live.rename(logs / f"conn.{time.strftime('%Y-%m-%d-%H-%M-%S', time.gmtime(moment))}.log")
    live.write_bytes(head)
    for old in sorted(logs.glob("conn.2*.log"))[:-8]:
        old.unlink()


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["latency", "soak"])
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--records", type=int, default=50_000_000)
    given = parser.parse_args()
    if given.what == "latency":
        latency(given.rate, given.seconds, given.plot)
    else:
        soak(given.records)


if __name__ == "__main__":
    main()
