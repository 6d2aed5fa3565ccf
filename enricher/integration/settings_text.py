"""The part of ``enricher.yaml`` that fits a site's Zeek or Suricata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ALERTS = "/var/log/enricher/alerts.json"
"""Where alerts go unless a site wants them elsewhere; without a place no service begins."""


@dataclass(frozen=True, slots=True)
class Input:
    """One of the ``inputs`` of the settings.

    Attributes:
        path: Folder of logs that are written to, or one log, or ``unix:`` and a socket.
        archive: Folder that they are moved to at rotation; None where they stay.
    """

    path: Path | str
    archive: Path | None = None

    def as_setting(self) -> dict[str, str]:
        """As it stands in the settings."""
        archive = {} if self.archive is None else {"archive": str(self.archive)}
        return {"path": str(self.path), **archive}


def settings_text(inputs: Sequence[Input], verdicts: Path | None = None) -> str:
    """YAML, in ASCII: whatever a path holds does nothing to a terminal.

    Args:
        inputs: What is read.
        verdicts: Folder that verdicts for Zeek are written to.
    """
    outputs = {"eve": ALERTS}
    if verdicts is not None:
        outputs["zeek"] = str(verdicts)
    settings: dict[str, Any] = {
        "inputs": [one.as_setting() for one in inputs],
        "outputs": outputs,
    }
    return yaml.safe_dump(settings, sort_keys=False, default_flow_style=False, width=4096)
