"""The support records that a site has kept of a family."""

from __future__ import annotations

from enricher.errors import StateError
from enricher.families.store import FamilyStore
from enricher.families.support import KeptSupport


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
