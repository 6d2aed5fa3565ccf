"""Plain values out of JSON, read without trust: what is absent or of another kind is just absent.

What is kept of a rule was partly written by whoever sent the traffic, and partly by another
version. A page of it never fails for that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from enricher.report.text import safe

LINE = 400
MOST = 200
"""Values of a list that are looked at."""


class Plain:
    """A mapping out of JSON.

    Args:
        value: The mapping; anything else is one without values.
    """

    def __init__(self, value: object) -> None:
        self._values: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names, fit to be shown, and values as they are."""
        return ((safe(name), value) for name, value in list(self._values.items())[:MOST])

    def part(self, name: str) -> Plain:
        """A mapping in it."""
        return Plain(self._values.get(name))

    def parts(self, name: str) -> list[Plain]:
        """The mappings of a list in it."""
        return [Plain(one) for one in self._list(name) if isinstance(one, Mapping)]

    def text(self, name: str, limit: int = LINE) -> str:
        """A string, fit to be shown; empty where it is absent."""
        value = self._values.get(name)
        return safe(value, limit) if isinstance(value, str) and value else ""

    def texts(self, name: str, limit: int = LINE) -> list[str]:
        """The strings of a list, fit to be shown."""
        return [safe(one, limit) for one in self._list(name) if isinstance(one, str) and one]

    def flag(self, name: str) -> bool | None:
        """A truth value."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else None

    def number(self, name: str) -> float | None:
        """A finite number."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if abs(value) <= sys.float_info.max else None

    def count(self, name: str) -> int | None:
        """A number of things."""
        value = self.number(name)
        return None if value is None or value < 0 else int(value)

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        return list(value[:MOST]) if isinstance(value, list | tuple) else []
