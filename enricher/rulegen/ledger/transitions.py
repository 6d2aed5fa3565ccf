r"""Which status a rule may come to from which: the one table of it.

::

    propose -> candidate -> approved -> shadow <-> live
                   |  \        |  \________^         |
                   |   \-> rejected          \-----> retired   (from every status)
                   ^-- edit, from every status but retired
"""

from __future__ import annotations

from typing import Literal

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Status

Action = Literal["approve", "reject", "edit", "retire", "to_shadow", "to_live"]

TRANSITIONS: dict[Action, tuple[frozenset[Status], Status]] = {
    "approve": (frozenset({"candidate"}), "approved"),
    "reject": (frozenset({"candidate", "approved"}), "rejected"),
    "edit": (frozenset({"candidate", "approved", "shadow", "live", "rejected"}), "candidate"),
    "to_shadow": (frozenset({"approved", "live"}), "shadow"),
    "to_live": (frozenset({"approved", "shadow"}), "live"),
    "retire": (frozenset({"candidate", "approved", "shadow", "live", "rejected"}), "retired"),
}
_DONE: dict[Action, str] = {
    "approve": "approved",
    "reject": "rejected",
    "edit": "edited",
    "to_shadow": "deployed as shadow",
    "to_live": "deployed as live",
    "retire": "retired",
}


def after(action: Action, status: Status, sid: int) -> Status:
    """The status that a rule has after something was done.

    Raises:
        InputError: If it can not be done to a rule of this status.
    """
    allowed, result = TRANSITIONS[action]
    if status not in allowed:
        possible = [_DONE[other] for other, (froms, _) in TRANSITIONS.items() if status in froms]
        rest = f"it can be {' or '.join(possible)}" if possible else "propose a new one instead"
        raise InputError(f"rule {sid} is {status} and cannot be {_DONE[action]}; {rest}")
    return result
