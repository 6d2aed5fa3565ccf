"""Requests of programs that took over a host: calls, theft, further programs."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from enricher.learn.prior.common import (
    Draw,
    Rng,
    Site,
    amounts,
    chance,
    pick,
    picks,
    sources,
    subset,
)
from enricher.learn.prior.names import payloads
from enricher.learn.prior.text import BASE36, BASE62, BASE64URL, HEX, token, word
from enricher.learn.prior.webs import (
    attacker_agent,
    key,
    path,
    timed,
    web,
)

_BINARIES = ("arm", "arm7", "mips", "mpsl", "x86", "sh4", "exe", "dll", "bin", "sh", "ps1", "jar",
             "dat", "ppc", "elf", "scr", "msi", "apk", "hta", "vbs")  # fmt: skip


def channel(rng: Rng, site: Site) -> Draw:
    """Calls of a program to its operator: few paths, an identifier, coded data."""
    pages = _channel_pages(rng, site)
    identity = token(rng, pick(rng, [HEX, BASE36, BASE64URL]), int(rng.integers(4, 40)))
    name, other = key(rng, site), token(rng, BASE36, int(rng.integers(1, 5)))
    style = pick(rng, ["bare", "id", "data", "both", "path", "counter", "facts"])
    data = payloads(rng, (4, 60))
    methods = pick(
        rng, [("GET",), ("POST",), ("GET", "POST"), ("GET", "GET", "GET", "POST"), ("PUT",)]
    )
    laws = web(rng, site, sources(rng, site, 0.97, 4), inside=0.03, methods=methods, named=0.6,
               statuses=pick(rng, [(200, 404), (200, 204), (404, 200), (200, None), (302, 200)]),
               sent=amounts(rng, 10, 900), received=amounts(rng, 2, 3000),
               types=("text/html", "text/plain", "image/png", "application/octet-stream"),
    )  # fmt: skip

    def uris(rng: Rng, number: int) -> list[str]:
        made = []
        texts = [text.replace(".", "") for text in data(rng, number)]
        for step, (page, text) in enumerate(zip(picks(rng, pages, number), texts, strict=True)):
            tail = {
                "bare": "", "id": f"?{name}={identity}", "data": f"?{name}={quote(text)}",
                "both": f"?{name}={identity}&{other}={quote(text)}", "path": f"/{quote(text)}",
                "counter": f"?{name}={identity}&{other}={step}",
                "facts": f"?hwid={identity}&os=win{step % 3 + 7}&v={other}&up={step * 60}",
            }[style]  # fmt: skip
            made.append(page + tail)
        return made

    return timed(rng, site, laws, uris, 1.0, 900.0)


def _channel_pages(rng: Rng, site: Site) -> list[str]:
    makers: list[Callable[[], str]] = [
        lambda: path(rng, site),
        lambda: f"/{token(rng, BASE62, int(rng.integers(3, 24)))}",
        lambda: f"/{word(rng, 2)}.{pick(rng, ['php', 'asp', 'jpg', 'gif', 'js', 'cgi'])}",
        lambda: f"/{word(rng, 2)}/gate.php",
        lambda: f"/{token(rng, HEX, 8)}/{token(rng, HEX, 4)}.php",
        lambda: f"/api/{word(rng, 1)}/{token(rng, HEX, 8)}",
    ]
    make = pick(rng, makers)
    return [make() for _ in range(int(pick(rng, [1, 1, 2, 4, 12])))]


def theft(rng: Rng, site: Site) -> Draw:
    """Large bodies that leave, at once or in slices."""
    page = pick(rng, [path(rng, site), f"/{token(rng, BASE62, 10)}", "/upload.php", "/"])
    style = pick(rng, ["bare", "slice", "token"])
    laws = web(rng, site, sources(rng, site, 0.97, 2), inside=0.02, named=0.6,
               methods=pick(rng, [("POST",), ("POST",), ("PUT",)]), statuses=(200, 201, 204, 500),
               sent=amounts(rng, 20_000, 5e7), received=amounts(rng, 2, 400))  # fmt: skip

    def uris(rng: Rng, number: int) -> list[str]:
        if style == "slice":
            return [f"{page}?part={i}&n={number}" for i in range(number)]
        return [
            page + (f"/{token(rng, HEX, 16)}" if style == "token" else "") for _ in range(number)
        ]

    return timed(rng, site, laws, uris, 0.2, 300.0)


def downloads(rng: Rng, site: Site) -> Draw:
    """Programs fetched from bare addresses or young names, by hosts that were taken over."""
    folder = pick(rng, ["/", "/", f"/{word(rng, 1)}/", "/bins/", f"/{token(rng, BASE62, 6)}/"])
    stem = pick(rng, [word(rng, 2), token(rng, BASE36, 6), ""])
    endings = subset(rng, _BINARIES, 8)
    many = chance(rng, 0.3)
    laws = web(rng, site, sources(rng, site, 0.95, 20), inside=0.05, hosts=4, named=0.3,
               agents=(attacker_agent(rng),), statuses=(200, 404, 206, None),
               received=amounts(rng, 2000, 3e6), types=("application/x-executable",
               "application/x-dosexec", "application/octet-stream", "text/x-shellscript"),
    )  # fmt: skip

    def uris(rng: Rng, number: int) -> list[str]:
        stems = [token(rng, BASE36, 7) if many else stem for _ in range(number)]
        pairs = zip(stems, picks(rng, endings, number), strict=True)
        return [f"{folder}{a}{'.' if a else ''}{b}" for a, b in pairs]

    return timed(rng, site, laws, uris, 0.1, 600.0)
