"""Records made around listed domain names and parameter values.

The lists hold names and payloads, not logs. To learn from them, each is put into a ``dns`` or
``http`` record that is plausible in everything else: clients that mix generated names with
ordinary ones, web sites with their own paths and browsers. **This step is synthetic**: only the
text is real. It is said so in every card of a model that uses it.

Each list becomes two captures, ``a`` and ``b``, that share no generator, no client and no site,
so that leaving one out of training asks about generators and sites that were never seen.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
import polars as pl

from enricher.errors import InputError
from enricher.learn.dataset import WRAPPED_CAPTURE
from enricher.learn.manifest import BENIGN
from enricher.logs import PROVENANCE, SCHEMAS, Kind, LogBatch

HALVES = ("a", "b")
_START = 1_700_000_000.0

_PREFIXES = ("", "", "", "www.", "www.", "api.", "cdn.", "mail.", "static.", "img.", "m.", "app.")
_BROWSERS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/119.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.1 Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
    ),
    "curl/8.4.0",
    "python-requests/2.31.0",
)
_SITES = {
    "a": (
        ("shop.example", ("/search", "/cart/add", "/item.php", "/account/login"), ("q", "id", "b")),
        ("news.example", ("/article", "/archive/list", "/comments/post"), ("id", "page", "text")),
    ),
    "b": (
        ("intranet.test", ("/api/v2/users", "/report.aspx", "/export"), ("user", "filter", "name")),
        ("forum.test", ("/index.php", "/thread/view", "/members"), ("t", "s", "msg", "sort")),
    ),
}


# Shares of choices, by what is chosen.
_IPV6 = 0.25
_BETWEEN = 0.4
_FORM_ENCODED = 0.8
_EVEN = 0.5


@dataclass(slots=True)
class _Writer:
    """Rows in the making, with the family of each."""

    rng: np.random.Generator
    rows: list[dict[str, Any]] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    varieties: list[str] = field(default_factory=list)

    def add(self, row: dict[str, Any], family: str, variety: str | None = None) -> None:
        self.rows.append(row)
        self.families.append(family)
        self.varieties.append(variety or family)

    def log(self, capture: str, kind: Kind) -> WrappedLog:
        """The rows in order of time, with every canonical column of the kind."""
        order = sorted(range(len(self.rows)), key=lambda index: float(self.rows[index]["ts"]))
        frame = pl.DataFrame(
            [self.rows[index] for index in order],
            schema={**SCHEMAS[kind], **PROVENANCE},
        ).with_columns(
            pl.lit(0, pl.UInt32).alias("_file"),
            pl.int_range(1, pl.len() + 1, dtype=pl.UInt64).alias("_line"),
        )
        return WrappedLog(
            capture,
            LogBatch(kind, frame),
            tuple(self.families[index] for index in order),
            tuple(self.varieties[index] for index in order),
        )


@dataclass(frozen=True, slots=True)
class WrappedLog:
    """Synthetic records around real text.

    Attributes:
        capture: Name of the capture, ``lists-dga-a`` and so on.
        batch: The records, in order of time.
        families: Family (or ``benign``) of each record.
        varieties: The same, finer: the generator of each name. Empty: the families.
    """

    capture: str
    batch: LogBatch
    families: tuple[str, ...]
    varieties: tuple[str, ...] = ()


def read_list(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """Read a gzipped CSV list.

    Raises:
        InputError: If it is missing, damaged, or lacks a column.
    """
    try:
        with gzip.open(path, "rb") as stream:
            frame = pl.read_csv(stream.read(), infer_schema=False)
    except (OSError, EOFError, pl.exceptions.PolarsError) as error:
        raise InputError(f"cannot be read as gzipped CSV ({error}); get it again", path) from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"has no column {missing[0]!r}; get it again", path)
    return frame.select(columns).drop_nulls()


def wrap_names(path: Path, seed: int, per_generator: int = 600) -> list[WrappedLog]:
    """DNS records around the names of a list with columns ``domain, family, label``.

    Args:
        path: The list.
        seed: Of every choice that is made.
        per_generator: At most this many names of one generator.

    Returns:
        Two logs, halves of the generators and of the benign names.
    """
    names = read_list(path, ("domain", "family", "label"))
    generators = names.filter(pl.col("label") != BENIGN)["family"].unique().sort().to_list()
    benign = names.filter(pl.col("label") == BENIGN)["domain"].unique().sort().to_list()
    logs = []
    for half, half_name in enumerate(HALVES):
        writer = _Writer(np.random.default_rng([seed, half]))
        ordinary = [str(name) for name in writer.rng.permutation(benign[half::2])]
        for client, generator in enumerate(generators[half::2]):
            generated = names.filter(pl.col("family") == generator)["domain"].to_list()
            variety = f"dga:{generator}"
            _infected_clients(writer, generated[:per_generator], ordinary, 1000 * client, variety)
        _ordinary_clients(writer, ordinary)
        logs.append(writer.log(f"{WRAPPED_CAPTURE}dga-{half_name}", "dns"))
    return logs


def _infected_clients(
    writer: _Writer, generated: list[str], ordinary: list[str], number: int, variety: str
) -> None:
    """Clients that try 20 to 150 generated names each, and live an ordinary life besides."""
    rng = writer.rng
    first = 0
    while first < len(generated):
        number += 1
        chunk = generated[first : first + int(rng.integers(20, 151))]
        first += len(chunk)
        time = _START + float(rng.uniform(0, 86_400))
        pace = float(rng.choice([0.3, 2.0, 10.0]))
        found = float(rng.uniform(0.02, 0.4))
        for name in chunk:
            if rng.random() < _BETWEEN:
                time += float(rng.exponential(pace))
                own = _ordinary_name(rng, ordinary)
                writer.add(_query(rng, own, number, time, found=0.93), BENIGN)
            time += float(rng.exponential(pace))
            writer.add(_query(rng, name, number, time, found=found), "dga", variety)


def _ordinary_clients(writer: _Writer, ordinary: list[str]) -> None:
    """Clients that look up ordinary names only, some of them with many typing errors."""
    rng = writer.rng
    for number in range(60):
        time = _START + float(rng.uniform(0, 86_400))
        found = float(rng.choice([0.7, 0.9, 0.97]))
        for _ in range(int(rng.integers(30, 160))):
            time += float(rng.exponential(8.0))
            name = _ordinary_name(rng, ordinary)
            writer.add(_query(rng, name, 100_000 + number, time, found=found), BENIGN)


def _ordinary_name(rng: np.random.Generator, ordinary: list[str]) -> str:
    return str(rng.choice(_PREFIXES)) + ordinary[int(rng.integers(len(ordinary)))]


def _query(
    rng: np.random.Generator, name: str, client: int, time: float, *, found: float
) -> dict[str, Any]:
    """One DNS query and its answer."""
    exists = rng.random() < found
    ipv6 = rng.random() < _IPV6
    count = int(rng.integers(1, 4)) if exists else 0
    return {
        **_endpoints(client, time, 53),
        "proto": "udp",
        "trans_id": int(rng.integers(65_536)),
        "rtt": float(rng.lognormal(-3.5, 0.8)),
        "query": name,
        "qclass": 1,
        "qtype": 28 if ipv6 else 1,
        "qtype_name": "AAAA" if ipv6 else "A",
        "rcode": 0 if exists else 3,
        "rcode_name": "NOERROR" if exists else "NXDOMAIN",
        "AA": False,
        "TC": False,
        "RD": True,
        "RA": True,
        "Z": 0,
        "answers": [f"198.51.100.{int(rng.integers(1, 255))}" for _ in range(count)] or None,
        "TTLs": [float(rng.choice([60.0, 300.0, 3600.0]))] * count or None,
        "rejected": False,
    }


def wrap_payloads(path: Path, seed: int, per_type: int = 4000) -> list[WrappedLog]:
    """HTTP records around the values of a list with columns ``payload, attack_type``.

    Args:
        path: The list.
        seed: Of every choice that is made.
        per_type: At most this many values of a type in a half.

    Returns:
        Two logs, halves of the values, on different sites.
    """
    values = read_list(path, ("payload", "attack_type")).unique(maintain_order=True)
    kinds = {"norm": BENIGN, "sqli": "sql-injection", "xss": "cross-site-scripting"}
    logs = []
    for half, half_name in enumerate(HALVES):
        writer = _Writer(np.random.default_rng([seed, 2, half]))
        for attack, family in kinds.items():
            chosen = values.filter(pl.col("attack_type") == attack)["payload"].to_list()[half::2]
            _requests(writer, chosen[:per_type], family, half_name)
        logs.append(writer.log(f"{WRAPPED_CAPTURE}http-{half_name}", "http"))
    return logs


def _requests(writer: _Writer, values: list[str], family: str, half: str) -> None:
    """Clients that send 5 to 60 values each to one site."""
    rng = writer.rng
    client = {"a": 0, "b": 500_000}[half] + 10_000 * len(family)
    sites = _SITES[half]
    first = 0
    while first < len(values):
        chunk = values[first : first + int(rng.integers(5, 61))]
        first += len(chunk)
        client += 1
        host, paths, names = sites[int(rng.integers(len(sites)))]
        browser = str(rng.choice(_BROWSERS))
        time = _START + float(rng.uniform(0, 86_400))
        for depth, value in enumerate(chunk, start=1):
            time += float(rng.exponential(6.0))
            uri = _address(rng, str(rng.choice(paths)), names, value)
            row = _request(rng, host, uri, client, time)
            writer.add({**row, "user_agent": browser, "trans_depth": depth}, family)


def _address(rng: np.random.Generator, path: str, names: tuple[str, ...], value: str) -> str:
    """A URI with the value in its first parameter."""
    written = quote_plus(value) if rng.random() < _FORM_ENCODED else value.replace(" ", "%20")
    others = "".join(f"&{name}={int(rng.integers(999))}" for name in names[1:])
    return f"{path}?{names[0]}={written}" + (others if rng.random() < _EVEN else "")


def _request(
    rng: np.random.Generator, host: str, uri: str, client: int, time: float
) -> dict[str, Any]:
    """One HTTP request and its response."""
    status = int(rng.choice([200, 200, 200, 200, 302, 404, 500]))
    message = {200: "OK", 302: "Found", 404: "Not Found", 500: "Internal Server Error"}[status]
    return {
        **_endpoints(client, time, 80),
        "method": "GET",
        "host": host,
        "uri": uri,
        "referrer": f"http://{host}/" if rng.random() < _EVEN else None,
        "version": "1.1",
        "request_body_len": 0,
        "response_body_len": int(rng.lognormal(8, 1.2)),
        "status_code": status,
        "status_msg": message,
        "resp_mime_types": ["text/html"],
    }


def _endpoints(client: int, time: float, port: int) -> dict[str, Any]:
    """Columns that every kind has; the addresses are those reserved for documentation."""
    return {
        "ts": time,
        "id.orig_h": f"2001:db8::{client >> 16:x}:{client & 0xFFFF:x}",
        "id.orig_p": 49_152 + client % 16_000,
        "id.resp_h": "192.0.2.53",
        "id.resp_p": port,
    }
