"""What a site has kept of the records of a family."""

from __future__ import annotations

import polars as pl

from enricher.errors import StateError
from enricher.families.records import records_from_bytes
from enricher.families.store import FamilyStore
from enricher.families.support import KeptSupport
from enricher.logs import Kind


def load_support(store: FamilyStore, name: str) -> KeptSupport | None:
    """The support records of a family; None where it was imported.

    Raises:
        InputError: If there is no such family.
        StateError: If they are damaged.
    """
    data = store.support(name)
    if data is None:
        return None
    try:
        return KeptSupport.from_bytes(data)
    except ValueError as error:
        raise StateError(
            f"the support records of family {name!a} are damaged ({error}); run 'enricher adapt' "
            "with --support for it again, or 'enricher families forget'"
        ) from error


def load_records(store: FamilyStore, name: str) -> dict[Kind, pl.DataFrame]:
    """The records of a family as they stood in the logs; none where they are not kept.

    Raises:
        InputError: If there is no such family.
        StateError: If they are damaged.
    """
    data = store.records(name)
    if data is None:
        return {}
    try:
        return records_from_bytes(data)
    except ValueError as error:
        raise StateError(
            f"the records of family {name!a} are damaged ({error}); run 'enricher adapt' with "
            "--support for it again, or name logs with its records"
        ) from error
