"""What a family is, for people and for the tools that read alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Attack:
    """A tactic or technique of MITRE ATT&CK (Enterprise, https://attack.mitre.org)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class FamilyLabel:
    """One entry of a bundle's label space.

    Attributes:
        name: Its name in scores and alerts.
        title: For people.
        category: Long text of a class of Suricata's ``classification.config``.
        severity: Priority of that class; 1 is the most severe.
        tactic: What the attacker is after, if it is known.
        technique: How, if it is known.
        description: One sentence.
    """

    name: str
    title: str
    category: str = "Misc activity"
    severity: int = 3
    tactic: Attack | None = None
    technique: Attack | None = None
    description: str = ""

    @classmethod
    def from_dict(cls, name: str, values: Mapping[str, Any]) -> Self:
        """From an entry of ``models/families.yaml`` or of a bundle's ``config.json``.

        Raises:
            KeyError, TypeError, ValueError: If the values are of another shape.
        """
        return cls(
            name=str(name),
            title=str(values["title"]),
            category=str(values["category"]),
            severity=int(values["severity"]),
            tactic=_attack(values.get("tactic")),
            technique=_attack(values.get("technique")),
            description=str(values.get("description", "")),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON, without the name."""
        values: dict[str, Any] = {
            "title": self.title,
            "category": self.category,
            "severity": self.severity,
            "description": self.description,
        }
        for key, attack in (("tactic", self.tactic), ("technique", self.technique)):
            if attack is not None:
                values[key] = {"id": attack.id, "name": attack.name}
        return values


def _attack(values: Mapping[str, Any] | None) -> Attack | None:
    return None if values is None else Attack(str(values["id"]), str(values["name"]))
