"""What candidate rules must keep to: read from ``rules/``, or from a site's own file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from enricher.errors import ConfigError
from enricher.logs import KINDS, Kind
from enricher.resources import resource_dir
from enricher.rulegen.matching.buffers import BUFFERS

_FIRST, _LAST = 1_000_000, 1_999_999
_WORDS = r"[A-Za-z][A-Za-z ]{0,39}"
_MAX_BYTES = 1024 * 1024


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(_Strict):
    """From where to where sids are taken; the local range of Suricata's users."""

    first: int = Field(ge=_FIRST, le=_LAST)
    last: int = Field(ge=_FIRST, le=_LAST)


class Template(_Strict):
    """How a rule of one kind of record is written."""

    threshold: str = Field(pattern=r"[a-z0-9_, ]{1,80}")
    classtype: str = Field(pattern=r"[a-z][a-z0-9-]{1,39}")


class Policy(_Strict):
    """What candidate rules must keep to; ``rules/policy.yaml`` says what each means."""

    sids: Numbers
    rules_per_family: int = Field(ge=1, le=50)
    conditions_per_rule: int = Field(ge=1, le=3)
    least_gain: float = Field(gt=0, le=1)
    least_bits: float = Field(ge=0, le=100)
    most_alerts_a_day: float = Field(ge=0)
    message: str = Field(pattern=_WORDS)
    severity: str = Field(pattern=_WORDS)
    templates: Mapping[Kind, Template]


def load_policy(place: Path | None = None) -> Policy:
    """Read the policy.

    Args:
        place: A site's own policy; None for the one that ships.

    Raises:
        ConfigError: If it can not be used.
    """
    place = place or resource_dir("rules") / "policy.yaml"
    try:
        policy = Policy.model_validate(_yaml(place))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{where}: {first['msg']}; see the policy that ships", place) from error
    if set(policy.templates) != set(KINDS) or policy.sids.first > policy.sids.last:
        raise ConfigError("a kind has no template, or sids.first is beyond sids.last", place)
    return policy


def load_ordinary(place: Path | None = None) -> dict[str, tuple[bytes, ...]]:
    """Read the values that ordinary traffic has, by buffer.

    Args:
        place: A site's own list; None for the one that ships.

    Raises:
        ConfigError: If it can not be used.
    """
    place = place or resource_dir("rules") / "ordinary.yaml"
    read = _yaml(place)
    if not isinstance(read, dict) or not set(read) <= set(BUFFERS):
        raise ConfigError(f"its keys are to be buffers: {', '.join(BUFFERS)}", place)
    for name, values in read.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ConfigError(f"{name} is to be a list of strings", place)
    return {name: tuple(value.encode() for value in values) for name, values in read.items()}


def _yaml(place: Path) -> Any:
    try:
        with place.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"is larger than {_MAX_BYTES:,} bytes", place)
        return yaml.safe_load(data)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", place) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"is no YAML ({' '.join(str(error).split())})", place) from error
