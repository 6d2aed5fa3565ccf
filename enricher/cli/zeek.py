"""``enricher zeek``: look at a running Zeek, and give it the package that joins the two."""

from __future__ import annotations

import click

from enricher.cli import zeek_check, zeek_install, zeek_verdicts


@click.group("zeek", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Zeek, and give it the package that joins the two."""


for _module in (zeek_check, zeek_install, zeek_verdicts):
    command.add_command(_module.command)
