"""Programs that speak HTTP and TLS: what they call themselves and how they say hello."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from enricher.simulate.names import choose, invented_word


@dataclass(frozen=True, slots=True)
class TlsStyle:
    """What a client and its server agree on.

    Attributes:
        version: As Zeek writes it.
        cipher: IANA name.
        curve: Named group.
        protocol: ALPN, None without.
    """

    version: str
    cipher: str
    curve: str
    protocol: str | None


BROWSER_TLS = [
    TlsStyle("TLSv13", "TLS_AES_128_GCM_SHA256", "x25519", "h2"),
    TlsStyle("TLSv13", "TLS_AES_256_GCM_SHA384", "x25519", "h2"),
    TlsStyle("TLSv13", "TLS_AES_128_GCM_SHA256", "X25519MLKEM768", "h2"),
    TlsStyle("TLSv12", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519", "h2"),
    TlsStyle("TLSv12", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "secp256r1", "http/1.1"),
]
LIBRARY_TLS = [
    TlsStyle("TLSv13", "TLS_AES_256_GCM_SHA384", "x25519", None),
    TlsStyle("TLSv13", "TLS_AES_256_GCM_SHA384", "x25519", "http/1.1"),
    TlsStyle("TLSv13", "TLS_CHACHA20_POLY1305_SHA256", "x25519", "h2"),
    TlsStyle("TLSv12", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "secp384r1", None),
    TlsStyle("TLSv12", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "x25519", None),
    TlsStyle("TLSv12", "TLS_RSA_WITH_AES_128_CBC_SHA", "secp256r1", None),
]


def browser_agent(rng: np.random.Generator) -> str:
    """The user agent of a browser of recent years."""
    system = choose(
        rng,
        [
            "Windows NT 10.0; Win64; x64",
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
            "iPhone; CPU iPhone OS 17_5 like Mac OS X",
            "Linux; Android 14; K",
        ],
    )
    version = int(rng.integers(102, 147))
    if rng.random() < 0.25:  # noqa: PLR2004  # share of the second engine
        return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{version}.0.0.0 Safari/537.36"
    )


def program_agent(rng: np.random.Generator) -> str:
    """The user agent of an updater, a library or a gadget; attackers' tools use them too."""
    minor = int(rng.integers(1, 40))
    return choose(
        rng,
        [
            f"curl/8.{minor % 15}.0",
            f"Wget/1.{20 + minor % 5}",
            f"python-requests/2.{minor}.1",
            f"Go-http-client/{1 + minor % 2}.1",
            f"okhttp/4.{minor % 13}.0",
            f"Debian APT-HTTP/1.3 (2.{minor % 10}.2)",
            f"{invented_word(rng, 2).title()}Update/{minor}.{minor % 7}",
            f"{invented_word(rng, 3).title()}/{minor}.0 (+linux; armv7l)",
            f"Java/17.0.{minor % 14}",
        ],
    )


def attacker_agent(rng: np.random.Generator, names: tuple[str, ...]) -> str | None:
    """What an attacker's tool says: mostly a browser's words, at times a library's or its own."""
    dice = rng.random()
    if dice < 0.5:  # noqa: PLR2004  # shares of honest and lying tools
        return browser_agent(rng)
    if dice < 0.75:  # noqa: PLR2004
        return program_agent(rng)
    if dice < 0.82 or not names:  # noqa: PLR2004
        return None
    return choose(rng, names)
