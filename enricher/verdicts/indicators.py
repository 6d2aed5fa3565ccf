"""What of an alert Zeek may look for in other connections.

An indicator that ordinary traffic has makes noise wherever it is looked for. So it has to be of a
confident alert, not ordinary, and not of this site: a request from outside names the host that it
attacks, and to look for that would find all of its visitors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

from enricher.alerts import UNKNOWN_FAMILY
from enricher.verdicts.event import Address, Verdict
from enricher.verdicts.ordinary import Ordinary, path_of

Network: TypeAlias = IPv4Network | IPv6Network

MAX_URL_BYTES = 2000
MAX_AGENT_BYTES = 512
_MAX_NAME = 253
_HTTP_PORT = 80
_DNS_PORTS = frozenset({"53", "853", "5353"})
# RFC 1918, RFC 4193, RFC 6598; this host and this link.
_PRIVATE: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
        "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip
_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)
# Names below these are another host's in every network.
_OWN_DOMAINS = (".arpa", ".local", ".localhost", ".localdomain", ".internal", ".lan", ".invalid")
_PORT = re.compile(r":\d{0,5}\Z")
_REPLACED = "\ufffd"
"""Stands for bytes that were no text: what was in the traffic is not known."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is written, and for how long.

    Attributes:
        ordinary: What never is an indicator.
        score: Alerts of a family with this score or more give indicators.
        intel_seconds: An indicator expires so long after its alert, in s of flow time.
        notice_seconds: A verdict does.
        most: Lines of a file, at most.
        local: The site's own networks, besides private ones.
    """

    ordinary: Ordinary
    score: float = 0.9
    intel_seconds: float = 86_400.0
    notice_seconds: float = 3600.0
    most: int = 10_000
    local: tuple[Network, ...] = ()

    def inside(self, address: Address) -> bool:
        """Whether an address is the site's own."""
        return any(address in network for network in (*_PRIVATE, *self.local))

    def outside_host(self, address: Address) -> bool:
        """Whether an address is that of one host out there, known by it everywhere."""
        elsewhere = address.is_multicast or address.is_reserved or address.is_unspecified
        site_local = isinstance(address, IPv6Address) and address.is_site_local
        return address.is_global and not (elsewhere or site_local or self.inside(address))


@dataclass(frozen=True, slots=True)
class Indicator:
    """An item of Zeek's Intelligence framework.

    Attributes:
        type: Its type, such as ``Intel::ADDR``.
        value: The value. Zeek looks for it whatever the case is; letters are lower case here, so
            that it stays the same item.
    """

    type: str
    value: str


def indicators_of(verdict: Verdict, choice: Choice) -> list[Indicator]:
    """The indicators of an alert, each once; none where the alert is not confident."""
    if verdict.family == UNKNOWN_FAMILY or verdict.suspended or verdict.score < choice.score:
        return []
    return list(dict.fromkeys(_indicators(verdict, choice)))


def _indicators(verdict: Verdict, choice: Choice) -> Iterator[Indicator]:
    names = verdict.names
    asks, answers = choice.inside(verdict.orig_h), choice.inside(verdict.resp_h)
    # Of two public addresses one may be this site's own: then nobody can say what is outside.
    if asks or answers or choice.local:
        for address in _hosts(verdict):
            if choice.outside_host(address):
                yield Indicator("Intel::ADDR", str(address))
        found = [] if answers else [names.host, names.sni]
        # Whom a query is for is not known by where its resolver stands, but by who asks.
        found += [names.query] if asks or not answers else []
        for name in (_domain(value) for value in found if value is not None):
            if name is not None and name not in choice.ordinary.names:
                yield Indicator("Intel::DOMAIN", name)
        url = None if answers else _url(verdict, choice)
        if url is not None:
            yield Indicator("Intel::URL", url)
    if names.user_agent is not None and _is_agent(names.user_agent, choice.ordinary):
        yield Indicator("Intel::SOFTWARE", _lower(names.user_agent))


def _hosts(verdict: Verdict) -> tuple[Address, ...]:
    """Who may have done it: not the resolver, whoever is asked for through it."""
    if verdict.kind == "dns" or verdict.resp_p.partition("/")[0] in _DNS_PORTS:
        return (verdict.orig_h,)
    return verdict.orig_h, verdict.resp_h


def _domain(value: str) -> str | None:
    """A name of a host in the public domain name system, or None where it is none."""
    if len(value) > _MAX_NAME + len(":65535."):
        return None
    name = _lower(_PORT.sub("", value)).removesuffix(".")
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name) or name.endswith(_OWN_DOMAINS):
        return None
    return name


def _url(verdict: Verdict, choice: Choice) -> str | None:
    """What Zeek's ``HTTP::build_url`` makes of the request, where it is not ordinary."""
    uri, (port, _, transport) = verdict.names.uri, verdict.resp_p.partition("/")
    host = _url_host(verdict, choice)
    # Zeek's versions differ in what they make of a URI that has a scheme in it.
    if uri is None or host is None or transport != "tcp" or uri[0] != "/" or "://" in uri:
        return None
    path = path_of(uri).lower()
    if _REPLACED in uri or path in choice.ordinary.paths or path.strip("/") == "":
        return None
    url = _lower(host + ("" if port == str(_HTTP_PORT) else f":{port}") + uri)
    return url if len(url.encode()) <= MAX_URL_BYTES else None


def _url_host(verdict: Verdict, choice: Choice) -> str | None:
    value = verdict.names.host
    if value is None:
        if not choice.outside_host(verdict.resp_h):
            return None
        six = isinstance(verdict.resp_h, IPv6Address)
        return f"[{verdict.resp_h}]" if six else str(verdict.resp_h)
    name = _domain(value)
    if name is not None:
        return name
    try:
        address = IPv4Address(_PORT.sub("", value))
    except ValueError:
        return None
    return str(address) if choice.outside_host(address) else None


def _is_agent(agent: str, ordinary: Ordinary) -> bool:
    if _REPLACED in agent or len(agent.encode("utf-8", "replace")) > MAX_AGENT_BYTES:
        return False
    return bool(agent.strip()) and not ordinary.has_agent(agent)


def _lower(value: str) -> str:
    """As Zeek does it: of ASCII alone."""
    return value.encode("utf-8", "replace").lower().decode()
