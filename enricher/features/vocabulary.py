"""Values that are told apart, per category; and their indices, looked up in bulk."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.features.arrow import string_column
from enricher.features.compiled import kernel
from enricher.features.declared import ABSENT, OTHER
from enricher.features.strings import NULL_HASH, HashArray, hash_strings
from enricher.features.tensors import IntArray

PROTOCOLS = ("tcp", "udp", "icmp", "unknown_transport")
SERVICES = (
    "http", "ssl", "dns", "ssh", "ftp", "ftp-data", "smtp", "irc", "dhcp", "ntp", "snmp", "smb",
    "gssapi", "ntlm", "krb", "krb_tcp", "dce_rpc", "rdp", "rfb", "ldap_tcp", "ldap_udp", "mysql",
    "pop3", "imap", "sip", "socks", "radius", "syslog", "tftp", "telnet", "quic", "modbus", "dnp3",
    "mqtt", "bittorrent", "ayiya", "teredo", "xmpp", "ssl,http", "gssapi,smb", "quic,ssl",
)  # fmt: skip
# https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html
CONN_STATES = (
    "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH",
)  # fmt: skip
METHODS = (
    "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "DEBUG", "REPORT", "NOTIFY",
    "SUBSCRIBE", "M-SEARCH", "RPC_CONNECT", "RPC_IN_DATA", "RPC_OUT_DATA", "BITS_POST",
)  # fmt: skip
STATUS_CODES = (
    "100", "101", "200", "201", "202", "204", "206", "207", "301", "302", "303", "304", "307",
    "308", "400", "401", "403", "404", "405", "406", "408", "410", "411", "413", "414", "416",
    "417", "429", "500", "501", "502", "503", "504", "505",
)  # fmt: skip
HTTP_VERSIONS = ("0.9", "1.0", "1.1", "2", "3")
MIME_TYPES = (
    "text/html", "text/plain", "text/json", "application/json", "application/xml", "text/xml",
    "text/javascript", "application/javascript", "text/css", "text/x-php", "text/x-shellscript",
    "text/x-python", "text/x-perl", "image/png", "image/jpeg", "image/gif", "image/x-icon",
    "image/svg+xml", "image/webp", "application/octet-stream", "application/zip",
    "application/gzip", "application/x-gzip", "application/pdf", "application/x-dosexec",
    "application/x-executable", "application/x-sharedlib", "application/x-shockwave-flash",
    "application/java-archive", "application/msword", "application/vnd.ms-cab-compressed",
    "application/ocsp-request", "application/ocsp-response", "application/pkix-crl",
    "application/pkix-cert", "application/x-www-form-urlencoded", "application/soap+xml",
    "application/chrome-ext", "application/x-debian-package", "video/mp4", "audio/mpeg",
    "font/woff2", "application/font-woff",
)  # fmt: skip
EXTENSIONS = (
    "php", "asp", "aspx", "jsp", "jspx", "do", "action", "cgi", "pl", "py", "sh", "exe", "dll",
    "bin", "dat", "html", "htm", "shtml", "xml", "json", "txt", "js", "css", "png", "jpg", "jpeg",
    "gif", "ico", "svg", "webp", "woff", "woff2", "ttf", "mp4", "zip", "gz", "tgz", "tar", "rar",
    "7z", "bak", "old", "sql", "db", "mdb", "log", "conf", "config", "ini", "inc", "env", "yml",
    "cab", "msi", "deb", "rpm", "apk", "jar", "war", "crl", "crt", "pem", "key", "arm", "mips",
    "x86", "ps1", "bat", "vbs", "pdf", "doc", "docx", "xls", "swf", "map", "axd", "ashx", "cfm",
)  # fmt: skip
QUERY_TYPES = (
    "1", "2", "5", "6", "10", "12", "13", "15", "16", "24", "25", "28", "33", "35", "38", "41",
    "43", "46", "47", "48", "52", "64", "65", "99", "249", "250", "251", "252", "255", "257",
)  # fmt: skip
QUERY_CLASSES = ("1", "3", "4", "254", "255", "32769")
RETURN_CODES = tuple(str(code) for code in range(11))
TOP_LEVEL: tuple[str, ...] = (
    "com", "net", "org", "info", "biz", "edu", "gov", "mil", "int", "arpa", "local", "lan", "home",
    "internal", "corp", "localdomain", "io", "co", "me", "tv", "cc", "ws", "in", "ru", "su", "cn",
    "tk", "ml", "ga", "cf", "gq", "xyz", "top", "club", "online", "site", "live", "pro", "name",
    "mobi", "app", "dev", "cloud", "us", "uk", "ca", "au", "de", "fr", "nl", "it", "es", "pl",
    "br", "jp", "kr", "tw", "hk", "eu", "ch", "at", "be", "se", "no", "cz", "ua", "ir", "tr",
    "id", "vn", "to", "bit", "onion", "pw", "ms", "la", "sx", "sc", "mn", "kz", "im", "cx",
)  # fmt: skip
TLS_VERSIONS = (
    "SSLv2", "SSLv3", "TLSv10", "TLSv11", "TLSv12", "TLSv13", "DTLSv10", "DTLSv12", "DTLSv13",
)  # fmt: skip
CURVES = (
    "x25519", "secp256r1", "secp384r1", "secp521r1", "x448", "X25519MLKEM768",
    "X25519Kyber768Draft00", "ffdhe2048", "ffdhe3072", "secp224r1", "secp192r1", "sect571r1",
)  # fmt: skip
KEY_EXCHANGES = (
    "TLS", "ECDHE_RSA", "ECDHE_ECDSA", "DHE_RSA", "DHE_DSS", "RSA", "DH_anon", "ECDH_anon",
    "ECDH_RSA", "ECDH_ECDSA", "DH_RSA", "PSK", "ECDHE_PSK", "DHE_PSK", "RSA_EXPORT", "NULL",
)  # fmt: skip
BULK_CIPHERS = (
    "AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305", "AES_128_CBC", "AES_256_CBC", "AES_128_CCM",
    "AES_256_CCM", "3DES_EDE_CBC", "RC4_128", "RC4_40", "DES_CBC", "DES40_CBC", "RC2_CBC_40",
    "CAMELLIA_128_CBC", "CAMELLIA_256_CBC", "SEED_CBC", "ARIA_128_GCM", "NULL",
)  # fmt: skip
NEXT_PROTOCOLS = (
    "h2", "http/1.1", "http/1.0", "h3", "spdy/3.1", "spdy/3", "acme-tls/1", "smtp", "imap", "dot",
    "mqtt", "xmpp-client", "postgresql", "grpc-exp",
)  # fmt: skip
VALIDATION = (
    "ok", "self signed certificate", "self signed certificate in certificate chain",
    "self-signed certificate", "self-signed certificate in certificate chain",
    "unable to get local issuer certificate", "certificate has expired",
    "certificate is not yet valid", "unable to verify the first certificate",
    "unable to get issuer certificate",
    "certificate signature failure", "invalid CA certificate",
)  # fmt: skip
TLS_ALERTS = (
    "close_notify", "unexpected_message", "bad_record_mac", "handshake_failure", "bad_certificate",
    "unsupported_certificate", "certificate_revoked", "certificate_expired",
    "certificate_unknown", "illegal_parameter", "unknown_ca", "access_denied", "decode_error",
    "decrypt_error", "protocol_version", "insufficient_security", "internal_error",
    "user_canceled", "no_renegotiation", "unrecognized_name", "no_application_protocol",
)  # fmt: skip
FIRST_LETTERS = (*"SHADFRCGTWIQ", *"shadfrcgtwiq", "^")


@cache
def _table(vocabulary: tuple[str, ...]) -> tuple[HashArray, IntArray]:
    """An open-addressed table of the vocabulary's hashes; index 0 marks a free place."""
    size = 1 << (4 * len(vocabulary)).bit_length()
    keys, indices = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    hashes = hash_strings(string_column(pl.Series(vocabulary, dtype=pl.String())))
    for index, key in enumerate(hashes, start=2):
        slot = int(key) & (size - 1)
        while indices[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], indices[slot] = key, index
    return keys, indices


@kernel
def _look_up(hashes: Any, keys: Any, indices: Any, out: Any) -> None:
    mask = keys.shape[0] - 1
    for i in range(hashes.shape[0]):
        if hashes[i] == NULL_HASH:
            out[i] = ABSENT
            continue
        slot = np.int64(hashes[i] & np.uint64(mask))
        out[i] = OTHER
        while indices[slot] != 0:
            if keys[slot] == hashes[i]:
                out[i] = indices[slot]
                break
            slot = (slot + 1) & mask


def look_up(hashes: HashArray, vocabulary: tuple[str, ...]) -> IntArray:
    """int32 [N], index of each string by its hash: 0 absent, 1 another, from 2 the vocabulary."""
    out = np.empty(hashes.shape[0], np.int32)
    keys, indices = _table(vocabulary)
    _look_up(hashes, keys, indices, out)
    return out


# Classes of the responder's port: what kind of service listens there by custom (IANA's registry
# and what is commonly seen), never the number itself.
_PORT_GROUPS: dict[str, tuple[int, ...]] = {
    "web": (80, 443, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 3128, 591, 81, 8880),
    "name": (53, 853, 5353, 5355, 137),
    "login": (22, 23, 2222, 2323, 3389, 5900, 5901, 512, 513, 514, 992, 107),
    "mail": (25, 110, 143, 465, 587, 993, 995),
    "file": (20, 21, 69, 111, 139, 445, 873, 990, 2049, 548),
    "database": (1433, 1434, 1521, 3306, 5432, 6379, 9200, 9300, 11211, 27017, 50000),
    "directory": (88, 135, 138, 389, 464, 636, 3268, 3269, 593),
    "infrastructure": (67, 68, 123, 161, 162, 179, 500, 514, 520, 546, 547, 1812,
                       1813, 1900, 4500),
    "device": (7547, 37215, 5555, 52869, 49152, 1883, 8883, 554, 5060, 5061, 102, 502,
               20000, 44818, 47808),
    "chat": (194, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 5222, 5269),
    "proxy": (1080, 9001, 9030, 9050, 1194, 1701, 1723),
}  # fmt: skip
PORT_CLASSES = (*_PORT_GROUPS, "well_known", "registered", "ephemeral")
_PORTS = 65536
_WELL_KNOWN_END = 1024
_EPHEMERAL_START = 32768


@cache
def _port_classes() -> npt.NDArray[np.int32]:
    """int32 [65536], the index of each port's class."""
    table = np.empty(_PORTS, np.int32)
    table[:_WELL_KNOWN_END] = 2 + PORT_CLASSES.index("well_known")
    table[_WELL_KNOWN_END:_EPHEMERAL_START] = 2 + PORT_CLASSES.index("registered")
    table[_EPHEMERAL_START:] = 2 + PORT_CLASSES.index("ephemeral")
    for index, ports in enumerate(_PORT_GROUPS.values(), start=2):
        table[list(ports)] = index
    return table


def port_classes(ports: npt.NDArray[np.float64]) -> IntArray:
    """int32 [N], index into :data:`PORT_CLASSES` plus 2; 0 where there is no port."""
    known = (ports >= 0) & (ports < _PORTS)
    out = np.where(np.isnan(ports), ABSENT, OTHER).astype(np.int32)
    out[known] = _port_classes()[ports[known].astype(np.int64)]
    return out
