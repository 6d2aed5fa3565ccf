"""The rules file: replaced in one step, and put back.

::

    enricher.rules             what Suricata loads
    .enricher.rules.before     the file before, while a deployment is under way
    .enricher.rules.previous   the file before, after that

No pattern for rules files (``*.rules``) takes the hidden ones. Everything is done by names within
one folder that is opened once: a link that somebody puts in the way is not followed.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from enricher.errors import InputError, OutputError
from enricher.rulegen.deploy.content import HEADER
from enricher.sinks.replacing import replace_file

MODE = 0o644
MAX_BYTES = 64 * 1024 * 1024
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def open_rules_file(path: Path) -> Iterator[RulesFile]:
    """Open the folder of a rules file; nobody else deploys into it meanwhile.

    Args:
        path: The rules file; it need not be there, but its folder.

    Raises:
        InputError: If it is no ordinary file, or none of the enricher.
        OutputError: If the folder can not be used, or somebody else is deploying.
    """
    with _told(path):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{path}: somebody else is deploying now; try again") from error
        file = RulesFile(path, folder)
        before = file.read()
        if before and not before.startswith(HEADER):
            raise InputError(
                "is no rules file of the enricher; name another one, for this one would be lost",
                path,
            )
        yield file
    finally:
        os.close(folder)


class RulesFile:
    """A rules file within its open folder; :func:`open_rules_file` makes it.

    Args:
        path: The file.
        folder: File descriptor of its folder.
    """

    def __init__(self, path: Path, folder: int) -> None:
        self.path = path
        self._folder = folder
        self._name = path.name
        self._before = f".{path.name}.before"
        self._previous = f".{path.name}.previous"
        self._made = False

    def read(self) -> bytes | None:
        """What stands in it; None where it is not there.

        Raises:
            InputError: If it is no ordinary file, or too large.
            OutputError: If it can not be read.
        """
        return self._read(self._name)

    def interrupted(self) -> bool:
        """Whether a deployment into it did not come to its end."""
        return self._read(self._before) is not None

    def replace(self, data: bytes) -> None:
        """Give it a new content; the one before is kept aside.

        Raises:
            InputError: If it is no ordinary file.
            OutputError: If it can not be written; nothing has changed then.
        """
        old, mode = self.read(), self._mode()
        self._made = old is None
        # Where there was none, a crash leaves one without rules: it means the same.
        self._write(self._before, HEADER if old is None else old, mode)
        self._write(self._name, data, mode)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Write files that rules load beside it.

        Raises:
            InputError: If one of that name is there with another content: rules that are loaded
                may use it.
            OutputError: If one can not be written.
        """
        for name, data in files.items():
            there = self._read(name)
            if there is None:
                self._write(name, data, MODE)
            elif there != data:
                raise InputError(
                    "is there with another content; let the rule load a file of another name",
                    self.path.with_name(name),
                )

    def restore(self) -> None:
        """Put the file before back, byte for byte; where there was none, there is none.

        Raises:
            OutputError: If that is not possible.
        """
        with _told(self.path):
            os.rename(self._before, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            if self._made:
                os.unlink(self._name, dir_fd=self._folder)
            os.fsync(self._folder)

    def settle(self) -> None:
        """Say that the new content is the one that counts.

        Raises:
            OutputError: If that is not possible.
        """
        with _told(self.path):
            if self._made:
                os.unlink(self._before, dir_fd=self._folder)
            else:
                folder = self._folder
                os.rename(self._before, self._previous, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(self._folder)

    def _read(self, name: str) -> bytes | None:
        path = self.path.with_name(name)
        try:
            file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror}); is it a link?", path) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise InputError("is no ordinary file; name another one", path)
        with os.fdopen(file, "rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError(f"is larger than {MAX_BYTES // 1024**2} MiB", path)
        return data

    def _mode(self) -> int:
        """The mode that it has, or that it will have."""
        try:
            found = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return MODE
        return stat.S_IMODE(found.st_mode)

    def _write(self, name: str, data: bytes, mode: int) -> None:
        """Write a file that is there whole or not at all, also after a crash."""
        with _told(self.path.with_name(name)):
            replace_file(Path(name), data, mode=mode, folder=self._folder)
            os.fsync(self._folder)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of an error of the system what was not possible."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); check its folder, permissions and disk"
        ) from error
