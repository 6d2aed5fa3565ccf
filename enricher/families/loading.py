"""The heads of all families of a site, checked, for the detector."""

from __future__ import annotations

from enricher.detector.adaptation.family_head import FamilyHead
from enricher.errors import StateError
from enricher.families.family import Family
from enricher.families.heads_file import heads_of
from enricher.families.store import FamilyStore
from enricher.families.tensor_file import decode
from enricher.logs import Kind

_REMEDY = "run 'enricher adapt' for it again, or 'enricher families forget'"


def load_heads(store: FamilyStore) -> dict[str, dict[Kind, FamilyHead]]:
    """Heads of all families by name and kind.

    Raises:
        StateError: If those of a family are damaged.
    """
    return {family.name: heads_of_family(store, family) for family in store.families()}


def heads_of_family(store: FamilyStore, family: Family) -> dict[Kind, FamilyHead]:
    """Heads of one family by kind.

    Raises:
        StateError: If they are damaged, or not of the kinds that they should be.
    """
    try:
        heads = heads_of(decode(store.heads(family.name))[0], family.bundle)
    except ValueError as error:
        raise StateError(
            f"the heads of family {family.name!a} are damaged ({error}); {_REMEDY}"
        ) from error
    if set(heads) != set(family.kinds):
        raise StateError(f"the heads of family {family.name!a} are of other kinds; {_REMEDY}")
    return heads
