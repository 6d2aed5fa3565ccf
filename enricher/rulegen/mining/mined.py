"""What mining finds: the substance of a rule, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

from enricher.logs import Kind
from enricher.rulegen.matching.reading import Rate
from enricher.rulegen.matching.values import Mask
from enricher.rulegen.rule.rule import Option


@dataclass(frozen=True, slots=True)
class Mined:
    """The substance of one rule.

    Attributes:
        kind: Kind of record it is about.
        protocol: Of the header.
        options: Conditions, in order, without message, flow, threshold and identity.
        flow: Value of the ``flow`` option.
        about: What it says, one sentence a condition.
        source: Hosts that begin, in the header; of the conversation, whoever sends what is matched.
        destination: Hosts that are talked to.
        port: Port that is talked to.
        rate: How often it has to happen; None where once is enough.
    """

    kind: Kind
    protocol: str
    options: tuple[Option, ...]
    flow: str
    about: tuple[str, ...]
    source: str = "any"
    destination: str = "any"
    port: str = "any"
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no rule for what is left of a family in one kind of record.

    Attributes:
        kind: The kind.
        records: How many records no rule covers.
        reason: A sentence for the analyst.
    """

    kind: Kind
    records: int
    reason: str


@dataclass(slots=True)
class Finding:
    """All that was found of a family in one kind of record.

    Attributes:
        kind: The kind.
        rules: The substance of each rule, the one that adds most first.
        covered: bool [N] of each, which of the family's records it matches.
        refusals: What was refused.
    """

    kind: Kind
    rules: list[Mined] = field(default_factory=list)
    covered: list[Mask] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
