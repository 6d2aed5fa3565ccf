"""The flow an alert belongs to: protocol, ports, Community ID, flow id."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from communityid import icmp, icmp6

from enricher.alerts.text import address, integer, port, protocol_name
from enricher.logs import Kind

FLOW_ID_BITS = 51
"""Suricata uses so many bits of a hash, so that JSON readers with 53-bit numbers keep all."""
_MAX_ICMP = 255
_COMMUNITY_ID = re.compile(r"1:[A-Za-z0-9+/]{27}=")
_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP", "icmp": "ICMP", "icmp6": "IPv6-ICMP",
              "ipv6-icmp": "IPv6-ICMP"}  # fmt: skip
_NUMBERS = {"ICMP": 1, "TCP": 6, "UDP": 17, "IPv6-ICMP": 58, "SCTP": 132}
# Zeek's name -> Suricata's, where they differ.
_APP_PROTOS = {
    "ssl": "tls", "dtls": "tls", "krb": "krb5", "krb_tcp": "krb5", "dce_rpc": "dcerpc",
    "postgresql": "pgsql", "ipsec": "ike", "ftp-data": "ftp-data", "dnp3_tcp": "dnp3",
    "dnp3_udp": "dnp3",
}  # fmt: skip
_SURICATA_APP_PROTOS = frozenset({
    "bittorrent-dht", "dcerpc", "dhcp", "dnp3", "dns", "enip", "ftp", "ftp-data", "http", "ike",
    "imap", "krb5", "ldap", "modbus", "mqtt", "nfs", "ntp", "pgsql", "pop3", "quic", "rdp", "rfb",
    "sip", "smb", "smtp", "snmp", "ssh", "telnet", "tftp", "tls", "websocket",
})  # fmt: skip
_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of the flow; what the record does not say, or says wrongly, is None.

    Attributes:
        src_ip: Address of the originator.
        dest_ip: Address of the responder.
        protocol: As Suricata writes it: ``TCP``, ``IPv6-ICMP`` …
        src_port: Port of the originator; never for ICMP.
        dest_port: Port of the responder; never for ICMP.
        icmp_type: Type of an ICMP message.
        icmp_code: Code of an ICMP message, where the log has it.
        community_id: Community ID version 1, as the log has it or computed.
    """

    src_ip: str | None
    dest_ip: str | None
    protocol: str | None
    src_port: int | None = None
    dest_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    community_id: str | None = None


def flow_of(kind: Kind, record: Mapping[str, Any], seed: int) -> Flow:
    """Read the flow out of a record.

    Zeek keeps an ICMP message's type in the originator's port. In the responder's port stands
    the code, or, for messages that have an answer, the type of the answer.
    """
    src_ip, dest_ip = address(record.get("id.orig_h")), address(record.get("id.resp_h"))
    protocol = _protocol(kind, record.get("proto"), src_ip or dest_ip or "")
    first, second = port(record.get("id.orig_p")), port(record.get("id.resp_p"))
    logged = record.get("community_id")
    if isinstance(logged, str) and _COMMUNITY_ID.fullmatch(logged):
        identifier: str | None = logged
    else:
        identifier = community_id(protocol, (src_ip, dest_ip), (first, second), seed)
    if protocol in _WITH_PORTS:
        return Flow(src_ip, dest_ip, protocol, first, second, community_id=identifier)
    if protocol in {"ICMP", "IPv6-ICMP"}:
        icmp_type = integer(first, 0, _MAX_ICMP)
        code = None
        if icmp_type is not None and second is not None and second <= _MAX_ICMP:
            answers = icmp6 if protocol == "IPv6-ICMP" else icmp
            one_way = answers.get_port_equivalents(icmp_type, second)[2]
            code = second if one_way else None
        return Flow(
            src_ip, dest_ip, protocol, icmp_type=icmp_type, icmp_code=code, community_id=identifier
        )
    return Flow(src_ip, dest_ip, protocol, community_id=identifier)


def flow_id(record: Mapping[str, Any], flow: Flow) -> int:
    """Suricata's own flow id where the log has it, or else a stable number of 51 bits.

    All records of one connection give the same number: it is made of Zeek's ``uid``, and without
    one of the endpoints and the time.
    """
    own = integer(record.get("flow_id"), 1)
    if own is not None:
        return own
    parts: tuple[Any, ...] = (record.get("uid"),)
    if not parts[0]:
        ends = (flow.src_ip, flow.src_port, flow.dest_ip, flow.dest_port)
        parts = (*ends, flow.protocol, record.get("ts"))
    digest = hashlib.blake2s(repr(parts).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - FLOW_ID_BITS)


def app_proto(kind: Kind, record: Mapping[str, Any]) -> str | None:
    """Application protocol in Suricata's words, where it is known."""
    if kind != "conn":
        return {"http": "http", "dns": "dns", "ssl": "tls"}[kind]
    services = record.get("service")
    if not isinstance(services, str):
        return None
    # Zeek lists every analyzer of the connection ("ssl,http"); Suricata names one protocol.
    named = (protocol_name(part.strip().lower()) for part in services[:256].split(","))
    names = [_APP_PROTOS.get(name, name) for name in named if name is not None]
    known = (name for name in names if name in _SURICATA_APP_PROTOS)
    return next(known, names[0] if names else None)


def _protocol(kind: Kind, value: object, ip: str) -> str | None:
    if value is None and kind in {"http", "ssl"}:
        return "TCP"
    name = protocol_name(value)
    if name is None:
        return None
    if name.lower() == "icmp" and ":" in ip:
        return "IPv6-ICMP"
    return _PROTOCOLS.get(name.lower(), name.upper())


def community_id(
    protocol: str | None,
    addresses: tuple[str | None, str | None],
    ports: tuple[int | None, int | None],
    seed: int = 0,
) -> str | None:
    """Community ID version 1 of a flow (https://github.com/corelight/community-id-spec).

    Args:
        protocol: As in :attr:`Flow.protocol`; TCP, UDP, SCTP, ICMP and IPv6-ICMP have one.
        addresses: Originator and responder.
        ports: Theirs; of ICMP the type, and the code or the type of the answer, as Zeek has them.
        seed: The same as in the other tools of the site.

    Returns:
        The identifier, or None where something is missing.
    """
    number = _NUMBERS.get(protocol or "")
    first, second = ports
    if number is None or first is None or second is None:
        return None
    if None in addresses:
        return None
    one_way = False
    if number == _NUMBERS["ICMP"]:
        first, second, one_way = icmp.get_port_equivalents(first, second)
    elif number == _NUMBERS["IPv6-ICMP"]:
        first, second, one_way = icmp6.get_port_equivalents(first, second)
    ends = [(_packed(str(addresses[0])), first), (_packed(str(addresses[1])), second)]
    if not one_way:
        ends.sort()
    (source, source_port), (target, target_port) = ends
    if len(source) != len(target):
        return None
    text = b"".join((
        struct.pack("!H", seed), source, target,
        struct.pack("!BBHH", number, 0, source_port, target_port),
    ))  # fmt: skip
    # The specification prescribes SHA-1; nothing depends on its strength.
    digest = hashlib.sha1(text, usedforsecurity=False).digest()
    return "1:" + base64.b64encode(digest).decode("ascii")


def _packed(ip: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)
