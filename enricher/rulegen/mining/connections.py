"""Rules about connections: how many are opened, in vain or not, and to whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from enricher.rulegen.matching.evaluate import matched
from enricher.rulegen.matching.packets import Counts, OnPacket
from enricher.rulegen.matching.reading import Readable
from enricher.rulegen.matching.values import Mask
from enricher.rulegen.mining.cover import Bounds
from enricher.rulegen.mining.evidence import Evidence, private
from enricher.rulegen.mining.mined import Finding, Mined, Refusal
from enricher.rulegen.mining.rates import Found, find_rate
from enricher.rulegen.rule.rule import Header, Option

_SHARE, _PORT_SHARE = 0.2, 0.7
_HOSTS, _HOST_SHARE = 5, 0.1
_LEAST, _LEAST_TO_A_RARE_PORT = 10, 3
_USUAL_PORTS = 1024
_NAMED = {"tcp": "TCP connections", "udp": "UDP datagrams", "icmp": "ICMP messages"}


def mine_connections(evidence: Evidence, bounds: Bounds) -> Finding:
    """Rules that count, and rules on the hosts that a family talks to.

    Args:
        evidence: The family's connections and benign ones.
        bounds: What rules must keep to.
    """
    finding = Finding("conn")
    left = np.ones(len(evidence.family), dtype=bool)
    worth = bounds.least(len(left))
    while len(finding.rules) < bounds.rules and left.sum() >= worth:
        best = _best(evidence, left)
        if best is None or (best[1] & left).sum() < worth:
            break
        finding.rules.append(best[0])
        finding.covered.append(best[1])
        left &= ~best[1]
    if left.sum() >= worth:
        finding.refusals.append(Refusal("conn", int(left.sum()), _reason(evidence)))
    return finding


def _best(evidence: Evidence, left: Mask) -> tuple[Mined, Mask] | None:
    best: tuple[Mined, Mask] | None = None
    for one, covered in (*_counted(evidence, left), *_hosts(evidence, left)):
        if best is None or (covered & left).sum() > (best[1] & left).sum() * _BETTER:
            best = one, covered
    return best


_BETTER = 1.02


def _counted(evidence: Evidence, left: Mask) -> Iterator[tuple[Mined, Mask]]:
    for base, words in _bases(evidence.family.frame.filter(left)):
        family, benign = matched(base, evidence.family), matched(base, evidence.benign)
        found = find_rate(
            evidence.family.frame, family, evidence.benign.frame, benign,
            ("by_src",) if base.answers else ("by_src", "by_dst"),
            _LEAST_TO_A_RARE_PORT if _rare(base, benign) else _LEAST,
        )  # fmt: skip
        if found is not None:
            rule = _rule(base, found, words, answers=base.answers)
            source, destination = evidence.ends
            yield replace(rule, source=source, destination=destination), found.covered


def _rare(base: Readable, benign: Counts) -> bool:
    """Whether it is about a port that is no usual service's and that nobody benign talks to."""
    port = base.header.source_port if base.answers else base.header.destination_port
    return port != "any" and int(port) >= _USUAL_PORTS and not benign.any()


def _bases(frame: pl.DataFrame) -> Iterator[tuple[Readable, str]]:
    """What can be counted: packets of a protocol, to one port or to any, of a kind."""
    for proto in ("tcp", "udp", "icmp"):
        own = frame.filter(pl.col("proto").str.to_lowercase() == proto)
        if len(own) < max(_SHARE * len(frame), 2):
            continue
        port = _main_port(own) if proto != "icmp" else None
        header = Header(proto, destination_port="any" if port is None else str(port))
        where = "" if port is None else f" to port {port}"
        if proto == "tcp":
            opened = Readable("conn", header, packet=OnPacket(proto, flags="S"))
            yield opened, f"{_NAMED[proto]} opened{where}"
            back = Header(proto, source_port=header.destination_port)
            refused = Readable("conn", back, packet=OnPacket(proto, flags="RA"), answers=True)
            yield refused, f"{_NAMED[proto]} refused{where}"
            yield replace(opened, packet=OnPacket(proto)), f"TCP packets{where}"
            if port is not None:
                yield replace(opened, header=Header(proto)), f"{_NAMED[proto]} opened"
                yield replace(refused, header=Header(proto)), f"{_NAMED[proto]} refused"
        else:
            yield Readable("conn", header, packet=OnPacket(proto)), f"{_NAMED[proto]}{where}"
            for size in _main_sizes(own):
                packet = OnPacket(proto, sizes=(size, size))
                words = f"{_NAMED[proto]} of {size} bytes{where}"
                yield Readable("conn", header, packet=packet), words


def _main_port(frame: pl.DataFrame) -> int | None:
    """The port that nearly all talk to."""
    counts = frame["id.resp_p"].drop_nulls().value_counts(sort=True)
    if not len(counts) or counts["count"][0] < _PORT_SHARE * len(frame):
        return None
    return int(counts["id.resp_p"][0])


def _main_sizes(frame: pl.DataFrame) -> list[int]:
    sent = frame.select(
        (pl.col("orig_bytes") / pl.col("orig_pkts").clip(lower_bound=1)).cast(pl.Int64)
    ).to_series()
    counts = sent.drop_nulls().value_counts(sort=True)
    return [int(size) for size, count in counts.rows()[:1] if count >= _PORT_SHARE * len(frame)]


def _rule(base: Readable, found: Found, words: str, *, answers: bool) -> Mined:
    rate, packet, header = found.rate, base.packet, base.header
    options: list[Option] = []
    if packet.flags is not None:
        options.append(Option("flags", f"{packet.flags},12"))
    if packet.sizes is not None:
        options.append(Option("dsize", str(packet.sizes[0])))
    ends = {"by_src": "one source", "by_dst": "one destination"}
    busiest = (
        f"the busiest benign host has {found.benign}" if found.benign else "no benign host has any"
    )
    about = f"{words}: at least {rate.count} in {rate.seconds} seconds, by {ends[rate.track]}"
    flow, port = "to_server", header.destination_port
    if answers:
        flow, port = "to_client", header.source_port
        rate = replace(rate, track="by_dst" if rate.track == "by_src" else "by_src")
    return Mined(
        "conn",
        header.protocol,
        tuple(options),
        flow,
        (f"{about}, where {busiest}",),
        rate=rate,
        port=port,
    )


def _hosts(evidence: Evidence, left: Mask) -> Iterator[tuple[Mined, Mask]]:
    """A few hosts outside that local hosts talk to again and again, and that nobody benign does."""
    frame = evidence.family.frame
    outward = private(frame["id.orig_h"]) & ~private(frame["id.resp_h"]) & left
    own = frame.filter(outward)
    counts = own.group_by("id.resp_h", "proto", "id.resp_p").len().sort("len", descending=True)
    known = set(evidence.benign.frame["id.resp_h"].unique().to_list())
    often = pl.col("len") >= max(_HOST_SHARE * len(frame), 2)
    counts = counts.filter(pl.col("id.resp_h").is_in(list(known)).not_() & often)
    # It goes into a rule's header as it is: nothing but an address may.
    hosts = counts["id.resp_h"].unique().drop_nulls().to_list()
    counts = counts.filter(pl.col("id.resp_h").is_in([one for one in hosts if is_address(one)]))
    for proto in ("tcp", "udp"):
        same = counts.filter(pl.col("proto").str.to_lowercase() == proto).head(_HOSTS)
        if not len(same):
            continue
        hosts = sorted(set(same["id.resp_h"].to_list()))
        ports = sorted(set(same["id.resp_p"].drop_nulls().to_list()))
        port = str(ports[0]) if len(ports) == 1 else "any"
        destination = hosts[0] if len(hosts) == 1 else f"[{','.join(hosts)}]"
        header = Header(proto, destination=destination, destination_port=port)
        packet = OnPacket(proto, flags="S" if proto == "tcp" else None)
        covered = matched(Readable("conn", header, packet=packet), evidence.family) > 0
        options = (Option("flags", "S,12"),) if proto == "tcp" else ()
        words = f"{_NAMED[proto]} to {len(hosts)} host{'s' * (len(hosts) > 1)} outside"
        about = (
            f"{words}: {' '.join(hosts)}; this rule lives as long as these addresses are used",
        )
        yield Mined(
            "conn", proto, options, "to_server", about, source=evidence.ends[0],
            destination=destination, port=port,
        ), covered  # fmt: skip


def is_address(text: str) -> bool:
    """Whether a value of a log is an IP address and nothing else; one with a zone is none here."""
    try:
        return str(ipaddress.ip_address(text)) == text.lower() and "%" not in text
    except ValueError:
        return False


def _reason(evidence: Evidence) -> str:
    sources = evidence.family.frame["id.orig_h"].n_unique()
    return (
        f"these connections of {sources} source(s) differ from benign ones only in their figures "
        "(sizes, times, states), and none of them is opened or refused much more often than benign "
        "hosts do it: that is not expressible in Suricata; use the detector for them"
    )
