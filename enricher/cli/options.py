"""Options that several commands share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from enricher.config import Resolved, Settings

_SWITCH_SECONDS = 0.001

F = TypeVar("F", bound=Callable[..., Any])


def settings_options(command: F) -> F:
    """Add ``--config`` and ``--set``."""
    command = click.option(
        "--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Override one setting."
    )(command)
    return click.option(
        "-c",
        "--config",
        "file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file (YAML).",
    )(command)


def settings_of(file: Path | None, overrides: Sequence[str], **flags: object) -> Settings:
    """The settings of a run; see :func:`resolved_of`."""
    return resolved_of(file, overrides, **flags).settings


def resolved_of(file: Path | None, overrides: Sequence[str], **flags: object) -> Resolved:
    """The settings of a run with their origins; a flag that was given is the last override.

    Args:
        file: The settings file.
        overrides: ``NAME=VALUE`` each.
        flags: Values by setting, with ``__`` for the dot; None where the flag was not given.
    """
    from enricher.config import load_settings  # noqa: PLC0415  # pydantic: not for --help

    given = [
        f"{name.replace('__', '.')}={value}" for name, value in flags.items() if value is not None
    ]
    return load_settings(file, os.environ, [*overrides, *given])


def prepare_process(threads: int) -> None:
    """Set the process up for long work on many records, before numeric libraries are imported.

    Args:
        threads: Processor threads of each numeric library; 0 leaves it to them.
    """
    if threads:
        for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
            os.environ[name] = str(threads)
    # Open groups of alerts are many small objects without cycles: looking through them for
    # cycles every few hundred allocations took a fifth of a scan.
    gc.set_threshold(500_000, 10, 100)
    # A thread that comes back from a kernel or a product waits so long for one that groups alerts,
    # many times a batch; five milliseconds, the default, are a dozen passes of the encoder.
    sys.setswitchinterval(_SWITCH_SECONDS)
