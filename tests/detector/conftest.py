"""A small specification, records for it, and a small model trained to tell one family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from enricher.detector.bundle import Bundle
from enricher.detector.calibration import fit_platt
from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.inputs import Inputs
from enricher.detector.labels import Attack, FamilyLabel
from enricher.detector.model import Model
from enricher.detector.novelty import NoveltyModel
from enricher.detector.reference import write_reference
from enricher.detector.unseen import Unseen
from enricher.features.spec import CategoricalFeature, FeatureSpec, NumericFeature, TextFeature
from enricher.features.tensors import Features, TextColumn
from enricher.logs import Kind

NUMBERS = 12
VOCABULARY = ("GET", "POST", "PUT", "HEAD")
WORDS = (b"/index.html", b"/login", b"/images/logo.png", b"/api/v1/items?page=3", b"")
ATTACK_WORDS = (b"/q?id=1' OR '1'='1", b"/q?id=2 UNION SELECT pass FROM users")

MakeText = Callable[[Sequence[bytes | None]], TextColumn]
MakeFeatures = Callable[..., Features]


def text_column(strings: Sequence[bytes | None]) -> TextColumn:
    distinct = list(dict.fromkeys(s for s in strings if s is not None))
    offsets = np.concatenate(([0], np.cumsum([len(s) for s in distinct]))).astype(np.int64)
    codes = [-1 if s is None else distinct.index(s) for s in strings]
    data = np.frombuffer(b"".join(distinct), dtype=np.uint8)
    return TextColumn(data=data, offsets=offsets, codes=np.array(codes, dtype=np.int32))


def http_features(count: int, seed: int = 0, attack: bool = False) -> Features:
    """Benign records; or attacks, which differ in two numbers, one category and the URI."""
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=(count, NUMBERS)).astype(np.float32)
    categorical = rng.integers(2, 2 + 2, size=(count, 2)).astype(np.int32)
    uris = [WORDS[i] for i in rng.integers(0, len(WORDS), size=count)]
    if attack:
        numeric[:, 3] += 4.0
        numeric[:, 7] -= 4.0
        categorical[:, 1] = 5
        uris = [ATTACK_WORDS[i] for i in rng.integers(0, len(ATTACK_WORDS), size=count)]
    numeric[rng.random(numeric.shape) < 0.05] = np.nan
    agents = [None if missing else b"Mozilla/5.0" for missing in rng.random(count) < 0.2]
    text = {"uri": text_column(uris), "user_agent": text_column(agents)}
    return Features("http", 7, numeric, categorical, text)


def http_spec() -> FeatureSpec:
    return FeatureSpec(
        kind="http",
        version=7,
        numeric=tuple(
            NumericFeature(
                f"number_{i}",
                f"things of sort {i}",
                "count",
                "context" if i >= NUMBERS - 2 else "volume",
            )
            for i in range(NUMBERS)
        ),
        categorical=(
            CategoricalFeature("method", VOCABULARY, "method", "protocol"),
            CategoricalFeature("status", VOCABULARY, "status", "protocol"),
        ),
        text=(
            TextFeature("uri", "uri", "requested path"),
            TextFeature("user_agent", "user_agent", "user agent"),
        ),
    )


def small_config() -> EncoderConfig:
    layouts: dict[Kind, KindLayout] = {
        "http": KindLayout.of(http_spec()),
        "conn": KindLayout(numeric=3, categories=(), text=(), context=1),
    }
    return EncoderConfig(
        layouts=layouts, width=32, embedding=16, text_buckets=512, text_width=8, quantiles=8
    )


def trained_model() -> Model:
    """Two families: ``injection`` is learned, ``other`` is noise."""
    torch.manual_seed(0)
    model = Model(small_config(), ["injection", "other"])
    cpu = torch.device("cpu")
    benign, attack = http_features(600, 1), http_features(300, 2, attack=True)
    model.encoder.stem("http").fit_scalers(benign.numeric)
    inputs = [Inputs.of(benign, cpu), Inputs.of(attack, cpu)]
    truth = torch.cat((torch.zeros(600), torch.ones(300)))
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(40):
        embedded = torch.cat([model.encoder(x) for x in inputs])
        logits = torch.stack(
            (
                model.heads.logits(embedded)[:, 0],
                model.attack.alone(embedded),
                model.attack.logits(embedded),
            ),
            dim=1,
        )
        wanted = truth[:, None].expand_as(logits)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    model.eval().requires_grad_(False)
    held = [Inputs.of(http_features(400, 3), cpu), Inputs.of(http_features(200, 4, True), cpu)]
    held_logits = torch.cat([model.heads.logits(model.encoder.encode(x)) for x in held])[:, 0]
    positive = np.arange(600) >= 400
    model.heads.calibrate("http", "injection", fit_platt(held_logits.numpy(), positive))
    model.heads.calibrate("http", "other", None)
    ordinary = model.encoder.encode(inputs[0])
    model.novelties["http"] = NoveltyModel.fit(ordinary)
    cast(Unseen, model.unseen["http"]).fit(
        model.novelty("http").score(ordinary), model.attack.logits(ordinary)
    )
    model.baseline("http").fit(model.encoder, inputs[0])
    return model


@pytest.fixture(scope="session")
def make_features() -> MakeFeatures:
    return http_features


@pytest.fixture(scope="session")
def make_text() -> MakeText:
    return text_column


@pytest.fixture(scope="session")
def config() -> EncoderConfig:
    return small_config()


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    model = trained_model()
    benign = Inputs.of(http_features(500, 5), torch.device("cpu"))
    novelty = model.novelties_of(model.encoder.encode(benign), "http").numpy()
    return Bundle(
        name="toy",
        model=model,
        labels=(
            FamilyLabel(
                "injection",
                "SQL injection",
                "Web Application Attack",
                1,
                Attack("TA0001", "Initial Access"),
                Attack("T1190", "Exploit Public-Facing Application"),
                "A request smuggles a query into the database.",
            ),
            FamilyLabel("other", "Something else"),
        ),
        specs={"http": http_spec()},
        thresholds={"http": {"injection": 0.9}},
        novelty_alpha={"http": 0.01},
        conformal={"http": ConformalCalibration(novelty)},
        training={"records": 900},
        card="# toy\n",
    )


@pytest.fixture
def saved(bundle: Bundle, tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    bundle.save(folder)
    write_reference(bundle, folder, {"http": http_features(50, 6)})
    return folder
