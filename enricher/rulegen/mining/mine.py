"""From both worlds to the substance of rules, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from enricher.rulegen.matching.conditions import Content
from enricher.rulegen.matching.values import Mask
from enricher.rulegen.mining import atoms
from enricher.rulegen.mining.atoms import Atom
from enricher.rulegen.mining.connections import mine_connections
from enricher.rulegen.mining.cover import Bounds, Conjunction, choose, is_safe, safe_conjunctions
from enricher.rulegen.mining.domains import domain_atoms
from enricher.rulegen.mining.evidence import Evidence
from enricher.rulegen.mining.mined import Finding, Mined, Refusal
from enricher.rulegen.mining.rates import find_rate
from enricher.rulegen.mining.shapes import long_name_atoms, shape_atoms
from enricher.rulegen.mining.substrings import repeats
from enricher.rulegen.mining.texts import http_atoms, shared_parts, ssl_atoms
from enricher.rulegen.rule.rule import Option

_PROTOCOLS = {"http": "http", "dns": "dns", "ssl": "tls"}
_FLOWS = {"http": "established,to_server", "ssl": "established,to_server", "dns": "to_server"}
_ALTERNATIVES, _FEW_ALTERNATIVES, _PARTS = 40, 3, 400
_LONG_PART = 12
_LEAST_SHARE, _MUCH_MORE = 0.02, 1.2
_LEAST_OF_ERRORS, _LEAST_OF_FORMS = 20, 10
_RARE = 5  # what benign hosts do more often in minutes is ordinary, and a day comes when it is more
_MARGIN = 4.0  # names come in bursts (docs/decisions.md)
_TO_CLIENT = {"tls.cert_subject", "tls.cert_issuer"}


def mine(evidence: Evidence, bounds: Bounds) -> Finding:
    """Find the rules of one kind of record.

    Args:
        evidence: The family's records and benign ones.
        bounds: What rules must keep to.
    """
    if evidence.kind == "conn":
        return mine_connections(evidence, bounds)
    return _Texts(evidence, bounds).mine()


class _Texts:
    """Mines the text of one kind of record."""

    def __init__(self, evidence: Evidence, bounds: Bounds) -> None:
        self._evidence, self._bounds = evidence, bounds
        self._left = np.ones(len(evidence.family), dtype=bool)
        self._finding = Finding(evidence.kind)
        distinct = len(evidence.family[_MAIN[evidence.kind]].distinct)
        self._least = max(2 if distinct > _FEW_ALTERNATIVES else 1, round(distinct * _LEAST_SHARE))

    def mine(self) -> Finding:
        found = self._atoms()
        safe = safe_conjunctions(self._evidence, found, self._bounds)
        chosen = choose(safe, len(self._evidence.family), self._bounds)
        chosen = self._with_alternatives(chosen)
        for one in chosen:
            self._take(_mined(self._evidence, one), one.covered)
        self._add_rate(found)
        if self._worth():
            self._refuse(found)
        return self._finding

    def _atoms(self) -> list[Atom]:
        if self._evidence.kind == "http":
            return http_atoms(self._evidence, self._least)
        if self._evidence.kind == "ssl":
            return ssl_atoms(self._evidence, self._least)
        found = domain_atoms(self._evidence, "dns.query", order=1)
        parts = shared_parts(self._evidence, "dns.query", self._least, order=2)
        # Words are in names that nobody has seen yet; what spans labels, or is long, is not.
        found += [one for one in parts if b"." in _first_text(one) or one.length >= _LONG_PART]
        return found

    def _with_alternatives(self, chosen: list[Conjunction]) -> list[Conjunction]:
        """Where several rules leave much, the last place is for one with many parts."""
        if self._evidence.kind != "http" or not chosen:
            return chosen
        kept = chosen[: self._bounds.rules - 1]
        covered = np.logical_or.reduce([one.covered for one in kept])
        best = self._alternatives(~covered)
        last = chosen[self._bounds.rules - 1 :]
        before = max((int((one.covered & ~covered).sum()) for one in last), default=0)
        least = max(self._worthwhile(), before * _MUCH_MORE)
        if best is None or (best.covered & ~covered).sum() < least:
            return chosen
        return [*kept, best]

    def _alternatives(self, left: Mask) -> Conjunction | None:
        buffer = "http.uri"
        values = self._evidence.family[buffer]
        model = self._evidence.model(buffer)
        parts = repeats(values.lower, shortest=5, longest=24, least=2)[:_PARTS]
        texts: dict[Atom, bytes] = {}
        for repeat in parts:
            one = atoms.part(buffer, repeat.part, model.bits(repeat.part), 1)
            if is_safe(self._evidence, Conjunction((one,), left, one.bits), self._bounds):
                texts[one] = repeat.part
        pool = list(texts)
        taken: list[Atom] = []
        masks = {one: self._evidence.covered(one) for one in pool}
        open_records = left.copy()
        while pool and len(taken) < _ALTERNATIVES:
            best = max(pool, key=lambda one: int((masks[one] & open_records).sum()))
            if (masks[best] & open_records).sum() <= 1:
                break
            taken.append(best)
            open_records &= ~masks[best]
            pool.remove(best)
        if len(taken) < _FEW_ALTERNATIVES:
            return None
        covered = np.logical_or.reduce([masks[one] for one in taken])
        words = [texts[one] for one in taken]
        bits = min(one.bits for one in taken)
        alternatives = atoms.one_of(buffer, words, _anchor(words), bits, 6)
        return Conjunction((alternatives,), covered, bits)

    def _add_rate(self, found: Sequence[Atom]) -> None:
        """A rule for what happens too often: where no content is safe, or only a domain is.

        A domain is changed in minutes; how a family behaves is not.
        """
        if len(self._finding.rules) >= self._bounds.rules:
            return
        only_domains = bool(self._finding.rules) and all(map(_is_domain, self._finding.rules))
        if only_domains:
            self._left[:] = True
        if not self._worth():
            return
        best: tuple[Mined, Mask] | None = None
        # Beside a domain only what does not rest on that domain says anything new.
        for one, track_answers in self._countable([] if only_domains else found):
            hits, covered = self._evidence.hits(one), self._evidence.covered(one)
            rate = find_rate(
                self._evidence.family.frame, covered.astype(np.int64),
                self._evidence.benign.frame, hits.astype(np.int64),
                least=_LEAST_OF_ERRORS if track_answers else _LEAST_OF_FORMS,
                margin=_MARGIN,
            )  # fmt: skip
            if rate is None or rate.benign > _RARE:
                continue
            gain = int((rate.covered & self._left).sum())
            if best is None or gain > int((best[1] & self._left).sum()):
                mined = _mined(self._evidence, Conjunction((one,), rate.covered, one.bits))
                counted = replace(rate.rate, track="by_dst") if track_answers else rate.rate
                about = (*mined.about, _often(rate.rate.count, rate.rate.seconds, rate.benign))
                flow = "established,to_client" if track_answers else mined.flow
                best = replace(mined, rate=counted, about=about, flow=flow), rate.covered
        least = self._worthwhile() if not only_domains else len(self._left) * _HALF
        if best is not None and (best[1] & self._left).sum() >= least:
            self._take(*best)
        for covered in self._finding.covered:
            self._left &= ~covered

    def _countable(self, found: Sequence[Atom]) -> Iterable[tuple[Atom, bool]]:
        """Conditions of which it can be counted how often they are met."""
        if self._evidence.kind == "dns":
            values = self._evidence.family["dns.query"]
            yield from ((one, False) for one in long_name_atoms(values.lower, order=5))
            if found:
                # A form alone is met by chance one day: it has to come in numbers.
                forms = shape_atoms(values.lower, values.counts.tolist(), order=4)
                yield from ((one, False) for one in forms)
        elif self._evidence.kind == "http":
            for code in (b"404", b"403", b"401"):
                yield atoms.whole("http.stat_code", code, 1.0, 5), True

    def _take(self, mined: Mined, covered: Mask) -> None:
        self._finding.rules.append(mined)
        self._finding.covered.append(covered)
        self._left &= ~covered

    def _worthwhile(self) -> float:
        return self._bounds.least(len(self._left))

    def _worth(self) -> bool:
        return bool(self._left.sum() >= self._worthwhile())

    def _refuse(self, found: Sequence[Atom]) -> None:
        count = int(self._left.sum())
        common = [
            one for one in found if (self._evidence.covered(one) & self._left).sum() * 2 > count
        ]
        if not common:
            reason = "these records share no part of their text"
        elif all(one.bits < self._bounds.bits for one in common):
            reason = "what these records share is short or ordinary: it would match by chance"
        else:
            reason = "what these records share is in benign or in ordinary traffic too"
        self._finding.refusals.append(
            Refusal(self._evidence.kind, count, f"{reason}; use the detector for them")
        )


_HALF = 0.5


def _is_domain(mined: Mined) -> bool:
    return any(option.name == "dotprefix" for option in mined.options)


_MAIN = {"http": "http.uri", "dns": "dns.query", "ssl": "tls.sni"}


def _often(count: int, seconds: int, benign: int) -> str:
    busiest = f"the busiest benign host has {benign}" if benign else "no benign host does it at all"
    return f"at least {count} times in {seconds} seconds from one source, where {busiest}"


def _anchor(parts: Sequence[bytes]) -> bytes:
    """The longest bytes that every one of the parts has, for the engine to look for first."""
    shortest = min(parts, key=len)
    for size in range(len(shortest), 0, -1):
        for begin in range(len(shortest) - size + 1):
            piece = shortest[begin : begin + size]
            if all(piece in part for part in parts):
                return piece
    return b"/"  # every target that is a path has one


def _mined(evidence: Evidence, one: Conjunction) -> Mined:
    """A conjunction as the options of a rule."""
    first = max(one.atoms, key=_weight)
    # What the engine looks for first comes first, with all of its buffer.
    ordered = sorted(
        one.atoms, key=lambda atom: (atom.buffer != first.buffer, atom.buffer, -_weight(atom))
    )
    several = sum(_weight(atom) > 0 for atom in one.atoms) > 1
    options: list[Option] = []
    last = ""
    for atom in ordered:
        if atom.buffer != last:
            options.append(Option(atom.buffer))
            last = atom.buffer
        own = list(atom.options)
        options += _with_fast_pattern(own) if several and atom is ordered[0] else own
    flow = _FLOWS[evidence.kind]
    if any(atom.buffer in _TO_CLIENT for atom in ordered):
        flow = "established,to_client"
    return Mined(
        evidence.kind, _PROTOCOLS[evidence.kind], tuple(options), flow,
        tuple(atom.about for atom in ordered), source=evidence.ends[0],
        destination=evidence.ends[1],
    )  # fmt: skip


def _first_text(atom: Atom) -> bytes:
    return next((c.pattern for c in atom.on.conditions if isinstance(c, Content)), b"")


def _weight(atom: Atom) -> int:
    """Bytes of its longest content that must be there."""
    contents = [c for c in atom.on.conditions if isinstance(c, Content) and not c.negated]
    return max((len(content.pattern) for content in contents), default=0)


def _with_fast_pattern(options: list[Option]) -> list[Option]:
    """Say that the engine is to look for this content first."""
    end = next(n for n, option in enumerate(options) if option.name == "content") + 1
    while end < len(options) and options[end].name in ("endswith", "startswith", "offset"):
        end += 1
    return [*options[:end], Option("fast_pattern"), *options[end:]]
