"""The run-time detector: a bundle on a device, with what a site has calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from enricher.detector.adaptation.family_head import FamilyHead
from enricher.detector.adaptation.points import Points, represent
from enricher.detector.adaptation.serving import AdaptedHeads
from enricher.detector.bundle import Bundle, check_specs, find_bundle
from enricher.detector.corrections import Corrections
from enricher.detector.device import choose_device
from enricher.detector.labels import FamilyLabel
from enricher.detector.reasons import explain_rows
from enricher.detector.scores import Reason, Scores
from enricher.detector.scoring import score_features
from enricher.detector.site import SiteCalibration
from enricher.detector.table_distance import TableDistance
from enricher.detector.thresholds import Thresholds
from enricher.errors import BundleError, StateError
from enricher.features.spec import SPECS, FeatureSpec
from enricher.features.tensors import Features
from enricher.logs import Kind

OFF = 2.0
"""A threshold that no score reaches."""


class Detector:
    """Scores records. A function of records, bundle and site state; it keeps nothing.

    Args:
        bundle: The trained model.
        device: Where to compute.
        site: What the site has calibrated, per kind; elsewhere the bundle's defaults hold.
        families: The site's own families: name -> kind -> head. One that is named like a family
            of the bundle stands in its place.
        distances: Distances from the site's own benign records, per kind, while it is being
            calibrated; afterwards ``site`` has them.
        corrections: What the site's analysts have called false alarms, per kind.

    Raises:
        StateError: If the calibration or a head was made with another bundle.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device | None = None,
        site: Mapping[Kind, SiteCalibration] | None = None,
        families: Mapping[str, Mapping[Kind, FamilyHead]] | None = None,
        distances: Mapping[Kind, TableDistance] | None = None,
        corrections: Mapping[Kind, Corrections] | None = None,
    ) -> None:
        self.bundle = bundle
        self.device = device or torch.device("cpu")
        self.site = dict(site or {})
        for kind, calibration in self.site.items():
            if calibration.bundle != bundle.digest:
                raise StateError(
                    f"the site's calibration for {kind} was made with another model than "
                    f"{bundle.name!r}: run 'enricher calibrate' again"
                )
        self.families = dict(families or {})
        self.corrections = dict(corrections or {})
        self._check_families()
        self._model = bundle.model.to(self.device).eval().requires_grad_(False)
        self._conformal = dict(bundle.conformal) | {
            kind: calibration.conformal for kind, calibration in self.site.items()
        }
        self._distances = self._site_distances(distances or {})
        self._adapted = {
            kind: AdaptedHeads(
                tuple(self.families),
                {name: heads[kind] for name, heads in self.families.items() if kind in heads},
                self.device,
            )
            for kind in self.kinds
        }

    def _site_distances(self, given: Mapping[Kind, TableDistance]) -> dict[Kind, TableDistance]:
        stored = {kind: one.distance for kind, one in self.site.items() if one.distance is not None}
        distances = stored | dict(given)
        for kind, distance in distances.items():
            layout = self.bundle.model.config.layouts.get(kind)
            if layout is None or not distance.fits(layout.numeric, layout.categories):
                raise StateError(
                    f"the site's calibration for {kind} does not fit the features of model "
                    f"{self.bundle.name!r}: run 'enricher calibrate' again"
                )
        return {kind: distance.to(self.device) for kind, distance in distances.items()}

    def _check_families(self) -> None:
        for name, heads in self.families.items():
            for kind, head in heads.items():
                spec = self.bundle.specs.get(kind)
                if spec is None or head.bundle != self.bundle.digest:
                    raise StateError(
                        f"family {name!r} was adapted with another model than "
                        f"{self.bundle.name!r}: run 'enricher adapt' for it again, or "
                        f"'enricher families forget'"
                    )
                table = len(spec.numeric) + len(spec.categorical)
                if not head.fits(self.bundle.model.config.embedding, table):
                    raise StateError(
                        f"family {name!r} does not fit the {kind} features of this version: "
                        "run 'enricher adapt' for it again, or 'enricher families forget'"
                    )

    @classmethod
    def load(
        cls,
        bundle: str | Path | None = None,
        device: str = "auto",
        site: Mapping[Kind, SiteCalibration] | None = None,
        specs: Mapping[Kind, FeatureSpec] = SPECS,
    ) -> Self:
        """Load a bundle by its folder or name; ``None`` is the default one.

        Args:
            bundle: Folder or name.
            device: ``auto``, ``cpu`` or ``cuda``.
            site: What the site has calibrated.
            specs: The features that are computed; the bundle must have been trained on them.

        Raises:
            BundleError: If it is missing, damaged, or made by another version.
            DeviceError: If the device is not there.
            StateError: If ``site`` was made with another bundle.
        """
        where = choose_device(device)
        loaded = Bundle.load(find_bundle(bundle), where)
        check_specs(loaded, specs)
        return cls(loaded, where, site)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that can be scored."""
        return self._model.kinds

    @property
    def distances(self) -> Mapping[Kind, TableDistance]:
        """The site's own distances, by kind."""
        return self._distances

    @property
    def _shipped(self) -> tuple[str, ...]:
        return self._model.heads.families

    @property
    def labels(self) -> tuple[FamilyLabel, ...]:
        """The families, in the order of the scores."""
        return self.bundle.labels

    def score(self, features: Features) -> Scores:
        """Score N records of one kind, in order.

        Raises:
            BundleError: If the bundle does not know the kind, or takes other features.
        """
        self._check(features)
        kind = features.kind
        return score_features(
            self._model, features, self._conformal, self._adapted[kind], self._distances.get(kind)
        )

    def represent(self, features: Features) -> Points:
        """Records as the learners of a family see them.

        Raises:
            BundleError: If the bundle does not know the kind, or takes other features.
        """
        self._check(features)
        return represent(self._model, features)

    def explain(
        self, features: Features, rows: npt.NDArray[np.integer], family: str | Sequence[str] | None
    ) -> list[tuple[Reason, ...]]:
        """The up to five fields that raised the score of some records most, strongest first.

        Args:
            features: Records of one kind.
            rows: Which of them, int [R]; few, for alerts only.
            family: Name of the family, one of the site's or of the bundle's; or a name for each
                of the R records, which takes no longer; ``None`` explains the novelty.

        Raises:
            BundleError: If the bundle does not know the kind, or takes other features.
            ValueError: If there is no such family.
        """
        self._check(features)
        spec = self.bundle.specs[features.kind]
        if family is None:
            own = self._distances.get(features.kind)
            return explain_rows(self._model, spec, features, rows, None, own)
        names = [family] * len(rows) if isinstance(family, str) else family
        weights = [self._weight(features.kind, name) for name in dict.fromkeys(names)]
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        if not places:
            return []
        weight = torch.stack(weights)[[places[name] for name in names]]
        return explain_rows(self._model, spec, features, rows, weight)

    def _weight(self, kind: Kind, family: str) -> Tensor:
        """The linear head that moves the score of a family, float32 [E]."""
        own = self.families.get(family, {}).get(kind)
        if own is not None:
            return torch.from_numpy(own.weight).to(self.device)
        heads = self._model.heads
        place = heads.index(family)
        return heads.weight[place] * heads.scale[heads.kinds.index(kind), place]

    def thresholds(self, kind: Kind) -> Thresholds:
        """The bounds of a kind: the site's where it has calibrated, else the bundle's."""
        site = self.site.get(kind)
        named = self.bundle.thresholds.get(kind, {}) if site is None else site.thresholds
        alpha = self.bundle.novelty_alpha.get(kind, 0.0) if site is None else site.novelty_alpha
        own = {
            name: heads[kind].threshold if kind in heads else OFF
            for name, heads in self.families.items()
        }
        families = (*self._model.heads.families, *(n for n in own if n not in self._shipped))
        values = [own.get(name, named.get(name, OFF)) for name in families]
        return Thresholds(families=families, values=np.array(values, dtype=np.float32), alpha=alpha)

    def _check(self, features: Features) -> None:
        spec = self.bundle.specs.get(features.kind)
        if spec is None:
            raise BundleError(
                f"model bundle {self.bundle.name!r} does not know {features.kind} records; "
                "choose one that does"
            )
        shape = (features.numeric.shape[1], features.categorical.shape[1], tuple(features.text))
        if features.spec_version != spec.version or shape != (
            len(spec.numeric),
            len(spec.categorical),
            spec.text_names,
        ):
            raise BundleError(
                f"model bundle {self.bundle.name!r} takes version {spec.version} of the "
                f"{features.kind} features, these are of version {features.spec_version}: "
                "train it again with 'enricher train', or install the matching version"
            )
