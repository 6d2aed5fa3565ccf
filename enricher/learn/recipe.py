"""A training recipe: everything that decides a bundle besides the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from enricher.errors import ConfigError
from enricher.learn.columns import Dropout
from enricher.learn.growing import Growth
from enricher.learn.losses import Weights
from enricher.learn.sampling import Balance
from enricher.learn.schedule import Schedule


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """Which records are used.

    Attributes:
        same_source: Captures that show the same traffic; they are left out together.
        largest_cell: Records of one label in one capture, at most.
        lists: Whether records are made around the names and payloads of the lists.
        simulate: Seeds of simulated sites that are added.
        simulate_hours: Length of each.
        prior: Seeds of sites with made-up families that are added.
        prior_families: Made-up families of each kind at each of them.
        doubtful: Benign labels that are not believed: each has ``capture`` (as in the manifest),
            ``why``, and columns with the values that a doubted record has.
    """

    same_source: tuple[tuple[str, ...], ...] = ()
    largest_cell: int = 20_000
    lists: bool = True
    simulate: tuple[int, ...] = ()
    simulate_hours: float = 3.0
    prior: tuple[int, ...] = ()
    prior_families: int = 50
    doubtful: tuple[Mapping[str, Any], ...] = ()

    def doubted(self, capture: str) -> tuple[Mapping[str, str], ...]:
        """Column values of the doubted records of a capture."""
        return tuple(
            {str(key): str(value) for key, value in rule.items() if key not in ("capture", "why")}
            for rule in self.doubtful
            if rule.get("capture") == capture
        )


@dataclass(frozen=True, slots=True)
class EncoderRecipe:
    """Shape of the encoder; see :class:`enricher.detector.config.EncoderConfig`."""

    width: int = 96
    blocks: int = 2
    embedding: int = 48
    quantiles: int = 16
    text_buckets: int = 8192
    text_width: int = 16
    text_orders: int = 4
    text_bytes: int = 256


@dataclass(frozen=True, slots=True)
class CalibrationRecipe:
    """How scores get their meaning.

    Attributes:
        folds: Folds of captures whose benign records set the thresholds.
        fold_epochs: Epochs of the models of the folds.
        family_folds: Folds of families whose records set the shares of base learners.
        tail: End of every log that is kept out of training.
        family_rate: False-alarm rate of a family's threshold.
        novelty_rate: Largest p-value that is called new.
        session_records: Benign records of one (log, source, hour) that calibrate novelty.
    """

    folds: int = 4
    fold_epochs: int = 6
    family_folds: int = 4
    tail: float = 0.2
    family_rate: float = 1e-3
    novelty_rate: float = 5e-4
    session_records: int = 30


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of it, with the defaults of ``models/recipes/default.yaml``."""

    name: str = "base"
    version: str = "1.0.0"
    seed: int = 20261122
    data: DataRecipe = field(default_factory=DataRecipe)
    encoder: EncoderRecipe = field(default_factory=EncoderRecipe)
    balance: Balance = field(default_factory=Balance)
    dropout: Dropout = field(default_factory=Dropout)
    growth: Growth = field(default_factory=Growth)
    weights: Weights = field(default_factory=Weights)
    schedule: Schedule = field(default_factory=Schedule)
    calibration: CalibrationRecipe = field(default_factory=CalibrationRecipe)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    def shortened(self, epochs: int) -> Recipe:
        """The same with a shorter schedule."""
        fewer = replace(self.schedule, epochs=min(epochs, self.schedule.epochs))
        return replace(self, schedule=fewer)


_SECTIONS: dict[str, type] = {
    "data": DataRecipe,
    "encoder": EncoderRecipe,
    "balance": Balance,
    "dropout": Dropout,
    "growth": Growth,
    "weights": Weights,
    "schedule": Schedule,
    "calibration": CalibrationRecipe,
}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from YAML.

    Raises:
        ConfigError: If it is missing, malformed, or has a key or type that is unknown.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give a recipe") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not readable YAML ({error}); correct it") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a recipe is a mapping; see models/recipes/default.yaml")
    values: dict[str, Any] = {}
    for key, value in document.items():
        if key in _SECTIONS:
            values[key] = _section(path, str(key), _SECTIONS[key], value)
        else:
            values[str(key)] = value
    recipe = _checked(path, "", Recipe, values)
    assert isinstance(recipe, Recipe)
    return recipe


def _section(path: Path, name: str, kind: type, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: {name} is a mapping; see models/recipes/default.yaml")
    return _checked(path, f"{name}.", kind, {str(k): _plain(v) for k, v in value.items()})


def _plain(value: Any) -> Any:
    """Lists become tuples, so that a recipe can not be changed."""
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def _checked(path: Path, prefix: str, kind: type, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass whose values have the types of its defaults."""
    default = kind()
    known = {entry.name for entry in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{path}: unknown key {prefix}{key}; correct or remove it")
        wanted = type(getattr(default, key))
        fits = isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
        if not fits and not (wanted is float and type(value) is int):
            raise ConfigError(
                f"{path}: {prefix}{key} must be of type {wanted.__name__}, not {value!r}"
            )
    return replace(default, **values)
