"""Waits for changes: told by the system where it can, by looking again where it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

# Nothing that reading itself causes, or it would wake itself for ever.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class _Handler(FileSystemEventHandler):
    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - any is enough
        self._event.set()


class Watch:
    """Watches directories for changes."""

    def __init__(self) -> None:
        self._changed = threading.Event()
        self._handler = _Handler(self._changed)
        self._observer: BaseObserver | None = None
        self._watched: dict[Path, tuple[tuple[int, int], ObservedWatch]] = {}

    def watch(self, folders: Iterable[Path]) -> str | None:
        """Watch these directories and no others; those that are not there are left out.

        Returns:
            Why changes in one of them are only seen by polling, if so.
        """
        wanted: dict[Path, tuple[int, int]] = {}
        for folder in folders:
            try:
                status = folder.stat()
            except OSError:
                continue
            wanted[folder] = (status.st_dev, status.st_ino)
        for folder, (file_id, watched) in list(self._watched.items()):
            if wanted.get(folder) != file_id:
                del self._watched[folder]
                if self._observer is not None:
                    self._observer.unschedule(watched)
        trouble = None
        for folder, file_id in wanted.items():
            if folder not in self._watched:
                trouble = self._add(folder, file_id) or trouble
        return trouble

    def wait(self, seconds: float) -> None:
        """Wait until something changed, :meth:`wake` was called, or so long."""
        self._changed.wait(seconds)
        self._changed.clear()

    def wake(self) -> None:
        """End the wait, or the next one, from any thread."""
        self._changed.set()

    def close(self) -> None:
        """Watch nothing any longer."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        self._watched.clear()

    def _add(self, folder: Path, file_id: tuple[int, int]) -> str | None:
        try:
            if self._observer is None:
                observer = Observer()
                observer.start()
                self._observer = observer
            watched = self._observer.schedule(self._handler, str(folder), event_filter=_EVENTS)
        except OSError as error:
            return f"changes are only seen by looking again: {error.strerror or error}"
        self._watched[folder] = (file_id, watched)
        return None
