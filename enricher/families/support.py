"""The support set of a family: kept on the site, shown as exemplars, never exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.families.tensor_file import decode, encode
from enricher.features.spec import SPECS
from enricher.features.tensors import Features, TextColumn
from enricher.logs import KINDS, Kind

MOST_SHOTS = 500
"""Support records of one kind; of more, so many are taken evenly."""
_FORMAT = 1
_LONGEST_PLACE = 1024


@dataclass(frozen=True, slots=True)
class SupportSet:
    """The labelled records of one kind.

    Attributes:
        features: Of K records.
        origins: ``path:line`` of each.
        uids: Zeek's or Suricata's id of each, empty where there is none.
        times: float64 [K], seconds UTC; NaN where there is none.
    """

    features: Features
    origins: tuple[str, ...]
    uids: tuple[str, ...]
    times: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True, slots=True)
class KeptSupport:
    """What the site keeps of a family's support records.

    Attributes:
        sets: By kind.
        names: Digest of the model of names that their features were made with.
    """

    sets: Mapping[Kind, SupportSet]
    names: str

    def to_bytes(self) -> bytes:
        """As the bytes of a file."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        words: dict[str, Any] = {"format": _FORMAT, "names": self.names, "kinds": {}}
        for kind, support in self.sets.items():
            arrays |= {f"{kind}/{name}": array for name, array in _arrays(support).items()}
            words["kinds"][kind] = {
                "spec": support.features.spec_version,
                "origins": [origin[:_LONGEST_PLACE] for origin in support.origins],
                "uids": [uid[:_LONGEST_PLACE] for uid in support.uids],
                "times": [time if time == time else None for time in support.times.tolist()],  # noqa: PLR0124 - not a number
            }
        return encode(arrays, words)

    @classmethod
    def from_bytes(cls, data: bytes) -> KeptSupport:
        """The inverse of :meth:`to_bytes`.

        Raises:
            ValueError: If the bytes are no support set, or one of another version.
        """
        arrays, words = decode(data)
        try:
            if words["format"] != _FORMAT or not set(words["kinds"]) <= set(KINDS):
                raise ValueError("it was made by another version")
            sets = {
                kind: _support(kind, words["kinds"][kind], arrays)
                for kind in KINDS
                if kind in words["kinds"]
            }
            return cls(sets, str(words["names"]))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"it is no support set ({error})") from error


def _arrays(support: SupportSet) -> dict[str, npt.NDArray[Any]]:
    features = support.features
    arrays: dict[str, npt.NDArray[Any]] = {
        "numeric": features.numeric,
        "categorical": features.categorical,
    }
    for name, column in features.text.items():
        arrays |= {
            f"text/{name}/data": column.data,
            f"text/{name}/offsets": column.offsets,
            f"text/{name}/codes": column.codes,
        }
    return arrays


def _support(
    kind: Kind, words: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
) -> SupportSet:
    spec = SPECS[kind]
    if words["spec"] != spec.version:
        raise ValueError(f"its {kind} features were made by another version")
    numeric, categorical = arrays[f"{kind}/numeric"], arrays[f"{kind}/categorical"]
    count = len(words["origins"])
    fits = numeric.dtype == np.float32 and categorical.dtype == np.int32
    fits &= numeric.shape == (count, len(spec.numeric))
    fits &= categorical.shape == (count, len(spec.categorical))
    if not fits or not 0 < count <= MOST_SHOTS or len(words["uids"]) != count:
        raise ValueError(f"its {kind} features are of another shape")
    if (categorical < 0).any() or (categorical >= np.array(spec.categorical_sizes)).any():
        raise ValueError(f"a category of its {kind} features is none")
    text = {
        name: _text([arrays[f"{kind}/text/{name}/{part}"] for part in _TEXT_PARTS], count)
        for name in spec.text_names
    }
    times = [float("nan") if time is None else float(time) for time in words["times"]]
    return SupportSet(
        Features(kind, spec.version, numeric, categorical, text),
        tuple(map(str, words["origins"])),
        tuple(map(str, words["uids"])),
        np.array(times, dtype=np.float64),
    )


_TEXT_PARTS = ("data", "offsets", "codes")


def _text(parts: list[npt.NDArray[Any]], count: int) -> TextColumn:
    data, offsets, codes = parts
    types = data.dtype == np.uint8 and offsets.dtype == np.int64 and codes.dtype == np.int32
    if not types or data.ndim != 1 or offsets.ndim != 1 or codes.shape != (count,):
        raise ValueError("its texts are of another shape")
    rising = len(offsets) > 0 and offsets[0] == 0 and not (np.diff(offsets) < 0).any()
    if not rising or offsets[-1] != len(data):
        raise ValueError("its texts are not in order")
    if (codes < -1).any() or (codes >= len(offsets) - 1).any():
        raise ValueError("a record's text is not there")
    return TextColumn(data, offsets, codes)
