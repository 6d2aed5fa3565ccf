"""UNSW-NB15: flows that Argus and Bro saw of a traffic generator's attacks.

Moustafa 2015, UNSW-NB15: A Comprehensive Data Set for Network Intrusion Detection Systems. Of its
nine families four (Analysis, Backdoor, Shellcode, Worms) are in the original and not in our file.

What is mapped to a ``conn`` record: duration, packets and bytes (Argus counts from the IP header
on, so they are bytes on the wire and the payload is not known), protocol, and Bro's service. The
state is Argus's: it is mapped where Zeek's follows from it, that is for TCP and UDP, but not for
a reset, since Argus does not say by whom. Zeek writes no record for ARP. The counts over a
hundred connections (``ct_*``) are not mapped: ours run over a minute to an hour and fade. Nor are
lost packets: Argus means those sent again, Zeek the bytes it did not see.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from enricher.learn.table_layout import TableLayout, amount

_WORDS: Final = ("proto", "service", "state")
_NUMBERS: Final = (
    "dur", "spkts", "dpkts", "sbytes", "dbytes", "rate", "sttl", "dttl", "sload", "dload", "sloss",
    "dloss", "sinpkt", "dinpkt", "sjit", "djit", "swin", "dwin", "tcprtt", "synack", "ackdat",
    "smean", "dmean", "trans_depth", "response_body_len", "ct_srv_src", "ct_state_ttl",
    "ct_dst_ltm", "ct_src_dport_ltm", "ct_dst_sport_ltm", "ct_dst_src_ltm", "is_ftp_login",
    "ct_ftp_cmd", "ct_flw_http_mthd", "ct_src_ltm", "ct_srv_dst", "is_sm_ips_ports",
)  # fmt: skip

_PROTO: Final = pl.col("proto")
_STATE: Final = pl.col("state")

UNSW: Final = TableLayout(
    title="UNSW-NB15",
    header=True,
    numbers=_NUMBERS,
    words=_WORDS,
    # The two are sequence numbers that TCP begins with: random.
    others=("id", "stcpb", "dtcpb", "attack_cat", "label"),
    conn={
        "duration": pl.col("dur"),
        "orig_pkts": amount("spkts"),
        "resp_pkts": amount("dpkts"),
        "orig_ip_bytes": amount("sbytes"),
        "resp_ip_bytes": amount("dbytes"),
        "proto": pl.when(_PROTO.is_in(["tcp", "udp", "icmp"]))
        .then(_PROTO)
        .when(_PROTO != "arp")
        .then(pl.lit("unknown_transport")),
        "service": pl.when(pl.col("service") != "-").then(pl.col("service")),
        "conn_state": pl.when(_PROTO == "tcp")
        .then(
            _STATE.replace_strict(
                {"REQ": "S0", "ACC": "S1", "CON": "S1", "FIN": "SF"},
                default=None,
                return_dtype=pl.String(),
            )
        )
        .when(_PROTO == "udp")
        .then(
            _STATE.replace_strict(
                {"INT": "S0", "REQ": "S0", "CON": "SF"}, default=None, return_dtype=pl.String()
            )
        ),
    },
    categories={},
    time_to_live=frozenset({"sttl", "dttl", "ct_state_ttl"}),
)
