"""Web servers and what speaks to them: paths, parameters, user agents, statuses and sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from enricher.learn.prior.common import (
    Columns,
    Draw,
    Hosts,
    Law,
    Rng,
    Site,
    amounts,
    chance,
    outside,
    pick,
    picks,
    some,
    subset,
    timing,
    whole,
)
from enricher.learn.prior.text import BASE62, BASE64URL, HEX, lexicon, token, word
from enricher.simulate.clients import browser_agent, program_agent
from enricher.simulate.names import WORDS, path_of, site_name

STATUSES = {
    200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently",
    302: "Found", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 414: "URI Too Long",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable",
}  # fmt: skip
_FOUND = ("text/html", "text/html", "application/json", "text/plain", "text/xml")
_BY_ENDING = {
    "js": "text/javascript", "css": "text/css", "png": "image/png", "jpg": "image/jpeg",
    "json": "application/json", "woff2": "font/woff2", "gif": "image/gif", "html": "text/html",
    "zip": "application/zip", "gz": "application/gzip", "xml": "text/xml", "txt": "text/plain",
}  # fmt: skip
_KEYS = ("id", "q", "page", "lang", "ref", "v", "s", "cat", "sort", "token", "cb", "return", "user",
         "name", "file", "path", "url", "search", "item", "data", "filter", "type", "action",
)  # fmt: skip
_TOOLS = ("sqlmap/1.{}", "Nikto/2.{}", "masscan/1.{}", "zgrab/0.{}", "gobuster/3.{}", "Hydra/{}",
          "Nmap Scripting Engine {}", "WPScan v3.{}", "nuclei/{}", "libwww-perl/6.{}",
          "Hello, World",
          "Python-urllib/3.{}", "Go-http-client/1.1", "python-requests/2.{}", "curl/7.{}",
          "Mozilla/4.0 (compatible; MSIE 6.{}; Windows NT 5.1)", "Mozilla/5.0", "-", "test", "Wget",
          "Java/1.8.0_{}", "fasthttp", "Mozilla/5.0 zgrab/0.{}", "WinHTTP/1.{}", "Wget/1.{}",
)  # fmt: skip


def attacker_agent(rng: Rng) -> str | None:
    """What an attacker's program calls itself: a browser, a library, a tool, or nothing."""
    style = pick(rng, ["browser", "program", "tool", "none", "own", "old"], [9, 4, 3, 2, 1, 1])
    if style == "none":
        return None
    if style == "browser":
        return browser_agent(rng)
    if style == "program":
        return program_agent(rng)
    if style == "own":
        return pick(rng, [word(rng, 2), token(rng, BASE62, 8), f"{word(rng, 2).title()}/1.0"])
    if style == "old":
        major, minor = rng.integers([5, 0], [10, 3]).tolist()
        return f"Mozilla/4.0 (compatible; MSIE {major}.0; Windows NT 5.{minor})"
    return pick(rng, _TOOLS).format(int(rng.integers(0, 30)))


def key(rng: Rng, site: Site) -> str:
    """Name of a parameter."""
    return pick(rng, _KEYS) if chance(rng, 0.7) else pick(rng, site.words)


def path(rng: Rng, site: Site) -> str:
    """A path as sites have them."""
    if chance(rng, 0.5):
        return path_of(rng)
    parts = picks(rng, site.words, int(rng.integers(1, 4)))
    return "/" + "/".join(parts) + pick(rng, ["", "", "/", ".php", ".aspx", ".jsp", ".do", ".cgi"])


def _words(rng: Rng, site: Site) -> str:
    words = picks(rng, [*WORDS, *site.words], int(rng.integers(2, 7)))
    return pick(rng, ["+", "%20"]).join(words)


def _day(rng: Rng, _site: Site) -> str:
    year, month, day = rng.integers([2015, 1, 1], [2026, 13, 29]).tolist()
    return f"{year}-{month:02d}-{day:02d}"


def _document(rng: Rng, site: Site) -> str:
    first, second = picks(rng, site.words, 2)
    return f"%7B%22{first}%22%3A%5B{rng.integers(999)}%2C%22{second}%22%5D%7D"


_VALUES: tuple[Callable[[Rng, Site], str], ...] = (
    lambda rng, _site: str(int(10 ** rng.uniform(0, 9))),
    lambda rng, site: pick(rng, site.words),
    _words,
    lambda rng, _site: (
        token(rng, BASE64URL, int(rng.integers(8, 120))) + pick(rng, ["", "", "%3D", "%3D%3D"])
    ),
    lambda rng, _site: token(rng, HEX, int(pick(rng, [8, 16, 32, 40, 64]))),
    _document,
    _day,
    lambda rng, _site: f"{word(rng, 2).title()}+O%27{word(rng, 1).title()}",
    lambda rng, site: f"{word(rng, 2)}%40{pick(rng, site.names)}",
)


def value(rng: Rng, site: Site) -> str:
    """An ordinary value of a parameter: a number, words, a token, a date, a document."""
    return pick(rng, _VALUES)(rng, site)


Uris: TypeAlias = Callable[[Rng, int], list[str]]


@dataclass(frozen=True, slots=True)
class Web:
    """How one family's, or one style's, requests and responses look besides their URIs.

    Attributes:
        who: Sources.
        servers: Address and name of each host that is spoken to.
        named: Share of requests that name the host and not its address.
        port: Of the servers.
        methods: With repeats for frequent ones.
        agents: User agents, None for none.
        statuses: Status codes, None for no response.
        weights: How frequent each status is.
        sent: Law of sizes of bodies that are sent with a method that has one.
        received: Law of sizes of bodies of good responses.
        refused: Law of sizes of bodies of others.
        types: Of bodies that come back.
        referrer: Share of requests with a referrer, and whether it is the same site.
        version: Of HTTP.
        depth: Most requests on a connection.
    """

    who: Hosts
    servers: tuple[tuple[str, str], ...]
    named: float
    port: int
    methods: tuple[str, ...]
    agents: tuple[str | None, ...]
    statuses: tuple[int | None, ...]
    weights: tuple[float, ...]
    sent: Law
    received: Law
    refused: Law
    types: tuple[str, ...]
    referrer: float
    version: str
    depth: int


def _port(rng: Rng) -> int:
    """Mostly the usual one, for attackers as for everybody else."""
    if chance(rng, 0.75):
        return 80
    return pick(rng, [8080, 8080, 8000, 81, 8888, int(rng.integers(1024, 65_000))])


def web(
    rng: Rng,
    site: Site,
    who: Hosts,
    *,
    inside: float = 0.4,
    hosts: int = 1,
    named: float = 0.7,
    methods: Sequence[str] = ("GET",),
    agents: Sequence[str | None] | None = None,
    statuses: Sequence[int | None] = (200, 302, 403, 404, 500),
    sent: Law | None = None,
    received: Law | None = None,
    types: Sequence[str] = _FOUND,
    referrer: float = 0.3,
) -> Web:
    """Constants of requests; ``statuses`` are weighted at random, mostly the first the most."""
    number = int(rng.integers(1, hosts + 1))
    own = chance(rng, inside)
    addresses = picks(rng, site.servers, number) if own else outside(rng, number)
    names = [f"www.{site.own}" if own else site_name(rng) for _ in range(number)]
    first = np.sort(rng.dirichlet(np.full(len(statuses), 0.6)))[::-1]
    if chance(rng, 0.3):
        first = rng.permutation(first)
    return Web(
        who=who,
        servers=tuple(zip(addresses, names, strict=True)),
        named=float(chance(rng, named)),
        port=_port(rng),
        methods=tuple(methods),
        agents=tuple(agents) if agents is not None else (attacker_agent(rng),),
        statuses=tuple(statuses),
        weights=tuple(first.tolist()),
        sent=sent or amounts(rng, 10, 2000),
        received=received or amounts(rng, 30, 60_000),
        refused=amounts(rng, 100, 1500),
        types=tuple(subset(rng, types, 2)),
        referrer=referrer if chance(rng, 0.4) else 0.0,
        version=pick(rng, ["1.1", "1.1", "1.1", "1.0"]),
        depth=int(pick(rng, [1, 1, 4, 30])),
    )


def requests(rng: Rng, laws: Web, uris: Sequence[str]) -> Columns:
    """Columns of the requests of ``uris``, all but the time."""
    number = len(uris)
    ends = picks(rng, laws.servers, number)
    named = some(rng, number, laws.named).tolist()
    hosts = [name if use else address for (address, name), use in zip(ends, named, strict=True)]
    methods = picks(rng, laws.methods, number)
    codes = picks(rng, laws.statuses, number, laws.weights)
    bodies = [method in ("POST", "PUT", "PATCH", "PROPFIND") for method in methods]
    good = [code is not None and code < 300 for code in codes]  # noqa: PLR2004 - successes
    back = np.where(good, whole(laws.received, rng, number), whole(laws.refused, rng, number))
    silent = [code in (None, 204, 304) or method == "HEAD"
              for code, method in zip(codes, methods, strict=True)]  # fmt: skip
    back = np.where(silent, 0, back)
    sent = np.where(bodies, whole(laws.sent, rng, number), 0)
    kinds = [
        _BY_ENDING.get(uri.partition("?")[0].rpartition(".")[2], kind)
        for uri, kind in zip(uris, picks(rng, laws.types, number), strict=True)
    ]
    pages = [f"http://{host}/" if use else None
             for host, use in zip(hosts, some(rng, number, laws.referrer).tolist(), strict=True)
    ]  # fmt: skip
    return {
        "id.orig_h": laws.who(rng, number),
        "id.resp_h": [address for address, _ in ends],
        "id.resp_p": laws.port,
        "trans_depth": rng.integers(1, laws.depth + 1, number),
        "method": methods,
        "host": hosts,
        "uri": list(uris),
        "referrer": pages,
        "version": laws.version,
        "user_agent": picks(rng, laws.agents, number),
        "request_body_len": sent,
        "response_body_len": back,
        "status_code": codes,
        "status_msg": [None if code is None else STATUSES[code] for code in codes],
        "orig_mime_types": [["text/plain"] if size else None for size in sent.tolist()],
        "resp_mime_types": [
            None if not size else [kind if ok else "text/html"]
            for size, kind, ok in zip(back.tolist(), kinds, good, strict=True)
        ],
    }


def lexicon_paths(rng: Rng, site: Site, size: int) -> list[str]:
    """Paths to try: words, usual places, extensions, copies and hidden files."""
    words = [*subset(rng, WORDS, 60, 10), *lexicon(rng, 30), *subset(rng, site.words, 20)]
    endings = subset(rng, ["", "/", ".php", ".asp", ".aspx", ".jsp", ".bak", ".old", ".zip", ".sql",
                           ".txt", ".cgi", ".tar.gz", ".xml", ".json", ".log", ".env", ".yml"], 5,
    )  # fmt: skip
    fronts = subset(
        rng,
        [
            "/",
            "/",
            "/admin/",
            "/cgi-bin/",
            "/.",
            "/api/v1/",
            "/wp-content/plugins/",
            "/backup/",
            "/old/",
            "//",
            "/test/",
            "/manager/",
            "/scripts/",
        ],
        4,
    )
    parts = zip(
        picks(rng, fronts, size), picks(rng, words, size), picks(rng, endings, size), strict=True
    )
    return [front + middle + end for front, middle, end in parts]


def timed(rng: Rng, site: Site, laws: Web, uris: Uris, low: float, high: float) -> Draw:
    """Draws requests at times with typical gaps of ``low`` to ``high`` seconds."""
    times = timing(rng, site, low, high)

    def draw(rng: Rng, number: int) -> Columns:
        return {"ts": times(rng, number), **requests(rng, laws, uris(rng, number))}

    return draw
