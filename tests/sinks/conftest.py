"""A listener on a Unix socket that the tests script."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Listener:
    """Accepts connections and keeps what each of them sent.

    Args:
        path: Of the socket.
        hang_up_after: For each connection in turn, after how many bytes to go away; None to read
            to its end, as later connections do.
    """

    def __init__(self, path: Path, hang_up_after: tuple[int | None, ...] = ()) -> None:
        self.path = path
        self.connections: list[bytes] = []
        self._plan = list(hang_up_after)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            limit = self._plan.pop(0) if self._plan else None
            place = len(self.connections)
            self.connections.append(b"")
            with connection:
                while limit is None or len(self.connections[place]) < limit:
                    rest = 65_536 if limit is None else limit - len(self.connections[place])
                    data = connection.recv(rest)
                    if not data:
                        break
                    self.connections[place] += data

    def lines(self) -> list[bytes]:
        """Whole lines, over all connections."""
        return [line for data in self.connections for line in data.split(b"\n")[:-1]]

    def stop(self) -> None:
        """Stop listening; a connection that stands goes on to its end."""
        if self._server.fileno() >= 0:
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()

    def join(self) -> None:
        """Wait for the last connection to end."""
        self._thread.join(5)


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    """Starts listeners on a socket in the test's folder."""
    started: list[Listener] = []

    def start(*hang_up_after: int | None) -> Listener:
        started.append(Listener(tmp_path / "eve.sock", hang_up_after))
        return started[-1]

    yield start
    for listener in started:
        listener.stop()
        listener.join()
