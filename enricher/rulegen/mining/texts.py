"""Conditions on the text of http and ssl records."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from enricher.rulegen.matching.values import Mask, Values
from enricher.rulegen.mining import atoms
from enricher.rulegen.mining.atoms import Atom
from enricher.rulegen.mining.domains import domain_atoms
from enricher.rulegen.mining.evidence import Evidence
from enricher.rulegen.mining.substrings import repeats

SHORTEST, LONGEST = 4, 64
_FEW = 8
"""Distinct values of which each is a condition of its own."""
_BITS_OF_A_BROWSER = 8.0
_MOST_COUNTED, _FINGERPRINT = 10.0, 8.0
_PIECES = re.compile(rb"[/?&;=][^/?&;=]+=?")
_NUMBER = re.compile(rb"[\d.]+\Z")
_PLATFORM = re.compile(
    rb"mozilla/[45]\.0 \((?:windows|macintosh|x11|linux|iphone|ipad|ipod|android)"
)
_OF_BROWSERS = re.compile(
    rb"(?:applewebkit|chrome|crios|edga?|edge|edgios|firefox|fxios|gecko|headlesschrome|like|mobile|"
    rb"opr|opera|safari|samsungbrowser|trident|version)(?:/[\w.+]*)?"
)
_IN_BRACKETS = re.compile(rb"\([^()]*\)")
_ABSENT = (("User-Agent", "no user agent is sent"), ("Host", "no host is named"))


def http_atoms(evidence: Evidence, least: int) -> list[Atom]:
    """Conditions on requests.

    Args:
        evidence: Both worlds.
        least: In so many of the family's distinct values a part has to be.
    """
    found = [*_uris(evidence, least), *_agents(evidence, least)]
    found += shared_parts(evidence, "http.referer", least, order=5)
    found += _counted(evidence, "http.method", order=1)
    found += _counted(evidence, "http.protocol", order=4)
    for header, about in _ABSENT:
        one = atoms.absent("http.header_names", f"\r\n{header}\r\n".encode(), about, 3)
        found.append(_with_bits(one, _counted_bits(evidence, one)))
    if evidence.outbound:
        found += domain_atoms(evidence, "http.host", order=3)
    return found


def ssl_atoms(evidence: Evidence, least: int) -> list[Atom]:
    """Conditions on handshakes.

    Args:
        evidence: Both worlds.
        least: In so many of the family's distinct values a part has to be.
    """
    found: list[Atom] = []
    for buffer in ("ja4.hash", "ja3.hash"):
        known = math.log2(int((evidence.benign[buffer].codes >= 0).sum()) + 1)
        # A fingerprint is of a library: only what was seen of others tells how rare it is.
        bits = known + _FINGERPRINT
        found += [atoms.whole(buffer, v, bits, 2) for v in _frequent(evidence.family[buffer])]
    if evidence.outbound:
        found += domain_atoms(evidence, "tls.sni", order=1)
        found += shared_parts(evidence, "tls.sni", least, order=2)
        for buffer in ("tls.cert_subject", "tls.cert_issuer"):
            for value in _frequent(evidence.family[buffer]):
                for piece in value.split(b", "):
                    if piece.upper().startswith((b"CN=", b"O=")):
                        bits = evidence.model(buffer).bits(piece)
                        found.append(atoms.part(buffer, piece[:LONGEST], bits, 3))
    return found


def shared_parts(evidence: Evidence, buffer: str, least: int, order: int) -> list[Atom]:
    """Parts that many values of a buffer share."""
    model = evidence.model(buffer)
    found = repeats(
        list(dict.fromkeys(evidence.family[buffer].lower)),
        shortest=SHORTEST, longest=LONGEST, least=max(least, 2),
    )  # fmt: skip
    return [atoms.part(buffer, one.part, model.bits(one.part), order) for one in found]


def _uris(evidence: Evidence, least: int) -> Iterator[Atom]:
    buffer = "http.uri"
    model, values = evidence.model(buffer), evidence.family[buffer]
    yield from shared_parts(evidence, buffer, least, order=2)
    pieces, paths = _pieces(values)
    for piece, _ in pieces.most_common(200):
        if len(piece) >= SHORTEST and not _NUMBER.search(piece[1:]):
            yield atoms.part(buffer, piece[:LONGEST], model.bits(piece), 1)
    for path, _ in paths.most_common(60):
        if SHORTEST < len(path) <= LONGEST:
            make = atoms.beginning if path.endswith(b"?") else _whole_uri
            yield make(buffer, path, model.bits(path, placed=True), 1)
    names = Counter[bytes]()
    for path, count in paths.items():
        if not path.endswith(b"?"):
            names[path[path.rfind(b"/") :][-LONGEST:]] += count
    for name, _ in names.most_common(60):
        if len(name) >= SHORTEST:
            yield atoms.ending(buffer, name, model.bits(name, placed=True), 1)


def _pieces(values: Values) -> tuple[Counter[bytes], Counter[bytes]]:
    """What stands between the marks of URIs, and their paths; by number of records."""
    pieces: Counter[bytes] = Counter()
    paths: Counter[bytes] = Counter()
    for value, count in zip(values.lower, values.counts.tolist(), strict=True):
        path, question, _ = value.partition(b"?")
        paths[path + question] += count
        found = set(_PIECES.findall(value))
        name = path[path.rfind(b"/") :]
        if question and len(name) > 1:
            found.add(name + question)
        for piece in found:
            pieces[piece] += count
    return pieces, paths


def _whole_uri(buffer: str, value: bytes, bits: float, order: int) -> Atom:
    return atoms.whole(buffer, value, bits, order + 1, nocase=True)


def _agents(evidence: Evidence, least: int) -> Iterator[Atom]:
    buffer = "http.user_agent"
    model, values = evidence.model(buffer), evidence.family[buffer]
    browsers = _of_browsers(values)
    for one in shared_parts(evidence, buffer, least, order=3):
        own = one.on.mask(values, folded=False)
        # What a browser says of itself is rare by its version, and common a week later.
        yield _with_bits(
            one, min(one.bits, _BITS_OF_A_BROWSER) if browsers[own].any() else one.bits
        )
    for value in _frequent(values):
        if len(value) >= SHORTEST:
            bits = model.bits(value[:LONGEST], placed=True)
            browser = _is_browser(value)
            yield atoms.whole(
                buffer, value[:250], min(bits, _BITS_OF_A_BROWSER) if browser else bits, 2
            )
            word = value.split(b" ")[0].split(b"/")[0] + b"/"
            if not browser and b"/" in value and len(word) >= SHORTEST:
                yield atoms.beginning(buffer, word, model.bits(word, placed=True), 2)


def _of_browsers(values: Values) -> Mask:
    return np.array([_is_browser(value) for value in values.distinct], dtype=bool)


def _is_browser(value: bytes) -> bool:
    """Whether a browser may say this of itself."""
    value = value.lower()
    if _PLATFORM.match(value) is None:
        return False
    words = _IN_BRACKETS.sub(b"", value).split()[1:]
    return all(_OF_BROWSERS.fullmatch(word) for word in words)


def _frequent(values: Values) -> Sequence[bytes]:
    """The values that most records have."""
    order = np.argsort(-values.counts, kind="stable")[:_FEW]
    return [values.distinct[place] for place in order]


def _counted(evidence: Evidence, buffer: str, order: int) -> Iterator[Atom]:
    """Values of a buffer that has few: how surprising each is, is counted."""
    for value in _frequent(evidence.family[buffer]):
        if value:
            one = atoms.whole(buffer, value[:250], 0.0, order)
            yield _with_bits(one, _counted_bits(evidence, one))


def _counted_bits(evidence: Evidence, atom: Atom) -> float:
    hits = evidence.hits(atom)
    return min(-math.log2((int(hits.sum()) + 1) / (len(hits) + 1)), _MOST_COUNTED)


def _with_bits(atom: Atom, bits: float) -> Atom:
    return Atom(atom.on, atom.options, atom.about, bits, atom.order)
