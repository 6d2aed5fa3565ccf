"""The real engine, and a site with the configuration that Debian ships."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from enricher.rulegen.engine.suricata import Engine, require_engine

SHIPPED = Path("/etc/suricata/suricata.yaml")
RULE = 'alert dns any any -> any any (msg:"the site\'s own"; dns.query; content:"site"; sid:1;)\n'


@dataclass(frozen=True, slots=True)
class Site:
    """A Suricata of its own: settings, rules and logs, all in one folder.

    Attributes:
        config: Its suricata.yaml.
        logs: Its logs.
        rules: Where the enricher's rules are to be.
        engine: The engine.
    """

    config: Path
    logs: Path
    rules: Path
    engine: Engine

    def test(self) -> subprocess.CompletedProcess[str]:
        """What ``suricata -T`` says."""
        return self._run("-T")

    def replay(self, capture: Path) -> None:
        """Let Suricata read a capture as it reads an interface."""
        done = self._run("-r", capture, "-k", "none", "--runmode", "single")
        assert done.returncode == 0, done.stdout

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of a log; of those that run on their own clock none."""
        lines = (self.logs / name).read_bytes().splitlines()
        return [one for one in map(orjson.loads, lines) if one["event_type"] != "stats"]

    def dump(self) -> list[str]:
        """The settings as the engine has them."""
        done = subprocess.run(
            [self.engine.path, "--dump-config", "-c", self.config],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return [line for line in done.stdout.splitlines() if " = " in line]

    def _run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.engine.path, *arguments, "-c", self.config, "-l", self.logs, "-v"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
        )  # fmt: skip


@pytest.fixture(scope="session")
def suricata() -> Engine:
    """Suricata; the test is skipped where it is not installed."""
    if shutil.which("suricata") is None:
        pytest.skip("suricata is not installed (.ci/install-programs)")
    return require_engine()


@pytest.fixture
def site(suricata: Engine, tmp_path: Path) -> Site:
    """The configuration that ships, with folders of its own for logs and rules."""
    if not SHIPPED.is_file():
        pytest.skip(f"{SHIPPED} is not here")
    found = Site(
        tmp_path / "etc" / "suricata.yaml",
        tmp_path / "logs",
        tmp_path / "rules" / "enricher.rules",
        suricata,
    )
    for folder in (found.config.parent, found.logs, found.rules.parent):
        folder.mkdir()
    (found.rules.parent / "suricata.rules").write_text(RULE)
    text = SHIPPED.read_text()
    for before, after in (
        ("default-log-dir: /var/log/suricata/", f"default-log-dir: {found.logs}"),
        ("default-rule-path: /var/lib/suricata/rules", f"default-rule-path: {found.rules.parent}"),
    ):
        assert before in text
        text = text.replace(before, after)
    found.config.write_text(text)
    return found


@pytest.fixture
def capture(shared_data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Unpacks a capture by its name."""

    def unpack(name: str) -> Path:
        plain = tmp_path / f"{name}.pcap"
        with gzip.open(shared_data / "pcap" / f"{name}.pcap.gz") as packed:
            plain.write_bytes(packed.read())
        return plain

    return unpack
