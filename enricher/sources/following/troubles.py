"""What is to be told to the user: once when it begins, once when it is over."""

from __future__ import annotations

from collections import OrderedDict, deque

_MOST = 4096


class Troubles:
    """Sentences for the log of the service.

    Attributes:
        notes: Level (``info``, ``warning``) and sentence, to be taken out from the left. If
            nobody takes them, the oldest are dropped.
    """

    def __init__(self) -> None:
        self.notes: deque[tuple[str, str]] = deque(maxlen=_MOST)
        self._told: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, what: str) -> bool:
        return what in self._told

    @property
    def lasting(self) -> list[str]:
        """What is wrong now with the places of logs, one sentence each."""
        return [
            trouble if what.startswith("lost:") else f"{what}: {trouble}"
            for what, trouble in self._told.items()
            if what != "watching"  # polling does in its place
        ]

    def note(self, level: str, sentence: str) -> None:
        """Say something that happened once."""
        self.notes.append((level, sentence))

    def say(self, what: str, level: str, trouble: str | None) -> None:
        """Say what is wrong with something, or that nothing is; not a second time.

        Args:
            what: What it is about: a path.
            level: ``info`` or ``warning``.
            trouble: The rest of a sentence that begins with ``what``; None if all is well.
        """
        if trouble is None:
            if self._told.pop(what, None) is not None:
                self.notes.append(("info", f"{what}: is read now"))
        elif self._told.get(what) != trouble:
            self._told[what] = trouble
            self.notes.append((level, f"{what}: {trouble}"))
            if len(self._told) > _MOST:
                self._told.popitem(last=False)
