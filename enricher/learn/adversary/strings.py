"""Strings that an attacker makes longer without changing what they do."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from urllib.parse import quote

_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_URI = 8000
_LONGEST_AGENT = 1000
_REVERSE = ".arpa"


@dataclass(frozen=True, slots=True)
class Words:
    """What padding is made of.

    Attributes:
        labels: Put before names.
        segments: Put before paths.
        parameters: Names of parameters and values they take.
        tokens: Put behind user agents.
    """

    labels: tuple[str, ...]
    segments: tuple[str, ...]
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    tokens: tuple[str, ...]


ASKED = Words(
    labels=(
        "www", "cdn", "static", "api", "img", "edge", "media", "assets", "login", "mail", "update",
        "eu-west-1", "us-east-2", "content", "download", "prod", "cache", "web", "app", "secure",
    ),
    segments=(
        "assets", "static", "images", "js", "css", "content", "media", "public", "dist", "en",
    ),
    parameters=(
        ("lang", ("en", "de", "fr", "es")),
        ("utm_source", ("newsletter", "google", "direct", "social")),
        ("utm_medium", ("email", "organic", "banner")),
        ("page", ("1", "2", "3", "7")),
        ("theme", ("light", "dark", "default")),
        ("session", ("started", "returning", "guest")),
        ("sort", ("newest", "price", "relevance")),
        ("view", ("list", "grid", "compact")),
    ),
    tokens=(
        "AppleWebKit/537.36", "(KHTML, like Gecko)", "Safari/537.36", "Gecko/20100101",
        "Version/17.1", "Mobile/15E148",
    ),
)  # fmt: skip
"""What evaluations pad with. Never trained with: the words would be learned, not the growth."""

TAUGHT = Words(
    labels=(
        "shop", "blog", "news", "ftp", "smtp", "vpn", "portal", "docs", "files", "store", "ns1",
        "data", "dev", "test", "m", "en", "video", "search", "support", "status", "ap-south-1",
        "client", "gateway", "node7", "host12", "lb", "auth", "sso", "home", "forum",
    ),
    segments=("v1", "site", "pages", "view", "res", "data", "files", "common", "docs", "lib"),
    parameters=(
        ("ref", ("home", "menu", "footer", "search")),
        ("locale", ("us", "gb", "nl", "it", "pl")),
        ("offset", ("0", "10", "25", "100")),
        ("format", ("html", "json", "full")),
        ("category", ("books", "garden", "music", "tools")),
        ("device", ("desktop", "phone", "tablet")),
        ("order", ("asc", "desc")),
        ("cid", ("48213", "99120", "7731")),
        ("show", ("all", "new", "popular")),
    ),
    tokens=(
        "Chrome/118.0.0.0", "Edg/118.0.2088.46", "OPR/104.0.0.0", "(X11; Linux x86_64)",
        "Presto/2.12.388", "Trident/7.0", "rv:11.0", "like Gecko", "WOW64",
    ),
)  # fmt: skip
"""What training pads with."""

BROWSERS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/124.0.0.0 Safari/537.36"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.4 Safari/605.1.15"
    ),
)
"""User agents of ordinary browsers."""


def wanted(length: int, factor: float, most: int) -> int:
    """Length after growth by a factor, at most ``most`` but never less than before."""
    return max(length, min(most, math.ceil(length * factor)))


def padded_name(name: str, factor: float, rng: random.Random, words: Words = ASKED) -> str:
    """A name with ordinary labels put before it, so that it is still in the same zone.

    At most 253 characters, labels of at most 63. A name of an address (``….arpa``) and the root
    stay as they are: nobody may add to them.
    """
    bare = name.rstrip(".")
    if not bare or bare.lower().endswith(_REVERSE) or bare.lower() == _REVERSE[1:]:
        return name
    lacking = wanted(len(bare), factor, _LONGEST_NAME) - len(bare) - 1  # one for the dot
    labels: list[str] = []
    while lacking > 0:
        label = rng.choice(words.labels)
        while rng.random() < 0.5 and len(label) < lacking:  # noqa: PLR2004 - every second one
            label += "-" + rng.choice(words.labels)
        label = label[: min(lacking, _LONGEST_LABEL)].rstrip("-")
        labels.append(label)
        lacking -= len(label) + 1
    return ".".join([*labels, name])


def padded_uri(
    uri: str, factor: float, rng: random.Random, *, own_server: bool, words: Words = ASKED
) -> str:
    """A URI grown by percent-encoding of its query, ordinary parameters, and path segments.

    What the server makes of it stays: percent-encoding is undone, parameters that it does not
    know are passed over. Segments go before the path only where the attacker runs the server.
    Anything but a path (``*``, ``host:port``, a whole URL) gets nothing.

    Args:
        uri: As in the log.
        factor: How much longer, at least 1.
        rng: What is drawn.
        own_server: Whether the server is the attacker's.
        words: What it is padded with.
    """
    goal = wanted(len(uri), factor, _LONGEST_URI)
    if not uri.startswith("/") or goal == len(uri):
        return uri
    path, mark, query = uri.partition("?")
    if query and rng.random() < 0.5:  # noqa: PLR2004 - every second one
        query = _encoded(query, goal - len(uri), rng)
    while own_server and len(path) + len(mark) + len(query) < goal and rng.random() < 0.5:  # noqa: PLR2004
        path = f"/{rng.choice(words.segments)}{path}"
    while len(path) + 1 + len(query) < goal:
        name, values = rng.choice(words.parameters)
        query += f"{'&' if query else ''}{name}={rng.choice(values)}"
    return f"{path}?{query}" if query else path + mark


def _encoded(query: str, most: int, rng: random.Random) -> str:
    """Some letters and digits of parameter values as percent-encodings, ``most`` characters more.

    Names of parameters and what is encoded already stay.
    """
    out: list[str] = []
    in_value, behind = False, 0
    for character in query:
        behind = 2 if character == "%" else behind - 1
        in_value = character == "=" or (in_value and character != "&")
        plain = behind < 0 and character.isascii() and character.isalnum()
        if in_value and plain and most > 1 and rng.random() < 0.5:  # noqa: PLR2004
            out.append(f"%{ord(character):02X}")
            most -= 2
        else:
            out.append(character)
    return "".join(out)


def padded_agent(agent: str, factor: float, rng: random.Random, words: Words = ASKED) -> str:
    """A user agent with further tokens behind it, as browsers have them."""
    goal = wanted(len(agent), factor, _LONGEST_AGENT)
    while len(agent) < goal:
        agent += " " + rng.choice(words.tokens)
    return agent


def padded_referrer(referrer: str, factor: float, rng: random.Random) -> str:
    """A referrer with ordinary parameters behind it."""
    goal = wanted(len(referrer), factor, _LONGEST_URI)
    while len(referrer) < goal:
        name, values = rng.choice(ASKED.parameters)
        sign = "&" if "?" in referrer else "?"
        referrer += f"{sign}{name}={quote(rng.choice(values))}"
    return referrer
