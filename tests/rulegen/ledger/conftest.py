"""A ledger and rules for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.rulegen.ledger.candidate import Draft
from enricher.rulegen.ledger.ledger import Ledger

MakeDraft = Callable[..., Draft]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state")


@pytest.fixture(scope="session")
def draft() -> MakeDraft:
    """Makes a rule that alerts on the query of a name."""

    def make(name: str = "evil", day: str = "2026_01_01", proof: int = 0) -> Draft:
        return Draft(
            f'alert dns any any -> any any (msg:"LOCAL {name}"; dns.query; content:"{name}"; '
            f"sid:1; rev:1; metadata:created_at {day}, updated_at {day};)",
            {"covered": proof},
        )

    return make
