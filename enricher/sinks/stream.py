"""Lines to standard output or another open stream."""

from __future__ import annotations

import os
from io import UnsupportedOperation
from typing import BinaryIO

from enricher.errors import OutputError
from enricher.sinks.base import Sink

BUFFER_BYTES = 1 << 16


class StreamSink(Sink):
    """Writes lines to a stream that somebody else opened, and leaves it open.

    Args:
        stream: For example ``sys.stdout.buffer``.
        name: What to call it in messages.
        buffer_bytes: So much is kept back at most.

    Raises:
        OutputError: If the reader has gone away, or the stream can not be written.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str = "standard output",
        *,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        super().__init__(name, buffer_bytes)
        self._stream = stream

    def _send(self, data: bytes) -> None:
        try:
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError as error:
            self._silence()
            raise OutputError(
                f"{self._name}: the program that read it has gone away. Write to a file to keep "
                "everything."
            ) from error
        except (OSError, ValueError) as error:  # ValueError: somebody closed the stream
            self._silence()
            raise OutputError(f"{self._name}: {error}. Write to a file instead.") from error

    def _let_go(self) -> None:
        """The stream stays open: somebody else opened it."""

    def _silence(self) -> None:
        """Point the stream at nothing, so that Python's own flush at exit does not fail again."""
        self.closed = True
        try:
            target = self._stream.fileno()
        except (UnsupportedOperation, ValueError):
            return
        nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nothing, target)
        os.close(nothing)
