"""Makes the logs that are measured on: real records, repeated day after day until there are enough.

Each repetition stands under other uids and a day later, as far as its format allows, so that
context and grouping do what they do in a log that goes on.

    python -m tests.bench.speed.logs FORM RECORDS PATH [MANY]
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import orjson

_ROOT = Path(__file__).resolve().parents[3]
# Beside the checkout, or in it.
DATA = next(
    (path for base in (_ROOT.parent, _ROOT) if (path := base / "shared" / "data").is_dir()),
    _ROOT.parent / "shared" / "data",
)

_CONN_FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port",
    "id.resp_h": "addr", "id.resp_p": "port", "proto": "enum", "service": "string",
    "duration": "interval", "orig_bytes": "count", "resp_bytes": "count", "conn_state": "string",
    "local_orig": "bool", "local_resp": "bool", "missed_bytes": "count", "history": "string",
    "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count",
    "resp_ip_bytes": "count",
}  # fmt: skip
SOURCES = {
    "conn": (
        "zeek/labelled/ctu-sme-11-ubuntu-benign/conn.log.labeled.gz",
        "zeek/labelled/stratosphere-008-exposed-windows/conn.log.labeled.gz",
        "zeek/labelled/stratosphere-010-exposed-windows/conn.log.labeled.gz",
        "zeek/genuine/crawl-00002/conn.log.gz",
    ),
    "http": ("zeek/unlabelled/rita-http/rita_valid_tsv_http.log.gz",),
    "dns": ("zeek/unlabelled/wrccdc-2018/zeek-default/dns.log.gz",),
    "ssl": ("zeek/unlabelled/wrccdc-2018/zeek-default/ssl.log.gz",),
}
"""Real logs by kind; the fields are those of the first, but for conn."""

EVE_SOURCES = (
    "eve/dns-crawl/normal_normal_normal_00000_20230805150331.pcap.eve.json.gz",
    "eve/protocols/pcap_plugins_bro-simple-scan_backscatter.trace.eve.json.gz",
    "eve/protocols/pcap_other_Digital_Bond_S4_WinXP.pcap.eve.json.gz",
    "eve/protocols/pcap_protocols_DNS.pcap.eve.json.gz",
    "eve/protocols/pcap_protocols_SSL.pcap.eve.json.gz",
)

_JSON_VALUES: dict[str, Callable[[str], object]] = {
    "time": float,
    "interval": float,
    "double": float,
    "count": int,
    "int": int,
    "port": int,
    "bool": lambda text: text == "T",
}
_LISTS = re.compile(r"(?:vector|set)\[(\w+)\]")
_DATES = re.compile(rb'"(\d{4}-\d{2}-\d{2})T')

Row = list[str]


def tsv_fields(kind: str) -> dict[str, str]:
    """The fields of a kind's log and their Zeek types, in order."""
    if kind == "conn":
        return _CONN_FIELDS
    with gzip.open(DATA / SOURCES[kind][0], "rt", errors="replace") as lines:
        names = next(line for line in lines if line.startswith("#fields"))
        types = next(line for line in lines if line.startswith("#types"))
    return dict(zip(_cells(names)[1:], _cells(types)[1:], strict=True))


def real_rows(kind: str) -> list[Row]:
    """All records of a kind's real logs, with the fields of :func:`tsv_fields`."""
    return [row for source in SOURCES[kind] for row in rows_of(DATA / source, tsv_fields(kind))]


def rows_of(log: Path, wanted: Collection[str]) -> Iterator[Row]:
    """The records of one TSV log, with these fields; "-" for those that it does not have."""
    opened = gzip.open if log.suffix == ".gz" else open
    with opened(log, "rt", errors="replace") as lines:
        fields: list[str] = []
        for line in lines:
            if line.startswith("#fields"):
                fields = _cells(line)[1:]
            elif not line.startswith("#"):
                row = dict(zip(fields, _cells(line), strict=True))
                yield [row.get(field, "-") for field in wanted]


def _cells(line: str) -> list[str]:
    return line.rstrip("\n").split("\t")


def repeated(rows: Sequence[Row], records: int) -> Iterator[Row]:
    """The rows over and over, a day later each time and under other uids."""
    for number in range(records):
        turn, place = divmod(number, len(rows))
        row = rows[place]
        yield [f"{float(row[0]) + 86_400 * turn:.6f}", f"{row[1]}{turn}", *row[2:]]


def header(kind: str) -> str:
    """The lines that stand above the rows of a TSV log."""
    fields = tsv_fields(kind)
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
        f"#path\t{kind}\n#fields\t" + "\t".join(fields) + "\n#types\t" + "\t".join(fields.values())
    ) + "\n"


def write_tsv(path: Path, kind: str, records: int, rows: Sequence[Row] | None = None) -> Path:
    """Write a Zeek TSV log, of the real records or of others with the same fields."""
    with path.open("w") as out:
        out.write(header(kind))
        for row in repeated(real_rows(kind) if rows is None else rows, records):
            out.write("\t".join(row) + "\n")
    return path


def write_json(path: Path, kind: str, records: int) -> Path:
    """Write the same records as Zeek's JSON log."""
    fields = tsv_fields(kind)
    makers = [(name, _json_maker(zeek_type)) for name, zeek_type in fields.items()]
    with path.open("wb") as out:
        for row in repeated(real_rows(kind), records):
            values = {"_path": kind} | {
                name: make(text)
                for (name, make), text in zip(makers, row, strict=True)
                if text != "-"
            }
            out.write(orjson.dumps(values) + b"\n")
    return path


def _json_maker(zeek_type: str) -> Callable[[str], object]:
    if found := _LISTS.fullmatch(zeek_type):
        inner = _JSON_VALUES.get(found[1], str)
        return lambda text: [] if text == "(empty)" else [inner(part) for part in text.split(",")]
    return _JSON_VALUES.get(zeek_type, str)


def write_eve(path: Path, records: int) -> Path:
    """Write Suricata's events: flow, dns, http and tls, each repetition a day later."""
    events = [
        line
        for source in EVE_SOURCES
        for line in gzip.decompress((DATA / source).read_bytes()).splitlines()
        if orjson.loads(line)["event_type"] in ("flow", "dns", "http", "tls")
    ]
    with path.open("wb") as out:
        for number in range(records):
            turn, place = divmod(number, len(events))
            out.write(_moved(events[place], turn) + b"\n")
    return path


def _moved(event: bytes, days: int) -> bytes:
    return _DATES.sub(lambda found: _later(found[1], days), event)


@cache
def _later(day: bytes, days: int) -> bytes:
    return f'"{date.fromisoformat(day.decode()) + timedelta(days=days)}T'.encode()


def write_gz(path: Path, plain: Path) -> Path:
    """Write the content of a log as Zeek's rotation leaves it."""
    with plain.open("rb") as content, gzip.open(path, "wb", compresslevel=6) as out:
        while piece := content.read(1 << 20):
            out.write(piece)
    return path


def write_pieces(folder: Path, kind: str, files: int, records: int) -> Path:
    """Write the records of :func:`write_tsv` as so many small logs, one after another."""
    folder.mkdir()
    head, each = header(kind), -(-records // files)
    rows = repeated(real_rows(kind), records)
    for number in range(files):
        text = "".join("\t".join(row) + "\n" for _, row in zip(range(each), rows, strict=False))
        (folder / f"{kind}.{number:06}.log").write_text(head + text)
    return folder


def write_sources(path: Path, sources: int, records: int) -> Path:
    """Write connections from so many sources, each in its turn, a hundred a second."""
    row = real_rows("conn")[0]
    with path.open("w") as out:
        out.write(header("conn"))
        for number in range(records):
            ts, place = f"{float(row[0]) + number * 0.01:.6f}", number % sources
            source = f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"
            out.write("\t".join([ts, f"C{number}", source, *row[3:]]) + "\n")
    return path


FORMS: dict[str, Callable[[Path, int, int], Path]] = {
    "conn": lambda path, records, _: write_tsv(path, "conn", records),
    "http": lambda path, records, _: write_tsv(path, "http", records),
    "dns": lambda path, records, _: write_tsv(path, "dns", records),
    "ssl": lambda path, records, _: write_tsv(path, "ssl", records),
    "json": lambda path, records, _: write_json(path, "conn", records),
    "eve": lambda path, records, _: write_eve(path, records),
    "pieces": lambda path, records, many: write_pieces(path, "conn", many, records),
    "sources": lambda path, records, many: write_sources(path, many, records),
}
"""What can be made, by name: where, how many records, of how many files or sources."""


def main() -> None:
    """Make one log. A process of its own, for its memory would be taken for that of others."""
    form, records, path = sys.argv[1:4]
    FORMS[form](Path(path), int(records), int(sys.argv[4]) if len(sys.argv) > 4 else 0)


if __name__ == "__main__":
    main()
