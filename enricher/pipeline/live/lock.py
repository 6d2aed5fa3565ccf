"""One service for one state directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from enricher.errors import StateError
from enricher.pipeline.live.stored import FOLDER


class ServiceLock:
    """Held while the service runs; the system lets go of it when the process ends, however.

    Args:
        state: The state directory.

    Raises:
        StateError: If another service holds it, or it can not be made.
    """

    def __init__(self, state: Path) -> None:
        path = state / FOLDER / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StateError(
                f"{path}: cannot be written ({error.strerror}); check the permissions of the "
                "state directory, or choose another one with --state"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise StateError(
                f"{state}: another 'enricher run' (process {holder or 'unknown'}) works on this "
                "state directory; stop it, or choose another one with --state"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another service begin."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
