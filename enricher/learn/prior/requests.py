"""Attack families that show in HTTP: injected text, scans, guessing, floods, and channels."""

from __future__ import annotations

from enricher.learn.prior import channels
from enricher.learn.prior.common import (
    Columns,
    Construction,
    Draw,
    Rng,
    Site,
    amounts,
    chance,
    log_uniform,
    outside,
    pick,
    picks,
    popular,
    some,
    sources,
    timing,
)
from enricher.learn.prior.encodings import encoding
from enricher.learn.prior.grammars import GRAMMARS, SHELL, dialect, invented
from enricher.learn.prior.text import BASE36, random_text, token, word
from enricher.learn.prior.webs import (
    attacker_agent,
    key,
    lexicon_paths,
    path,
    requests,
    timed,
    value,
    web,
)

_LONGEST = 1500


def injection(rng: Rng, site: Site) -> Draw:
    """A dialect of a grammar in a parameter, a path, a user agent or a referrer."""
    rules = invented(rng) if chance(rng, 0.25) else pick(rng, GRAMMARS)
    write, encode = dialect(rng, rules, site), encoding(rng)
    place = pick(rng, ["value", "value", "value", "value", "path", "query", "agent", "referrer"])
    pages = [path(rng, site) for _ in range(int(rng.integers(1, 6)))]
    keys = [key(rng, site) for _ in range(int(rng.integers(1, 4)))]
    lead, extra = chance(rng, 0.4), float(pick(rng, [0.0, 0.0, 0.5, 1.0]))
    methods = pick(rng, [("GET",), ("GET",), ("GET", "GET", "POST"), ("POST",)])
    laws = web(rng, site, sources(rng, site, 0.2, 4), inside=0.7, methods=methods,
               statuses=pick(rng, [(200, 404, 500), (404, 403, 400), (403, 200), (200, 302, 500)]),
    )  # fmt: skip
    times = timing(rng, site, 0.01, 60.0)

    def uri(rng: Rng, text: str, more: bool) -> str:
        page = pick(rng, pages)
        if place == "path":
            return f"{page.rstrip('/')}/{text}"
        if place == "query":
            return f"{page}?{text}"
        first = f"{pick(rng, keys)}={value(rng, site) if lead else ''}{text}"
        return f"{page}?{first}&{key(rng, site)}={value(rng, site)}" if more else f"{page}?{first}"

    def draw(rng: Rng, number: int) -> Columns:
        texts = [write(rng)[:_LONGEST] for _ in range(number)]
        if place in ("agent", "referrer"):
            uris = picks(rng, pages, number)
        else:
            more = some(rng, number, extra).tolist()
            uris = [uri(rng, encode(rng, a), b) for a, b in zip(texts, more, strict=True)]
        columns = {"ts": times(rng, number), **requests(rng, laws, uris)}
        column = {"agent": "user_agent", "referrer": "referrer"}.get(place)
        return {**columns, column: texts} if column else columns

    return draw


def path_scan(rng: Rng, site: Site) -> Draw:
    """One path after the other of a dictionary, at one or many hosts."""
    pool = lexicon_paths(rng, site, int(log_uniform(rng, 10, 400)))
    hosts = 1 if chance(rng, 0.6) else 40
    methods = pick(
        rng, [("GET",), ("GET",), ("HEAD",), ("GET", "HEAD", "POST"), ("OPTIONS", "GET")]
    )
    laws = web(
        rng,
        site,
        sources(rng, site, 0.1, 3),
        inside=0.7,
        hosts=hosts,
        methods=methods,
        statuses=pick(rng, [(404, 403, 200, 301), (404, 200), (403, 404), (401, 404), (200, 404)]),
    )
    ordered = chance(rng, 0.6)

    def uris(rng: Rng, number: int) -> list[str]:
        if not ordered:
            return picks(rng, pool, number)
        first = int(rng.integers(len(pool)))
        return [pool[(first + i) % len(pool)] for i in range(number)]

    return timed(rng, site, laws, uris, 0.005, 30.0)


def host_sweep(rng: Rng, site: Site) -> Draw:
    """The same one request, or a few, at many hosts: a search for one hole or for anything."""
    encode, write = encoding(rng), dialect(rng, SHELL, site)
    page = pick(rng, ["/", "/", lexicon_paths(rng, site, 1)[0], path(rng, site)])
    fixed = [page + (f"?{key(rng, site)}={encode(rng, write(rng))}" if chance(rng, 0.4) else "")
             for _ in range(int(rng.integers(1, 4)))]  # fmt: skip
    methods = pick(rng, [("GET",), ("GET",), ("POST",), ("CONNECT",), ("PROPFIND",), ("HEAD",),
                         ("OPTIONS",), ("TRACE",), (token(rng, BASE36, 4).upper(),)])  # fmt: skip
    if methods == ("CONNECT",):
        fixed = [f"{outside(rng, 1)[0]}:{port}" for port in (443, 25)]
    laws = web(rng, site, sources(rng, site, 0.3, 30), inside=0.6, hosts=60, named=0.5,
               methods=methods, statuses=(404, 400, 200, None, 405, 501))  # fmt: skip
    return timed(rng, site, laws, lambda rng, n: picks(rng, fixed, n), 0.01, 400.0)


def guessing(rng: Rng, site: Site) -> Draw:
    """One form, or one protected place, over and over with other passwords."""
    page = pick(
        rng,
        [
            "/login",
            "/wp-login.php",
            "/xmlrpc.php",
            "/admin",
            "/api/auth",
            "/user/login",
            path(rng, site),
        ],
    )
    in_query = chance(rng, 0.25)
    methods = ("GET",) if in_query or chance(rng, 0.2) else ("POST",)
    laws = web(rng, site, sources(rng, site, 0.3, 12), inside=0.7, methods=methods,
               statuses=pick(rng, [(401, 200), (200, 302), (403, 200), (302, 401), (200, 503)]),
               sent=amounts(rng, 30, 400), received=amounts(rng, 100, 9000))  # fmt: skip
    users, secrets = (
        [word(rng, 2) for _ in range(int(rng.integers(1, 20)))],
        random_text(rng, 4, 14),
    )

    def uris(rng: Rng, number: int) -> list[str]:
        if not in_query:
            return [page] * number
        pairs = zip(picks(rng, users, number), secrets(rng, number), strict=True)
        return [f"{page}?user={user}&pass={secret}" for user, secret in pairs]

    return timed(rng, site, laws, uris, 0.02, 30.0)


def flood(rng: Rng, site: Site) -> Draw:
    """Requests as fast as can be at one page, with something random so that no cache has them."""
    page = pick(rng, ["/", path(rng, site)])
    tail = random_text(rng, 3, 16)
    name = pick(rng, ["", f"{key(rng, site)}="])
    agents = [attacker_agent(rng) for _ in range(int(rng.integers(1, 30)))]
    laws = web(rng, site, sources(rng, site, 0.2, 100), inside=0.8, agents=agents,
               methods=pick(rng, [("GET",), ("GET", "POST"), ("POST",), ("HEAD",)]),
               statuses=(200, 503, None, 502, 408))  # fmt: skip
    bare = chance(rng, 0.4)

    def uris(rng: Rng, number: int) -> list[str]:
        return [page] * number if bare else [f"{page}?{name}{t}" for t in tail(rng, number)]

    return timed(rng, site, laws, uris, 0.001, 0.3)


def web_shell(rng: Rng, site: Site) -> Draw:
    """Orders given to a page that an intruder left on a server."""
    folder = pick(rng, ["/", "/uploads/", "/images/", "/files/"])
    page = f"{folder}{word(rng, 2)}.{pick(rng, ['php', 'jsp', 'aspx'])}"
    write, encode, name = (
        dialect(rng, SHELL, site),
        encoding(rng),
        pick(rng, ["cmd", "c", "x", "exec", "z0"]),
    )
    hidden = chance(rng, 0.4)
    laws = web(rng, site, sources(rng, site, 0.1, 2), inside=0.9, statuses=(200, 500, 404),
               methods=("POST",) if hidden else ("GET", "GET", "POST"))  # fmt: skip

    def uris(rng: Rng, number: int) -> list[str]:
        if hidden:
            return [page] * number
        return [f"{page}?{name}={encode(rng, write(rng).lstrip(';|&`'))}" for _ in range(number)]

    return timed(rng, site, laws, uris, 1.0, 120.0)


def harvest(rng: Rng, site: Site) -> Draw:
    """Numbers of records counted up, so that everything is fetched that can be fetched."""
    page, name = path(rng, site), key(rng, site)
    step = int(pick(rng, [1, 1, 10]))
    laws = web(rng, site, sources(rng, site, 0.2, 5), inside=0.8, statuses=(200, 404, 403))

    def uris(rng: Rng, number: int) -> list[str]:
        first = int(10 ** rng.uniform(0, 6))
        texts = [str(first + i * step) for i in range(number)]
        shown = popular(rng, texts, number) if chance(rng, 0.2) else texts
        return [f"{page}?{name}={text}" for text in shown]

    return timed(rng, site, laws, uris, 0.02, 10.0)


ATTACKS: dict[Construction, float] = {
    injection: 9.0,
    path_scan: 2.5,
    host_sweep: 1.5,
    guessing: 1.2,
    channels.channel: 3.5,
    channels.theft: 0.8,
    channels.downloads: 1.2,
    flood: 0.8,
    web_shell: 0.8,
    harvest: 0.5,
}
"""Constructions of attack families, with how often each is taken."""
