"""Both ends of TLS sessions: what clients offer, what servers show, what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Hosts,
    Rng,
    Site,
    chance,
    outside,
    pick,
    picks,
    some,
    subset,
)
from enricher.learn.prior.text import BASE36, HEX, Strings, characters, random_text, token, word
from enricher.simulate.names import site_name

_NEW = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_GOOD = (
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)  # fmt: skip
_OLD = (
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_RC4_128_MD5", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
)  # fmt: skip
_CURVES = ("x25519", "x25519", "secp256r1", "secp384r1", "secp521r1", "X25519MLKEM768")
_BAD = ("self signed certificate", "self signed certificate in certificate chain",
        "unable to get local issuer certificate", "certificate has expired",
        "unable to verify the first certificate", "certificate is not yet valid")  # fmt: skip
_ALERTS = ("handshake_failure", "unknown_ca", "protocol_version", "certificate_unknown",
           "bad_certificate", "internal_error", "unrecognized_name", "decode_error",
           "illegal_parameter", "certificate_expired", "close_notify")  # fmt: skip
_PLACES = ("US", "DE", "GB", "XX", "AU", "FR", "CN", "RU", "IN", "BR", "JP", "NL", "CA")
_AUTHORITIES = 12


@dataclass(frozen=True, slots=True)
class Client:
    """What a client offers, always the same; its fingerprints follow from that."""

    new: bool
    alpn: str | None
    ja3: str
    ja4: str


@dataclass(frozen=True, slots=True)
class Server:
    """What a server answers and shows."""

    address: str
    name: str | None
    version: str
    cipher: str
    curve: str | None
    ja3s: str
    subject: str
    issuer: str
    chain: int
    status: str


def client(rng: Rng, new: float = 0.7, alpn: float = 0.6) -> Client:
    """A client; JA4 counts its ciphers and extensions, then hashes them."""
    is_new = chance(rng, new)
    protocol = pick(rng, ["h2", "h2", "http/1.1"]) if chance(rng, alpn) else None
    ciphers, extensions = int(rng.integers(1, 60)), int(rng.integers(3, 22))
    end = {"h2": "h2", "http/1.1": "h1", None: "00"}[protocol]
    first = (
        f"t{13 if is_new else pick(rng, [12, 12, 12, 10, 11])}d{ciphers:02d}{extensions:02d}{end}"
    )
    hashes = f"{token(rng, HEX, 12)}_{token(rng, HEX, 12)}"
    return Client(is_new, protocol, token(rng, HEX, 32), f"{first}_{hashes}")


def subject_of(rng: Rng, name: str, style: str) -> str:
    """A distinguished name as Zeek writes it, most special part first (RFC 2253)."""
    if style == "bare":
        return f"CN={name}"
    firm = f"{word(rng, 2).title()} {pick(rng, ['Ltd', 'Inc', 'GmbH', 'Corp', 'Org'])}"
    country = pick(rng, _PLACES)
    if style == "default":
        return pick(
            rng,
            [
                "O=Internet Widgits Pty Ltd,ST=Some-State,C=AU",
                "O=Default Company Ltd,L=Default City,C=XX",
            ],
        )
    if style == "random":
        text = random_text(rng, 4, 16)(rng, 5)
        return f"CN={text[0]},OU={text[1]},O={text[2]},L={text[3]},ST={text[4]},C={country}"
    return f"CN={name},O={firm},L={word(rng, 2).title()},C={country}"


def server(
    rng: Rng, site: Site, name: str | None, trust: str, *, old: float, inside: bool = False
) -> Server:
    """A server with a certificate.

    Args:
        rng: Source of chance.
        site: Whose servers there are.
        name: What clients call it; None where they call it nothing.
        trust: ``public``, ``private`` (an authority of one's own) or ``self`` (signed by itself).
        old: Share of servers that speak old versions only.
        inside: Whether it stands in the site.
    """
    version = (
        pick(rng, ["TLSv12", "TLSv12", "TLSv10", "TLSv11", "SSLv3"])
        if chance(rng, old)
        else pick(rng, ["TLSv13", "TLSv13", "TLSv12"])
    )
    cipher = pick(
        rng,
        _NEW
        if version == "TLSv13"
        else _GOOD
        if version == "TLSv12" and chance(rng, 0.7)
        else _OLD,
    )
    shown = name or pick(rng, ["localhost", word(rng, 3), token(rng, BASE36, 10), site_name(rng)])
    styles = {"public": ["bare", "bare", "full"], "private": ["full", "bare"],
              "self": ["bare", "full", "default", "random", "random"]}[trust]  # fmt: skip
    subject = subject_of(rng, shown, pick(rng, styles))
    issuer, status, chain = subject, pick(rng, _BAD[:1] * 4 + _BAD), 1
    if trust == "public":
        firm = f"{site.words[int(rng.integers(_AUTHORITIES))].title()} Trust"
        issuer = f"CN={firm} CA {pick(rng, ['R3', 'E1', 'G2', '2020'])},O={firm} Inc,C=US"
        status, chain = pick(rng, ["ok"] * 12 + list(_BAD[2:4])), int(rng.integers(2, 5))
    elif trust == "private":
        issuer, chain = subject_of(rng, f"{word(rng, 2)} CA", "full"), int(rng.integers(1, 4))
        status = pick(rng, _BAD[1:])
    address = pick(rng, site.servers) if inside else outside(rng, 1)[0]
    curve = None if "ECDHE" not in cipher and version != "TLSv13" else pick(rng, _CURVES)
    return Server(
        address, name, version, cipher, curve, token(rng, HEX, 32), subject, issuer, chain, status
    )


@dataclass(frozen=True, slots=True)
class Sessions:
    """The laws of one family's, or one style's, sessions.

    Attributes:
        clients: That take turns.
        servers: That are spoken to.
        who: Sources.
        port: Of the servers.
        failed: Share of handshakes that fail.
        alerts: With which they fail; None for none.
        resumed: Share of sessions that go on from an earlier one.
        names: Source of server names, instead of the servers' own.
        mismatched: Whether the name is not that of the certificate.
        client_chain: Certificates of the client.
    """

    clients: tuple[Client, ...]
    servers: tuple[Server, ...]
    who: Hosts
    port: int
    failed: float
    alerts: tuple[str | None, ...]
    resumed: float
    names: Strings | None = None
    mismatched: bool = False
    client_chain: int = 0


def sessions(
    rng: Rng, laws: Sessions, number: int, chosen: Sequence[Server] | None = None
) -> Columns:
    """Columns of ``number`` sessions, all but the time; ``chosen`` are the servers of each."""
    ends = list(chosen) if chosen is not None else picks(rng, laws.servers, number)
    callers = picks(rng, laws.clients, number)
    failed = some(rng, number, laws.failed).tolist()
    resumed = (some(rng, number, laws.resumed) & ~np.array(failed, np.bool_)).tolist()
    alerts = picks(rng, laws.alerts, number)
    names = [end.name for end in ends] if laws.names is None else laws.names(rng, number)
    versions = [_agreed(caller, end) for caller, end in zip(callers, ends, strict=True)]
    # A certificate is seen where it is sent in the clear: not in TLS 1.3, not on resumption.
    seen = [not (bad or again) and version[0] != "TLSv13"
            for bad, again, version in zip(failed, resumed, versions, strict=True)]  # fmt: skip
    early = [bad and chance(rng, 0.6) for bad in failed]
    files = characters(rng, BASE36, np.full(number, 17))
    return {
        "id.orig_h": laws.who(rng, number),
        "id.resp_h": [end.address for end in ends],
        "id.resp_p": laws.port,
        "version": [None if lost else v for (v, _, _), lost in zip(versions, early, strict=True)],
        "cipher": [None if lost else c for (_, c, _), lost in zip(versions, early, strict=True)],
        "curve": [None if lost else g for (_, _, g), lost in zip(versions, early, strict=True)],
        "server_name": names,
        "resumed": resumed,
        "last_alert": [alert if bad else None for alert, bad in zip(alerts, failed, strict=True)],
        "next_protocol": [
            caller.alpn if not bad else None for caller, bad in zip(callers, failed, strict=True)
        ],
        "established": [not bad for bad in failed],
        "ssl_history": [
            _history(version[0], bad, lost, again)
            for version, bad, lost, again in zip(versions, failed, early, resumed, strict=True)
        ],
        "cert_chain": [
            [f"F{name}{i}" for i in range(end.chain)] if shown else None
            for end, name, shown in zip(ends, files, seen, strict=True)
        ],
        "client_cert_chain": [
            [f"Fc{i}" for i in range(laws.client_chain)] if s else None for s in seen
        ],
        "subject": [end.subject if shown else None for end, shown in zip(ends, seen, strict=True)],
        "issuer": [end.issuer if shown else None for end, shown in zip(ends, seen, strict=True)],
        "validation_status": [
            end.status if shown else None for end, shown in zip(ends, seen, strict=True)
        ],
        "sni_matches_cert": [
            (not laws.mismatched and end.name is not None and end.name in end.subject)
            if shown and name
            else None
            for end, shown, name in zip(ends, seen, names, strict=True)
        ],
        "ja3": [caller.ja3 for caller in callers],
        "ja3s": [None if lost else end.ja3s for end, lost in zip(ends, early, strict=True)],
        "ja4": [
            caller.ja4 if name else caller.ja4.replace("d", "i", 1)
            for caller, name in zip(callers, names, strict=True)
        ],
    }


def _agreed(caller: Client, end: Server) -> tuple[str, str, str | None]:
    """Version, cipher and curve that both ends can do."""
    if end.version == "TLSv13" and not caller.new:
        return "TLSv12", _GOOD[len(end.subject) % len(_GOOD)], end.curve
    return end.version, end.cipher, end.curve


def _history(version: str, bad: bool, lost: bool, again: bool) -> str:
    """The handshake's messages as Zeek writes them, upper case from the client."""
    if bad:
        return "Cl" if lost else "Csxl"
    if version == "TLSv13":
        return "CsiI"
    return "CsiI" if again else "CsxknGIi"


def few_clients(rng: Rng, most: int, new: float, alpn: float) -> tuple[Client, ...]:
    """1 to ``most`` clients."""
    return tuple(client(rng, new, alpn) for _ in range(int(rng.integers(1, most + 1))))


def alerts_of(rng: Rng) -> tuple[str | None, ...]:
    """Ways in which handshakes fail, to choose from."""
    return tuple(subset(rng, [*_ALERTS, None, None], 3))
