"""What is said of a family in an alert: words, category, severity, ATT&CK, signature id.

Categories and their severities are those of Suricata's ``classification.config``
(https://docs.suricata.io/en/latest/rules/meta.html#classtype); tactics and techniques are those of
MITRE ATT&CK for Enterprise (https://attack.mitre.org).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

UNKNOWN_FAMILY = "unknown"
"""Family of a record that is new to every family and to the site."""
RESERVED_NAMES = frozenset({UNKNOWN_FAMILY, "benign"})
"""Verdicts; no family may be called so."""

MAX_NAME_LENGTH = 64
FIRST_SIGNATURE_ID = 1_000_000_000
_SIGNATURE_IDS = 1_000_000_000

_TROJAN = ("A Network Trojan was detected", 1)
_COMMAND_AND_CONTROL = ("Malware Command and Control Activity Detected", 1)
_WEB = ("Web Application Attack", 1)
_DENIAL_OF_SERVICE = ("Attempted Denial of Service", 2)
_ATTACK = ("Misc Attack", 2)
_BAD_TRAFFIC = ("Potentially Bad Traffic", 2)
_SCAN = ("Detection of a Network Scan", 3)
_UNKNOWN = ("Unknown Traffic", 3)

_RECONNAISSANCE = ("TA0043", "Reconnaissance")
_INITIAL_ACCESS = ("TA0001", "Initial Access")
_CREDENTIALS = ("TA0006", "Credential Access")
_DISCOVERY = ("TA0007", "Discovery")
_CONTROL = ("TA0011", "Command and Control")
_IMPACT = ("TA0040", "Impact")
_NONE = ("", "")


@dataclass(frozen=True, slots=True)
class FamilyInfo:
    """What an alert says of a family.

    Attributes:
        name: The family's name.
        title: A few words for people; the alert's signature is made of it.
        category: Long text of a class in Suricata's ``classification.config``.
        severity: Its priority, 1 (high) to 4.
        mitre_tactic_id: For example ``TA0011``; empty where none is meant.
        mitre_tactic_name: For example ``Command and Control``.
        mitre_technique_id: For example ``T1071.004``.
        mitre_technique_name: For example ``DNS``.
        description: One sentence for people.
    """

    name: str
    title: str
    category: str
    severity: int
    mitre_tactic_id: str = ""
    mitre_tactic_name: str = ""
    mitre_technique_id: str = ""
    mitre_technique_name: str = ""
    description: str = ""


# Part of a name -> what it means. The first that occurs in the name is taken, so a part that is
# more telling stands before one that is less.
_BY_PART: tuple[tuple[str, str, tuple[str, int], tuple[str, str], tuple[str, str], str], ...] = (
    ("tunnel", "DNS tunnel", _COMMAND_AND_CONTROL, _CONTROL, ("T1071.004", "DNS"),
     "Data is carried in the names and answers of DNS."),
    ("dga", "Generated domain names", _COMMAND_AND_CONTROL, _CONTROL,
     ("T1568.002", "Domain Generation Algorithms"),
     "Names are looked up that an algorithm made."),
    ("cnc", "Command and control", _COMMAND_AND_CONTROL, _CONTROL,
     ("T1071", "Application Layer Protocol"), "A host reports to its controller."),
    ("beacon", "Beaconing", _COMMAND_AND_CONTROL, _CONTROL,
     ("T1071", "Application Layer Protocol"), "A host calls the same place at even intervals."),
    ("bruteforce", "Password guessing", _ATTACK, _CREDENTIALS, ("T1110", "Brute Force"),
     "Logins are tried one after the other."),
    ("brute-force", "Password guessing", _ATTACK, _CREDENTIALS, ("T1110", "Brute Force"),
     "Logins are tried one after the other."),
    ("ddos", "Denial of service", _DENIAL_OF_SERVICE, _IMPACT,
     ("T1498", "Network Denial of Service"), "A target is flooded."),
    ("dos", "Denial of service", _DENIAL_OF_SERVICE, _IMPACT,
     ("T1499", "Endpoint Denial of Service"), "A target is flooded or exhausted."),
    ("vulnerability-scan", "Vulnerability scan", _WEB, _RECONNAISSANCE,
     ("T1595.002", "Vulnerability Scanning"), "A server is searched for known holes."),
    ("sqli", "SQL injection", _WEB, _INITIAL_ACCESS,
     ("T1190", "Exploit Public-Facing Application"), "SQL is sent where a value belongs."),
    ("xss", "Cross-site scripting", _WEB, _INITIAL_ACCESS,
     ("T1190", "Exploit Public-Facing Application"), "Script is sent where a value belongs."),
    ("web", "Attack on a web application", _WEB, _INITIAL_ACCESS,
     ("T1190", "Exploit Public-Facing Application"), "Requests that a browser would not make."),
    ("horizontal", "Horizontal scan", _SCAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "One port is tried on many hosts."),
    ("vertical", "Vertical scan", _SCAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "Many ports are tried on one host."),
    ("scan", "Scan", _SCAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "Hosts and ports are tried for what answers."),
    ("probe", "Scan", _SCAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "Hosts and ports are tried for what answers."),
    ("exploit", "Exploit attempt", _ATTACK, _INITIAL_ACCESS,
     ("T1190", "Exploit Public-Facing Application"), "A hole in a service is used."),
    ("okiru", "Okiru botnet", _TROJAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "A host behaves like one of the Okiru botnet."),
    ("mirai", "Mirai botnet", _TROJAN, _DISCOVERY,
     ("T1046", "Network Service Discovery"), "A host behaves like one of the Mirai botnet."),
    ("trojan", "Trojan", _TROJAN, _CONTROL,
     ("T1071", "Application Layer Protocol"), "A host behaves as if a trojan ran on it."),
    ("botnet", "Botnet", _TROJAN, _CONTROL,
     ("T1071", "Application Layer Protocol"), "A host behaves like one of a botnet."),
    ("attack", "Attack", _ATTACK, _INITIAL_ACCESS,
     ("T1190", "Exploit Public-Facing Application"), "Traffic like that of known attacks."),
)  # fmt: skip

_UNKNOWN_INFO = FamilyInfo(
    name=UNKNOWN_FAMILY,
    title="Behaviour never seen here",
    category=_UNKNOWN[0],
    severity=_UNKNOWN[1],
    description="New to every known family and to the traffic of this site.",
)


def check_name(name: str) -> str:
    """Return a family's name if it may be one.

    Raises:
        ValueError: If it is empty, too long, reserved, begins or ends with a space, or has
            characters that do not print.
    """
    if not name or len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"a family's name has 1 to {MAX_NAME_LENGTH} characters, got {len(name)}")
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"a family's name has only characters that print, got {name!a}")
    if name.lower() in RESERVED_NAMES:
        raise ValueError(f"{name!a} is a verdict; give the family another name")
    return name


@lru_cache(maxsize=1024)
def family_info(name: str) -> FamilyInfo:
    """What is known of a family by its name; a name that says nothing gets safe defaults.

    Never fails: a name that :func:`check_name` refuses is shown without what is wrong with it.
    """
    if name == UNKNOWN_FAMILY:
        return _UNKNOWN_INFO
    shown = "".join(c if c.isprintable() else "?" for c in name[:MAX_NAME_LENGTH]).strip()
    shown = shown or "unnamed"
    for part, title, (category, severity), tactic, technique, description in _BY_PART:
        if part in shown.lower().replace("_", "-"):
            return FamilyInfo(
                shown, f"{title} ({shown})", category, severity, *tactic, *technique, description
            )
    return FamilyInfo(
        shown, f"Family {shown}", *_BAD_TRAFFIC, description="A family that this site named."
    )


def with_severity(info: FamilyInfo, category: str, severity: int) -> FamilyInfo:
    """The same family with the category and severity that a site gave it.

    Raises:
        ValueError: If the severity is not 1 to 4.
    """
    if not 1 <= severity <= 4:  # noqa: PLR2004 - the priorities of classification.config
        raise ValueError(f"a severity is 1 (high) to 4, got {severity}")
    return replace(info, category=category, severity=severity)


@lru_cache(maxsize=1024)
def signature_id(family: str, category: str, severity: int) -> int:
    """A signature id that is the same wherever family, category and severity are.

    Arkime takes ids below 2^31 only, and ids from 1,000,000,000 upwards keep clear of those of
    the common rule sets.

    Returns:
        A number in 1,000,000,000 to 1,999,999,999.
    """
    text = "\0".join((family, category, str(severity))).encode("utf-8", "replace")
    digest = hashlib.blake2s(text, digest_size=8).digest()
    return FIRST_SIGNATURE_ID + int.from_bytes(digest, "big") % _SIGNATURE_IDS
