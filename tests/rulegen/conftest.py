"""The real engine, for all that concerns rules."""

from __future__ import annotations

import shutil

import pytest

from enricher.rulegen.engine.suricata import Engine, require_engine


@pytest.fixture(scope="session")
def suricata() -> Engine:
    """Suricata; the test is skipped where it is not installed."""
    if shutil.which("suricata") is None:
        pytest.skip("suricata is not installed (.ci/install-programs)")
    return require_engine()
