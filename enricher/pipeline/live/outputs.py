"""All outputs of the service together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from enricher.config import Settings
from enricher.errors import ConfigError, OutputError
from enricher.pipeline.live.output import Output, Written, open_output
from enricher.pipeline.live.patience import Patience

EVE, ENRICHED = "eve", "enriched"

log = logging.getLogger("enricher")


class Outputs:
    """Alerts, and the enriched records where the settings want them.

    Args:
        settings: Where they go.
        committed: What :meth:`written` gave at the last commit.
        patience: Waits where something can not be written.

    Raises:
        ConfigError: If the settings do not say where alerts go.
        OutputError: If one can not be opened.
    """

    def __init__(
        self, settings: Settings, committed: Mapping[str, Any] | None, patience: Patience
    ) -> None:
        self._patience = patience
        self._targets = _targets(settings)
        known = committed or {}
        self._outputs: dict[str, Output] = {}
        try:
            for name, target in self._targets.items():
                self._outputs[name] = open_output(target, Written.from_plain(known.get(name)))
        except OutputError:
            self.close()
            raise

    def append(self, lines: Mapping[str, Sequence[bytes]]) -> None:
        """Bring lines to their places, by the name of the output.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        for name, output in self._outputs.items():
            own = lines.get(name, ())
            self._patience.until_done(partial(output.append, own))

    def written(self) -> dict[str, dict[str, int] | None]:
        """What is to be committed of each."""
        found = {name: output.written() for name, output in self._outputs.items()}
        return {name: None if one is None else one.to_plain() for name, one in found.items()}

    def moved(self) -> list[str]:
        """Names of the outputs whose file was renamed, removed or replaced."""
        return [name for name, output in self._outputs.items() if output.moved()]

    def reopen(self, settings: Settings) -> None:
        """Begin with whatever is at their places now, as after a rotation.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        targets = _targets(settings)
        for name in [name for name in self._outputs if targets.get(name) != self._targets[name]]:
            self._outputs.pop(name).close()
        for output in self._outputs.values():
            self._patience.until_done(output.reopen)
        for name, target in targets.items():
            if name not in self._outputs:
                log.info("%s goes to %s now", name, target)
                self._outputs[name] = self._patience.until_done(partial(open_output, target, None))
        self._targets = targets

    def close(self) -> None:
        """Let go of all."""
        for output in self._outputs.values():
            output.close()


def _targets(settings: Settings) -> dict[str, str]:
    outputs = settings.outputs
    if outputs.eve is None:
        raise ConfigError(
            "nobody said where alerts go: set outputs.eve to a file, unix:/path of a socket, or -"
        )
    return {EVE: outputs.eve} | ({ENRICHED: outputs.enriched} if outputs.enriched else {})
