"""Judges files that nobody is following: a known log, a new one, or none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from enricher.errors import InputError, NotALogError
from enricher.logs.identify import LogIdentity
from enricher.sources.compression import Compression
from enricher.sources.following.finding import (
    FileId,
    Found,
    begins_with_record,
    identify_followed,
    is_rotated_name,
    read_head,
)
from enricher.sources.following.known import KnownLogs
from enricher.sources.position import FINGERPRINT_BYTES, Fingerprint


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a file is.

    Attributes:
        found: The file, as it was listed.
        numbers: The known logs that begin as it does; the likeliest first.
        compression: How it is compressed.
        identity: What it holds, if it is a log of a kind that is read.
        header: ``#`` lines that its first lines need although it does not have them.
        beginning: Of its first bytes.
        content: Those bytes themselves, of a log that is not known.
        telling: They hold a record, and so tell this log from others.
        why_not: Why it is not read, if it is not.
        unreadable: It could not be read at all, which may change.
    """

    found: Found
    numbers: tuple[int, ...] = ()
    compression: Compression = "plain"
    identity: LogIdentity | None = None
    header: bytes = b""
    beginning: Fingerprint | None = None
    content: bytes = b""
    telling: bool = False
    why_not: str = ""
    unreadable: bool = False

    @property
    def is_new(self) -> bool:
        """Whether it is a log that is not known, and may be worth reading.

        Of rotated logs without a record, as idle hours leave them, one is not told from another.
        """
        if self.identity is None or self.numbers:
            return False
        has_record = self.telling or self.identity.first_ts is not None
        return has_record or not is_rotated_name(self.found.path.name)


class Judge:
    """Judges files by their content, each only once as long as it does not change."""

    def __init__(self, known: KnownLogs) -> None:
        self._known = known
        self._judged: dict[FileId, Judgement] = {}

    def judge(self, found: Found, header: bytes) -> Judgement:
        """Say what a file is.

        Args:
            found: The file.
            header: The header of the TSV log before it, see
                :func:`~enricher.sources.following.finding.identify_followed`.
        """
        before = self._judged.get(found.file_id)
        if before is not None and before.found == found and not before.unreadable:
            return before
        judgement = self._look(found, before, header)
        self._judged[found.file_id] = judgement
        return judgement

    def known_files(self) -> set[FileId]:
        """The files that were judged."""
        return set(self._judged)

    def forget_all_but(self, file_ids: set[FileId]) -> None:
        """Forget files that are gone."""
        for gone in self._judged.keys() - file_ids:
            del self._judged[gone]

    def forget(self, file_id: FileId | None) -> None:
        """Judge a file anew the next time."""
        if file_id is not None:
            self._judged.pop(file_id, None)

    def _look(self, found: Found, before: Judgement | None, header: bytes) -> Judgement:
        try:
            if before is not None and before.beginning is not None:
                length = before.beginning.length
                content = read_head(found.path, length).content
                same = _fingerprint(content) == before.beginning
                if same and length == FINGERPRINT_BYTES and found.path == before.found.path:
                    return replace(before, found=found)
            head = read_head(found.path)
        except InputError as error:
            return Judgement(found, why_not=error.message, unreadable=True)
        beginning = _fingerprint(head.content)
        judgement = Judgement(
            found, self._known.match(head.content), head.compression, beginning=beginning
        )
        try:
            identity, header = identify_followed(head.content, found.path.name, header)
        except NotALogError as error:
            # Compressed data that ends early may still be written.
            return replace(judgement, why_not=error.message, unreadable=head.broken)
        telling = begins_with_record(identity.format, head.content[:FINGERPRINT_BYTES])
        judgement = replace(judgement, header=header, telling=telling)
        if identity.kind is None and identity.format != "eve":
            return replace(judgement, why_not="is a Zeek log of a kind that is not read")
        content = b"" if judgement.numbers else head.content[:FINGERPRINT_BYTES]
        return replace(judgement, identity=identity, content=content)


def _fingerprint(content: bytes) -> Fingerprint:
    content = content[:FINGERPRINT_BYTES]
    return Fingerprint(hashlib.sha256(content).hexdigest(), len(content))
