"""The labelled records that an alert of a family of the site is nearest to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from enricher.detector.adaptation.points import FloatArray
from enricher.detector.detector import Detector
from enricher.families.kept import load_support
from enricher.families.likeness import nearest, view
from enricher.families.store import FamilyStore
from enricher.families.support import SupportSet
from enricher.features.rows import join
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

    def nearest(self, families: Sequence[str], features: Features) -> list[Places]:
        """Where the nearest support records of each of N records stand, nearest first.

        Args:
            families: A family for each record; there are exemplars of those adapted on this site.
            features: N records of one kind.

        Returns:
            N times up to three of ``path:line`` and uid.
        """
        kind = features.kind
        known = {name for name in families if kind in self._support.get(name, {})}
        if not known:
            return [()] * len(families)
        self._embed(kind, sorted(known - {name for name, of in self._embedded if of == kind}))
        embedding = self._detector.represent(features).embedding
        return [
            self._places(name, kind, embedding[row : row + 1]) if name in known else ()
            for row, name in enumerate(families)
        ]

    def _embed(self, kind: Kind, names: Sequence[str]) -> None:
        """Embed the support records of several families together."""
        if not names:
            return
        sets = [self._support[name][kind] for name in names]
        together = self._detector.represent(join([one.features for one in sets])).embedding
        ends = np.cumsum([len(one) for one in sets])[:-1]
        for name, embedding in zip(names, np.split(together, ends), strict=True):
            self._embedded[name, kind] = embedding

    def _places(self, name: str, kind: Kind, embedding: FloatArray) -> Places:
        support, context = self._support[name][kind], self._detector.families[name][kind].context
        own, others = view(embedding, context), view(self._embedded[name, kind], context)
        return tuple(
            f"{support.origins[place]} {support.uids[place]}".strip()
            for place in nearest(own, others, SHOWN)[0]
        )
