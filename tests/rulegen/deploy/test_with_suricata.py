"""Deploying into a real running Suricata, over its control socket, while traffic passes."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import EngineError
from enricher.rulegen.deploy.deploying import deploy
from enricher.rulegen.engine.control import Control
from enricher.rulegen.engine.suricata import Engine, require_engine
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.hits import count_hits
from enricher.rulegen.ledger.judging import observed
from enricher.rulegen.ledger.ledger import Ledger

CAPTURE = "pcap/tunnel_iodine-cname.pcap.gz"
PACKETS = 400
Add = Callable[..., Candidate]
BY: Any = {"who": "ana", "why": "a test"}


def may_capture() -> bool:
    """Whether this user may send and capture raw frames on the loopback interface."""
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("lo", 0))
    except (AttributeError, OSError):
        return False
    return True


pytestmark = [
    pytest.mark.skipif(
        shutil.which("suricata") is None, reason="suricata is not installed (.ci/install-programs)"
    ),
    pytest.mark.skipif(not may_capture(), reason="needs to capture on the loopback interface"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return require_engine()


@pytest.fixture(scope="module")
def packets(shared_data: Path) -> list[bytes]:
    """The first packets of a capture of a tunnel through DNS."""
    with gzip.open(shared_data / CAPTURE) as file:
        file.read(24)
        found: list[bytes] = []
        while len(found) < PACKETS:
            _, _, captured, _ = struct.unpack("<IIII", file.read(16))
            found.append(file.read(captured))
    return found


@dataclass
class Running:
    """A Suricata that captures on the loopback interface."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @property
    def rules(self) -> Path:
        return self.folder / "rules" / "enricher.rules"

    @property
    def eve(self) -> Path:
        return self.folder / "eve.json"

    def replay(self, packets: list[bytes]) -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("lo", 0))
            for one in packets:
                raw.send(one)

    def alerts(self) -> list[dict[str, Any]]:
        lines = self.eve.read_bytes().split(b"\n")[:-1] if self.eve.exists() else []
        return [json.loads(line)["alert"] for line in lines]

    def fired(self) -> set[tuple[int, int]]:
        return {(alert["signature_id"], alert["rev"]) for alert in self.alerts()}

    def loaded(self) -> int:
        """Rules that it has, by its own word."""
        done = subprocess.run(
            ["suricatasc", "-c", "ruleset-stats", self.socket],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return int(json.loads(done.stdout)["message"][0]["rules_loaded"])


@pytest.fixture
def running(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("s")  # a short path: that of a socket may not be long
    (folder / "rules").mkdir()
    (folder / "suricata.yaml").write_text(
        "%YAML 1.1\n---\n"
        "vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}\n"
        f"default-rule-path: {folder / 'rules'}\n"
        "rule-files: ['*.rules']\n"
        f"unix-command: {{enabled: yes, filename: {folder / 's'}}}\n"
        "outputs: [{eve-log: {enabled: yes, filename: eve.json, types: [alert]}}]\n"
    )
    with (tmp_path / "suricata.log").open("wb") as log:
        process = subprocess.Popen(
            ["suricata", "-c", folder / "suricata.yaml", "--pcap=lo", "-l", folder, "-k", "none"],
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: (folder / "s").exists() or process.poll() is not None)
        assert process.poll() is None, (tmp_path / "suricata.log").read_text()
        yield Running(folder, process)
    finally:
        process.terminate()
        process.wait(60)


def names_of(packets: list[bytes]) -> str:
    """The names that are asked for, as a file of a dataset."""
    names = set()
    for one in packets:
        message = one[14 + 20 + 8 :]
        if message[2] & 0x80:
            continue
        place, labels = 12, []
        while length := message[place]:
            labels.append(message[place + 1 : place + 1 + length])
            place += 1 + length
        names.add(b".".join(labels))
    return "".join(f"{base64.b64encode(name).decode()}\n" for name in sorted(names))


def wait_until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)


TUNNEL = "dns.query; bsize:>60; threshold:type limit, track by_src, count 5, seconds 1;"


def test_from_approval_to_a_counted_hit_and_out_again(
    running: Running, ledger: Ledger, add: Add, engine: Engine, packets: list[bytes]
) -> None:
    good = add("tunnel", TUNNEL)
    unapproved = add("unapproved", 'dns.query; content:".";', approve=False)
    control = Control(running.socket)
    done = deploy(ledger, running.rules, engine, control, **BY)
    assert (done.reloaded, done.notes, running.loaded()) == (True, (), 1)
    running.replay(packets)
    wait_until(lambda: (good.sid, 1) in running.fired())
    counts = count_hits(ledger, [running.eve])
    assert counts.counted > 0
    assert counts.bad == 0
    assert count_hits(ledger, [running.eve]).counted == 0
    assert observed(ledger)[good.id, 1].hits == counts.counted

    ledger.approve(unapproved.id, **BY)
    ledger.retire(good.id, **BY)
    deploy(ledger, running.rules, engine, control, stage="live", **BY)
    assert running.loaded() == 1
    before = running.alerts()
    running.replay(packets)
    wait_until(lambda: (unapproved.sid, 1) in running.fired())
    assert {alert["signature_id"] for alert in running.alerts()[len(before) :]} == {unapproved.sid}


def test_a_rule_that_only_the_running_suricata_refuses_is_rolled_back(
    running: Running, ledger: Ledger, add: Add, engine: Engine, packets: list[bytes]
) -> None:
    good = add("tunnel", TUNNEL)
    control = Control(running.socket)
    deploy(ledger, running.rules, engine, control, **BY)
    rule = add("fine")
    # The one that checks knows these servers; the one that runs has never heard of them.
    edited = rule.rule.replace("any any ->", "$AIM_SERVERS any ->")
    ledger.edit(rule.id, Draft(edited, {}), **BY)
    ledger.approve(rule.id, **BY)
    before, all_before = running.rules.read_bytes(), ledger.all()
    with pytest.raises(EngineError, match=rf"{rule.sid}.*put back and loaded"):
        deploy(ledger, running.rules, engine, control, **BY)
    assert running.rules.read_bytes() == before
    assert ledger.all() == all_before
    assert running.loaded() == 1
    running.replay(packets)
    wait_until(lambda: running.fired() == {(good.sid, 1)})


def test_a_suricata_that_is_gone_leaves_everything_as_it_was(
    running: Running, ledger: Ledger, add: Add, engine: Engine
) -> None:
    add("one")
    control = Control(running.socket)
    deploy(ledger, running.rules, engine, control, **BY)
    before = running.rules.read_bytes()
    running.process.terminate()
    running.process.wait(60)
    rule = add("two")
    with pytest.raises(EngineError, match="Suricata gave no answer"):
        deploy(ledger, running.rules, engine, control, **BY)
    assert running.rules.read_bytes() == before
    assert ledger.get(rule.id).status == "approved"


def test_a_rule_finds_the_files_it_loads_beside_it(
    running: Running, ledger: Ledger, add: Add, engine: Engine, packets: list[bytes]
) -> None:
    rule = add(
        "listed",
        "dns.query; dataset:isset,enricher-names,type string,load enricher-names.lst;",
        lists={"enricher-names.lst": names_of(packets)},
    )
    deploy(ledger, running.rules, engine, Control(running.socket), **BY)
    running.replay(packets)
    wait_until(lambda: (rule.sid, 1) in running.fired())
