"""Suricata's events as expressions for the canonical columns of our kinds.

Each function gives expressions over the columns of :data:`enricher.logs.eve_raw.RAW`; columns
that are not among them are absent from Suricata's events and become null.
"""

from __future__ import annotations

import polars as pl

from enricher.logs.eve_raw import GROUPS
from enricher.logs.eve_tables import DNS_RCODES, DNS_TYPES, PROTOCOLS, SERVICES, TLS_VERSIONS

Columns = dict[str, pl.Expr]

_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
# DNS header (RFC 1035, 4.1.1).
_AA, _TC, _RD, _RA = 0x0400, 0x0200, 0x0100, 0x0080


def common() -> Columns:
    """What all events have. The client is the source, except on DNS responses of Suricata 8."""
    flow_id = pl.col("flow_id")
    proto = pl.col("proto").str.to_lowercase()
    return {
        "uid": pl.when(flow_id.is_not_null()).then("S" + flow_id.cast(pl.String)),
        "id.orig_h": pl.col("src_ip"),
        "id.orig_p": pl.col("src_port"),
        "id.resp_h": pl.col("dest_ip"),
        "id.resp_p": pl.col("dest_port"),
        "community_id": pl.col("community_id"),
        "flow_id": flow_id,
        "sensor": pl.col("host"),
        "proto": proto.replace(PROTOCOLS),
    }


def conn() -> Columns:
    """``flow`` events.

    Bytes are those of packets, headers of the link included; Suricata does not count payload.
    Zeek takes the type and code of ICMP for ports, so these are used likewise.
    """
    flow = _fields("flow")
    packets = flow["pkts_toserver"].fill_null(0) + flow["pkts_toclient"].fill_null(0)
    return {
        **common(),
        "id.orig_p": pl.coalesce("src_port", "icmp_type"),
        "id.resp_p": pl.coalesce("dest_port", "icmp_code"),
        "service": pl.col("app_proto").replace(SERVICES),
        # One packet has no duration, and Zeek gives none.
        "duration": pl.when(packets > 1).then(pl.col("_end") - pl.col("ts")),
        "conn_state": _conn_state(),
        "history": _history(),
        "orig_pkts": flow["pkts_toserver"],
        "orig_ip_bytes": flow["bytes_toserver"],
        "resp_pkts": flow["pkts_toclient"],
        "resp_ip_bytes": flow["bytes_toclient"],
    }


def http() -> Columns:
    """``http`` events."""
    field = _fields("http")
    mime = field["http_content_type"].str.split(";").list.first().str.strip_chars()
    return {
        **common(),
        "trans_depth": pl.col("tx_id") + 1,
        "method": field["http_method"],
        "host": field["hostname"],
        "uri": field["url"],
        "referrer": field["http_refer"],
        "version": pl.coalesce(field["protocol"].str.strip_prefix("HTTP/"), field["version"]),
        "user_agent": field["http_user_agent"],
        "response_body_len": field["length"],
        "status_code": field["status"],
        "resp_mime_types": pl.when(mime.str.len_bytes() > 0).then(pl.concat_list(mime)),
    }


def dns() -> Columns:
    """``dns`` events of Suricata 6 and 7 (``query``, ``answer``) and 8 (``request``, ``response``).

    A response of Suricata 8 comes from the server, so its ends are turned round.
    """
    field = _fields("dns")
    turned = field["type"] == "response"
    first = field["queries"].list.first()
    kind = pl.coalesce(field["rrtype"], first.struct.field("rrtype"))
    number = pl.coalesce(
        kind.replace_strict(DNS_TYPES, default=None, return_dtype=pl.Int32),
        kind.str.strip_prefix("TYPE").cast(pl.Int32, strict=False),
    )
    flags = field["flags"].str.to_integer(base=16, strict=False)
    shared = common()
    answers = field["answers"]
    grouped = pl.concat_list([field["grouped"].struct.field(name).fill_null([]) for name in GROUPS])
    code = field["rcode"]
    return {
        **shared,
        "id.orig_h": pl.when(turned).then("dest_ip").otherwise("src_ip"),
        "id.orig_p": pl.when(turned).then("dest_port").otherwise("src_port"),
        "id.resp_h": pl.when(turned).then("src_ip").otherwise("dest_ip"),
        "id.resp_p": pl.when(turned).then("src_port").otherwise("dest_port"),
        "trans_id": field["id"],
        "query": pl.coalesce(field["rrname"], first.struct.field("rrname")),
        "qtype": number,
        "qtype_name": pl.when(number == DNS_TYPES["*"]).then(pl.lit("*")).otherwise(kind),
        "rcode": pl.coalesce(
            code.replace_strict(DNS_RCODES, default=None, return_dtype=pl.Int32),
            code.cast(pl.Int32, strict=False),
        ),
        "rcode_name": code,
        "AA": _flag(flags, _AA, field["aa"]),
        "TC": _flag(flags, _TC, field["tc"]),
        "RD": _flag(flags, _RD, field["rd"]),
        "RA": _flag(flags, _RA, field["ra"]),
        "Z": (flags // 16) % 8,
        "answers": pl.coalesce(
            listed_answers(),
            pl.when(grouped.list.len() > 0).then(grouped),
        ),
        "TTLs": answers.list.eval(pl.element().struct.field("ttl")),
        "is_answer": pl.when(field["type"].is_in(["answer", "response"]))
        .then(True)
        .when(field["type"].is_in(["query", "request"]))
        .then(False),
    }


def listed_answers() -> pl.Expr:
    """Answers of ``dns`` events that are listed one by one; null where there are none."""
    part = pl.element().struct.field
    rdata = pl.coalesce(
        part("rdata"), part("soa").struct.field("mname"), part("srv").struct.field("name")
    )
    listed = _fields("dns")["answers"].list.eval(rdata).list.drop_nulls()
    return pl.when(listed.list.len() > 0).then(listed)


def only_grouped() -> pl.Expr:
    """Whether there are ``dns`` events whose answers are grouped and not listed."""
    field = _fields("dns")
    return (listed_answers().is_null() & field["grouped"].is_not_null()).any()


def ssl() -> Columns:
    """``tls`` events. Without a note of resumption the session was not resumed."""
    field = _fields("tls")
    version = field["version"]
    draft = version.str.strip_prefix("TLS 1.3 draft-")
    return {
        **common(),
        "version": pl.when(version.str.starts_with("TLS 1.3 draft-"))
        .then("TLSv13-draft" + draft)
        .otherwise(version.replace(TLS_VERSIONS)),
        "server_name": field["sni"],
        "resumed": field["session_resumed"].fill_null(value=False),
        "next_protocol": field["server_alpns"].list.first(),
        "cert_chain": pl.coalesce(
            field["chain"],
            pl.when(field["fingerprint"].is_not_null()).then(pl.concat_list(field["fingerprint"])),
        ),
        "subject": field["subject"],
        "issuer": field["issuerdn"],
        "ja3": field["ja3"].struct.field("hash"),
        "ja3s": field["ja3s"].struct.field("hash"),
        "ja4": field["ja4"],
    }


COLUMNS = {"flow": conn, "http": http, "dns": dns, "tls": ssl}


class _Fields:
    """Fields of an object in an event, by name."""

    def __init__(self, name: str) -> None:
        self._object = pl.col(name).struct

    def __getitem__(self, name: str) -> pl.Expr:
        return self._object.field(name)


def _fields(name: str) -> _Fields:
    return _Fields(name)


def _flag(flags: pl.Expr, bit: int, named: pl.Expr) -> pl.Expr:
    """A bit of the DNS header; Suricata names only bits that are set."""
    return pl.coalesce((flags // bit) % 2 == 1, named)


def _bit(flags: pl.Expr, bit: int) -> pl.Expr:
    return (flags // bit) % 2 == 1


def _tcp_flags() -> tuple[pl.Expr, pl.Expr]:
    field = _fields("tcp")
    both = (field["tcp_flags_ts"], field["tcp_flags_tc"])
    client, server = (flags.str.to_integer(base=16, strict=False) for flags in both)
    return client, server


def _conn_state() -> pl.Expr:
    """Zeek's state of a connection, as far as Suricata's flow tells it.

    TCP, from the flags seen in each direction: a SYN that got no answer is S0, SH with a FIN
    after it, RSTOS0 with a reset by the client, REJ with one by the server. After SYN and
    SYN-ACK: RSTO or RSTR with a reset (by the client if both sent one), SF with a FIN from both
    sides, S2 or S3 with one from the client or the server, S1 with none. A SYN-ACK alone is
    RSTRH with a reset by the server, SHR with its FIN. All else is OTH: the beginning was not
    seen. Without flags a new flow without an answer is S0, an established one S1, a closed one
    SF. Other protocols: SF with packets both ways, S0 from the client only, SHR from the server
    only.
    """
    client, server = _tcp_flags()
    flow = _fields("flow")
    syn, synack = _bit(client, _SYN), _bit(server, _SYN)
    resets = pl.when(_bit(client, _RST)).then(pl.lit("RSTO")).otherwise(pl.lit("RSTR"))
    fins = (
        pl.when(_bit(client, _FIN) & _bit(server, _FIN)).then(pl.lit("SF"))
        .when(_bit(client, _FIN)).then(pl.lit("S2"))
        .when(_bit(server, _FIN)).then(pl.lit("S3"))
        .otherwise(pl.lit("S1"))
    )  # fmt: skip
    unanswered = (
        pl.when(_bit(server, _RST)).then(pl.lit("REJ"))
        .when(_bit(client, _RST)).then(pl.lit("RSTOS0"))
        .when(_bit(client, _FIN)).then(pl.lit("SH"))
        .otherwise(pl.lit("S0"))
    )  # fmt: skip
    half = (
        pl.when(_bit(server, _RST)).then(pl.lit("RSTRH"))
        .when(_bit(server, _FIN)).then(pl.lit("SHR"))
        .otherwise(pl.lit("OTH"))
    )  # fmt: skip
    flagged = (
        pl.when(syn & synack & (_bit(client, _RST) | _bit(server, _RST))).then(resets)
        .when(syn & synack).then(fins)
        .when(syn).then(unanswered)
        .when(synack).then(half)
        .otherwise(pl.lit("OTH"))
    )  # fmt: skip
    there, back = flow["pkts_toserver"] > 0, flow["pkts_toclient"] > 0
    unflagged = (
        pl.when((flow["state"] == "new") & there & ~back).then(pl.lit("S0"))
        .when(flow["state"] == "established").then(pl.lit("S1"))
        .when(flow["state"] == "closed").then(pl.lit("SF"))
        .otherwise(pl.lit("OTH"))
    )  # fmt: skip
    counted = (
        pl.when(there & back).then(pl.lit("SF"))
        .when(there).then(pl.lit("S0"))
        .when(back).then(pl.lit("SHR"))
        .otherwise(pl.lit("OTH"))
    )  # fmt: skip
    tcp = pl.col("proto").str.to_lowercase() == "tcp"
    return (
        pl.when(pl.col("flow").is_null()).then(None)
        .when(tcp & client.is_not_null() & server.is_not_null()).then(flagged)
        .when(tcp).then(unflagged)
        .otherwise(counted)
    )  # fmt: skip


def _history() -> pl.Expr:
    """Zeek's history letters: what was seen, in the usual order, for Suricata keeps no order.

    TCP: S, h, A, D, d, F, f, R, r by the flags of each direction (data where PSH was set). UDP:
    D and d where packets were seen. Null for the rest, as with Zeek.
    """
    client, server = _tcp_flags()
    flow = _fields("flow")

    def letter(seen: pl.Expr, text: str) -> pl.Expr:
        return pl.when(seen).then(pl.lit(text)).otherwise(pl.lit(""))

    opened = _bit(client, _SYN)
    tcp = pl.concat_str(
        letter(opened, "S"),
        letter(_bit(server, _SYN), "h"),
        letter(_bit(client, _ACK), "A"),
        letter(_bit(client, _PSH), "D"),
        letter(_bit(server, _ACK) & ~_bit(server, _SYN), "a"),
        letter(_bit(server, _PSH), "d"),
        letter(_bit(client, _FIN), "F"),
        letter(_bit(server, _FIN), "f"),
        letter(_bit(client, _RST), "R"),
        letter(_bit(server, _RST), "r"),
    )
    udp = pl.concat_str(
        letter(flow["pkts_toserver"] > 0, "D"), letter(flow["pkts_toclient"] > 0, "d")
    )
    proto = pl.col("proto").str.to_lowercase()
    text = (
        pl.when((proto == "tcp") & client.is_not_null() & server.is_not_null()).then(tcp)
        .when(proto == "udp").then(udp)
    )  # fmt: skip
    return pl.when(text != "").then(text)
