"""Outputs whose length is committed together with the positions: nothing twice, nothing lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from enricher.errors import OutputError
from enricher.sinks import Sink, open_sink
from enricher.sinks.file import MODE, remedy

_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Written:
    """How much of a file is committed.

    Attributes:
        device: Device of the file.
        inode: Inode of the file: another one means that it was rotated.
        length: So many bytes of it are committed; it is a whole number of lines.
    """

    device: int
    inode: int
    length: int

    def to_plain(self) -> dict[str, int]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Any) -> Self | None:
        """The inverse; None where nothing is known."""
        if not isinstance(plain, dict):
            return None
        return cls(*(int(plain[name]) for name in ("device", "inode", "length")))


class Output(Protocol):
    """Where the lines of a round go."""

    def append(self, lines: Sequence[bytes]) -> None:
        """Bring lines to their place; raises OutputError, and has taken none of them then."""
        ...

    def written(self) -> Written | None:
        """What is to be committed of it; None where there is nothing to cut back to."""
        ...

    def moved(self) -> bool:
        """Whether something else is at the place now, or nothing."""
        ...

    def reopen(self) -> None:
        """Begin with whatever is at the place now, as after a rotation."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class CommittedFile:
    """A file that a restart cuts back to what was committed.

    Where the file is another one than the committed one (it was rotated), or shorter, what is
    whole in it is kept.

    Args:
        path: The file. A symbolic link is refused.
        committed: What was committed of it.

    Raises:
        OutputError: If it can not be opened.
    """

    def __init__(self, path: Path, committed: Written | None) -> None:
        self.path = path
        self._fd = -1
        self._length = 0
        self._known = committed
        self._open()

    def append(self, lines: Sequence[bytes]) -> None:
        """See :class:`Output`; on the disk when it returns."""
        if not lines:
            return
        if self._fd < 0:
            self._open()
        data = b"\n".join((*lines, b""))
        view, done = memoryview(data), 0
        try:
            # Somebody may have emptied it, as copytruncate does.
            self._length = min(self._length, os.fstat(self._fd).st_size)
            while done < len(view):
                done += os.write(self._fd, view[done:])
            os.fdatasync(self._fd)
        except OSError as error:
            self._take_back()
            raise self._failed(error) from error
        self._length += len(data)
        self._known = self.written()

    def _take_back(self) -> None:
        """Leave nothing of a write that failed; a file that can not even be cut is opened anew."""
        try:
            os.ftruncate(self._fd, self._length)
        except OSError:
            self.close()

    def written(self) -> Written | None:
        """See :class:`Output`."""
        if self._fd < 0:
            return None
        status = os.fstat(self._fd)
        return Written(status.st_dev, status.st_ino, self._length)

    def moved(self) -> bool:
        """See :class:`Output`."""
        if self._fd < 0:
            return False
        own = os.fstat(self._fd)
        try:
            there = self.path.lstat()
        except OSError:
            return True
        return (own.st_dev, own.st_ino) != (there.st_dev, there.st_ino)

    def reopen(self) -> None:
        """See :class:`Output`."""
        self.close()
        self._open()

    def close(self) -> None:
        """See :class:`Output`."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        committed = self._known
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._fd = os.open(self.path, flags, MODE)
            status = os.fstat(self._fd)
            same = committed is not None and (committed.device, committed.inode) == (
                status.st_dev,
                status.st_ino,
            )
            if committed is not None and same and committed.length <= status.st_size:
                self._length = committed.length
            else:
                self._length = self._whole(status.st_size)
            if self._length < status.st_size:
                os.ftruncate(self._fd, self._length)
            self._known = self.written()
        except OSError as error:
            self.close()
            raise self._failed(error) from error

    def _whole(self, size: int) -> int:
        """Where the last whole line of the file ends."""
        end = size
        while end > 0:
            start = max(0, end - _PIECE)
            newline = os.pread(self._fd, end - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
        return 0

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: {error.strerror or error}. {remedy(error)}")


class AtLeastOnce:
    """A socket, a pipe or standard output: after a crash the last lines may come twice.

    Args:
        target: See :func:`enricher.sinks.open_sink`.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._sink: Sink | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """See :class:`Output`."""
        if not lines:
            return
        if self._sink is None or self._sink.closed:
            self._sink = open_sink(self._target, append=True)
        for line in lines:
            self._sink.write(line)
        self._sink.flush()

    def written(self) -> Written | None:
        """There is nothing to cut back to."""
        return None

    def moved(self) -> bool:
        """It is connected to anew when it has to be."""
        return False

    def reopen(self) -> None:
        """See :class:`Output`; it is opened with the next lines."""
        self.close()

    def close(self) -> None:
        """See :class:`Output`."""
        if self._sink is not None and not self._sink.closed:
            self._sink.close()
        self._sink = None


def open_output(target: str, committed: Written | None) -> Output:
    """Open an output by what the settings call it.

    Raises:
        OutputError: If it can not be opened.
    """
    path = Path(target)
    if target == "-" or target.startswith("unix:") or (path.exists() and not path.is_file()):
        return AtLeastOnce(target)
    return CommittedFile(path, committed)
