"""A trained detector on disk: one folder of weights, configuration, card and reference outputs.

::

    weights.safetensors     every tensor: encoder, heads, novelty, baselines, conformal scores,
                            the model of benign names
    bank.safetensors        benign records of simulated sites, to adapt against
    config.json             shape, feature specifications, label space, thresholds, checksums
    card.md                 what it is for, what it was trained on, what it can not do
    reference.safetensors   reference records and what the model said of them when it was made
    reference.json          which they are and how near a new run must come

Nothing in it is code: no file is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.shares import Shares
from enricher.detector.bank import load_bank, save_bank
from enricher.detector.config import EncoderConfig
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.labels import FamilyLabel
from enricher.detector.model import Model
from enricher.errors import BundleError, OutputError
from enricher.features.ngrams import NameModel
from enricher.features.spec import FeatureSpec
from enricher.logs import KINDS, Kind
from enricher.resources import resource_dir

FORMAT = 2
DEFAULT_BUNDLE = "base"
WEIGHTS = "weights.safetensors"
CONFIG = "config.json"
CARD = "card.md"

_REMEDY = "train it again with 'enricher train', or install the version that made it"


@dataclass(slots=True)
class Bundle:
    """A trained detector.

    Attributes:
        name: Its name, shown in alerts.
        model: The weights.
        labels: The label space, in the order of ``model.heads.families``.
        specs: Specification of each kind's features.
        thresholds: Default threshold per kind and family; a family that is not named can not be
            found in that kind.
        novelty_alpha: Default bound on the p-value per kind.
        conformal: Benign novelty scores of training per kind.
        names: How usual letters are in benign names: the features of names are made with it.
        shares: Shares of the base learners of an adapted family.
        bank: Benign records of simulated sites, to adapt against where a site has none.
        training: Quantities of training: what it was trained on, how well it does.
        card: Text of the card.
        digest: SHA-256 of the weights, once it was saved or loaded.
    """

    name: str
    model: Model
    labels: tuple[FamilyLabel, ...]
    specs: Mapping[Kind, FeatureSpec]
    thresholds: Mapping[Kind, Mapping[str, float]]
    novelty_alpha: Mapping[Kind, float]
    conformal: Mapping[Kind, ConformalCalibration]
    names: NameModel | None = None
    shares: Shares = field(default_factory=Shares)
    bank: Mapping[Kind, Points] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""
    digest: str = ""

    @property
    def version(self) -> str:
        """Its version, ``major.minor.patch``, as its recipe says."""
        return str(self.training.get("version", "0.0.0"))

    def save(self, folder: Path) -> None:
        """Write weights, configuration and card; the folder is replaced as a whole.

        Reference outputs are written by :func:`enricher.detector.reference.write_reference`.

        Raises:
            OutputError: If it can not be written, or the folder holds something else.
        """
        if folder.exists() and not (folder / CONFIG).is_file() and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: is not empty and no model bundle; name a new folder for the bundle"
            )
        try:
            self._write(folder)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error

    def _write(self, folder: Path) -> None:
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        weights = safetensors.torch.save(self._tensors())
        self.digest = hashlib.sha256(weights).hexdigest()
        (unfinished / WEIGHTS).write_bytes(weights)
        config = self._config() | {"bank_sha256": save_bank(unfinished, self.bank)}
        (unfinished / CONFIG).write_text(
            json.dumps(config, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        (unfinished / CARD).write_text(self.card, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.replace(folder)

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"model.{k}": v.cpu().contiguous() for k, v in self.model.state_dict().items()}
        for kind, calibration in self.conformal.items():
            tensors[f"conformal.{kind}"] = torch.from_numpy(calibration.scores)
        if self.names is not None:
            tensors |= {k: torch.from_numpy(v) for k, v in self.names.to_arrays().items()}
        return tensors

    def _config(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "name": self.name,
            "weights_sha256": self.digest,
            "encoder": self.model.config.to_dict(),
            "novelty_centres": {
                kind: len(self.model.novelty(kind).centres) for kind in self.model.kinds
            },
            "families": [{"name": label.name, **label.to_dict()} for label in self.labels],
            "specs": {kind: spec.to_dict() for kind, spec in self.specs.items()},
            "thresholds": {kind: dict(values) for kind, values in self.thresholds.items()},
            "novelty_alpha": dict(self.novelty_alpha),
            "shares": self.shares.to_dict(),
            "training": dict(self.training),
        }

    @classmethod
    def load(cls, folder: Path, device: torch.device | None = None) -> Self:
        """Read a bundle and check that it is whole.

        Raises:
            BundleError: If it is missing, damaged, or made by another version.
        """
        config = _read_config(folder)
        weights = _read(folder / WEIGHTS)
        digest = hashlib.sha256(weights).hexdigest()
        if digest != config.get("weights_sha256"):
            raise BundleError(
                f"{folder / WEIGHTS}: the checksum is not the one in {CONFIG}; "
                "the bundle is damaged: install it again"
            )
        try:
            return cls._assemble(config, safetensors.torch.load(weights), digest, folder, device)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise BundleError(f"{folder / CONFIG}: cannot be used ({error}); {_REMEDY}") from error
        except SafetensorError as error:
            raise BundleError(f"{folder / WEIGHTS}: is damaged ({error})") from error

    @classmethod
    def _assemble(
        cls,
        config: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        digest: str,
        folder: Path,
        device: torch.device | None,
    ) -> Self:
        labels = tuple(FamilyLabel.from_dict(entry["name"], entry) for entry in config["families"])
        model = Model(
            EncoderConfig.from_dict(config["encoder"]),
            [label.name for label in labels],
            {_kind(kind): int(count) for kind, count in config["novelty_centres"].items()},
        )
        state = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        model.load_state_dict(state)
        model.eval().requires_grad_(False)
        return cls(
            name=str(config["name"]),
            model=model.to(device or torch.device("cpu")),
            labels=labels,
            specs={
                _kind(kind): FeatureSpec.from_dict(plain) for kind, plain in config["specs"].items()
            },
            thresholds={
                _kind(kind): {str(name): float(value) for name, value in values.items()}
                for kind, values in config["thresholds"].items()
            },
            novelty_alpha={_kind(k): float(v) for k, v in config["novelty_alpha"].items()},
            conformal={
                _kind(key.removeprefix("conformal.")): ConformalCalibration(value.numpy())
                for key, value in tensors.items()
                if key.startswith("conformal.")
            },
            names=_names(tensors),
            shares=Shares.from_dict(config["shares"]),
            bank=load_bank(folder, config["bank_sha256"]),
            training=dict(config["training"]),
            card=_read(folder / CARD).decode("utf-8"),
            digest=digest,
        )


def find_bundle(name: str | Path | None = None) -> Path:
    """The folder of a bundle: a path, the name of a shipped one, or the default.

    Raises:
        BundleError: If there is none.
    """
    if name is not None and Path(name).is_dir():
        return Path(name)
    models = resource_dir("models")
    wanted = DEFAULT_BUNDLE if name is None else str(name)
    if "/" not in wanted and (models / wanted / CONFIG).is_file():
        return models / wanted
    shipped = sorted(path.parent.name for path in models.glob(f"*/{CONFIG}"))
    raise BundleError(
        f"there is no model bundle {wanted!r}: name a folder that holds a {CONFIG}, "
        f"or one of those installed ({', '.join(shipped) or 'none'})"
    )


def check_specs(bundle: Bundle, current: Mapping[Kind, FeatureSpec]) -> None:
    """Refuse a bundle that was trained on other features than this version computes.

    Raises:
        BundleError: If a kind's specification differs.
    """
    for kind, spec in bundle.specs.items():
        if current.get(kind) != spec:
            raise BundleError(
                f"model bundle {bundle.name!r} was trained on other {kind} features "
                f"(version {spec.version}) than this program computes; {_REMEDY}"
            )


def _names(tensors: Mapping[str, Tensor]) -> NameModel | None:
    arrays = {name: t.numpy() for name, t in tensors.items() if name.startswith("name_model.")}
    return NameModel.from_arrays(arrays) if arrays else None


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise ValueError(f"unknown kind of record: {name!r}")
    return name


def _read_config(folder: Path) -> Mapping[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(_read(path))
    except ValueError as error:
        raise BundleError(f"{path}: is no JSON ({error}); install the bundle again") from error
    if not isinstance(config, dict):
        raise BundleError(f"{path}: is no configuration of a bundle; install it again")
    if config.get("format") != FORMAT:
        raise BundleError(
            f"{path}: the bundle has format {config.get('format')!r}, this version reads "
            f"{FORMAT}; {_REMEDY}"
        )
    return config


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); install the bundle again"
        ) from error
