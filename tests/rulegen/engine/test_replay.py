from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest

from enricher.errors import EngineError, InputError
from enricher.rulegen.engine.captures import ready
from enricher.rulegen.engine.replay import events, replay
from enricher.rulegen.engine.suricata import Engine

SYN = 'alert tcp $EXTERNAL_NET any -> any any (msg:"syn"; flow:to_server; flags:S; sid:1000001;)'
Captures = Callable[[int], Path]


def test_every_alert_is_a_hit_with_its_flow(engine: Engine, syn_capture: Captures) -> None:
    found = replay(engine, [SYN], [syn_capture(3)])
    assert (found.packets, found.failed, len(found.hits)) == (3, (), 3)
    hit = found.hits[1]
    assert (hit.sid, hit.capture, hit.ts, hit.proto) == (1000001, 0, 1_700_000_001.0, "TCP")
    assert (hit.src_ip, hit.src_port) == ("10.0.0.1", 2001)
    assert (hit.dest_ip, hit.dest_port) == ("10.0.0.2", 23)
    assert hit.flow_id is not None
    assert hit.community_id is not None
    assert hit.community_id.startswith("1:")


def test_hits_tell_their_capture_and_the_same_replay_gives_the_same(
    engine: Engine, syn_capture: Captures
) -> None:
    captures = [syn_capture(1), syn_capture(2)]
    found = replay(engine, [SYN], captures)
    assert [hit.capture for hit in found.hits] == [0, 1, 1]
    again = replay(engine, [SYN], captures)
    assert [(h.ts, h.src_port) for h in again.hits] == [(h.ts, h.src_port) for h in found.hits]


def test_the_site_s_network_is_what_is_asked_for(engine: Engine, syn_capture: Captures) -> None:
    assert len(replay(engine, [SYN], [syn_capture(1)], home="10.0.0.2/32").hits) == 1
    assert not replay(engine, [SYN], [syn_capture(1)], home="[10.0.0.0/8,192.168.0.0/16]").hits


def test_rules_that_the_engine_does_not_load_are_named(
    engine: Engine, syn_capture: Captures
) -> None:
    found = replay(engine, ["garbage", SYN, "two\nlines"], [syn_capture(1)])
    assert [number for number, _ in found.failed] == [0, 2]
    assert len(found.hits) == 1


@pytest.mark.parametrize("suffix", [".pcap", ".gz", ""])
def test_a_compressed_capture_is_read_whatever_its_name(
    engine: Engine, syn_capture: Captures, tmp_path: Path, suffix: str
) -> None:
    packed = tmp_path / f"packed{suffix}"
    packed.write_bytes(gzip.compress(syn_capture(2).read_bytes()))
    assert len(replay(engine, [SYN], [packed]).hits) == 2


def test_a_pcapng_capture_is_read(engine: Engine, syn_capture: Captures, tmp_path: Path) -> None:
    path = tmp_path / "next.pcapng"
    with syn_capture(2).open("rb") as old, path.open("wb") as file:
        writer = dpkt.pcapng.Writer(file)
        for time, frame in dpkt.pcap.Reader(old):
            writer.writepkt(frame, time)
    assert len(replay(engine, [SYN], [path]).hits) == 2


def test_a_capture_without_packets_has_no_hits(engine: Engine, syn_capture: Captures) -> None:
    found = replay(engine, [SYN, "garbage"], [syn_capture(0)])
    assert (found.hits, found.packets, [number for number, _ in found.failed]) == ((), 0, [1])


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\xd4\xc3\xb2\xa1", gzip.compress(b"x", mtime=0), b"\x1f\x8bnogzip"],
    ids=["empty", "text", "magic only", "gzip of no capture", "broken gzip"],
)
def test_what_is_no_capture_is_named(engine: Engine, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pcap"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.pcap"):
        replay(engine, [SYN], [path])


def test_a_capture_that_is_not_there_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pcap"):
        replay(engine, [SYN], [tmp_path / "none.pcap"])


def test_a_capture_of_a_link_that_the_engine_does_not_know_fails_soon(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "link.pcap"
    with path.open("wb") as file:
        dpkt.pcap.Writer(file, linktype=147).writepkt(b"x" * 60, 1.0)
    with pytest.raises(EngineError, match=r"link\.pcap.*datalink"):
        replay(engine, [SYN], [path], timeout=30)


def test_an_inflated_capture_is_bounded(syn_capture: Captures, tmp_path: Path) -> None:
    packed = tmp_path / "bomb.gz"
    packed.write_bytes(gzip.compress(syn_capture(0).read_bytes() + bytes(3_000_000)))
    with pytest.raises(InputError, match="inflates to more than"):
        ready(packed, tmp_path, most_bytes=2_000_000)


def test_the_engine_s_own_log_of_a_capture_can_be_asked_for(
    engine: Engine, syn_capture: Captures
) -> None:
    found = events(engine, syn_capture(2), ["flow"])
    assert [(e["event_type"], e["dest_port"]) for e in found] == [("flow", 23)] * 2
