"""One set of settings out of defaults, file, environment and command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from enricher.config.settings import Settings, default_state
from enricher.errors import ConfigError

if TYPE_CHECKING:
    from enricher.config.document import Document, Place

PREFIX = "ENRICHER_"

Layer: TypeAlias = Literal["default", "file", "environment", "set"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from.

    Attributes:
        layer: Which of the four layers said it last.
        text: For the user: ``default``, ``enricher.yaml:7``, ``environment variable ENRICHER_…``
            or ``--set``.
    """

    layer: Layer
    text: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it ended up: name such as ``alerts.per_day``, value, origin and help."""

    name: str
    value: object
    origin: Origin
    help: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of a run, and where each came from."""

    settings: Settings
    origins: Mapping[str, Origin]

    def __iter__(self) -> Iterator[Setting]:
        """Every setting, in the order they are declared."""
        for name, info in _FIELDS.items():
            value: object = self.settings
            for part in name.split("."):
                value = getattr(value, part)
            yield Setting(name, value, self.origins[name], info.description or "")


@dataclass(slots=True)
class _Draft:
    """Values by name, later layers over earlier ones, not yet checked for type and range."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    document: Document | None = None

    def put(self, name: str, value: object, origin: Origin) -> None:
        self.values[name] = value
        self.origins[name] = origin


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Resolved:
    """Resolve every setting: defaults < ``file`` < ``environment`` < ``overrides``.

    Args:
        file: A YAML settings file.
        environment: Variables; ``ENRICHER_ALERTS__PER_DAY`` sets ``alerts.per_day``.
        overrides: ``name=value`` each, as ``--set`` takes them.

    Raises:
        ConfigError: If a setting is unknown (with the nearest known name), given twice in the
            file, of the wrong type or out of its range; with file and line where it is in a file.
    """
    variables = environment or {}
    draft = _Draft()
    draft.values["state"] = str(default_state(variables))
    draft.origins = {name: Origin("default", "default") for name in _FIELDS}
    if file is not None:
        from enricher.config.document import read_document  # noqa: PLC0415  # loads yaml

        draft.document = read_document(file)
        _put_document(draft, draft.document)
    for variable in sorted(variables):
        if variable.startswith(PREFIX):
            _put_variable(draft, variable, variables[variable])
    for override in overrides:
        _put_override(draft, override)
    return Resolved(_validate(draft), draft.origins)


def _sections(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting of ``model`` and its sections by its full name."""
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _sections(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, info


_FIELDS: dict[str, FieldInfo] = dict(_sections(Settings))
_SECTIONS = {name.split(".")[0] for name in _FIELDS if "." in name}
_VARIABLES = {PREFIX + name.upper().replace(".", "__"): name for name in _FIELDS}


def _put_document(draft: _Draft, document: Document) -> None:
    for key, value in document.values.items():
        if key not in _SECTIONS:
            _put_from_file(draft, document, (key,), value)
            continue
        if value is None:
            continue
        if not isinstance(value, dict):
            names = ", ".join(n.split(".")[1] for n in _FIELDS if n.startswith(f"{key}."))
            raise ConfigError(
                f"{key!r} is a section; indent its settings below it: {names}.",
                document.file,
                document.line((key,)),
            )
        for inner, inner_value in value.items():
            _put_from_file(draft, document, (key, inner), inner_value)


def _put_from_file(draft: _Draft, document: Document, place: Place, value: object) -> None:
    name = ".".join(str(part) for part in place)
    line = document.line(place)
    if name not in _FIELDS:
        raise ConfigError(_unknown("setting", name, list(_FIELDS)), document.file, line)
    draft.put(name, value, Origin("file", f"{document.file}:{line}"))


def _put_variable(draft: _Draft, variable: str, text: str) -> None:
    name = _VARIABLES.get(variable)
    if name is None:
        raise ConfigError(_unknown("environment variable", variable, list(_VARIABLES)))
    where = f"environment variable {variable}"
    draft.put(name, _from_text(name, text, where), Origin("environment", where))


def _put_override(draft: _Draft, override: str) -> None:
    name, equals, text = override.partition("=")
    name = name.strip()
    if not equals:
        raise ConfigError(f"--set takes name=value, for example alerts.per_day=50; got {name!r}.")
    if name not in _FIELDS:
        raise ConfigError("--set: " + _unknown("setting", name, list(_FIELDS)))
    draft.put(name, _from_text(name, text, f"--set {name}"), Origin("set", "--set"))


def _from_text(name: str, text: str, where: str) -> object:
    """The value that ``text`` means for setting ``name``.

    Text and paths are taken as they stand (a sensor may be called ``007``); all else is read as
    the value would be in the settings file.
    """
    annotation = _FIELDS[name].annotation
    kinds = {annotation, *get_args(annotation)}
    nullable = type(None) in kinds
    if nullable and text.strip() in {"", "null", "~"}:
        return None
    if str in kinds or any("Path" in str(kind) for kind in kinds):
        return text
    from enricher.config.document import parse_value  # noqa: PLC0415  # loads yaml

    try:
        return parse_value(text)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}") from error


def _validate(draft: _Draft) -> Settings:
    nested: dict[str, Any] = {}
    for name, value in draft.values.items():
        *outer, last = name.split(".")
        target = nested
        for part in outer:
            target = target.setdefault(part, {})
        target[last] = value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        raise _explain(error, draft) from error


def _explain(error: ValidationError, draft: _Draft) -> ConfigError:
    """All that is wrong, each with where it was said; file and line are those of the first."""
    found: list[tuple[str, Document | None, int | None]] = []
    for detail in error.errors(include_url=False, include_context=False):
        place = tuple(detail["loc"])
        name = next(n for n in (_dotted(place[:2]), _dotted(place[:1])) if n in _FIELDS)
        text = f"{_dotted(place)}: {_reason(detail['type'], detail['msg'], place, detail['input'])}"
        origin = draft.origins[name]
        if origin.layer == "file" and draft.document is not None:
            found.append((text, draft.document, draft.document.line(place)))
        else:
            found.append((f"{origin.text}: {text}", None, None))
    found.sort(key=lambda item: (item[2] is None, item[2] or 0))
    text, document, line = found[0]
    rest = "".join(f"\n{d.file}:{n}: {t}" if d is not None else f"\n{t}" for t, d, n in found[1:])
    return ConfigError(text + rest, document.file if document else None, line)


def _reason(kind: str, message: str, place: Place, value: object) -> str:
    if kind == "extra_forbidden":
        return _unknown("name", str(place[-1]), _item_fields(str(place[0])))
    if kind == "missing":
        return f"is missing; every one of {place[0]} needs it."
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."  # noqa: PLR2004  # a line of text
    return f"{message[:1].lower()}{message[1:]}, got {shown}."


def _item_fields(name: str) -> list[str]:
    """Names that an item of a list such as ``inputs`` may have."""
    item = get_args(_FIELDS[name].annotation)[0]
    return list(item.model_fields)


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)


def _unknown(what: str, name: str, known: list[str]) -> str:
    """A sentence on an unknown name, with the nearest known one."""
    short = name if len(name) <= 80 else name[:77] + "..."  # noqa: PLR2004  # a line of text
    if name in _SECTIONS:
        inside = ", ".join(n for n in known if n.startswith(f"{name}."))
        return f"{name!r} is a section; give one of its settings: {inside}."
    near = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.5)
    if not near:
        # The last part alone often tells: 'per_day' means 'alerts.per_day'.
        tails = {n.rsplit(".", 1)[-1]: n for n in known}
        near = [tails[t] for t in difflib.get_close_matches(name[:200], list(tails), n=1)]
    hint = f"did you mean {near[0]!r}?" if near else "'enricher show-settings' lists all."
    return f"unknown {what} {short!r}; {hint}"
