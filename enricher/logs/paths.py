"""From what a log calls itself and its fields to our kinds and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from enricher.logs.kinds import KINDS, SCHEMAS, Kind
from enricher.logs.names import ZEEK_PATHS

# Both hold records of connections, most of which conn.log has again when they end.
CONNECTION_PATHS = frozenset({"conn_long", "open_conn"})

# Names differ between versions of Zeek: certificates were listed by file, now by fingerprint.
# The sensor's name comes with an extension of the log (``Log::default_ext_func``).
ALIASES: dict[str, tuple[str, ...]] = {
    "sensor": ("_system_name", "_node_name"),
    "cert_chain": ("cert_chain_fps", "cert_chain_fuids"),
    "client_cert_chain": ("client_cert_chain_fps", "client_cert_chain_fuids"),
}

# Reasons for passing records by hold names that come from the log; so many are told apart.
_MOST_REASONS = 64
_LONGEST_NAME = 64


def kind_of_path(path: str | None, default: Kind | None) -> Kind | None:
    """The kind of a log that calls itself ``path``.

    A name that is no log of Zeek's (a site's own) does not speak against ``default``.
    """
    if path is None:
        return default
    if path in CONNECTION_PATHS:
        return "conn"
    for kind in KINDS:
        if path == kind:
            return kind
    return None if path in ZEEK_PATHS else default


def candidates(column: str) -> tuple[str, ...]:
    """Names under which a log may have a column, the best first.

    ``Log::default_scope_sep`` decides between ``id.orig_h`` and ``id_orig_h``.
    """
    names = (column, *ALIASES.get(column, ()))
    return names + tuple(name.replace(".", "_") for name in names if "." in name)


def extra_columns(kind: Kind, keep: Sequence[str]) -> tuple[str, ...]:
    """What of ``keep`` is not a canonical column of ``kind`` already, each once."""
    return tuple(name for name in dict.fromkeys(keep) if name not in SCHEMAS[kind])


class PassedCounter:
    """Counts records passed by, under a bounded number of names over the whole file."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._known: set[str] = set()

    def count(self, names: Iterable[tuple[str | None, int]]) -> Counter[str]:
        """Count names in the order they were first seen, so that block size does not matter."""
        counts: Counter[str] = Counter()
        for name, number in names:
            counts[self._reason(name)] += number
        return counts

    def _reason(self, name: str | None) -> str:
        if name is None:
            return f"{self._prefix}:none"
        shown = name[:_LONGEST_NAME]
        if not (shown.isascii() and shown.isprintable()):
            shown = ascii(shown)[1:-1]
        if shown not in self._known:
            if len(self._known) >= _MOST_REASONS:
                return f"{self._prefix}:other"
            self._known.add(shown)
        return f"{self._prefix}:{shown}"
