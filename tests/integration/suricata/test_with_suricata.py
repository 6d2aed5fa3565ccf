"""The include file in the real Suricata, with the configuration that Debian ships."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from enricher.integration.suricata.checking import examine
from enricher.integration.suricata.installing import Plan, Wish, plan
from enricher.integration.suricata.loading import load
from enricher.logs import Block, open_reader
from enricher.pipeline.live.stored import read_words

HTTP = "pcap_protocols_HTTP_websocket"
TLS = "pcap_protocols_SSL"
DNS = "tunnel_dnscat2-cname_dnscat2-cname_00001_20230903170247"
SCORED = {"flow", "http", "dns", "tls"}
Event = dict[str, Any]
Unpack = Callable[[str], Path]


def install(site: Any, eve: str | None = None, **wish: Any) -> Plan:
    """Do what is printed: save the file, add the line, make the rules file."""
    found = plan(load(site.config), site.engine, Wish(eve, **{"rules": site.rules, **wish}))
    found.include.write_text(found.text)
    (words, lines) = found.steps[1]
    assert "last line" in words
    with site.config.open("a") as config:
        config.write("\n".join(("", *lines, "")))
    site.rules.touch()
    return found


def same(events: Sequence[Event], *without: str) -> Counter[bytes]:
    """Events without what is new in each run of the engine."""
    found: Counter[bytes] = Counter()
    for one in events:
        # When a flow is looked at that has timed out is a matter of the machine's clock.
        late = {"timestamp"} if one["event_type"] == "flow" else set()
        plain = {n: v for n, v in one.items() if n not in {"flow_id", *late, *without}}
        for part, names in (("tls", set(without)), ("flow", {"reason", "state"})):
            if isinstance(plain.get(part), dict):
                plain[part] = {n: v for n, v in plain[part].items() if n not in names}
        found[orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)] += 1
    return found


@contextmanager
def listening(path: Path) -> Iterator[list[bytes]]:
    """A socket as the service has it; afterwards all that came over it."""
    parts: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(60)

        def take() -> None:
            sender, _ = server.accept()
            with sender:
                while data := sender.recv(1 << 16):
                    parts.append(data)

        thread = threading.Thread(target=take)
        thread.start()
        yield parts
        thread.join(60)
        assert not thread.is_alive()


def read(events: bytes) -> Counter[str]:
    """How many records of each kind the reader of EVE makes of events; none may be refused."""
    result = open_reader("eve", "eve.json", None, ()).read(
        Block(0, "eve.json", events, 1, 0, last=True)
    )
    assert result.rejected == []
    return Counter({batch.kind: len(batch) for batch in result.batches})


def test_suricata_takes_it_and_check_says_that_nothing_is_missing(site: Any) -> None:
    install(site)
    done = site.test()
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout
    report = examine(site.config, str(site.engine.path), site.rules)
    assert [one for one in report.findings if one.level != "ok"] == []
    assert report.inputs == [str(site.logs / "enricher-eve.json")]


def test_before_check_says_what_is_missing(site: Any) -> None:
    report = examine(site.config, str(site.engine.path), site.rules)
    areas = Counter(one.area for one in report.findings if one.level != "ok")
    assert areas == {"eve-log": 1, "events": 1, "tls": 2, "rules": 1}
    assert report.usable  # with warnings


@pytest.mark.parametrize("name", [HTTP, DNS])
def test_our_file_has_all_and_the_sites_own_is_as_before(
    site: Any, capture: Unpack, name: str
) -> None:
    site.replay(capture(name))
    before = site.events("eve.json")
    (site.logs / "eve.json").unlink()
    install(site)
    site.replay(capture(name))
    assert same(site.events("eve.json")) == same(before)
    ours = site.events("enricher-eve.json")
    scored = [one for one in before if one["event_type"] in SCORED]
    assert same(ours, "community_id") == same(scored)
    assert all(one["community_id"].startswith("1:") for one in ours)
    data = (site.logs / "enricher-eve.json").read_bytes()
    assert sum(read(data).values()) == len(ours) > 0


@pytest.mark.parametrize("fingerprints", [True, False])
def test_fingerprints_come_and_are_all_that_is_new_in_the_sites_own(
    site: Any, capture: Unpack, fingerprints: bool
) -> None:
    def handshakes(name: str) -> list[Event]:
        return [one for one in site.events(name) if one["event_type"] == "tls"]

    site.replay(capture(TLS))
    before = same(handshakes("eve.json"))
    (site.logs / "eve.json").unlink()
    install(site, fingerprints=fingerprints)
    site.replay(capture(TLS))
    new = ("ja3", "ja3s") if fingerprints else ()
    assert same(handshakes("eve.json"), *new) == before
    tls = [one["tls"] for one in handshakes("enricher-eve.json")]
    assert tls
    names = {"ja3", "ja3s", *(["ja4"] if site.engine.ja4 else [])}
    found = {name for one in tls for name in one} & {"ja3", "ja3s", "ja4"}
    assert found == (names if fingerprints else set())
    assert read((site.logs / "enricher-eve.json").read_bytes())["ssl"] == len(tls)


def test_a_socket_gets_every_event(site: Any, capture: Unpack, tmp_path: Path) -> None:
    install(site, f"unix:{tmp_path / 'eve.sock'}")
    assert site.test().returncode == 0
    (site.logs / "eve.json").unlink()
    with listening(tmp_path / "eve.sock") as parts:
        site.replay(capture(HTTP))
    events = [orjson.loads(line) for line in b"".join(parts).splitlines()]
    scored = [one for one in site.events("eve.json") if one["event_type"] in SCORED]
    assert same(events, "community_id") == same(scored)
    assert all("community_id" in one for one in events)
    assert sum(read(b"".join(parts)).values()) == len(events) == 2
    report = examine(site.config, str(site.engine.path), site.rules)
    assert (report.usable, report.inputs) == (True, [f"unix:{tmp_path / 'eve.sock'}"])


def test_rules_that_are_deployed_alert_beside_the_sites_own(site: Any, capture: Unpack) -> None:
    install(site)
    site.rules.write_text(
        'alert http any any -> any any (msg:"ours"; http.uri; content:"/"; sid:1000000; '
        "classtype:trojan-activity;)\n"
    )
    done = site.test()
    assert "2 rule files processed. 2 rules successfully loaded" in done.stdout
    site.replay(capture(HTTP))
    (alert,) = [one["alert"] for one in site.events("eve.json") if one["event_type"] == "alert"]
    assert (alert["signature"], alert["category"]) == ("ours", "A Network Trojan was detected")


def test_a_rules_file_that_is_missing_fails_the_test_of_suricata_as_check_says(site: Any) -> None:
    install(site)
    site.rules.unlink()
    assert site.test().returncode != 0
    report = examine(site.config, str(site.engine.path), site.rules)
    (found,) = [one for one in report.findings if one.level != "ok"]
    assert "'suricata -T' fails" in found.message


def test_a_list_of_outputs_in_an_include_takes_the_place_of_the_sites(site: Any) -> None:
    other = site.config.with_name("other.yaml")
    other.write_text("%YAML 1.1\n---\noutputs:\n  - eve-log: {enabled: yes}\n")
    with site.config.open("a") as config:
        config.write(f"\ninclude: {other}\n")
    assert [line for line in site.dump() if line.startswith("outputs.")] == [
        "outputs.0 = eve-log",
        "outputs.0.eve-log = (null)",
        "outputs.0.eve-log.enabled = yes",
    ]


def test_an_include_that_stands_first_is_lost_and_check_says_so(site: Any) -> None:
    found = plan(load(site.config), site.engine, Wish(rules=site.rules))
    found.include.write_text(found.text)
    text = site.config.read_text().replace("---\n", f"---\ninclude: {found.include}\n", 1)
    site.config.write_text(text)
    assert not [line for line in site.dump() if "enricher" in line]
    report = examine(site.config, str(site.engine.path), site.rules)
    replaced = [one.message for one in report.findings if "replaces all that" in one.message]
    assert len(replaced) == 3


def test_a_second_include_is_taken_with_a_warning(site: Any) -> None:
    other = site.config.with_name("other.yaml")
    other.write_text("%YAML 1.1\n---\nx: 1\n")
    text = site.config.read_text().replace("---\n", f"---\ninclude: {other}\n", 1)
    site.config.write_text(text)
    install(site)
    done = site.test()
    assert done.returncode == 0
    assert "deprecated" in done.stdout
    assert examine(site.config, str(site.engine.path), site.rules).usable


@pytest.mark.parametrize("text", ["", "outputs:\n", "app-layer:\nrule-files:\n"])
def test_a_site_that_says_nothing_of_outputs_gets_ours(
    site: Any, capture: Unpack, text: str
) -> None:
    site.config.write_text(f"%YAML 1.1\n---\ndefault-log-dir: {site.logs}\n{text}")
    install(site)
    done = site.test()
    assert done.returncode == 0, done.stdout
    site.replay(capture(TLS))
    kinds = Counter(one["event_type"] for one in site.events("enricher-eve.json"))
    assert set(kinds) == {"flow", "http", "tls"}
    assert any("rule-files" in line and str(site.rules) in line for line in site.dump())


def test_lines_of_classtypes_make_them_known(site: Any) -> None:
    classes = site.config.with_name("classification.config")
    classes.write_text("config classification: unknown,Unknown Traffic,3\n")
    text = site.config.read_text()
    shipped = "classification-file: /etc/suricata/classification.config"
    assert shipped in text
    site.config.write_text(text.replace(shipped, f"classification-file: {classes}"))
    found = install(site)
    site.rules.write_text(
        'alert http any any -> any any (msg:"x"; sid:1000000; classtype:trojan-activity;)\n'
    )
    assert "unknown classtype" in site.test().stdout
    with classes.open("a") as file:
        file.write("\n".join((*found.classes, "")))
    assert "unknown classtype" not in site.test().stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("suricata") is None, reason="suricata is not installed")
def test_the_service_scores_every_event_that_comes_over_its_socket(
    site: Any, capture: Unpack, tmp_path: Path
) -> None:
    found = install(site, f"unix:{tmp_path / 'eve.sock'}")
    settings = tmp_path / "enricher.yaml"
    (inputs,) = [lines for _, lines in found.steps if lines and lines[0] == "inputs:"]
    settings.write_text(
        "\n".join(inputs)
        + f"\nstate: {tmp_path / 'state'}\noutputs: {{eve: {tmp_path / 'alerts.json'}}}\n"
    )
    with (tmp_path / "messages").open("wb") as messages:
        service = subprocess.Popen(
            [sys.executable, "-m", "enricher.cli.main", "run", "-c", settings],
            stderr=messages, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        wait_until((tmp_path / "eve.sock").exists)
        site.replay(capture(DNS))
        wanted = sum(one["event_type"] in SCORED for one in site.events("eve.json"))
        wait_until(lambda: read_and_scored(tmp_path / "state")[0] >= wanted)
        assert read_and_scored(tmp_path / "state") == (wanted, wanted)
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(60) == 0, (tmp_path / "messages").read_text()
    assert b"dns-tunnel" in (tmp_path / "alerts.json").read_bytes()


def wait_until(done: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)


def read_and_scored(state: Path) -> tuple[int, int]:
    words = read_words(state, ("accounting",)) or {}
    kinds = (words.get("accounting") or {"kinds": {}})["kinds"].values()
    return sum(one["read"] for one in kinds), sum(one["scored"] for one in kinds)
