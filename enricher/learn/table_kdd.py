"""KDD Cup 99 and NSL-KDD: connections that Bro, now Zeek, saw at DARPA's 1998 exercise.

https://kdd.ics.uci.edu/databases/kddcup99/task.html;
Tavallaee 2009, A Detailed Analysis of the KDD CUP 99 Data Set (NSL-KDD). Both hold the same
connections: never train on one and test on the other. Attacks that occur only in the originals'
test sets, and so not in the training files: apache2, mailbomb, processtable, udpstorm, worm
(dos); mscan, saint (probe); httptunnel, named, sendmail, snmpgetattack, snmpguess, xlock, xsnoop
(r2l); ps, sqlattack, xterm (u2r).

What is mapped to a ``conn`` record: duration, payload bytes, protocol, service, and ``flag``, which
is Bro's state of the connection. Bro gave UDP and ICMP the state SF, where Zeek says S0 or OTH
when nothing came back. The counts over two seconds (``count``, ``serror_rate``) or over the last
hundred connections (``dst_host_*``) are not mapped: ours run over a minute to an hour and fade.

What is left tells little apart: of KDD Cup 99's families with 150 rows or more only warezclient is
150 distinct ``conn`` records or more, smurf is 2, and 54 % of NSL-KDD's neptune rows are records
that benign rows are too. Support and query have to be disjoint in these records, not in the rows
of the table; else a figure tells that records were met again.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from enricher.learn.table_layout import TableLayout, amount

_WORDS: Final = ("protocol_type", "service", "flag")
_BEFORE: Final = ("duration",)
_AFTER: Final = (
    "src_bytes", "dst_bytes", "land", "wrong_fragment", "urgent", "hot", "num_failed_logins",
    "logged_in", "num_compromised", "root_shell", "su_attempted", "num_root",
    "num_file_creations", "num_shells", "num_access_files", "num_outbound_cmds", "is_host_login",
    "is_guest_login", "count", "srv_count", "serror_rate", "srv_serror_rate", "rerror_rate",
    "srv_rerror_rate", "same_srv_rate", "diff_srv_rate", "srv_diff_host_rate", "dst_host_count",
    "dst_host_srv_count", "dst_host_same_srv_rate", "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate",
    "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate",
)  # fmt: skip
_OTHERS: Final = ("label", "difficulty")

# KDD's service is that of the port. Zeek's is what was spoken, so it is set only where something
# was said; the port gives the class of the port.
_ZEEK_NAMES: Final = {
    "IRC": "irc", "domain": "dns", "domain_u": "dns", "ftp": "ftp", "ftp_data": "ftp-data",
    "http": "http", "http_2784": "http", "http_443": "ssl", "http_8001": "http", "imap4": "imap",
    "ldap": "ldap_tcp", "ntp_u": "ntp", "pop_3": "pop3", "smtp": "smtp", "ssh": "ssh",
    "telnet": "telnet", "tftp_u": "tftp",
}  # fmt: skip
_PORTS: Final = {
    "IRC": 6667, "X11": 6000, "Z39_50": 210, "aol": 5190, "auth": 113, "bgp": 179, "courier": 530,
    "csnet_ns": 105, "ctf": 84, "daytime": 13, "discard": 9, "domain": 53, "domain_u": 53,
    "echo": 7, "efs": 520, "exec": 512, "finger": 79, "ftp": 21, "ftp_data": 20, "gopher": 70,
    "hostnames": 101, "http": 80, "http_2784": 2784, "http_443": 443, "http_8001": 8001,
    "imap4": 143, "iso_tsap": 102, "klogin": 543, "kshell": 544, "ldap": 389, "link": 87,
    "login": 513, "mtp": 57, "name": 42, "netbios_dgm": 138, "netbios_ns": 137,
    "netbios_ssn": 139, "netstat": 15, "nnsp": 433, "nntp": 119, "ntp_u": 123, "pop_2": 109,
    "pop_3": 110, "printer": 515, "remote_job": 71, "rje": 77, "shell": 514, "smtp": 25,
    "sql_net": 150, "ssh": 22, "sunrpc": 111, "supdup": 95, "systat": 11, "telnet": 23,
    "tftp_u": 69, "time": 37, "uucp": 540, "uucp_path": 117, "vmnet": 175, "whois": 43,
}  # fmt: skip
_SPOKEN: Final = (pl.col("src_bytes") + pl.col("dst_bytes")) > 0

_CATEGORIES: Final = {
    "dos": (
        "apache2", "back", "land", "mailbomb", "neptune", "pod", "processtable", "smurf",
        "teardrop", "udpstorm", "worm",
    ),
    "probe": ("ipsweep", "mscan", "nmap", "portsweep", "saint", "satan"),
    "r2l": (
        "ftp-write", "guess-passwd", "httptunnel", "imap", "multihop", "named", "phf", "sendmail",
        "snmpgetattack", "snmpguess", "spy", "warezclient", "warezmaster", "xlock", "xsnoop",
    ),
    "u2r": (
        "buffer-overflow", "loadmodule", "perl", "ps", "rootkit", "sqlattack", "xterm",
    ),
}  # fmt: skip

FILE_COLUMNS: Final = _BEFORE + _WORDS + _AFTER + _OTHERS

KDD: Final = TableLayout(
    title="KDD Cup 99",
    header=False,
    numbers=_BEFORE + _AFTER,
    words=_WORDS,
    others=_OTHERS,
    optional=1,
    conn={
        "duration": pl.col("duration"),
        "orig_bytes": amount("src_bytes"),
        "resp_bytes": amount("dst_bytes"),
        "proto": pl.col("protocol_type"),
        "service": pl.when(_SPOKEN).then(
            pl.col("service").replace_strict(_ZEEK_NAMES, default=None, return_dtype=pl.String())
        ),
        "conn_state": pl.col("flag"),
        "id.resp_p": pl.col("service").replace_strict(
            _PORTS, default=None, return_dtype=pl.Int32()
        ),
    },
    categories=_CATEGORIES,
    whole_seconds=True,
)
