"""Every error that the program raises for its user to read.

::

    EnricherError                 anything below; the command line prints it and exits with 1
    ├── PlacedError               carries file and line
    │   ├── ConfigError           a setting that is unknown, of the wrong type or out of range
    │   └── InputError            input that cannot be used
    │       └── NotALogError      a file that is no Zeek or Suricata log of a kind we read
    ├── BundleError               a model bundle that is missing, damaged or of another version
    ├── DeviceError               a compute device that was asked for and is not there
    ├── EngineError               a Suricata that is missing, does not answer or fails
    ├── StateError                a site state directory that is damaged or of another version
    └── OutputError               output that could not be written (full disk, no permission)

A message says what is wrong and what to do next. A bad *line* of a log is no exception: it
becomes a :class:`enricher.logs.Rejected` and the run goes on.
"""

from __future__ import annotations

from pathlib import Path


class EnricherError(Exception):
    """Base of every error whose message is meant for the user."""


class PlacedError(EnricherError):
    """An error that has a place in a file.

    Args:
        message: What is wrong and what to do next.
        file: The file it was found in, if any.
        line: Its line, counted from 1, if known.
    """

    def __init__(
        self, message: str, file: Path | str | None = None, line: int | None = None
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(place + message)


class ConfigError(PlacedError):
    """A setting is unknown, of the wrong type, or out of its range."""


class InputError(PlacedError):
    """Input that cannot be used."""


class NotALogError(InputError):
    """A file that is no Zeek or Suricata log of a kind that is read."""


class BundleError(EnricherError):
    """A model bundle that is missing, damaged, or made by another version."""


class DeviceError(EnricherError):
    """A compute device was asked for that this machine does not have."""


class EngineError(EnricherError):
    """A Suricata that is needed is not there, does not answer, or failed at what it was asked."""


class StateError(EnricherError):
    """The site state directory is damaged, locked, or made by another version."""


class OutputError(EnricherError):
    """Output could not be written; what was written so far is not left as if it were whole."""
