"""What the documentation shows works, and nothing it leaves out."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from enricher.cli.main import COMMANDS
from enricher.simulate import generate

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_in(page: Path) -> list[str]:
    """Every line of the page's ``sh`` blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def cut_out(log: Path, family: str, out: Path) -> None:
    """Five records of a family and nothing else, as the page says that its reader has them."""
    lines = log.read_text().splitlines(keepends=True)
    head = [line for line in lines if line[0] == "#" and not line.startswith("#close")]
    records = [line for line in lines if line.endswith(f"\t{family}\n")]
    out.write_text("".join(head + records[:5]))


def test_the_commands_of_the_readme_run_in_their_order(tmp_path: Path) -> None:
    generate(tmp_path / "logs", seed=2, hours=1, hosts=5)
    cut_out(tmp_path / "logs" / "dns.log", "dns-tunnel", tmp_path / "odd.log")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "xdg")}
    lines = commands_in(ROOT / "README.md")
    assert len(lines) >= 6
    for line in lines:
        name, *arguments = shlex.split(line)
        assert name == "enricher"
        done = subprocess.run(
            [sys.executable, "-m", "enricher.cli.main", *arguments],
            cwd=tmp_path, env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    # In a process of its own: a command keeps its names of --help from its first use.
    code = "import runpy; print(runpy.run_path('docs/write_commands.py')['page'](), end='')"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    shown = (ROOT / "docs" / "commands.md").read_text()
    assert shown == said, "run: python docs/write_commands.py"


def test_the_readme_names_every_command_that_it_uses_rightly() -> None:
    used = set(re.findall(r"^enricher ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert used
    assert used <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
