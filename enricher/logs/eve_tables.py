"""Names that Suricata writes, and the numbers and names that Zeek has for the same."""

from __future__ import annotations

# Registered at https://www.iana.org/assignments/dns-parameters: resource record types.
DNS_TYPES: dict[str, int] = {
    "A": 1, "NS": 2, "MD": 3, "MF": 4, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9,
    "NULL": 10, "WKS": 11, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15, "TXT": 16, "RP": 17,
    "AFSDB": 18, "X25": 19, "ISDN": 20, "RT": 21, "NSAP": 22, "NSAP-PTR": 23, "NSAPPTR": 23,
    "SIG": 24, "KEY": 25, "PX": 26, "GPOS": 27, "AAAA": 28, "LOC": 29, "NXT": 30, "EID": 31,
    "NIMLOC": 32, "SRV": 33, "ATMA": 34, "NAPTR": 35, "KX": 36, "CERT": 37, "A6": 38,
    "DNAME": 39, "SINK": 40, "OPT": 41, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45,
    "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51,
    "TLSA": 52, "SMIMEA": 53, "HIP": 55, "NINFO": 56, "RKEY": 57, "TALINK": 58, "CDS": 59,
    "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63, "SVCB": 64, "HTTPS": 65,
    "DSYNC": 66, "HHIT": 67, "BRID": 68, "SPF": 99, "UINFO": 100, "UID": 101, "GID": 102,
    "UNSPEC": 103, "NID": 104, "L32": 105, "L64": 106, "LP": 107, "EUI48": 108, "EUI64": 109,
    "NXNAME": 128, "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252, "MAILB": 253,
    "MAILA": 254, "*": 255, "ANY": 255, "URI": 256, "CAA": 257, "AVC": 258, "DOA": 259,
    "AMTRELAY": 260, "RESINFO": 261, "WALLET": 262, "CLA": 263, "IPN": 264, "TA": 32768,
    "DLV": 32769,
}  # fmt: skip

# The same registry: response codes, with the spellings Suricata has had for them.
DNS_RCODES: dict[str, int] = {
    "NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5,
    "YXDOMAIN": 6, "YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10, "DSOTYPENI": 11,
    "BADVERS": 16, "BADSIG": 16, "BADVERS/BADSIG": 16, "BADKEY": 17, "BADTIME": 18,
    "BADMODE": 19, "BADNAME": 20, "BADALG": 21, "BADTRUNC": 22, "BADCOOKIE": 23,
}  # fmt: skip

# Zeek's analyzers by the names Suricata has for its application layers; the rest have one name.
SERVICES: dict[str, str | None] = {
    "tls": "ssl", "failed": None, "unknown": None, "http2": "http", "http1": "http",
    "dcerpc": "dce_rpc", "krb5": "krb", "ikev2": "ike",
    "postgresql": "postgresql", "pgsql": "postgresql",
}  # fmt: skip

TLS_VERSIONS: dict[str, str | None] = {
    "SSLv2": "SSLv2", "SSLv3": "SSLv3", "SSL 3.0": "SSLv3", "TLSv1": "TLSv10",
    "TLS 1.0": "TLSv10", "TLS 1.1": "TLSv11", "TLS 1.2": "TLSv12", "TLS 1.3": "TLSv13",
    "UNDETERMINED": None,
}  # fmt: skip

# Zeek calls these by what they carry.
PROTOCOLS: dict[str, str] = {"ipv6-icmp": "icmp", "icmpv6": "icmp"}
