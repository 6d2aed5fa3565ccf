"""Made-up installations of Zeek, with logs that real ones wrote."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.integration.zeek.check import Machine

Prefix = Callable[..., Path]
Log = Callable[[str], bytes]

# A capture that has the kind, and the name of its file.
_LOGS = {
    "conn": "genuine/pcap_protocols_DNS/conn.log.gz",
    "dns": "genuine/pcap_protocols_DNS/dns.log.gz",
    "http": "genuine/pcap_protocols_DNS/http.log.gz",
    "ssl": "genuine/pcap_protocols_SSL/ssl.log.gz",
    "dns tsv": "unlabelled/wrccdc-2018/zeek-default/dns.log.gz",
    "ssl tsv": "unlabelled/wrccdc-2018/zeek-default/ssl.log.gz",
    "dns streaming": "unlabelled/wrccdc-2018/zeek-json/dns.json.gz",
    "loaded_scripts tsv": "unlabelled/wrccdc-2018/zeek-default/loaded_scripts.log.gz",
}


@pytest.fixture(scope="session")
def log(shared_data: Path) -> Log:
    """The beginning of a log that a real Zeek wrote, in whole lines."""

    def read(name: str) -> bytes:
        with gzip.open(shared_data / "zeek" / _LOGS[name]) as file:
            return b"".join(file.readlines(200_000))

    return read


@pytest.fixture
def nowhere(tmp_path: Path) -> Machine:
    """A machine without any Zeek."""
    (tmp_path / "proc").mkdir()
    return Machine(proc=tmp_path / "proc", usual=(), search="")


@pytest.fixture
def prefix(tmp_path: Path) -> Prefix:
    """Makes an installation under ZeekControl, standalone and running."""

    def make(logs: dict[str, bytes] | None = None, version: str = "8.0.10") -> Path:
        top = tmp_path / "opt" / "zeek"
        spool = top / "spool" / "zeek"
        for folder in (top / "bin", top / "etc", top / "logs", top / "share/zeek/site", spool):
            folder.mkdir(parents=True)
        program(top / "bin" / "zeek", f'echo "zeek version {version}"')
        program(top / "bin" / "zeekctl", "exit 0")
        (top / "etc" / "zeekctl.cfg").write_text(
            "# Written by an administrator\n\nLogRotationInterval = 900\n"
            f"LogDir = {top}/logs\nSpoolDir = {top}/spool\nCfgDir = {top}/etc\n"
        )
        (top / "etc" / "node.cfg").write_text("[zeek]\ntype=standalone\nhost=localhost\n")
        (top / "share/zeek/site/local.zeek").write_text("@load misc/loaded-scripts\n")
        (top / "logs" / "current").symlink_to("../spool/zeek")
        for name, data in (logs or {}).items():
            (spool / name).write_bytes(data)
        return top

    return make


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def make_program() -> Callable[[Path, str], None]:
    """Writes a shell script that stands for a program."""
    return program


@pytest.fixture
def process(nowhere: Machine) -> Callable[..., Path]:
    """Adds a process to the machine."""

    def add(
        pid: int, exe: str | None, cwd: str | None, words: tuple[str, ...], comm: str = "zeek"
    ) -> Path:
        place = nowhere.proc / str(pid)
        place.mkdir()
        (place / "comm").write_text(comm + "\n")
        (place / "cmdline").write_bytes(b"\0".join(map(os.fsencode, words)) + b"\0")
        if exe is not None:
            (place / "exe").symlink_to(exe)
        if cwd is not None:
            (place / "cwd").symlink_to(cwd)
        return place

    return add
