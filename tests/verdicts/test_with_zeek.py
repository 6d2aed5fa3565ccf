"""A real Zeek reads the files as they were meant, whatever is in them."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enricher.verdicts import Choice, Entry, Verdict, indicators_of, make_files, read_event

pytestmark = pytest.mark.skipif(shutil.which("zeek") is None, reason="zeek is not on the PATH")

NASTY = (
    "-", "(empty)", "#", "#fields\tx", "\\x41", "\\", "\\\\x0a", "a\r", "\n#close", " lead",
    "trail ", "T", "é\u2028", "\x00\x7f\x1b[31m", "a\tIntel::ADDR\tb", ",", "%s",
)  # fmt: skip
SCRIPT = """
@load base/frameworks/intel
type Idx: record { alert_id: string; };
type Val: record {
    ts: time; uid: string &optional; orig_h: addr; orig_p: port; resp_h: addr; resp_p: port;
    family: string; score: double; p_value: double &optional; signature: string; severity: count;
    kind: string &optional; community_id: string &optional; expires: time;
};
global verdicts: table[string] of Val = table();
global ended = 0;
redef exit_only_after_terminate = T;
redef Intel::read_files += { "intel.dat" };
event Input::end_of_data(name: string, source: string) &priority=-5
    {
    if ( ++ended == 2 )
        {
        for ( id, v in verdicts )
            print fmt("row %s %s %s %s %s %s %.6f", id, bytestring_to_hexstr(v$signature),
                v$orig_h, v$orig_p, v$resp_h, v$resp_p, v$expires);
        terminate();
        }
    }
event Intel::read_entry(desc: Input::EventDescription, tpe: Input::Event, item: Intel::Item)
    {
    print fmt("item %s %s %s", item$indicator_type, bytestring_to_hexstr(item$indicator),
        item$meta$source);
    }
event zeek_init()
    {
    Input::add_table([$source="verdicts.dat", $name="verdicts", $idx=Idx, $val=Val,
        $destination=verdicts]);
    }
"""


def test_zeek_reads_every_value_back_as_it_was(
    make_event: Callable[..., dict[str, Any]], choice: Choice, tmp_path: Path
) -> None:
    draw = random.Random(3)  # noqa: S311 - chance, no secret
    verdicts = []
    for number in range(200):
        text, agent = (draw.choice(NASTY) + draw.choice(("", *NASTY)) for _ in range(2))
        record = {"uid": f"C{number}", "user_agent": agent, "host": "e.example", "uri": f"/{text}"}
        event = make_event("http", record | {"proto": draw.choice(("tcp", "icmp", "gre"))})
        event["alert"]["signature"] = text
        verdict = read_event(event)
        assert isinstance(verdict, Verdict)
        verdicts.append(verdict)
    files = make_files([Entry.of(one, choice) for one in verdicts], 0.0, choice)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "read.zeek").write_text(SCRIPT)
    done = subprocess.run(
        ["zeek", "read.zeek"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert set(done.stdout.splitlines()) == {
        f"row {one.alert_id} {one.signature.encode().hex()} {one.orig_h} {one.orig_p} "
        f"{one.resp_h} {one.resp_p} {one.ts + choice.notice_seconds:.6f}"
        for one in verdicts
    } | {
        f"item {found.type} {found.value.encode().hex()} enricher"
        for one in verdicts
        for found in indicators_of(one, choice)
    }
