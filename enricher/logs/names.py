"""What the name of a log file says: which of Zeek's logs it is, and when it was rotated.

Zeek writes ``conn.log``; rotates it to ``conn.2026-01-01-12-00-00.log``; ZeekControl and
zeek-archiver move it to ``2026-01-01/conn.12:00:00-13:00:00.log.gz`` (with ``-logger-1`` in a
cluster of several loggers), from ``conn__2026-01-01-12-00-00__2026-01-01-13-00-00__.log`` in the
queue between; json-streaming-logs writes ``json_streaming_conn.log``. People add prefixes and
endings of their own. A name is a hint: where content says more, content decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The logs of Zeek 8 and of the packages seen most, by the name Zeek calls their path
# (https://docs.zeek.org/en/master/log-formats.html). Only used to find the name of a log within
# the name of a file; a name that is not here still works where the log names itself.
_NAMES = """
    analyzer analyzer_debug barnyard2 broker capture_loss cluster config conn conn_long
    corelight_notice dce_rpc dhcp dnp3 dns dpd files ftp http intel irc kerberos known_certs
    known_devices known_hosts known_modbus known_services ldap ldap_search loaded_scripts
    login_failures modbus modbus_register_change mqtt_connect mqtt_publish mqtt_subscribe mysql
    netcontrol netcontrol_drop notice notice_alarm ntlm ntp ocsp open_conn openflow packet_filter
    pe postgresql print prof profiling quic radius rdp redis reporter rfb signatures sip smb_cmd
    smb_files smb_mapping smtp smtp_entities snmp socks software ssh ssl stats syslog telemetry
    telemetry_histogram tls traceroute tunnel unknown_protocols weird weird_stats websocket
    wireguard x509
"""
ZEEK_PATHS = frozenset(_NAMES.split())

_COMPRESSED = re.compile(r"\.(gz|xz|zst|zstd)$", re.IGNORECASE)
_ENDING = re.compile(r"\.(log|json|jsonl|ndjson|tsv|txt|labell?ed|\d{1,4})$", re.IGNORECASE)
_CLOCK = re.compile(r"\.(\d\d):(\d\d):(\d\d)-\d\d:\d\d:\d\d(?=$|[.-])")
_DAY = r"(?<!\d)(\d{4})-?([01]\d)-?([0-3]\d)"
_MOMENT = re.compile(_DAY + r"(?:[-_T]?(\d\d)[-:]?(\d\d)(?:[-:]?(\d\d))?)?(?!\d)")
_QUEUED = re.compile(r"__(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)__.*$")
_DAY_FOLDER = re.compile(_DAY + r"$")
_BOUNDARY = re.compile(r"[._\- ]")
_COMPANION = re.compile(r"(\.shadow\.|conn-summary\.|std(out|err)\.log)")

_LONGEST_NAME = 255

Moment = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LogName:
    """A file's name, taken apart.

    Attributes:
        path: Zeek's name of the log (``conn``, ``conn_long`` …), if one is found in the name.
        series: The name without times, endings and compression: the same for all rotated files
            of one log.
        day: Year, month and day of the rotation, if the name says them.
        clock: Hour, minute and second of the rotation, if the name says them.
    """

    path: str | None
    series: str
    day: Moment | None = None
    clock: Moment | None = None


def is_companion(name: str) -> bool:
    """Whether this is a file that Zeek or ZeekControl keep beside logs, and no log itself."""
    return _COMPANION.match(name) is not None


def without_compression(name: str) -> str:
    """The name of the same file, not compressed."""
    return _COMPRESSED.sub("", name)


def day_of_folder(name: str) -> Moment | None:
    """The day that a folder of archived logs is named after, as in ``2026-01-01``."""
    match = _DAY_FOLDER.match(name)
    return _numbers(match.groups()) if match else None


def parse_name(name: str) -> LogName:
    """Take the last part of a file's path apart."""
    stem = _without_endings(name[-_LONGEST_NAME:])
    day = clock = None
    if queued := _QUEUED.search(stem):
        moment = _numbers(queued.group(1).split("-"))
        day, clock, stem = moment[:3], moment[3:], stem[: queued.start()]
    elif within := _CLOCK.search(stem):
        clock = _numbers(within.groups())
        stem = stem[: within.start()] + stem[within.end() :]
    if day is None and (moment_match := _MOMENT.search(stem)):
        groups = moment_match.groups()
        day = _numbers(groups[:3])
        if groups[3] is not None:
            clock = _numbers([part or "0" for part in groups[3:]])
        stem = stem[: moment_match.start()].rstrip("._-") + stem[moment_match.end() :]
        stem = _without_endings(stem)
    return LogName(_path_within(stem), stem, day, clock)


def _without_endings(name: str) -> str:
    while (shorter := _ENDING.sub("", _COMPRESSED.sub("", name))) not in (name, ""):
        name = shorter
    return name


def _numbers(texts: object) -> Moment:
    assert isinstance(texts, (list, tuple))
    return tuple(int(text) for text in texts)


def _path_within(stem: str) -> str | None:
    """The longest known name of a log at the end of ``stem``, or else at its beginning."""
    text = stem.lower().replace("-", "_")
    marks = [found.start() for found in _BOUNDARY.finditer(text)]
    # A name of many parts is no reason for much work: known names have three at the most.
    tails = [text, *(text[mark + 1 :] for mark in marks[-4:])]
    heads = [text[:mark] for mark in reversed(marks[:4])]
    return next((part for part in (*tails, *heads) if part in ZEEK_PATHS), None)
