"""Explanations are tested by deletion: true ones pass and wrong ones fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.explain import Score, attributions
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.features.tensors import Features, TextColumn
from enricher.learn import explaining
from enricher.learn.explaining import (
    NAMED,
    RANDOM,
    SLOPE,
    Deletion,
    deletion,
    jaccard,
    top_fields,
)
from enricher.learn.explaining_run import Explained, markdown

NUMBERS, CONTEXT = 12, 4
CPU = torch.device("cpu")
WORDS = (b"/index.html", b"/a?b=c", b"/login")


def features(count: int, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    data = b"".join(WORDS)
    return Features(
        kind="http",
        spec_version=1,
        numeric=rng.normal(size=(count, NUMBERS)).astype(np.float32),
        categorical=rng.integers(0, 4, size=(count, 2)).astype(np.int32),
        text={
            "uri": TextColumn(
                np.frombuffer(data, np.uint8),
                np.cumsum([0, *map(len, WORDS)], dtype=np.int64),
                rng.integers(-1, 3, size=count).astype(np.int32),
            )
        },
    )


def model_of(seed: int) -> Model:
    torch.manual_seed(seed)
    layout = KindLayout(numeric=NUMBERS, categories=(4, 4), text=("uri",), context=CONTEXT)
    config = EncoderConfig(
        layouts={"http": layout}, width=16, embedding=8, text_buckets=64, text_width=4, quantiles=8
    )
    model = Model(config, ["injection"])
    benign = features(300, seed)
    model.encoder.stem("http").fit_scalers(benign.numeric)
    model.baseline("http").fit(model.encoder, Inputs.of(benign, CPU))
    return model.eval().requires_grad_(False)


def looking_at(model: Model, *numbers: int) -> Model:
    """The model made to look at some numbers only."""
    stem = model.encoder.stem("http")
    with torch.no_grad():
        for weights, first, width in (
            (stem.record.weight, 0, NUMBERS - CONTEXT),
            (stem.context.weight, NUMBERS - CONTEXT, CONTEXT),
        ):
            for place in range(weights.shape[1]):
                if first + place % width not in numbers:
                    weights[:, place] = 0.0
        stem.categorical.weight.zero_()
        for parameter in stem.text["uri"].parameters():
            parameter.zero_()
        model.baseline("http").text.zero_()
    return model


def far_from_ordinary(count: int) -> Features:
    records = features(count, seed=5)
    records.numeric[:, [3, NUMBERS - 1]] = 4.0
    return records


def score_of(model: Model) -> Score:
    """The distance from the ordinary record's embedding: whatever is unusual raises it."""
    ordinary = model.encoder.trunk(model.ordinary("http")).detach()

    def score(embedding: Tensor) -> Tensor:
        return (embedding - ordinary).square().sum(1)

    return score


@pytest.mark.parametrize("number", [3, NUMBERS - 1])
def test_the_one_field_that_a_model_looks_at_is_named_and_deleting_it_takes_everything(
    number: int,
) -> None:
    model = looking_at(model_of(0), number)
    records = far_from_ordinary(60)
    found = deletion(model, records, score_of(model))
    assert found.removed[NAMED][1] == pytest.approx(1.0, abs=1e-4)
    assert found.removed[NAMED][5] == pytest.approx(1.0, abs=1e-4)
    assert abs(found.removed[RANDOM][1]) < 0.25
    assert found.records == 60
    top = top_fields(model, records, score_of(model))
    assert (top[:, 0] == number).all()
    assert (top[:, 1:] == -1).all()


def test_gradient_times_input_finds_it_too_where_the_score_is_not_saturated() -> None:
    model = looking_at(model_of(0), 3)
    found = deletion(model, far_from_ordinary(60), score_of(model))
    assert found.removed[SLOPE][1] == pytest.approx(1.0, abs=1e-4)


def test_explanations_that_name_the_wrong_fields_do_no_better_than_random_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = looking_at(model_of(0), 3)

    def wrong(of: Model, inputs: Inputs, score: Score) -> Tensor:
        return attributions(of, inputs, score).roll(1, dims=1)

    monkeypatch.setattr(explaining, "attributions", wrong)
    found = deletion(model, far_from_ordinary(60), score_of(model))
    assert found.removed[NAMED][1] == pytest.approx(0.0, abs=1e-4)
    assert found.removed[NAMED][1] <= found.removed[RANDOM][1]


def test_fields_add_up_to_what_the_encoder_makes_of_a_record() -> None:
    model, records = model_of(1), features(40, seed=6)

    def score(embedding: Tensor) -> Tensor:
        return embedding[:, 0] + embedding[:, 5]

    found = deletion(model, records, score)
    embedding = model.encoder.encode(Inputs.of(records, CPU))
    ordinary = model.encoder.trunk(model.ordinary("http"))
    assert found.height == pytest.approx(
        float((score(embedding) - score(ordinary)).mean()), abs=1e-4
    )
    assert found.error < 0.05


def test_models_that_look_at_the_same_name_the_same_and_others_do_not() -> None:
    records = far_from_ordinary(30)
    same = [looking_at(model_of(seed), 3, NUMBERS - 1) for seed in (0, 1)]
    other = looking_at(model_of(2), 2)
    tops = [top_fields(model, records, score_of(model)) for model in (*same, other)]
    assert jaccard(tops[0], tops[0]) == 1.0
    assert jaccard(tops[0], tops[1]) > 0.6
    assert jaccard(tops[0], tops[2]) == 0.0


def test_jaccard_counts_sets_of_fields() -> None:
    one = np.array([[1, 2, 3, 4, 5], [7, -1, -1, -1, -1], [-1] * 5])
    other = np.array([[5, 4, 3, 8, 9], [7, 8, -1, -1, -1], [-1] * 5])
    assert jaccard(one, other) == pytest.approx((3 / 7 + 1 / 2 + 1.0) / 3)


def test_the_report_has_means_over_families_and_each_family() -> None:
    removed = {way: {1: 0.1, 3: 0.2, 5: 0.3} for way in (NAMED, SLOPE, RANDOM)}
    explained = [
        Explained("http", "a", Deletion(10, 2.0, removed, 0.01), 0.5),
        Explained("http", "b", Deletion(20, 4.0, removed, 0.03), 0.7),
    ]
    text = markdown(explained, "A note.")
    assert "| http | all | 30 | 3.0 | 0.10 |" in text
    assert "| 0.020 | 0.60 |" in text
    assert "| http | b | 20 | 4.0 |" in text
    assert explained[0].to_dict()["removed"][NAMED][5] == 0.3
