"""Single frames, from the Ethernet header up (with the library dpkt)."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import dpkt

_CLIENT_MAC = b"\x02\x00\x00\x00\x00\x01"
_SERVER_MAC = b"\x02\x00\x00\x00\x00\x02"
_IPV4_SIZE = 4
_ECHO_REPLIES = {8: 0, 128: 129}

SYN, ACK, PSH, FIN, RST = 0x02, 0x10, 0x08, 0x01, 0x04
# Bytes of payload in one TCP segment or UDP datagram, so that a frame is no larger than usual.
SEGMENT = 1400


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a flow, addresses packed; ``to_server`` frames go from the first."""

    client: bytes
    client_port: int
    server: bytes
    server_port: int


def tcp_frame(
    ends: Ends, to_server: bool, flags: int, seq: int, ack: int, payload: bytes = b""
) -> bytes:
    """A TCP segment in a frame."""
    source, destination = _ports(ends, to_server)
    options = b"\x02\x04\x05\xb4" if flags & SYN else b""
    segment = dpkt.tcp.TCP(
        sport=source,
        dport=destination,
        seq=seq & 0xFFFFFFFF,
        ack=ack & 0xFFFFFFFF,
        off=5 + len(options) // 4,
        flags=flags,
        win=64240,
        opts=options,
        data=payload,
    )
    return _frame(ends, to_server, socket.IPPROTO_TCP, segment)


def udp_frame(ends: Ends, to_server: bool, payload: bytes) -> bytes:
    """A UDP datagram in a frame."""
    source, destination = _ports(ends, to_server)
    datagram = dpkt.udp.UDP(sport=source, dport=destination, ulen=8 + len(payload), data=payload)
    return _frame(ends, to_server, socket.IPPROTO_UDP, datagram)


def icmp_frame(
    ends: Ends, to_server: bool, kind: int, code: int, order: int, payload: bytes
) -> bytes:
    """An ICMP or ICMPv6 message in a frame; an answer to an echo has the type of one."""
    kind = kind if to_server else _ECHO_REPLIES.get(kind, kind)
    body = (0x1000).to_bytes(2, "big") + (order & 0xFFFF).to_bytes(2, "big") + payload
    if len(ends.client) == _IPV4_SIZE:
        message = dpkt.icmp.ICMP(type=kind, code=code, data=body)
        return _frame(ends, to_server, socket.IPPROTO_ICMP, message)
    message = dpkt.icmp6.ICMP6(type=kind, code=code, data=body)
    return _frame(ends, to_server, socket.IPPROTO_ICMPV6, message)


def _ports(ends: Ends, to_server: bool) -> tuple[int, int]:
    ports = (ends.client_port, ends.server_port)
    return ports if to_server else (ports[1], ports[0])


def _frame(ends: Ends, to_server: bool, protocol: int, data: dpkt.Packet) -> bytes:
    """The headers below; their checksums are filled in."""
    source, destination = ends.client, ends.server
    macs = _CLIENT_MAC, _SERVER_MAC
    if not to_server:
        source, destination = destination, source
        macs = macs[1], macs[0]
    if len(source) == _IPV4_SIZE:
        packet = dpkt.ip.IP(
            src=source, dst=destination, p=protocol, len=20 + len(data), ttl=64, data=data
        )
        kind = dpkt.ethernet.ETH_TYPE_IP
    else:
        packet = dpkt.ip6.IP6(
            src=source, dst=destination, nxt=protocol, plen=len(data), hlim=64, data=data
        )
        kind = dpkt.ethernet.ETH_TYPE_IP6
    frame: bytes = macs[1] + macs[0] + kind.to_bytes(2, "big") + bytes(packet)
    return frame
