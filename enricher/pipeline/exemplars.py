"""The labelled records that an alert of a family of the site is nearest to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from enricher.detector.adaptation.points import FloatArray
from enricher.detector.detector import Detector
from enricher.families.kept import load_support
from enricher.families.likeness import nearest, view
from enricher.families.store import FamilyStore
from enricher.families.support import SupportSet
from enricher.features.tensors import Features
from enricher.logs import Kind

SHOWN = 3

Places = tuple[str, ...]


class Exemplars:
    """Finds the nearest support records by distance of embeddings.

    Args:
        support: Support records by family and kind.
        detector: Embeds them, once a family has an alert.
    """

    def __init__(
        self, support: Mapping[str, Mapping[Kind, SupportSet]], detector: Detector
    ) -> None:
        self._support = support
        self._detector = detector
        self._embedded: dict[tuple[str, Kind], FloatArray] = {}

    @classmethod
    def load(cls, store: FamilyStore, detector: Detector) -> Self:
        """Those that a site has kept of the detector's families.

        Raises:
            StateError: If some are damaged.
        """
        kept = {name: load_support(store, name) for name in detector.families}
        return cls({name: one.sets for name, one in kept.items() if one is not None}, detector)

    def nearest(self, family: str, features: Features) -> list[Places]:
        """Where the nearest support records of each of N records stand, nearest first.

        Args:
            family: Name of any family; there are exemplars of those adapted on this site.
            features: N records of one kind.

        Returns:
            N times up to three of ``path:line`` and uid.
        """
        kind = features.kind
        support = self._support.get(family, {}).get(kind)
        head = self._detector.families.get(family, {}).get(kind)
        if support is None or head is None:
            return [()] * len(features)
        if (family, kind) not in self._embedded:
            embedding = self._detector.represent(support.features).embedding
            self._embedded[family, kind] = view(embedding, head.context)
        own = view(self._detector.represent(features).embedding, head.context)
        return [
            tuple(f"{support.origins[place]} {support.uids[place]}".strip() for place in places)
            for places in nearest(own, self._embedded[family, kind], SHOWN)
        ]
