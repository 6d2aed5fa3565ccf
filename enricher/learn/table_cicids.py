"""CICIDS2017: flows that CICFlowMeter made of a week of captures.

Sharafaldin 2018, Toward Generating a New Intrusion Detection Dataset. The labels and the exporter
have known errors (Engelen 2021; Lanvin 2022; Liu 2022): a connection is cut into several flows,
and the padding of short Ethernet frames counts as payload. Our file is a small sample in which
variants of an attack share a name. Bot, Heartbleed, infiltration and web attacks are in the
original and not here. There are few benign rows: a false-alarm rate of 1e-3 can not be measured.

What is mapped to a ``conn`` record: duration (it is in microseconds), packets, payload bytes, and
the protocol, since only TCP has a window. Bytes on the wire follow for TCP: payload, TCP headers,
and 20 bytes of IPv4 header a packet; the header lengths of UDP are wrong. Service and port are
not in the file, and CICFlowMeter's flags are too often wrong to give a state.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from enricher.learn.table_layout import TableLayout, amount

# 'Fwd Header Length.1' is left out: the exporter writes 'Fwd Header Length' twice.
_NUMBERS: Final = (
    "Flow Duration", "Total Fwd Packets", "Total Backward Packets", "Total Length of Fwd Packets",
    "Total Length of Bwd Packets", "Fwd Packet Length Max", "Fwd Packet Length Min",
    "Fwd Packet Length Mean", "Fwd Packet Length Std", "Bwd Packet Length Max",
    "Bwd Packet Length Min", "Bwd Packet Length Mean", "Bwd Packet Length Std", "Flow Bytes/s",
    "Flow Packets/s", "Flow IAT Mean", "Flow IAT Std", "Flow IAT Max", "Flow IAT Min",
    "Fwd IAT Total", "Fwd IAT Mean", "Fwd IAT Std", "Fwd IAT Max", "Fwd IAT Min", "Bwd IAT Total",
    "Bwd IAT Mean", "Bwd IAT Std", "Bwd IAT Max", "Bwd IAT Min", "Fwd PSH Flags", "Bwd PSH Flags",
    "Fwd URG Flags", "Bwd URG Flags", "Fwd Header Length", "Bwd Header Length", "Fwd Packets/s",
    "Bwd Packets/s", "Min Packet Length", "Max Packet Length", "Packet Length Mean",
    "Packet Length Std", "Packet Length Variance", "FIN Flag Count", "SYN Flag Count",
    "RST Flag Count", "PSH Flag Count", "ACK Flag Count", "URG Flag Count", "CWE Flag Count",
    "ECE Flag Count", "Down/Up Ratio", "Average Packet Size", "Avg Fwd Segment Size",
    "Avg Bwd Segment Size", "Fwd Avg Bytes/Bulk", "Fwd Avg Packets/Bulk", "Fwd Avg Bulk Rate",
    "Bwd Avg Bytes/Bulk", "Bwd Avg Packets/Bulk", "Bwd Avg Bulk Rate", "Subflow Fwd Packets",
    "Subflow Fwd Bytes", "Subflow Bwd Packets", "Subflow Bwd Bytes", "Init_Win_bytes_forward",
    "Init_Win_bytes_backward", "act_data_pkt_fwd", "min_seg_size_forward", "Active Mean",
    "Active Std", "Active Max", "Active Min", "Idle Mean", "Idle Std", "Idle Max", "Idle Min",
)  # fmt: skip
_MICROSECONDS: Final = 1e-6
_IPV4_HEADER: Final = 20

_IS_TCP: Final = pl.col("Init_Win_bytes_forward") >= 0
_DURATION: Final = pl.col("Flow Duration")


def _on_the_wire(payload: str, headers: str, packets: str) -> pl.Expr:
    """Bytes from the IP header on, for TCP whose header lengths did not overflow."""
    sound = _IS_TCP & (pl.col(headers) >= _IPV4_HEADER * pl.col(packets))
    whole = pl.col(payload) + pl.col(headers) + _IPV4_HEADER * pl.col(packets)
    return amount(pl.when(sound).then(whole))


CICIDS: Final = TableLayout(
    title="CICIDS2017",
    header=True,
    numbers=_NUMBERS,
    words=(),
    others=("Fwd Header Length.1", "Label"),
    conn={
        "duration": pl.when(_DURATION >= 0).then(_DURATION * _MICROSECONDS),
        "orig_bytes": amount("Total Length of Fwd Packets"),
        "resp_bytes": amount("Total Length of Bwd Packets"),
        "orig_pkts": amount("Total Fwd Packets"),
        "resp_pkts": amount("Total Backward Packets"),
        "orig_ip_bytes": _on_the_wire(
            "Total Length of Fwd Packets", "Fwd Header Length", "Total Fwd Packets"
        ),
        "resp_ip_bytes": _on_the_wire(
            "Total Length of Bwd Packets", "Bwd Header Length", "Total Backward Packets"
        ),
        "proto": pl.when(_IS_TCP).then(pl.lit("tcp")).otherwise(pl.lit("udp")),
    },
    categories={
        "brute-force": ("bruteforce", "ftp-patator", "ssh-patator"),
        "dos": (
            "ddos", "dos", "dos-goldeneye", "dos-hulk", "dos-slowhttptest", "dos-slowloris",
            "heartbleed",
        ),
        "web": (
            "web-attack-brute-force", "web-attack-sql-injection", "web-attack-xss", "webattack",
        ),
    },
)  # fmt: skip
