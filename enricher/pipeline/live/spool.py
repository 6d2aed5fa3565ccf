"""Takes lines from a socket or from standard input into files that can be read again.

What came over a socket comes only once. So it is written to a file first, and the file is
followed as any other log: after a crash the lines that were not done with are still there.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import stat
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from enricher.errors import InputError

SEGMENT_BYTES = 16 << 20
LARGEST_SPOOL = 1 << 30
"""Beyond so many bytes that are not done with no more is taken: the writer has to wait."""

_PIECE = 1 << 18
_BACKLOG = 8
_WAIT = 0.25

log = logging.getLogger("enricher")


class Spool:
    """A log of our own in one folder: ``eve.json``, rotated as Zeek does it.

    Args:
        folder: Where it is; it is made.

    Raises:
        InputError: If the folder can not be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._current = folder / "eve.json"
        self._fd = -1
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._rotate()
        except OSError as error:
            raise InputError(f"cannot be used ({error.strerror})", folder) from error

    def rotated(self) -> list[Path]:
        """The files that are not written to any longer."""
        return [path for path in self.folder.glob("eve.*.json") if path != self._current]

    def size(self) -> int:
        """Bytes of all files."""
        return self._size + sum(path.stat().st_size for path in self.rotated())

    def append(self, lines: bytes) -> None:
        """Add whole lines.

        Raises:
            OSError: If they can not be written; none of them is then.
        """
        if self._size >= SEGMENT_BYTES:
            self._rotate()
        if self._fd < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._fd, self._size = os.open(self._current, flags, 0o640), 0
        view, done = memoryview(lines), 0
        try:
            while done < len(view):
                done += os.write(self._fd, view[done:])
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(lines)

    def _rotate(self) -> None:
        self.close()
        self._size = 0
        moment = time.time()
        while self._current.exists():
            path = self.folder / time.strftime("eve.%Y-%m-%d-%H-%M-%S.json", time.gmtime(moment))
            if path.exists():
                moment += 1.0  # names have to rise, and to differ
            else:
                self._current.rename(path)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Lines:
    """What one sender has sent, cut into whole lines; of a line that has no end nothing is kept."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = b""

    def take(self, data: bytes) -> bytes:
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > self._longest:
            # It is written with an end of its own, too long to be read: it will be counted.
            whole, self._rest = data + b"\n", b""
            return whole
        return data[:end]

    def finish(self) -> bytes:
        """The line that the sender did not finish, with an end."""
        rest, self._rest = self._rest, b""
        return rest + b"\n" if rest else b""


class Receiver(ABC):
    """Fills a spool on a thread of its own.

    Args:
        spool: Where the lines go.
        longest: Longest line, in bytes.
        name: For messages.

    Attributes:
        ended: There will be no more lines.
    """

    def __init__(self, spool: Spool, longest: int, name: str) -> None:
        self.spool = spool
        self.ended = False
        self._longest = longest
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"receive {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and let go of everything."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self.spool.close()

    @abstractmethod
    def _run(self) -> None:
        """Take lines until it is stopped, or there are no more."""

    def _keep(self, lines: bytes) -> None:
        """Write lines; while there is no room, wait, so that the sender has to."""
        told = False
        while lines and not self._stop.is_set():
            try:
                if self.spool.size() < LARGEST_SPOOL:
                    self.spool.append(lines)
                    return
                why = f"{LARGEST_SPOOL >> 20} MiB are waiting to be read"
            except OSError as error:
                why = error.strerror or str(error)
            if not told:
                log.warning("%s: taking no more lines for now: %s", self._name, why)
                told = True
            self._stop.wait(_WAIT)


class SocketReceiver(Receiver):
    """Listens on a Unix stream socket, as Suricata's ``filetype: unix_stream`` wants it.

    Suricata connects to it, and connects again after it was away; several senders may.

    Raises:
        InputError: If the socket can not be made.
    """

    def __init__(self, path: Path, spool: Spool, longest: int) -> None:
        super().__init__(spool, longest, f"unix:{path}")
        self._path = path
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._remove_old()
            self._server.bind(str(path))
            path.chmod(0o660)
            self._server.listen(_BACKLOG)
        except OSError as error:
            self._server.close()
            raise InputError(
                f"cannot listen on this socket ({error.strerror or error}); check the folder and "
                "its permissions",
                path,
            ) from error
        self._server.setblocking(False)

    def _remove_old(self) -> None:
        """Remove the socket that an earlier service left; anything else is not ours."""
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(self._path.lstat().st_mode):
                self._path.unlink()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            senders: dict[socket.socket, _Lines] = {}
            while not self._stop.is_set():
                for key, _ in selector.select(_WAIT):
                    if key.fileobj is self._server:
                        fresh, _ = self._server.accept()
                        fresh.setblocking(False)
                        senders[fresh] = _Lines(self._longest)
                        selector.register(fresh, selectors.EVENT_READ)
                        log.info("%s: a sender has connected", self._name)
                    elif isinstance(sender := key.fileobj, socket.socket):
                        if self._receive(sender, senders[sender]):
                            continue
                        selector.unregister(sender)
                        senders.pop(sender)
                        sender.close()
                        log.info("%s: a sender has gone away", self._name)
            for sender, lines in senders.items():
                self._receive(sender, lines)
                self._keep(lines.finish())
                sender.close()

    def _receive(self, sender: socket.socket, lines: _Lines) -> bool:
        """Take what is there; False if the sender is gone."""
        try:
            data = sender.recv(_PIECE)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._keep(lines.take(data) if data else lines.finish())
        return bool(data)

    def close(self) -> None:
        """See :class:`Receiver`."""
        super().close()
        self._server.close()
        with suppress(OSError):
            self._remove_old()


class StreamReceiver(Receiver):
    """Takes lines from an open stream, such as standard input, to its end."""

    def __init__(self, stream: BinaryIO, spool: Spool, longest: int) -> None:
        super().__init__(spool, longest, "standard input")
        self._fd = stream.fileno()

    def _run(self) -> None:
        lines = _Lines(self._longest)
        with selectors.DefaultSelector() as selector:
            waits = stat.S_ISFIFO(mode := os.fstat(self._fd).st_mode) or stat.S_ISSOCK(mode)
            if waits:
                selector.register(self._fd, selectors.EVENT_READ)
            while not self._stop.is_set():
                if waits and not selector.select(_WAIT):
                    continue
                data = os.read(self._fd, _PIECE)
                if not data:
                    break
                self._keep(lines.take(data))
        self._keep(lines.finish())
        self.ended = True
