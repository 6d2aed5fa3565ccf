"""A training that was stopped goes on where it was, and never with what was made otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from enricher.features import SPECS, Features, TextColumn
from enricher.learn.checkpoints import Checkpoints, key_of
from enricher.learn.columns import Dropout
from enricher.learn.dataset import MADE_UP, Dataset, LabelledLog, build
from enricher.learn.fitting import Fitted, fit
from enricher.learn.growing import Growth
from enricher.learn.labels import label_space
from enricher.learn.losses import Weights
from enricher.learn.recipe import Recipe
from enricher.learn.run import encoder_config
from enricher.learn.sampling import Balance, tail_split
from enricher.learn.schedule import Schedule
from enricher.learn.tasks import Task
from enricher.learn.validating import FamilyValidation, split_families
from enricher.logs import Kind

CPU = torch.device("cpu")
SPACE = label_space(["scan"])


def dataset(seed: int = 0) -> Dataset:
    """Benign records, a scan, and thirty made-up families that a shift in three numbers tells."""
    rng = np.random.default_rng(seed)
    names = ["benign"] * 1_500 + ["scan"] * 100 + [MADE_UP] * 1_200
    varieties = [*names[:1_600], *(f"made-{number // 40:02}" for number in range(1_200))]
    order = rng.permutation(len(names))
    numeric = rng.normal(size=(len(names), len(SPECS["ssl"].numeric))).astype(np.float32)
    for number in range(30):
        own = [place for place, name in enumerate(varieties) if name == f"made-{number:02}"]
        numeric[own, number : number + 3] += 4.0
    numeric[1_500:1_600, :3] -= 4.0
    categorical = np.zeros((len(names), len(SPECS["ssl"].categorical)), np.int32)
    empty = TextColumn(
        np.zeros(0, np.uint8), np.zeros(1, np.int64), np.full(len(names), -1, np.int32)
    )
    log = LabelledLog(
        "prior-1",
        weak=False,
        features=Features(
            "ssl",
            SPECS["ssl"].version,
            numeric[order],
            categorical,
            dict.fromkeys(SPECS["ssl"].text_names, empty),
        ),
        families=np.array(names, dtype=np.str_)[order],
        times=np.arange(len(names), dtype=np.float64),
        sources=np.zeros(len(names), np.int64),
        varieties=np.array(varieties, dtype=np.str_)[order],
    )
    return build([log], SPACE)


def task(data: Dataset) -> Task:
    early, late = tail_split(data, np.arange(len(data)), 0.2)
    return Task(data, early, late)


def fitted(data: Dataset, folder: Path | None, seed: int = 1, epochs: int = 2) -> Fitted:
    return fit(
        {"ssl": task(data)},
        SPACE,
        encoder_config(Recipe(), ("ssl",)),
        schedule=Schedule(epochs=epochs, steps=20, batch=128),
        balance=Balance(),
        dropout=Dropout(),
        growth=Growth(),
        weights=Weights(),
        names=None,
        seed=seed,
        device=CPU,
        checkpoints=Checkpoints(folder),
    )


def weights(model: Fitted) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.encoder.state_dict().values()])


@pytest.fixture(scope="module")
def data() -> Dataset:
    torch.set_num_threads(1)
    return dataset()


def test_what_was_fitted_is_taken_again_and_is_the_same(data: Dataset, tmp_path: Path) -> None:
    first = fitted(data, tmp_path)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    again = fitted(data, tmp_path)
    assert kept.stat().st_mtime_ns == before
    assert torch.equal(weights(first), weights(again))
    assert first.losses == pytest.approx(again.losses)
    assert torch.equal(first.attack.whole.weight, again.attack.whole.weight)
    assert torch.equal(weights(first), weights(fitted(data, None)))


def test_another_seed_or_schedule_or_record_is_fitted_anew(data: Dataset, tmp_path: Path) -> None:
    fitted(data, tmp_path)
    fitted(data, tmp_path, seed=2)
    fitted(data, tmp_path, epochs=1)
    fitted(dataset(seed=5), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_is_made_again(data: Dataset, tmp_path: Path) -> None:
    first = fitted(data, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert torch.equal(weights(first), weights(fitted(data, tmp_path)))
    assert len(kept.read_bytes()) > 1_000


def test_the_key_follows_records_labels_and_settings(data: Dataset) -> None:
    own: dict[Kind, Task] = {"ssl": task(data)}
    keys = {
        key_of(own, {"seed": 1}),
        key_of(own, {"seed": 2}),
        key_of({"ssl": Task(data, own["ssl"].train[1:], own["ssl"].valid)}, {"seed": 1}),
        key_of({"ssl": task(dataset(seed=3))}, {"seed": 1}),
    }
    assert len(keys) == 4


def test_families_that_validate_are_not_trained_on(data: Dataset) -> None:
    kept, held = split_families({"ssl": task(data)})
    used = np.concatenate((kept["ssl"].train, kept["ssl"].valid))
    assert not set(used.tolist()) & set(held["ssl"].tolist())
    trained = {data.varieties[number] for number in set(data.variety[kept["ssl"].train]) - {-1}}
    validating = {data.varieties[number] for number in set(data.variety[held["ssl"]])}
    assert len(validating) == 3
    assert not trained & validating


def test_validation_tells_an_encoder_that_serves_new_families_from_one_that_does_not(
    data: Dataset,
) -> None:
    kept, held = split_families({"ssl": task(data)})
    unseen = FamilyValidation(kept, held, CPU, seed=1)
    trained, untrained = fitted(data, None, epochs=4).encoder, fitted(data, None, epochs=1).encoder
    torch.nn.init.zeros_(untrained.out.weight)
    assert unseen.miss(untrained) > 0.9
    assert unseen.miss(trained) < 0.7


def test_without_made_up_families_there_is_nothing_to_miss(data: Dataset) -> None:
    rows = np.flatnonzero(data.labels >= 0)
    kept, held = split_families({"ssl": task(data.take(rows))})
    assert FamilyValidation(kept, held, CPU, seed=1).miss(fitted(data, None).encoder) == 0.0
