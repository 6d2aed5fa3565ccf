"""What ordinary traffic anywhere has: it would be met by everybody, so it indicates nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

_BROWSERS = (
    "mozilla/", "opera/", "opera mini/", "ucweb/", "chrome/", "firefox/", "safari/", "lynx/",
    "elinks/", "links (", "w3m/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ordinary:
    """Ordinary values, in lower case.

    Attributes:
        names: Names of hosts.
        paths: Paths of URIs.
        products: What user agents begin with, up to their version.
    """

    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Mapping[str, Sequence[bytes]]) -> Self:
        """Out of the project's list, by the buffer that holds a value (``rules/ordinary.yaml``)."""

        def lower(*buffers: str) -> list[str]:
            found = (value for buffer in buffers for value in values.get(buffer, ()))
            return [value.decode("utf-8", "replace").lower() for value in found]

        return cls(
            frozenset(lower("http.host", "dns.query", "tls.sni")),
            frozenset(map(path_of, lower("http.uri"))) | {"/"},
            frozenset(map(_product, lower("http.user_agent"))),
        )

    def has_agent(self, agent: str) -> bool:
        """Whether a user agent is that of a browser, or of a common program in any version."""
        folded = agent.strip().lower()
        return folded.startswith(_BROWSERS) or _product(folded) in self.products


def path_of(uri: str) -> str:
    """The path of a URI."""
    return uri.partition("#")[0].partition("?")[0]


def _product(agent: str) -> str:
    """``curl`` of ``curl/8.4.0``."""
    return agent.partition("/")[0].strip()
