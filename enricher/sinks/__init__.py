"""Where finished lines go: one small contract, one module for each kind of output."""

from __future__ import annotations

import sys
from pathlib import Path

from enricher.errors import OutputError
from enricher.sinks.base import Sink
from enricher.sinks.file import FileSink
from enricher.sinks.stream import StreamSink
from enricher.sinks.unix_socket import UnixSocketSink

__all__ = ["FileSink", "Sink", "StreamSink", "UnixSocketSink", "open_sink"]


def open_sink(target: str, *, append: bool = False) -> Sink:
    """Open an output by what the user calls it.

    Args:
        target: A path, ``-`` for standard output, or ``unix:/path`` for a socket.
        append: Add to a file as lines come, instead of giving it its name when it is whole.

    Raises:
        OutputError: If it can not be opened.
    """
    if target == "-":
        return StreamSink(sys.stdout.buffer)
    if target.startswith("unix:"):
        path = target.removeprefix("unix:").removeprefix("//")
        if not path:
            raise OutputError("unix: needs the path of a socket after it, as in unix:/run/eve.sock")
        return UnixSocketSink(path)
    if not target:
        raise OutputError("an output needs a path, '-' for standard output, or unix:/path")
    return FileSink(Path(target), atomic=not append)
