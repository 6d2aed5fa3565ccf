"""``enricher zeek``: look at a running Zeek, and give it the package that joins the two."""

from __future__ import annotations

import click


@click.group("zeek", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Zeek, and give it the package that joins the two."""
