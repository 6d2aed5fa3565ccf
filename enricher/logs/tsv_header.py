"""The header of a Zeek TSV log: separators, field names, types."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_SPACES = re.compile(r"\s+")

# A log has some dozens of fields; a header of more than this is not believed.
_MOST_FIELDS = 4096


@dataclass(frozen=True, slots=True)
class Header:
    """What the ``#`` lines above a row say (https://docs.zeek.org/en/master/log-formats.html).

    Attributes:
        separator: Between fields.
        set_separator: Between the elements of a set or vector.
        empty_field: Stands for a text or a set of no length.
        unset_field: Stands for what is absent.
        path: Zeek's name of the log.
        fields: Names of the columns. The last of a row may be several, see ``joined``.
        joined: Names that the last column of the header joins by spaces, as logs do to which
            labels were added by hand; their values are joined in the same way.
    """

    separator: bytes = b"\t"
    set_separator: str = ","
    empty_field: str = "(empty)"
    unset_field: str = "-"
    path: str | None = None
    fields: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()

    def after(self, line: bytes) -> Header:
        """The header that holds after ``line``, which begins with ``#``."""
        line = line.rstrip(b"\r")
        if line.startswith(b"#separator"):
            separator = _unescape(line[len(b"#separator") :].strip(b" "))
            # A new header begins; nothing of an old one holds any longer.
            return Header(separator=separator or b"\t") if b"\n" not in separator else Header()
        name, found, value = line.partition(self.separator)
        text = value.decode("utf-8", "replace")
        if not found:
            return self
        if name == b"#fields":
            return self._with_fields(_split(value, self.separator))
        return replace(
            self,
            path=text if name == b"#path" else self.path,
            empty_field=text if name == b"#empty_field" else self.empty_field,
            unset_field=text if name == b"#unset_field" else self.unset_field,
            set_separator=_unescape(value).decode("utf-8", "replace")
            if name == b"#set_separator"
            else self.set_separator,
        )

    def _with_fields(self, fields: tuple[str, ...]) -> Header:
        if len(fields) > _MOST_FIELDS:
            return replace(self, fields=(), joined=())
        joined = tuple(_SPACES.split(fields[-1].strip()))
        return replace(self, fields=fields, joined=joined if len(joined) > 1 else ())

    def column(self, name: str) -> int | None:
        """Position of a field; of several with one name the first."""
        return self.fields.index(name) if name in self.fields else None


def _split(value: bytes, separator: bytes) -> tuple[str, ...]:
    return tuple(part.decode("utf-8", "replace") for part in value.split(separator))


def _unescape(value: bytes) -> bytes:
    return _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), value)
