"""What the Zeek package costs: a capture read with and without it, in turn.

    python tests/bench/zeek_cost.py CAPTURE [ROUNDS]

Whole processes, the order changed from round to round, ratios within a round. Needs `zeek` on the
PATH. Prints a Markdown table, and how many records the package wrote.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "zeek_scripts"
HERE = ("Enricher::directory=own", "Enricher::rotation_interval=0sec")
ALL_FIELDS = tuple(f"Enricher::{kind}_fields=T" for kind in ("conn", "http", "dns"))
WAYS = {
    "Zeek alone": (),
    "with the package": (str(PACKAGE), *HERE),
    "with the package, no Community ID": (str(PACKAGE), *HERE, "Enricher::community_id=F"),
    "with the package and all added fields": (str(PACKAGE), *HERE, *ALL_FIELDS),
    "with the package, no logs": (str(PACKAGE), *HERE, "Enricher::kinds={}"),
}


def run(capture: Path, arguments: tuple[str, ...]) -> tuple[float, float, int]:
    """Wall time, processor time, and the records that the package wrote."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        child = subprocess.Popen(
            ["zeek", "-C", "-r", str(capture), *arguments], cwd=folder, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"zeek {' '.join(arguments)} failed")
        logs = Path(folder).glob("own/*.log")
        records = sum(path.read_bytes().count(b"\n") for path in logs)
    return wall, usage.ru_utime + usage.ru_stime, records


def main() -> None:
    """Print the table."""
    capture = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in WAYS}
    names = list(WAYS)
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            taken[name].append(run(capture, WAYS[name]))
    print("| | seconds | processor, s | ratio | processor, ratio | records |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, runs in taken.items():
        pairs = list(zip(runs, taken["Zeek alone"], strict=True))
        walls = statistics.median(own[0] / alone[0] for own, alone in pairs)
        works = statistics.median(own[1] / alone[1] for own, alone in pairs)
        wall, work = (statistics.median(one[place] for one in runs) for place in (0, 1))
        print(f"| {name} | {wall:.2f} | {work:.2f} | {walls:.3f} | {works:.3f} | {runs[0][2]:,} |")


if __name__ == "__main__":
    main()
