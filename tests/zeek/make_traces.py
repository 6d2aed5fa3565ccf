"""Makes the capture that the btests read: one exchange of each kind, with times and sizes known.

    python tests/zeek/make_traces.py

The capture is committed, so that the tests need nothing but Zeek; making it again gives the same
bytes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import dpkt

from enricher.rulegen.traffic.dialogue import Timed, attempts, dialogue
from enricher.rulegen.traffic.packets import Ends, udp_frame
from enricher.rulegen.traffic.tls_traffic import tls_messages

TRACE = Path(__file__).parent / "Traces" / "one-of-each.pcap"
_BEGIN = 1_790_000_000_000_000

_REQUEST = (
    b"GET /cart?item=7 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: probe/1.0\r\n"
    b"Accept: */*\r\nCookie: id=0123456789\r\nX-Odd: 1\r\n\r\n"
)
_RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: test\r\nSet-Cookie: a=1\r\nSet-Cookie: bb=22\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
)


def _ends(port: int, server_port: int) -> Ends:
    client, server = (socket.inet_aton(text) for text in ("192.0.2.10", "198.51.100.20"))
    return Ends(client, port, server, server_port)


def _packets() -> Iterator[Timed]:
    yield from dialogue(_ends(40001, 80), _BEGIN, [(True, _REQUEST), (False, _RESPONSE)])
    query = dpkt.dns.DNS(id=7, qd=[dpkt.dns.DNS.Q(name="www.example.com", type=1)])
    answer = dpkt.dns.DNS(
        id=7,
        qr=1,
        op=dpkt.dns.DNS_QR | dpkt.dns.DNS_RD | dpkt.dns.DNS_RA,
        qd=query.qd,
        an=[dpkt.dns.DNS.RR(name="www.example.com", type=1, ttl=60, rdata=b"\xc6\x33\x64\x14")],
    )
    names = _ends(40002, 53)
    yield _BEGIN + 1_000_000, udp_frame(names, True, bytes(query))
    yield _BEGIN + 1_010_000, udp_frame(names, False, bytes(answer))
    hello = tls_messages({
        "version": "TLSv12", "server_name": "www.example.com", "established": True,
        "cipher": None, "id.resp_p": 443,
    })  # fmt: skip
    yield from dialogue(_ends(40003, 443), _BEGIN + 2_000_000, hello)
    # A server that speaks first, then turns of 10, 20 and 3,000 bytes.
    turns = [(False, b"r" * 100), (True, b"c" * 10), (False, b"r" * 20), (True, b"c" * 3000)]
    yield from dialogue(_ends(40004, 7000), _BEGIN + 3_000_000, turns)
    yield from attempts(_ends(40005, 7001), [_BEGIN + 4_000_000], "none")


def main() -> None:
    """Write the capture."""
    TRACE.parent.mkdir(exist_ok=True)
    with TRACE.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for time, frame in _packets():
            writer.writepkt(frame, ts=time / 1e6)


if __name__ == "__main__":
    main()
