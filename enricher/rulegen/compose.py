"""Writes a rule: what was mined, in the words and order that engine and linters want."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from enricher.rulegen.matching.reading import Rate
from enricher.rulegen.mining.evidence import HOME
from enricher.rulegen.mining.mined import Mined
from enricher.rulegen.policy import Policy
from enricher.rulegen.rule.rule import Header, Option, Rule
from enricher.rulegen.rule.text import message, word

PLACEHOLDER = 1
"""Sid and rev of a rule that no ledger has given any."""
_WHAT = {
    "http": "HTTP Request",
    "dns": "DNS Query",
    "ssl": "TLS Handshake",
    "conn": "Connection",
}


@dataclass(frozen=True, slots=True)
class Author:
    """What rules are written with.

    Attributes:
        policy: The site's policy.
        today: Date of ``created_at``.
    """

    policy: Policy
    today: dt.date

    def write(self, family: str, mined: Mined, number: int) -> Rule:
        """Write one rule of a family.

        Args:
            family: Name of the family.
            mined: The substance.
            number: Which of the family's rules it is, from 1.
        """
        policy = self.policy
        template = policy.templates[mined.kind]
        title = " ".join(part.capitalize() for part in message(family).replace("_", "-").split("-"))
        words = f"{policy.message} {title} {_WHAT[mined.kind]}{' Rate' * (mined.rate is not None)}"
        threshold = template.threshold if mined.rate is None else _rate(mined.rate)
        day = self.today.strftime("%Y_%m_%d")
        metadata = (
            f"affected_product Any, attack_target Client_and_Server, created_at {day}, "
            f"deployment Perimeter, family {word(family)}, performance_impact Low, "
            f"signature_severity {word(policy.severity)}, updated_at {day}"
        )
        return Rule(
            _header(mined),
            (
                Option("msg", f'"{message(f"{words} M{number}")}"'),
                Option("flow", mined.flow),
                *mined.options,
                Option("threshold", threshold),
                Option("target", _target(mined)),
                Option("classtype", template.classtype),
                Option("sid", str(PLACEHOLDER)),
                Option("rev", str(PLACEHOLDER)),
                Option("metadata", metadata),
            ),
        )


def _answers(mined: Mined) -> bool:
    return "to_client" in mined.flow


def _header(mined: Mined) -> Header:
    if _answers(mined):
        return Header(
            mined.protocol, source=mined.destination, source_port=mined.port,
            destination=mined.source,
        )  # fmt: skip
    return Header(
        mined.protocol, source=mined.source, destination=mined.destination,
        destination_port=mined.port,
    )  # fmt: skip


def _target(mined: Mined) -> str:
    """Which end is the victim: the local one; where none is known, the one that is talked to."""
    inside = mined.source == HOME
    return "src_ip" if inside != _answers(mined) else "dest_ip"


def _rate(rate: Rate) -> str:
    return f"type {rate.type}, track {rate.track}, count {rate.count}, seconds {rate.seconds}"
