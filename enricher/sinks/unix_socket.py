"""Lines to a program that listens on a Unix stream socket, such as fever."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path

from enricher.errors import OutputError
from enricher.sinks.base import Sink

QUEUE_BYTES = 1 << 20
_POLL_SECONDS = 0.002


class UnixSocketSink(Sink):
    """Sends lines at least once.

    A stream socket has no receipts, but its sender can see how much of what it sent was not read
    yet. Lines are kept until the listener has read them; when it goes away before that, they are
    sent again to the one that comes after it, from the first that may be missing. So a listener
    may get a line twice, and the beginning of one at the end of a connection, but misses none
    that :meth:`flush` returned for.

    Args:
        path: The socket.
        attempts: How often to connect, in a row, before giving up.
        backoff_seconds: Wait after the first failure; it doubles with each, up to 30 seconds.
        timeout_seconds: How long the listener may take to read what was sent.
        queue_bytes: So much is kept back at most.
        sleep: Waits; tests give their own.

    Raises:
        OutputError: If nobody listens, or the listener does not read.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        attempts: int = 5,
        backoff_seconds: float = 0.2,
        timeout_seconds: float = 30.0,
        queue_bytes: int = QUEUE_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(str(path), queue_bytes)
        self.path = Path(path)
        self._attempts = max(1, attempts)
        self._backoff = backoff_seconds
        self._timeout = timeout_seconds
        self._sleep = sleep
        self._socket: socket.socket | None = None
        self._connect()

    def _send(self, data: bytes) -> None:
        """Send and wait until it has been read."""
        for _ in range(self._attempts):
            if self._socket is None:
                self._connect()
            if self._delivered(data):
                return
            self._disconnect()
        self.closed = True
        raise OutputError(
            f"{self.path}: the listener goes away each time before it has read what was sent "
            f"({self._attempts} times). Look into its own log, then run again."
        )

    def _let_go(self) -> None:
        self._disconnect()

    def _connect(self) -> None:
        wait, last = self._backoff, "nothing was tried"
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(wait)
                wait = min(2 * wait, 30.0)
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._timeout)
            try:
                connection.connect(str(self.path))
            except OSError as error:
                connection.close()
                last = error.strerror or str(error)
                continue
            self._socket = connection
            return
        self.closed = True
        raise OutputError(
            f"{self.path}: can not connect to this socket ({last}; tried {self._attempts} times). "
            "Start the program that listens on it, or correct the path."
        )

    def _delivered(self, data: bytes) -> bool:
        """Send it; whether the listener has read all of it before it went away, if it did."""
        connection = self._socket
        if connection is None:
            return False
        try:
            connection.sendall(data)
            read = self._wait_until_read(connection)
        except TimeoutError:
            read = False
        except OSError:
            return False
        if not read:
            self.closed = True
            self._disconnect()
            raise OutputError(
                f"{self.path}: the listener has not read for {self._timeout:g} seconds. Restart "
                "it, then run again."
            )
        return not _gone(connection)

    def _wait_until_read(self, connection: socket.socket) -> bool:
        end = time.monotonic() + self._timeout
        while _unread(connection):
            if time.monotonic() > end:
                return False
            self._sleep(_POLL_SECONDS)
        return True

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _unread(connection: socket.socket) -> int:
    """Bytes that were sent and not read yet (SIOCOUTQ of unix(7), the same number as TIOCOUTQ)."""
    answer = fcntl.ioctl(connection, termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


def _gone(connection: socket.socket) -> bool:
    """Whether the other end has closed; what it had not read then is lost."""
    waits = connection.gettimeout()
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(waits)
