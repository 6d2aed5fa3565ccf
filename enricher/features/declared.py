"""What a feature is: its name, its words for people, and the group it can be hidden with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from enricher.features.units import Unit, readable
from enricher.logs import Kind

# Features are hidden by group when an evaluation asks what a gain comes from. ``service``: port
# class, service, query type and what else names the protocol that was used.
Group: TypeAlias = Literal["volume", "shape", "history", "protocol", "service", "text", "context"]

# A category's first two places, in every vocabulary.
ABSENT = 0
OTHER = 1


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """One column of ``Features.numeric``.

    Attributes:
        name: Unique among the kind's features.
        words: What it is, for people; follows an amount (``412 <words>``) where the unit is
            ``count``, and stands before it (``<words>: 93 %``) otherwise.
        unit: How the stored value is read.
        group: What it is hidden with.
    """

    name: str
    words: str
    unit: Unit
    group: Group

    def explain(self, value: float) -> str:
        """The stored value in words, for example ``412 destination hosts in 10 minutes``."""
        amount = readable(self.unit, value)
        if self.unit == "count" and amount != "none":
            return f"{amount} {self.words}"
        return f"{self.words}: {amount}"


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """One column of ``Features.categorical``.

    Attributes:
        name: Unique among the kind's features.
        vocabulary: The values that are known; the first has index 2, after 'absent' and
            'another value'.
        words: What it is, for people.
        group: What it is hidden with.
    """

    name: str
    vocabulary: tuple[str, ...]
    words: str
    group: Group

    @property
    def size(self) -> int:
        """Number of indices, 'absent' and 'another value' included."""
        return len(self.vocabulary) + 2

    def explain(self, index: int) -> str:
        """An index in words, for example ``state of the connection: S0``."""
        value = {ABSENT: "none", OTHER: "an unusual one"}.get(index)
        return f"{self.words}: {value or self.vocabulary[index - 2]}"


@dataclass(frozen=True, slots=True)
class TextFeature:
    """One entry of ``Features.text``.

    Attributes:
        name: Unique among the kind's features.
        column: The canonical column it holds.
        words: What it is, for people.
    """

    name: str
    column: str
    words: str


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """The features of one kind, in the order of the tensors' columns."""

    kind: Kind
    version: int
    numeric: tuple[NumericFeature, ...]
    categorical: tuple[CategoricalFeature, ...]
    text: tuple[TextFeature, ...]

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """Names of the numeric columns, in order."""
        return tuple(feature.name for feature in self.numeric)

    @property
    def categorical_names(self) -> tuple[str, ...]:
        """Names of the categorical columns, in order."""
        return tuple(feature.name for feature in self.categorical)

    @property
    def categorical_sizes(self) -> tuple[int, ...]:
        """Number of indices of each categorical column, 'absent' and 'other' included."""
        return tuple(feature.size for feature in self.categorical)

    @property
    def text_names(self) -> tuple[str, ...]:
        """Names of the text columns."""
        return tuple(feature.name for feature in self.text)

    def hidden(self, groups: Collection[Group]) -> FeatureSpec:
        """The specification without the features of some groups.

        Use :func:`enricher.features.without` for features to match. Text columns go with
        the group ``text``.
        """
        return FeatureSpec(
            self.kind,
            self.version,
            tuple(feature for feature in self.numeric if feature.group not in groups),
            tuple(feature for feature in self.categorical if feature.group not in groups),
            () if "text" in groups else self.text,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, to be kept in a bundle and compared."""
        plain: dict[str, Any] = asdict(self)
        for feature in plain["categorical"]:
            feature["vocabulary"] = list(feature["vocabulary"])
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> FeatureSpec:
        """The inverse of :meth:`to_dict`.

        Raises:
            TypeError, KeyError: If the values are not those of a specification.
        """
        return cls(
            kind=plain["kind"],
            version=int(plain["version"]),
            numeric=tuple(NumericFeature(**feature) for feature in plain["numeric"]),
            categorical=tuple(
                CategoricalFeature(**{**feature, "vocabulary": tuple(feature["vocabulary"])})
                for feature in plain["categorical"]
            ),
            text=tuple(TextFeature(**feature) for feature in plain["text"]),
        )
