"""What the fields that the Zeek package adds are worth: families learned with and without them.

    python tests/bench/zeek_fields.py LOGS > table.md

LOGS has a folder for each capture with the package's logs in it, written by a real Zeek. Of each
family K records are the support set (the first of its capture, as an analyst would see them); the
rest of them is the query set. Benign records are split likewise: every other one is given, the rest
is asked about. Everything is learned as ``enricher adapt`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.detector.adaptation.adapting import AdaptOptions, adapt
from enricher.detector.adaptation.points import Points
from enricher.detector.detector import Detector
from enricher.features import ContextTracker, extract
from enricher.learn.loading import read_log
from enricher.learn.manifest import LogSource
from enricher.learn.protocol.metrics import average_precision, tpr_at
from enricher.logs import Kind

FloatArray = npt.NDArray[np.float32]

SHOTS = (1, 5, 20)
SEEDS = 5
PREVALENCE = 0.01
MOST_BENIGN = 20_000
EXCHANGES = 6
HEADERS = (
    "HOST", "USER-AGENT", "ACCEPT", "ACCEPT-LANGUAGE", "ACCEPT-ENCODING", "CONNECTION", "COOKIE",
    "REFERER", "CONTENT-TYPE", "CONTENT-LENGTH", "CACHE-CONTROL", "AUTHORIZATION",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Families of one kind, and what is benign beside them; names of captures."""

    kind: Kind
    families: dict[str, tuple[str, ...]]
    benign: tuple[str, ...]


def _lists(frame: pl.DataFrame, name: str, width: int) -> FloatArray:
    if name not in frame.columns:
        return np.full((frame.height, width), np.nan, np.float32)
    values = np.full((frame.height, width), np.nan, np.float32)
    for row, found in enumerate(frame[name].to_list()):
        if found:
            values[row, : len(found)] = found[:width]
    return values


def _numbers(frame: pl.DataFrame, *names: str) -> FloatArray:
    columns = [
        frame[name].cast(pl.Float32).to_numpy()
        if name in frame.columns
        else np.full(frame.height, np.nan, np.float32)
        for name in names
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def conn_fields(frame: pl.DataFrame) -> FloatArray:
    """Sizes of the first exchanges with their direction, and the gaps before them."""
    sizes, gaps = (
        _lists(frame, "exchange_sizes", EXCHANGES),
        _lists(frame, "exchange_gaps", EXCHANGES),
    )
    return np.concatenate((np.sign(sizes) * np.log1p(np.abs(sizes)), np.log1p(1e3 * gaps)), axis=1)


def dns_fields(frame: pl.DataFrame) -> FloatArray:
    """Sizes of query and answer."""
    return np.log1p(_numbers(frame, "query_size", "answer_size"))


def http_fields(frame: pl.DataFrame) -> FloatArray:
    """Number of headers, the place of the usual ones, how many are unusual, sizes of cookies."""
    names = frame["header_names"].to_list() if "header_names" in frame.columns else []
    places = np.full((frame.height, len(HEADERS) + 2), np.nan, np.float32)
    for row, found in enumerate(names):
        if found is None:
            continue
        for column, name in enumerate(HEADERS):
            if name in found:
                places[row, column] = found.index(name)
        places[row, -2] = len(found)
        places[row, -1] = sum(name not in HEADERS for name in found)
    cookies = np.log1p(np.nan_to_num(_numbers(frame, "cookie_size", "set_cookie_size")))
    return np.concatenate((places, cookies), axis=1)


ADDED: dict[Kind, Callable[[pl.DataFrame], FloatArray]] = {
    "conn": conn_fields,
    "dns": dns_fields,
    "http": http_fields,
}


class Captures:
    """Reads captures, each once."""

    def __init__(self, folder: Path, detector: Detector) -> None:
        self._folder, self._detector = folder, detector
        self._known: dict[tuple[str, Kind], tuple[Points, FloatArray] | None] = {}

    def all(self, names: tuple[str, ...], kind: Kind) -> tuple[Points, FloatArray] | None:
        """The records of some captures, and what the package has added to each."""
        found = [one for name in names if (one := self._read(name, kind)) is not None]
        if not found:
            return None
        points, added = found[0]
        for more, fields in found[1:]:
            points, added = points.joined(more), np.concatenate((added, fields))
        return points, added

    def _read(self, name: str, kind: Kind) -> tuple[Points, FloatArray] | None:
        if (name, kind) not in self._known:
            path = self._folder / name / f"{kind}.log"
            self._known[name, kind] = self._represent(path, kind) if path.exists() else None
        return self._known[name, kind]

    def _represent(self, path: Path, kind: Kind) -> tuple[Points, FloatArray]:
        raw = pl.read_ndjson(path, infer_schema_length=None)
        batch = read_log(LogSource(path=path, kind=kind, capture=path.parent.name))
        assert len(batch) == raw.height, f"{path}: not every line was read"
        features = extract(batch, ContextTracker(kind), self._detector.bundle.names)
        return self._detector.represent(features), ADDED[kind](raw)


def with_fields(points: Points, added: FloatArray) -> Points:
    """The records with the added fields as columns of their table."""
    table = np.concatenate((points.table, added), axis=1)
    return Points(points.kind, table, points.embedding, points.attack)


def scores(
    support: Points, benign: Points, query: Points, detector: Detector, seed: int
) -> FloatArray:
    """What a head learned from ``support`` says of ``query``."""
    found = adapt(
        support,
        benign,
        bundle=detector.bundle.digest,
        context=True,
        shares=detector.bundle.shares,
        options=AdaptOptions(seed=seed),
    )
    return found.head.scores(query)


def measure(
    family: tuple[Points, FloatArray],
    benign: tuple[Points, FloatArray],
    shots: int,
    detector: Detector,
) -> dict[str, list[float]]:
    """Figures of one family over the seeds, without and with the added fields."""
    rng = np.random.default_rng(0)
    ordinary = rng.permutation(len(benign[0]))[: 2 * MOST_BENIGN]
    given, asked = np.sort(ordinary[::2]), np.sort(ordinary[1::2])
    figures: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        size = len(family[0])
        first = seed * shots % max(1, size // 2)
        chosen = np.arange(first, min(first + shots, size - 1))
        rest = np.setdiff1d(np.arange(size), chosen)
        for name in ("without", "with"):
            attack, calm = (
                with_fields(*one) if name == "with" else one[0] for one in (family, benign)
            )
            support, known = attack.rows(chosen), calm.rows(given)
            hits = scores(support, known, attack.rows(rest), detector, seed).astype(np.float64)
            alarms = scores(support, known, calm.rows(asked), detector, seed).astype(np.float64)
            ordered = np.sort(alarms)
            figures.setdefault(f"{name} AP", []).append(
                average_precision(hits, ordered, PREVALENCE)
            )
            figures.setdefault(f"{name} recall", []).append(tpr_at(hits, ordered, 0.001))
    return figures


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    detector = Detector.load(device="cpu")
    captures = Captures(folder, detector)
    print("| kind | family | records | benign | K | AP without | with | recall without | with |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for task in tasks(folder):
        benign = captures.all(task.benign, task.kind)
        for family, names in task.families.items():
            attack = captures.all(names, task.kind)
            if attack is None or benign is None:
                continue
            for shots in SHOTS:
                if len(attack[0]) < 2 * shots:
                    continue
                found = measure(attack, benign, shots, detector)
                cells = " | ".join(
                    f"{np.mean(found[name]):.3f}"
                    for name in ("without AP", "with AP", "without recall", "with recall")
                )
                print(
                    f"| {task.kind} | {family} | {len(attack[0]):,} | {len(benign[0]):,} | {shots} "
                    f"| {cells} |",
                    flush=True,
                )


def tasks(folder: Path) -> tuple[Task, ...]:
    """What is asked: attacks of the captures at hand beside everything else that is there."""
    attacks: dict[str, tuple[str, ...]] = {
        "dns-tunnel-iodine": ("tunnel_iodine-cname",),
        "dns-tunnel-dnscat2": ("tunnel_dnscat2-cname_dnscat2-cname_00001_20230903170247",),
        "ssh-bruteforce": ("dataset_test19-malicious-ssh_malicious-ssh-bruteforce",),
        "web-attack": ("pcap_plugins_zeek-httpattacks_http",),
        "multiport-scan": ("pcap_plugins_bro-simple-scan_multiport_scan",),
    }
    hostile = {name for names in attacks.values() for name in names}
    scans = {one.name for one in folder.iterdir() if "scan" in one.name}
    benign = tuple(sorted(one.name for one in folder.iterdir() if one.name not in hostile | scans))
    return tuple(Task(kind, attacks, benign) for kind in ("conn", "dns", "http"))


if __name__ == "__main__":
    main()
