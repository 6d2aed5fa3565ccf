"""The features of one record as plain values for JSON, and back."""

from __future__ import annotations

import base64
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from enricher.features.rows import FeatureRow
from enricher.features.spec import SPEC_VERSION, SPECS
from enricher.logs import Kind

_LONGEST = 1 << 20

Bytes = Annotated[str, Field(max_length=_LONGEST)]


class _Packed(BaseModel):
    """A row; arrays and strings as the base64 of their bytes, numbers little-endian."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    spec_version: int
    numeric: Bytes
    categorical: Bytes
    text: dict[str, Bytes | None] = Field(max_length=64)


def pack_row(row: object) -> dict[str, object] | None:
    """Plain values of a :class:`FeatureRow`; None of anything else."""
    if not isinstance(row, FeatureRow):
        return None
    return _Packed(
        kind=row.kind,
        spec_version=row.spec_version,
        numeric=_packed(row.numeric.astype("<f4").tobytes()),
        categorical=_packed(row.categorical.astype("<i4").tobytes()),
        text={name: None if s is None else _packed(s) for name, s in row.text.items()},
    ).model_dump()


def unpack_row(packed: object) -> FeatureRow | None:
    """The row again; None if it was made by another version of the feature specification.

    Raises:
        ValueError: If it is damaged.
    """
    found = _Packed.model_validate(packed)
    if found.spec_version != SPEC_VERSION:
        return None
    spec = SPECS[found.kind]
    numeric = np.frombuffer(_bytes(found.numeric), dtype="<f4").astype(np.float32)
    categorical = np.frombuffer(_bytes(found.categorical), dtype="<i4").astype(np.int32)
    shapes = (len(numeric), len(categorical), tuple(found.text))
    if shapes != (len(spec.numeric), len(spec.categorical), spec.text_names):
        raise ValueError(f"these are no features of {found.kind}")
    if not all(0 <= n < size for n, size in zip(categorical, spec.categorical_sizes, strict=True)):
        raise ValueError(f"a category of {found.kind} is none")
    text = {name: None if s is None else _bytes(s) for name, s in found.text.items()}
    return FeatureRow(found.kind, found.spec_version, numeric, categorical, text)


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
