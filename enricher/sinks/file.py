"""Lines into a file: whole at the end, or appended as they come."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path
from types import TracebackType

from enricher.errors import OutputError
from enricher.sinks.base import Sink

MODE = 0o640
"""Alerts name addresses and people: the owner writes, the group reads, nobody else."""
BUFFER_BYTES = 1 << 20
_FLAGS = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class FileSink(Sink):
    """Writes lines to a file.

    Args:
        path: The file.
        atomic: Write to a hidden file beside it and rename that on :meth:`close`: who reads
            ``path`` sees the whole result or the earlier one. Otherwise append, and every
            :meth:`flush` ends on a whole line.
        buffer_bytes: So much is kept back at most.

    What is no ordinary file (a named pipe, ``/dev/null``) is written to as it is. A symbolic link
    is never followed: an atomic write replaces it, appending refuses it.

    Raises:
        OutputError: If the file can not be opened or written. Of an atomic file nothing is left
            then; of an appended one nothing after its last whole line.
    """

    def __init__(
        self, path: Path | str, *, atomic: bool = True, buffer_bytes: int = BUFFER_BYTES
    ) -> None:
        super().__init__(str(path), buffer_bytes)
        self.path = Path(path)
        self._fd = -1
        self._part: Path | None = None
        try:
            self._open(atomic)
        except OSError as error:
            self._let_go()
            raise self._failed(error) from error

    def _send(self, data: bytes) -> None:
        try:
            self._write_whole(data)
        except OSError as error:
            self._let_go()
            raise self._failed(error) from error

    def close(self) -> None:
        """Flush, and give an atomic file its name."""
        try:
            if not self.closed:
                self.flush()
                if self._part is not None:
                    os.fsync(self._fd)
                    self._part.replace(self.path)
                    self._part = None
        except OSError as error:
            raise self._failed(error) from error
        finally:
            self._let_go()

    def abandon(self) -> None:
        """Let go without finishing: an atomic file is as if it had never been begun."""
        self._forget()
        self._let_go()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._part is not None:
            self.abandon()
        else:
            self.close()

    def _open(self, atomic: bool) -> None:
        special = self.path.exists() and not self.path.is_file()
        if special:
            # A directory fails here, with the system's own words.
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        elif atomic:
            part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
            self._fd = os.open(part, _FLAGS | os.O_CREAT | os.O_EXCL, MODE)
            self._part = part
        else:
            # Read access, to see whether the last line is whole.
            flags = (_FLAGS & ~os.O_WRONLY) | os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._fd = os.open(self.path, flags, MODE)
            size = os.fstat(self._fd).st_size
            if size and os.pread(self._fd, 1, size - 1) != b"\n":
                # A crash cut the last line off: keep ours from being glued to it.
                self._write_whole(b"\n")

    def _write_whole(self, data: bytes) -> None:
        """Write all of it, or take back what was written of it."""
        view, written = memoryview(data), 0
        before = os.fstat(self._fd)
        try:
            while written < len(view):
                written += os.write(self._fd, view[written:])
        except OSError:
            after = os.fstat(self._fd).st_size
            # Take it back only where nobody else has written since.
            if stat.S_ISREG(before.st_mode) and after == before.st_size + written:
                os.ftruncate(self._fd, before.st_size)
            raise

    def _let_go(self) -> None:
        self.closed = True
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: {error.strerror or error}. {remedy(error)}")


def remedy(error: OSError) -> str:
    """What the user can do about an output that can not be written."""
    remedies = {
        errno.ENOSPC: "Make room on that disk or write elsewhere, and run again.",
        errno.EDQUOT: "Make room in the quota or write elsewhere, and run again.",
        errno.EACCES: "Give this user the right to write there, or write elsewhere.",
        errno.EPERM: "Give this user the right to write there, or write elsewhere.",
        errno.EROFS: "That file system is read-only; write elsewhere.",
        errno.ENOENT: "Make the folder first, or write elsewhere.",
        errno.ENOTDIR: "Part of that path is a file; write elsewhere.",
        errno.EISDIR: "That is a folder; name a file in it.",
        errno.ELOOP: "That is a symbolic link; name the file itself.",
        errno.EPIPE: "The program that read from it has gone away; start it and run again.",
    }
    return remedies.get(error.errno or 0, "Write elsewhere, or repair that and run again.")
