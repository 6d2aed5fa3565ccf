"""Messages of a service on standard error: text for people, JSON lines for programs."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import orjson

_WORDS = {"WARNING": "warn"}


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _WORDS.get(record.levelname, record.levelname.lower()),
            "message": record.getMessage().encode("utf-8", "backslashreplace").decode(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class PlainText(logging.Formatter):
    """Time, level and message; what is not printable (names of files may hold it) is escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        text = super().format(record)
        return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def set_up_logging(style: Literal["text", "json"]) -> None:
    """Send the messages of the program to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else PlainText())
    logger = logging.getLogger("enricher")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
