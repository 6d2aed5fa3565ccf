"""How much of the few-shot protocol is run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from enricher.features.spec import Group
from enricher.learn.protocol.tasks import Limits
from enricher.logs import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of the protocol is run.

    Attributes:
        shots: Numbers of attack records; 0 is no support set.
        draws: Support sets that are drawn for each family and number.
        seeds: Seeds of methods whose scores depend on one.
        costly_draws: Draws, with one seed each, for methods that say they are costly.
        models: How often the model behind the views is trained, with seeds of its own.
        epochs: Of each encoder, at most.
        folds: Folds of families.
        kinds: Kinds of logs.
        families: Families a table, at most; None for all.
        hide: Also run with these groups of features hidden, one after the other: ``service`` (port,
            service and query type of conn and dns), ``context`` (of all kinds).
        meta_steps: Outer steps of the meta-learners among the baselines.
        workers: Processes.
        seed: Of everything.
        limits: Numbers of records.
    """

    shots: tuple[int, ...] = (0, 1, 5, 10, 50)
    draws: int = 20
    seeds: int = 5
    costly_draws: int = 3
    models: int = 1
    epochs: int = 10
    folds: int = 5
    kinds: tuple[Kind, ...] = KINDS
    families: int | None = None
    hide: tuple[Group, ...] = ("service", "context")
    meta_steps: int = 150
    workers: int = 1
    seed: int = 0
    limits: Limits = field(default_factory=Limits)

    def to_dict(self) -> dict[str, Any]:
        """What decides a result, as plain values for JSON."""
        plain = asdict(self)
        del plain["workers"]
        return plain


QUICK = Settings(
    shots=(0, 1, 10),
    draws=2,
    seeds=1,
    costly_draws=1,
    epochs=2,
    folds=4,
    kinds=("conn", "dns"),
    families=2,
    hide=(),
    meta_steps=10,
    limits=Limits(query=200, bank_capture=500, bank=1_000, benign_query=2_000),
)
"""Runs in less than a minute where features are cached and views cost little."""


BRIEF = Settings(
    draws=2,
    seeds=1,
    costly_draws=1,
    hide=("service",),
    meta_steps=20,
    limits=Limits(query=400, bank_capture=1_500, bank=4_000, benign_query=12_000),
)
"""Every family and method, with fewer draws and records: what two cores do within the hour."""


BRIEF_TABLES = replace(
    BRIEF, epochs=5, hide=(), limits=Limits(query=400, bank=4_000, benign_query=6_000)
)
"""The same for the literature's tables, which are more and hold less: port and service too."""


def chosen_settings(
    *,
    tables: bool = False,
    quick: bool = False,
    brief: bool = False,
    draws: int | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    workers: int = 1,
) -> Settings:
    """The whole protocol or a part, on logs or on tables, with what the user asked for instead."""
    shorter = BRIEF_TABLES if tables else BRIEF
    base = QUICK if quick else shorter if brief else Settings()
    return replace(
        base,
        draws=base.draws if draws is None else draws,
        seeds=base.seeds if seeds is None else seeds,
        epochs=base.epochs if epochs is None else epochs,
        workers=workers,
    )


def missing_packages() -> list[str]:
    """What the protocol needs and is not installed; all of it comes with the extra ``learn``."""
    return [name for name in ("joblib", "lightgbm", "sklearn") if find_spec(name) is None]
