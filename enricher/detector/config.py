"""What decides the encoder's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from enricher.features.spec import FeatureSpec
from enricher.logs import KINDS, Kind


@dataclass(frozen=True, slots=True)
class KindLayout:
    """The shape of one kind's features.

    Attributes:
        numeric: Number of numeric features.
        categories: Size of the vocabulary of each categorical feature, 'absent' and 'unknown'
            counted in.
        text: Names of the text fields.
        context: How many of the numeric features, the last ones, tell of the records before.
    """

    numeric: int
    categories: tuple[int, ...]
    text: tuple[str, ...]
    context: int

    @classmethod
    def of(cls, spec: FeatureSpec) -> KindLayout:
        """The shape of what a specification declares."""
        context = sum(feature.group == "context" for feature in spec.numeric)
        return cls(len(spec.numeric), spec.categorical_sizes, spec.text_names, context)


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Everything that decides the encoder's shape; goes into a bundle's ``config.json``.

    Attributes:
        layouts: The features of each kind that the encoder takes.
        width: Width of the hidden layers.
        blocks: Number of residual blocks that all kinds share.
        embedding: Size of the embedding; its first half sees the record alone, its second half
            the record in its context.
        quantiles: Pieces of each number's rank function.
        text_buckets: Buckets of each text field's n-grams, a power of two.
        text_width: Width of an n-gram's vector.
        text_orders: The longest n-gram, in bytes.
        text_bytes: Bytes of a string that are looked at.
    """

    layouts: Mapping[Kind, KindLayout]
    width: int = 96
    blocks: int = 1
    embedding: int = 64
    quantiles: int = 8
    text_buckets: int = 16384
    text_width: int = 32
    text_orders: int = 4
    text_bytes: int = 512

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds in their one order, whatever the order of ``layouts``."""
        return tuple(kind for kind in KINDS if kind in self.layouts)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderConfig:
        """From what :meth:`to_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: If the values are of another shape.
        """
        rest = dict(values)
        layouts: dict[Kind, KindLayout] = {}
        for kind, layout in rest.pop("layouts").items():
            if kind not in KINDS:
                raise ValueError(f"unknown kind of record: {kind!r}")
            layouts[cast(Kind, kind)] = KindLayout(
                numeric=int(layout["numeric"]),
                categories=tuple(int(size) for size in layout["categories"]),
                text=tuple(str(name) for name in layout["text"]),
                context=int(layout["context"]),
            )
        return cls(layouts=layouts, **{name: int(value) for name, value in rest.items()})
