"""``enricher suricata``: look at a running Suricata, and give it what the enricher needs."""

from __future__ import annotations

import click


@click.group("suricata", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Suricata's settings, and print what they lack."""
