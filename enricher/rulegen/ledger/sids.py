"""Signature ids: each is given out once, whatever becomes of its rule."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from enricher.errors import InputError

LOCAL_SIDS = range(1_000_000, 2_000_000)
"""The range for local use (https://sidallocation.org/)."""


def issue(database: sqlite3.Connection, sids: range, used: Collection[int], when: float) -> int:
    """Give out the next sid.

    It is called within a transaction that keeps other writers out, so that no two get the same.

    Args:
        database: The site's database.
        sids: The range that is the policy's.
        used: Sids of rules that are not ours.
        when: Seconds UTC.

    Raises:
        InputError: If the range is used up.
    """
    (highest,) = database.execute(
        "SELECT max(sid) FROM rule_sids WHERE sid BETWEEN ? AND ?", (sids.start, sids.stop - 1)
    ).fetchone()
    begin = sids.start if highest is None else highest + 1
    for sid in range(begin, sids.stop):
        if sid not in used:
            database.execute("INSERT INTO rule_sids VALUES (?, ?)", (sid, when))
            return sid
    raise InputError(
        f"the sids from {sids.start} to {sids.stop - 1} are used up; "
        "give the rules another range of sids"
    )
