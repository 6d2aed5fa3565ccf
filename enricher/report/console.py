"""The console that commands print on."""

from __future__ import annotations

import io
from typing import TextIO

from rich.console import Console


def make_console(stream: TextIO, width: int | None = None) -> Console:
    """A console for a stream: colours on a terminal (unless ``NO_COLOR``), plain text elsewhere.

    Args:
        stream: For example ``sys.stdout``. What its encoding cannot show is written escaped.
        width: Columns; by default the terminal's, ``COLUMNS``, or 80.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    terminal = stream.isatty()
    return Console(
        file=stream,
        width=width,
        force_terminal=terminal,
        force_interactive=terminal,
        no_color=None if terminal else True,
        color_system="auto" if terminal else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
