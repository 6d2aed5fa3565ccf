"""Lines to standard output or another open stream."""

from __future__ import annotations

import os
from io import UnsupportedOperation
from types import TracebackType
from typing import BinaryIO, Self

from enricher.errors import OutputError

BUFFER_BYTES = 1 << 16


class StreamSink:
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
        self._stream = stream
        self._name = name
        self._limit = buffer_bytes
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._closed = False

    def write(self, line: bytes) -> None:
        """Take one line, without its newline."""
        if self._closed:
            raise OutputError(f"{self._name}: the output is closed; open it again to write")
        if b"\n" in line:
            raise OutputError(f"{self._name}: a line with a line break in it was refused")
        self._buffer.append(line)
        self._buffered += len(line) + 1
        if self._buffered >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Bring everything taken so far to the stream."""
        if not self._buffer:
            return
        data = b"\n".join((*self._buffer, b""))
        self._buffer, self._buffered = [], 0
        try:
            self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError as error:
            self._let_go()
            raise OutputError(
                f"{self._name}: the program that read it has gone away. Write to a file to keep "
                "everything."
            ) from error
        except (OSError, ValueError) as error:  # ValueError: somebody closed the stream
            self._let_go()
            raise OutputError(f"{self._name}: {error}. Write to a file instead.") from error

    def close(self) -> None:
        """Flush; the stream stays open."""
        if not self._closed:
            self.flush()
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _let_go(self) -> None:
        """Point the stream at nothing, so that Python's own flush at exit does not fail again."""
        self._closed = True
        try:
            target = self._stream.fileno()
        except (UnsupportedOperation, ValueError):
            return
        nothing = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nothing, target)
        os.close(nothing)
