"""What the few-shot protocol gave, put into the card of a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enricher.detector.bundle import CARD, CONFIG
from enricher.errors import BundleError, OutputError
from enricher.learn.card import write_card
from enricher.learn.protocol.report import Result
from enricher.learn.recipe import Recipe


def put_into_card(folder: Path, result: Result, recipe: Recipe) -> None:
    """Write a summary of a result into a bundle's configuration, and its card anew.

    Args:
        folder: The bundle.
        result: Of P1, with the recipe that made the bundle.
        recipe: That recipe.

    Raises:
        BundleError: If the folder holds no bundle, or one of another recipe.
        OutputError: If it can not be written.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        training: dict[str, Any] = config["training"]
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{path}: cannot be read ({error}); name a bundle's folder") from error
    if training["version"] != recipe.version:
        raise BundleError(
            f"{path}: is of version {training['version']}, the recipe of {recipe.version}: train "
            "it again, or name the recipe that made it"
        )
    training["few_shot"] = [_entry(duel) for duel in result.to_dict()["gate"]]
    content = json.dumps(config, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        (folder / CARD).write_text(write_card(recipe, training), encoding="utf-8")
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error


def _entry(duel: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "table": f"{duel['table']} ({duel['origin']})",
        "shots": duel["shots"],
        "ours": duel["ours"],
        "tpr": round(1.0 - duel["miss"], 4),
        "worst": f"{duel['worst'][0]} {duel['worst'][1]:.2f}",
        "rival": duel["rival"],
        "rival_tpr": round(1.0 - duel["rival_miss"], 4),
        "passed": duel["passed"],
    }
