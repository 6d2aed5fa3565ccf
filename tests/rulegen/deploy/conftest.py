"""A ledger with approved rules, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger

Add = Callable[..., Candidate]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state")


@pytest.fixture
def add(ledger: Ledger) -> Add:
    """Adds a rule to the ledger, approved unless it is said otherwise."""

    def make(
        name: str = "evil",
        options: str = "",
        *,
        approve: bool = True,
        lists: Mapping[str, str] | None = None,
    ) -> Candidate:
        body = options or f'dns.query; content:"{name}";'
        text = (
            f'alert dns any any -> any any (msg:"LOCAL {name}"; {body} '
            "classtype:trojan-activity; sid:1; rev:1;)"
        )
        draft = Draft(text, {}, lists=lists or {})
        (rule,) = ledger.propose(f"family-{name}", [draft], who="ana", why="a test")
        return ledger.approve(rule.id, who="ben", why="seen") if approve else rule

    return make
