"""Writes docs/commands.md out of the commands' own help. A test compares the two.

Usage: python docs/write_commands.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from enricher.cli.main import COMMANDS, group

PAGE = Path(__file__).with_name("commands.md")


def page() -> str:
    """The page as it should be."""
    top = click.Context(group, info_name="enricher", **group.context_settings)
    parts = [
        "# Commands\n\nThis page is what the commands say of themselves with `--help`.\n",
        "Exit status: 0 done, 1 could not, 2 wrong usage.\n",
    ]
    for name in COMMANDS:
        command = group.get_command(top, name)
        assert command is not None
        parts.extend(_helps(command, name, top))
    return "\n".join(parts)


def _helps(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """The help of a command, then that of the commands below it."""
    # What the command itself says of its context: its names of --help are kept at the first use.
    settings = {**command.context_settings, "max_content_width": 90}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield f"## {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            yield from _helps(one, below, context)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
