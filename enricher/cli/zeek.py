"""``enricher zeek``: look at a running Zeek, and give it the package that joins the two."""

from __future__ import annotations

import importlib
import importlib.util

import click

# Each is a module with a ``command``; what is not there is left out.
_MODULES = ("zeek_check", "zeek_install", "zeek_verdicts")


@click.group("zeek", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Zeek, and give it the package that joins the two."""


for _name in _MODULES:
    if importlib.util.find_spec(f"enricher.cli.{_name}") is not None:
        command.add_command(importlib.import_module(f"enricher.cli.{_name}").command)
