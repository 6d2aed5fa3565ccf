"""The groups that are open, when they close, and those that were closed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from enricher.alerts.group import Group
from enricher.alerts.partials import Key

REMEMBERED_WINDOWS = 24
"""A group that was closed is known for so many windows more, so that it is not opened again."""

Closed = tuple[Key, Group | None]
KeyAndWindow = tuple[str, str, int, int]
"""Source, family and window of a group, and the window that it closes with."""
Shown = tuple[KeyAndWindow, Group]


class OpenGroups:
    """Groups by key, with the window at whose end each closes.

    A group closes with its own window. One whose window is over already (the record of a long
    connection comes when it ends) closes with the window of the clock, and one whose window is
    far ahead of the clock (its time is wrong) closes when the clock is ``ahead`` windows further.

    Args:
        window_seconds: Length of a window of flow time.
        late_seconds: A group is kept open so long after its window.
        max_groups: So many are open, and so many closed ones remembered.
        ahead: See above.

    Attributes:
        open: The group by its key; None where nothing is shown of it.
        closing: Keys by the number of the window that they close with.
        over: Number of that window by key, of groups that were closed, in the order of closing.
    """

    def __init__(
        self, window_seconds: float, late_seconds: float, max_groups: int, ahead: int
    ) -> None:
        self.window_seconds = window_seconds
        self.late_seconds = late_seconds
        self.max_groups = max_groups
        self._ahead = ahead
        self.open: dict[Key, Group | None] = {}
        self.closing: dict[int, list[Key]] = {}
        self.over: dict[Key, int] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether a group is open or was closed: its record opens nothing."""
        return key in self.open or key in self.over

    @property
    def room(self) -> int:
        """How many more may be opened."""
        return max(0, self.max_groups - len(self.open))

    def window_of(self, clock: float) -> int:
        """Number of the window that a flow time is in."""
        return math.floor(clock / self.window_seconds) if math.isfinite(clock) else 0

    def last_window(self, window: int, now: int) -> int:
        """The window that a group closes with: of its window, and the clock's."""
        return min(max(window, now), now + self._ahead)

    def due(self, last: int) -> float:
        """Flow time at which a group closes that closes with window ``last``."""
        return (last + 1) * self.window_seconds + self.late_seconds

    def next_due(self) -> float:
        """When the next group closes; infinite where none is open."""
        return self.due(min(self.closing)) if self.closing else math.inf

    def add(self, key: Key, group: Group | None, now: int) -> None:
        """Open a group while the clock is in window ``now``."""
        self.open[key] = group
        self.closing.setdefault(self.last_window(key[2], now), []).append(key)

    def close_until(self, clock: float) -> Iterator[Closed]:
        """Close what is due, in the order of windows, sources and families."""
        for last in sorted(self.closing):
            if self.due(last) > clock:
                break
            yield from self._close(last)
        self._forget(self.window_of(clock) - REMEMBERED_WINDOWS)

    def close_first(self) -> Iterator[Closed]:
        """Make room for a tenth of the groups: one at a time would take for ever in a flood."""
        while self.closing and len(self.open) > self.max_groups * 9 // 10:
            yield from self._close(min(self.closing))

    def close_all(self) -> Iterator[Closed]:
        """Close everything."""
        for last in sorted(self.closing):
            yield from self._close(last)

    def reschedule(self, now: int) -> None:
        """Work out again when groups close: the clock was set back to window ``now``."""
        keys = [key for of in self.closing.values() for key in of]
        self.closing = {}
        for key in keys:
            self.closing.setdefault(self.last_window(key[2], now), []).append(key)

    def export(self) -> tuple[list[Shown], list[KeyAndWindow], list[KeyAndWindow]]:
        """Groups that are shown, silent ones, and those that are over; for :meth:`restore`."""
        shown: list[Shown] = []
        silent: list[KeyAndWindow] = []
        for last, keys in self.closing.items():
            for key in keys:
                group = self.open[key]
                if group is None:
                    silent.append((*key, last))
                else:
                    shown.append(((*key, last), group))
        return shown, silent, [(*key, last) for key, last in self.over.items()]

    def restore(
        self, shown: list[Shown], silent: list[KeyAndWindow], over: list[KeyAndWindow]
    ) -> None:
        """Go on from what was exported.

        Raises:
            ValueError: If a group stands there twice.
        """
        both: list[tuple[KeyAndWindow, Group | None]] = [*shown, *((key, None) for key in silent)]
        self.open = {(source, family, window): group for (source, family, window, _), group in both}
        self.over = {(source, family, window): last for source, family, window, last in over}
        if len(self.open) < len(both) or len(self.over) < len(over) or self.open.keys() & self.over:
            raise ValueError("a group of alerts stands there twice")
        self.closing = {}
        for (source, family, window, last), _ in both:
            self.closing.setdefault(last, []).append((source, family, window))

    def _close(self, last: int) -> Iterator[Closed]:
        for key in sorted(self.closing.pop(last), key=lambda key: (key[2], key)):
            group = self.open.pop(key)
            self.over[key] = last
            if len(self.over) > self.max_groups:
                del self.over[next(iter(self.over))]
            yield key, group

    def _forget(self, oldest: int) -> None:
        """Let go of groups that were closed long ago; they stand first."""
        while self.over:
            key = next(iter(self.over))
            if self.over[key] >= oldest:
                break
            del self.over[key]
