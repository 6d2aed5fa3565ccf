"""What the scripts do in Zeek 6 and 7: the branches of those versions, in the Zeek that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "zeek_scripts"
NODES = ("", "manager", "worker-1")


@pytest.mark.parametrize("node", NODES, ids=lambda node: node or "alone")
def test_the_branches_of_older_versions_load_in_every_node(node: str, tmp_path: Path) -> None:
    if shutil.which("zeek") is None:
        pytest.skip("zeek is not on the PATH; the Zeek package is not run")
    package = tmp_path / "package"
    package.mkdir()
    for script in PACKAGE.glob("*.zeek"):
        text = script.read_text().replace("Version::number", "60009")
        assert "Cluster::publish" not in text or "@if ( 60009 >= 70100 )" in text
        (package / script.name).write_text(text)
    layout = (HERE / "Files/cluster-layout.zeek").read_text()
    (tmp_path / "cluster-layout.zeek").write_text(layout)
    paths = subprocess.run(
        ["zeek-config", "--zeekpath"], capture_output=True, text=True, check=True
    ).stdout.strip()
    ports = {f"BROKER_{name}_PORT": "1/tcp" for name in ("MANAGER", "WORKER1", "WORKER2")}
    env = {**os.environ, **ports, "ZEEKPATH": f"{paths}:{tmp_path}"}
    if node:
        env["CLUSTER_NODE"] = node
    ran = subprocess.run(
        ["zeek", "-a", str(package)], cwd=tmp_path, env=env, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
