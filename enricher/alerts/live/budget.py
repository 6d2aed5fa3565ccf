"""So many alerts a day and no more, decided at once and not when the day is over."""

from __future__ import annotations

from collections import Counter

_DAYS = 2
"""Days that are further from the present one are forgotten."""

Days = dict[int, Counter[str]]
Entry = tuple[int, str, int]
"""Day, family, number of alerts."""


class CausalBudget:
    """Lets alerts through while the day has room for them.

    The best of a day are not known before it is over, so room is kept instead: a family may have
    no more than half of what the other families have left of the day (but one alert at least).
    The flood of one family leaves half of the day to the others.

    Args:
        per_day: Alerts a day of flow time; 0 for no limit.

    Attributes:
        held_back: Alerts that were not let through since the beginning, by family.
    """

    def __init__(self, per_day: int) -> None:
        if per_day < 0:
            raise ValueError(f"alerts a day are 0 (no limit) or more, got {per_day}")
        self.per_day = per_day
        self.held_back: Counter[str] = Counter()
        self._opened: Days = {}
        self._held_back: Days = {}

    def admits(self, family: str, day: int) -> bool:
        """Whether an alert is let through; it is counted either way."""
        if self._fits(family, day):
            _of_day(self._opened, day)[family] += 1
            return True
        self.held_back[family] += 1
        _of_day(self._held_back, day)[family] += 1
        return False

    def _fits(self, family: str, day: int) -> bool:
        if self.per_day == 0:
            return True
        opened = self._opened.get(day, Counter())
        total, own = opened.total(), opened[family]
        return total < self.per_day and own < max(1, (self.per_day - (total - own)) // 2)

    def opened_on(self, day: int) -> dict[str, int]:
        """Alerts that were let through on a day (days since 1970), by family."""
        return dict(self._opened.get(day, {}))

    def held_back_on(self, day: int) -> dict[str, int]:
        """Alerts that were held back on a day, by family."""
        return dict(self._held_back.get(day, {}))

    def export(self) -> tuple[list[Entry], list[Entry]]:
        """What was let through and held back of the days that are known; for :meth:`restore`."""
        return _flat(self._opened), _flat(self._held_back)

    def restore(
        self, opened: list[Entry], held_back: list[Entry], held_back_in_all: dict[str, int]
    ) -> None:
        """Go on from what was exported."""
        self._opened, self._held_back = _days(opened), _days(held_back)
        self.held_back = Counter(held_back_in_all)


def _of_day(days: Days, day: int) -> Counter[str]:
    if day not in days:
        for other in [other for other in days if abs(other - day) > _DAYS]:
            del days[other]
        days[day] = Counter()
    return days[day]


def _flat(days: Days) -> list[Entry]:
    return [(day, family, n) for day, of in days.items() for family, n in of.items()]


def _days(entries: list[Entry]) -> Days:
    days: Days = {}
    for day, family, count in entries:
        days.setdefault(day, Counter())[family] = count
    return days
