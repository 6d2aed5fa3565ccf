"""Tells known logs by the beginning of their content."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

from enricher.sources.position import FINGERPRINT_BYTES, Fingerprint


class KnownLogs:
    """An index of fingerprints of several lengths."""

    def __init__(self) -> None:
        self._numbers: defaultdict[Fingerprint, set[int]] = defaultdict(set)
        self._fingerprints: dict[int, Fingerprint] = {}
        self._lengths: Counter[int] = Counter()

    def put(self, number: int, fingerprint: Fingerprint) -> None:
        """Know a log by a fingerprint, instead of the one before."""
        if self._fingerprints.get(number) == fingerprint:
            return
        self.remove(number)
        self._fingerprints[number] = fingerprint
        self._numbers[fingerprint].add(number)
        self._lengths[fingerprint.length] += 1

    def of(self, number: int) -> Fingerprint | None:
        """What a log is known by."""
        return self._fingerprints.get(number)

    def remove(self, number: int) -> None:
        """Forget a log, if it is known."""
        fingerprint = self._fingerprints.pop(number, None)
        if fingerprint is None:
            return
        numbers = self._numbers[fingerprint]
        numbers.remove(number)
        if not numbers:
            del self._numbers[fingerprint]
        self._lengths[fingerprint.length] -= 1
        if not self._lengths[fingerprint.length]:
            del self._lengths[fingerprint.length]

    def match(self, content: bytes) -> tuple[int, ...]:
        """The logs that begin as ``content`` does, those of the longest fingerprint first."""
        content = content[:FINGERPRINT_BYTES]
        digest = hashlib.sha256()
        done = 0
        found: list[int] = []
        for length in sorted(self._lengths):
            if length > len(content):
                break
            digest.update(content[done:length])
            done = length
            numbers = self._numbers.get(Fingerprint(digest.copy().hexdigest(), length))
            if numbers:
                found.extend(sorted(numbers, reverse=True))
        return tuple(reversed(found))
