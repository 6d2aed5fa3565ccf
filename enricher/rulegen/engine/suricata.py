"""Finds the Suricata on this machine and runs it as a child process.

Arguments are always a list, every run has a time limit, and what the engine prints is cut to a
bound: a rule's text comes from logs, so nothing of it may reach a shell or fill the memory.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import EngineError

# Bytes of a child's output that are kept.
_MOST_OUTPUT = 1 << 20
# Seconds between two looks at whether a child's run has become hopeless.
_ASK_EVERY = 0.5

_VERSION = re.compile(r"^This is Suricata version (\d+\.\d+\.\d+\S*)", re.MULTILINE)
_SETTINGS = re.compile(r"^\s*Configuration directory:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Suricata that can be run.

    Attributes:
        path: The program.
        version: As it names itself, such as ``7.0.10``.
        ja3: Whether it was built with JA3 fingerprints.
        ja4: Whether it was built with JA4 fingerprints.
        settings: The folder that its installation keeps settings in, where it names one.
    """

    path: Path
    version: str
    ja3: bool = False
    ja4: bool = False
    settings: Path | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A child process that ended: its exit status and the beginning of what it printed."""

    status: int
    output: str


def find_engine(program: str = "suricata") -> Engine | None:
    """Look for Suricata.

    Args:
        program: Its name on the PATH, or its path.

    Returns:
        The engine, or None where there is no such program.

    Raises:
        EngineError: If the program is there but is no Suricata, or does not answer.
    """
    found = shutil.which(program)
    if found is None:
        return None
    built = run_child([found, "--build-info"], timeout=60).output
    version = _VERSION.search(built)
    if version is None:
        raise EngineError(f"{found} does not answer as a Suricata would: check the program")
    features = next((line for line in built.splitlines() if line.startswith("Features:")), "")
    settings = _SETTINGS.search(built)
    return Engine(
        path=Path(found),
        version=version[1],
        ja3="HAVE_JA3" in features.split(),
        ja4="HAVE_JA4" in features.split(),
        settings=None if settings is None else Path(settings[1]),
    )


def require_engine(program: str = "suricata") -> Engine:
    """Look for Suricata where nothing can be done without it.

    Raises:
        EngineError: If it is not there; says what to do.
    """
    engine = find_engine(program)
    if engine is None:
        raise EngineError(
            f"{program} is not on the PATH: install Suricata 7 or later, or name the program"
        )
    return engine


def run_child(
    arguments: Sequence[str],
    *,
    timeout: float,
    hopeless: Callable[[], str | None] | None = None,
) -> Finished:
    """Run a program and wait for it.

    Args:
        arguments: The program and its arguments; no shell sees them.
        timeout: Seconds after which it is ended.
        hopeless: Asked now and then whether waiting is of no use; says why then, and the program
            is ended.

    Raises:
        EngineError: If it cannot be started, takes too long, or is hopeless.
    """
    with tempfile.TemporaryFile() as printed:
        try:
            child = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                list(arguments), stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT
            )
        except (OSError, ValueError) as error:
            raise EngineError(f"{arguments[0]} could not be started: {error}") from error
        try:
            status = _wait(child, arguments[0], timeout, hopeless)
        finally:
            # Nothing is left running, whatever ended the wait.
            if child.poll() is None:
                child.kill()
                child.wait()
        printed.seek(0)
        text = printed.read(_MOST_OUTPUT).decode("utf-8", "replace")
    return Finished(status, text)


def _wait(
    child: subprocess.Popen[bytes],
    name: str,
    timeout: float,
    hopeless: Callable[[], str | None] | None,
) -> int:
    until = time.monotonic() + timeout
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise EngineError(
                f"{name} did not end within {timeout:g} s: give it more time or less to do"
            )
        try:
            return child.wait(left if hopeless is None else min(left, _ASK_EVERY))
        except subprocess.TimeoutExpired:
            why = None if hopeless is None else hopeless()
            if why is not None:
                raise EngineError(why) from None
