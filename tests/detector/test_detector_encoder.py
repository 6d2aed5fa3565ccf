"""An embedding depends on the record alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.bundle import Bundle
from enricher.detector.config import EncoderConfig
from enricher.detector.cpu_passes import CPU_ROWS
from enricher.detector.encoder import TOLERANCE, Encoder
from enricher.detector.inputs import Inputs
from enricher.features.rows import take
from enricher.features.tensors import Features, TextColumn

CPU = torch.device("cpu")
MakeFeatures = Callable[..., Features]
MakeText = Callable[[Sequence[bytes | None]], TextColumn]


@pytest.fixture(scope="module")
def encoder(bundle: Bundle) -> Encoder:
    return bundle.model.encoder


def part(features: Features, start: int, stop: int) -> Features:
    """Some records, with all strings still there."""
    return Features(
        features.kind,
        features.spec_version,
        features.numeric[start:stop],
        features.categorical[start:stop],
        {
            name: TextColumn(column.data, column.offsets, column.codes[start:stop])
            for name, column in features.text.items()
        },
    )


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 2 * CPU_ROWS), max_size=3))
def test_batches_of_any_size_give_the_same_embedding(
    encoder: Encoder, make_features: MakeFeatures, sizes: list[int]
) -> None:
    features = make_features(CPU_ROWS + 37, seed=9)
    whole = encoder.encode(Inputs.of(features, CPU))
    edges = sorted({0, *np.cumsum(sizes).clip(max=len(features)).tolist(), len(features)})
    parts = [encoder.encode(Inputs.of(part(features, a, b), CPU)) for a, b in pairwise(edges)]
    assert torch.allclose(torch.cat(parts), whole, rtol=TOLERANCE, atol=TOLERANCE)


def test_passes_and_one_go_with_gradients_agree(
    encoder: Encoder, make_features: MakeFeatures
) -> None:
    inputs = Inputs.of(make_features(300, seed=4), CPU)
    assert torch.allclose(encoder(inputs), encoder.encode(inputs), rtol=1e-4, atol=TOLERANCE)


def test_the_same_input_gives_the_same_bits(encoder: Encoder, make_features: MakeFeatures) -> None:
    inputs = Inputs.of(make_features(300, seed=4), CPU)
    assert torch.equal(encoder.encode(inputs), encoder.encode(inputs))


def test_a_subset_of_records_keeps_their_embeddings(
    encoder: Encoder, make_features: MakeFeatures
) -> None:
    features = make_features(200, seed=5)
    rows = np.array([7, 3, 150, 3], dtype=np.int64)
    whole = encoder.encode(Inputs.of(features, CPU))
    few = encoder.encode(Inputs.of(take(features, rows), CPU))
    assert torch.allclose(few, whole[torch.from_numpy(rows)], rtol=TOLERANCE, atol=TOLERANCE)
    shared = encoder.encode(Inputs.of(features, CPU).rows(torch.from_numpy(rows)))
    assert torch.allclose(few, shared, rtol=TOLERANCE, atol=TOLERANCE)


def test_no_records_give_no_embeddings(encoder: Encoder, make_features: MakeFeatures) -> None:
    inputs = Inputs.of(take(make_features(3), np.zeros(0, dtype=np.int64)), CPU)
    assert encoder.encode(inputs).shape == (0, encoder.config.embedding)


def test_a_kind_without_categories_and_text_is_encoded(encoder: Encoder) -> None:
    features = Features(
        "conn", 1, np.zeros((5, 3), dtype=np.float32), np.zeros((5, 0), dtype=np.int32), {}
    )
    assert torch.isfinite(encoder.encode(Inputs.of(features, CPU))).all()


def test_more_text_than_one_pass_takes_changes_nothing(
    encoder: Encoder,
    make_features: MakeFeatures,
    make_text: MakeText,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = make_features(60, seed=1)
    uris = [b"/%d" % i * (i % 7) for i in range(60)]
    features = replace(features, text={**features.text, "uri": make_text(uris)})
    inputs = Inputs.of(features, CPU)
    whole = encoder.encode(inputs)
    monkeypatch.setattr("enricher.detector.text._BYTES_PER_PASS", 50)
    assert torch.allclose(encoder.encode(inputs), whole, rtol=TOLERANCE, atol=TOLERANCE)


def test_records_of_a_file_that_fit_no_table_are_refused_not_read_beyond_it(
    encoder: Encoder, make_features: MakeFeatures, make_text: MakeText
) -> None:
    features = make_features(5, seed=1)
    for value in (-1, 10_000):
        beyond = features.categorical.copy()
        beyond[3, 0] = value
        with pytest.raises(IndexError, match="category"):
            encoder.encode(Inputs.of(replace(features, categorical=beyond), CPU))
    text = make_text([b"/a"] * 5)
    text = TextColumn(text.data, text.offsets, np.array([0, 0, 7, 0, 0], np.int32))
    with pytest.raises(IndexError, match="string"):
        encoder.encode(Inputs.of(replace(features, text={**features.text, "uri": text}), CPU))
    narrow = replace(features, numeric=np.ascontiguousarray(features.numeric[:, :-1]))
    with pytest.raises(ValueError, match="numbers"):
        encoder.encode(Inputs.of(narrow, CPU))


def test_gradients_reach_every_weight(encoder: Encoder, make_features: MakeFeatures) -> None:
    fresh = Encoder(encoder.config)
    fresh(Inputs.of(make_features(64), CPU)).square().sum().backward()
    without = [
        name
        for name, weight in fresh.named_parameters()
        if weight.grad is None and not name.startswith("stems.conn")
    ]
    assert without == []


def test_the_configuration_survives_json(config: EncoderConfig) -> None:
    assert EncoderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_configuration_of_an_unknown_kind_is_refused(config: EncoderConfig) -> None:
    plain = config.to_dict()
    plain["layouts"]["smtp"] = plain["layouts"]["conn"]
    with pytest.raises(ValueError, match="smtp"):
        EncoderConfig.from_dict(plain)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_agrees_with_the_processor(config: EncoderConfig, make_features: MakeFeatures) -> None:
    features = make_features(500, seed=2)
    encoder = Encoder(config)
    here = encoder.encode(Inputs.of(features, CPU))
    there = encoder.cuda().encode(Inputs.of(features, torch.device("cuda")))
    assert torch.allclose(here, there.cpu(), rtol=1e-4, atol=1e-4)


def test_the_first_half_of_an_embedding_does_not_see_the_context(
    make_features: MakeFeatures, bundle: Bundle
) -> None:
    encoder, half = bundle.model.encoder, bundle.model.config.embedding // 2
    features = make_features(20, seed=5)
    before = encoder.encode(Inputs.of(features, torch.device("cpu")))
    features.numeric[:, -2:] += 3.0  # the last two numbers are the context
    after = encoder.encode(Inputs.of(features, torch.device("cpu")))
    assert torch.equal(before[:, :half], after[:, :half])
    assert (before[:, half:] - after[:, half:]).abs().max() > 1e-3
