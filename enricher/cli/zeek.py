"""``enricher zeek``: look at a running Zeek, and give it the package that joins the two."""

from __future__ import annotations

import importlib
import importlib.util

import click

# Name of the command -> its module, imported on use.
_COMMANDS = {"check": "zeek_check", "install": "zeek_install", "verdicts": "zeek_verdicts"}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names of the commands that are there."""
        return [name for name in _COMMANDS if _spec(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if not _spec(cmd_name):
            return None
        command = importlib.import_module(f"enricher.cli.{_COMMANDS[cmd_name]}").command
        assert isinstance(command, click.Command)
        return command


def _spec(name: str) -> bool:
    module = _COMMANDS.get(name)
    return module is not None and importlib.util.find_spec(f"enricher.cli.{module}") is not None


@click.group("zeek", cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Zeek, and give it the package that joins the two."""
