"""Ordinary HTTP traffic, with much that looks odd: tokens, hashes, quotes, polls, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Law,
    Rng,
    Site,
    amounts,
    chance,
    pick,
    picks,
    popular,
    sources,
    subset,
    timing,
)
from enricher.learn.prior.text import BASE62, BASE64URL, HEX, token, word
from enricher.learn.prior.webs import Uris, key, path, requests, value, web
from enricher.simulate.clients import browser_agent, program_agent
from enricher.simulate.names import WORDS, query_of

_ASSETS = ("text/html", "text/css", "text/javascript", "image/png", "image/jpeg", "image/gif",
           "application/javascript", "application/json", "font/woff2")  # fmt: skip
_FIELDS = ("select one", "order by date", "drop-down", "where & when", "10 < 20", "it's", "100%",
           'the "best"', "Q&A", "a/b test", "C:\\work\\{}", "{} (new)", "{}; {}", "<b>{}</b>",
           "{}--{}",
           "#{}", "{}=1", "union of {} and {}", "{} or {}", "script for {}", "cat and {}",
)  # fmt: skip


def _style(
    rng: Rng,
    site: Site,
    uris: Uris,
    *,
    agents: Sequence[str | None],
    most: int = 20,
    hosts: int = 1,
    inside: float = 0.15,
    methods: Sequence[str] = ("GET",),
    statuses: Sequence[int | None] = (200, 304, 302, 404),
    sent: Law | None = None,
    received: Law | None = None,
    types: Sequence[str] = _ASSETS,
    referrer: float = 0.0,
    gaps: tuple[float, float] = (0.2, 120.0),
) -> Draw:
    if chance(rng, 0.15):
        agents = [pick(rng, [program_agent(rng), None])]
    if chance(rng, 0.12):
        statuses = tuple(reversed(statuses))  # a service that is broken or was moved
    laws = web(rng, site, sources(rng, site, 0.9, most), inside=inside, hosts=hosts, named=0.88,
               methods=methods, agents=agents, statuses=statuses, sent=sent, received=received,
               types=types, referrer=referrer)  # fmt: skip
    times = timing(rng, site, *gaps)

    def draw(rng: Rng, number: int) -> Columns:
        return {"ts": times(rng, number), **requests(rng, laws, uris(rng, number))}

    return draw


def _browsers(rng: Rng) -> list[str | None]:
    return [browser_agent(rng) for _ in range(int(rng.integers(1, 8)))]


def browsing(rng: Rng, site: Site) -> Draw:
    """Pages and what they are made of."""
    pages = [path(rng, site) for _ in range(int(rng.integers(10, 80)))]
    endings = ["js", "css", "png", "jpg", "woff2"]
    assets = [
        f"/static/{token(rng, HEX, 8)}/{pick(rng, WORDS)}.{pick(rng, endings)}" for _ in range(20)
    ]

    def uris(rng: Rng, number: int) -> list[str]:
        places = popular(rng, [*pages, *assets], number)
        return [place + (query_of(rng) if "." not in place else "") for place in places]

    return _style(rng, site, uris, agents=_browsers(rng), hosts=30, referrer=0.7, gaps=(0.05, 20.0))


def forms(rng: Rng, site: Site) -> Draw:
    """What people write into forms: words, numbers, quotes, signs, at times the words of code."""
    page, name = path(rng, site), key(rng, site)
    plain = chance(rng, 0.5)

    def text(rng: Rng) -> str:
        words = picks(rng, [*WORDS, *site.words], 6)
        if plain or chance(rng, 0.5):
            return " ".join(words[: int(rng.integers(1, 7))])
        return pick(rng, _FIELDS).format(*words)

    def uris(rng: Rng, number: int) -> list[str]:
        made = []
        for _ in range(number):
            written = quote_plus(text(rng)) if chance(rng, 0.7) else quote(text(rng), safe="'()*!")
            more = f"&{key(rng, site)}={value(rng, site)}" if chance(rng, 0.4) else ""
            made.append(f"{page}?{name}={written}{more}")
        return made

    methods = ("GET",) if chance(rng, 0.7) else ("GET", "POST")
    return _style(rng, site, uris, agents=_browsers(rng), hosts=3, referrer=0.8, inside=0.5,
                  methods=methods)  # fmt: skip


def interfaces(rng: Rng, site: Site) -> Draw:
    """Programs that speak to interfaces: numbers, identifiers and tokens in paths and queries."""
    base = f"/api/v{int(rng.integers(1, 4))}/{pick(rng, site.words)}"
    keys = [key(rng, site) for _ in range(3)]
    deep = chance(rng, 0.5)

    def uris(rng: Rng, number: int) -> list[str]:
        made = []
        for _ in range(number):
            item = f"/{value(rng, site)}" if deep else ""
            pairs = [f"{name}={value(rng, site)}" for name in keys[: int(rng.integers(0, 4))]]
            made.append(base + item + ("?" + "&".join(pairs) if pairs else ""))
        return made

    agents = _browsers(rng) if chance(rng, 0.4) else [program_agent(rng)]
    methods = pick(rng, [("GET",), ("GET", "POST"), ("POST",), ("GET", "PUT", "DELETE", "POST")])
    return _style(rng, site, uris, agents=agents, methods=methods, inside=0.4,
                  statuses=(200, 201, 204, 401, 404), types=("application/json",))  # fmt: skip


def tracking(rng: Rng, site: Site) -> Draw:
    """Pixels and measurements: long queries of identifiers, coded data and addresses of pages."""
    page = pick(rng, ["/collect", "/pixel.gif", "/b/ss", "/track", f"/{token(rng, BASE62, 6)}"])
    keys = [token(rng, BASE62[:26], int(rng.integers(1, 4))) for _ in range(12)]
    few = subset(rng, keys, 12, 3)

    def uris(rng: Rng, number: int) -> list[str]:
        made = []
        for _ in range(number):
            pairs = [f"{name}={value(rng, site)}" for name in few]
            link = quote(f"http://{pick(rng, site.names)}{path(rng, site)}", safe="")
            made.append(f"{page}?{'&'.join(pairs)}&u={link}")
        return made

    return _style(rng, site, uris, agents=_browsers(rng), referrer=0.9, statuses=(200, 204, 302),
                  received=amounts(rng, 20, 400), types=("image/gif", "application/json"),
    )  # fmt: skip


def updates(rng: Rng, site: Site) -> Draw:
    """Programs, packages and signatures that are fetched, often in pieces."""
    folder = "/" + "/".join(picks(rng, site.words, int(rng.integers(1, 5)))) + "/"
    ending = pick(
        rng, ["cab", "exe", "deb", "msi", "zip", "gz", "json", "xml", "dat", "bin", "apk"]
    )
    style = pick(rng, ["hash", "version", "both"])

    def uris(rng: Rng, number: int) -> list[str]:
        made = []
        for _ in range(number):
            version = ".".join(str(n) for n in rng.integers(0, 3000, 3).tolist())
            name = {"hash": token(rng, HEX, 40), "version": f"{pick(rng, site.words)}_{version}",
                    "both": f"{word(rng, 2)}_{version}_{token(rng, HEX, 32)}"}[style]  # fmt: skip
            made.append(f"{folder}{name}.{ending}")
        return made

    return _style(rng, site, uris, agents=[program_agent(rng)], statuses=(200, 206, 304, 404),
                  methods=pick(rng, [("GET",), ("GET", "HEAD")]), received=amounts(rng, 5000, 2e7),
                  types=("application/octet-stream", "application/x-dosexec", "application/zip",
                         "application/x-debian-package", "text/plain"))  # fmt: skip


def certificates(rng: Rng, site: Site) -> Draw:
    """Questions about certificates: coded data in the path, or lists."""
    coded = chance(rng, 0.7)
    names = [f"/{token(rng, BASE62, 10)}.crl" for _ in range(5)]

    def uris(rng: Rng, number: int) -> list[str]:
        if not coded:
            return picks(rng, names, number)
        return [f"/MF{token(rng, BASE62, int(rng.integers(60, 100)))}%3D" for _ in range(number)]

    agents = [pick(rng, ["Microsoft-CryptoAPI/10.0", None, browser_agent(rng), program_agent(rng)])]
    return _style(rng, site, uris, agents=agents, received=amounts(rng, 300, 3000),
                  methods=pick(rng, [("GET",), ("GET", "POST"), ("POST",)]),
                  types=("application/ocsp-response", "application/pkix-crl"))  # fmt: skip


def polling(rng: Rng, site: Site) -> Draw:
    """Monitors, devices and clients that ask for the same again and again."""
    pages = [path(rng, site) for _ in range(int(rng.integers(1, 4)))]
    agents = [pick(rng, [program_agent(rng), None, f"{word(rng, 2).title()}Monitor/2.1"])]
    mark = pick(rng, ["", f"?id={token(rng, HEX, 16)}", f"?k={token(rng, BASE64URL, 24)}"])

    def uris(rng: Rng, number: int) -> list[str]:
        return [page + mark for page in picks(rng, pages, number)]

    methods = pick(rng, [("GET",), ("HEAD",), ("POST",), ("OPTIONS", "GET")])
    return _style(rng, site, uris, agents=agents, methods=methods, inside=0.5, most=8,
                  statuses=pick(rng, [(200,), (200, 503), (204,), (401, 200), (404,)]),
                  sent=amounts(rng, 10, 600), received=amounts(rng, 2, 3000), gaps=(1.0, 900.0),
    )  # fmt: skip


def uploads(rng: Rng, site: Site) -> Draw:
    """Backups, photographs and reports that are sent."""
    page = pick(rng, ["/upload", "/backup", path(rng, site)])

    def uris(rng: Rng, number: int) -> list[str]:
        return [f"{page}/{pick(rng, site.words)}_{value(rng, site)}" for _ in range(number)]

    agents = [program_agent(rng)] if chance(rng, 0.6) else _browsers(rng)
    return _style(
        rng,
        site,
        uris,
        agents=agents,
        methods=pick(rng, [("PUT",), ("POST",)]),
        most=4,
        statuses=(200, 201, 204),
        sent=amounts(rng, 5000, 3e7),
        received=amounts(rng, 2, 500),
    )


def administration(rng: Rng, site: Site) -> Draw:
    """People who look after a site: logins, settings, files, at places that scanners try too."""
    base = pick(rng, ["/wp-admin", "/admin", "/phpmyadmin", "/manager", "/console", "/webmail"])
    actions = ["/login.php", "/index.php", "/settings", "/users", "/edit.php", "/upload.php", "/"]

    def uris(rng: Rng, number: int) -> list[str]:
        return [base + place + query_of(rng) for place in picks(rng, actions, number)]

    return _style(rng, site, uris, agents=_browsers(rng)[:1], inside=0.9, most=3, referrer=0.9,
                  methods=("GET", "GET", "POST"), statuses=(200, 302, 401, 304))  # fmt: skip


ORDINARY: dict[Construction, float] = {
    browsing: 5.0,
    forms: 3.0,
    interfaces: 2.5,
    tracking: 1.5,
    updates: 1.5,
    certificates: 0.8,
    polling: 1.5,
    uploads: 0.7,
    administration: 0.7,
}
"""Constructions of ordinary traffic, with how often each is taken."""
