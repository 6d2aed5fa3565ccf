from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enricher.integration.settings_text import settings_text
from enricher.integration.zeek import check, streams
from enricher.integration.zeek.check import Machine, look
from enricher.integration.zeek.control import read_nodes, read_options
from enricher.integration.zeek.findings import findings_of
from enricher.integration.zeek.scripts import read_script, seconds_of

Prefix = Callable[..., Path]

# Lines that look like something, between whatever else.
words = st.sampled_from(
    [
        b"LogDir = ", b"SpoolDir=", b"CfgDir = /etc\n", b"NodeCfg=", b"ZeekBase = ",
        b"LogRotationInterval = ", b"SitePolicyPath = ", b"SitePolicyScripts=", b"[zeek]\n",
        b"type = standalone\n", b"type=logger\n", b"host=", b"@load ", b"redef ", b"enricher",
        b"Enricher::directory = ", b"Log::default_logdir = ", b'"', b"\\", b"#", b";", b"\n",
        b"=", b"/", b"..", b"\0", b"\xff", b"/proc/self/fd", b"/dev/zero", b"a" * 5000, b"0",
        b"9" * 30,
    ]
)  # fmt: skip
anything = st.lists(words | st.binary(max_size=20), max_size=12).map(b"".join)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(control=anything, nodes=anything, script=anything, built=anything, log=anything)
@example(b"LogDir = /\nSpoolDir = /", b"", b"", b"", b"")
@example(b"LogDir =\n", b"[a]\ntype=standalone", b"", b"", b"{")
def test_whatever_stands_in_the_files_of_a_site_there_are_findings(
    tmp_path_factory: pytest.TempPathFactory,
    nowhere: Machine,
    control: bytes,
    nodes: bytes,
    script: bytes,
    built: bytes,
    log: bytes,
) -> None:
    top = tmp_path_factory.mktemp("site")
    for folder in ("etc", "bin", "share/zeek/site", "logs/current"):
        (top / folder).mkdir(parents=True)
    (top / "etc/zeekctl.cfg").write_bytes(control)
    (top / "etc/node.cfg").write_bytes(nodes)
    (top / "share/zeek/site/local.zeek").write_bytes(script)
    (top / "bin/zeek-config").write_bytes(built)
    (top / "logs/current/conn.log").write_bytes(log)
    site = look(top, None, nowhere)
    assert findings_of(site)
    assert settings_text(site.inputs).isascii()


def test_options_are_read_as_zeekcontrol_reads_them() -> None:
    data = b"# LogDir = /no\n\n  logdir = /a b = c \nLOGDIR= /last\nSpoolDir\nEmpty =\n"
    assert read_options(data) == {"logdir": "/last", "empty": ""}


def test_nodes_are_read_as_zeekcontrol_reads_them() -> None:
    data = b"# a\n[logger-1]\ntype = logger\nHOST: h1\n\n[w]\nhost=h2\n[m]\ntype=manager\n"
    assert [(node.name, node.type, node.host) for node in read_nodes(data)] == [
        ("logger-1", "logger", "h1"),
        ("m", "manager", ""),
    ]


def test_a_script_is_read_without_its_comments() -> None:
    script = read_script(
        b'@load a\n@load ./b # c\n# @load d\nredef A::x = "q\\"#\\\\" ; # "e\n'
        b"redef A::y=T;redef A::z = 1 hr;\nredef A::set += { 1 };\nredef A::open = 1"
    )
    assert script.loads == ("a", "./b")
    assert script.options == {"A::x": 'q"#\\', "A::y": "T", "A::z": "1 hr"}


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [("1hr", 3600.0), ("90 secs", 90.0), ("0.5 days", 43_200.0), ("T", None), ("", None)],
)
def test_intervals_are_seconds(interval: str, seconds: float | None) -> None:
    assert seconds_of(interval) == seconds


@pytest.mark.parametrize(
    "hard",
    [b'"\\"' * 70_000, b"redef " * 40_000, b'redef a = "' * 25_000, b" " * 250_000, b"@load" * 9],
    ids=["quotes", "redefs", "strings", "spaces", "loads"],
)  # fmt: skip
def test_no_script_takes_long_to_read(hard: bytes) -> None:
    start = time.process_time()
    read_script(hard)
    read_nodes(hard)
    read_options(hard)
    assert time.process_time() - start < 3


def test_the_look_is_bounded(
    prefix: Prefix, nowhere: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = prefix()
    for day in range(1, 9):
        (top / f"logs/2026-01-0{day}").mkdir()
    seen: list[Path] = []
    original = streams.look_at

    def counting(folders: list[Path]) -> object:
        seen.extend(folders)
        return original(folders)

    monkeypatch.setattr(check, "look_at", counting)
    look(top, None, nowhere)
    assert seen == [top / "logs/current", top / "logs/2026-01-08", top / "logs/2026-01-07"]
