"""A small detector of http records and families adapted with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from enricher.detector.adaptation.adapting import AdaptOptions
from enricher.detector.bundle import Bundle
from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.detector import Detector
from enricher.detector.model import Model
from enricher.families.adapting import AdaptedFamily, adapt_family
from enricher.families.family import Family
from enricher.families.heads_file import arrays_of
from enricher.families.support import KeptSupport, SupportSet
from enricher.families.tensor_file import encode
from enricher.features.spec import SPECS
from enricher.features.tensors import Features, TextColumn
from enricher.logs import Kind

MakeFeatures = Callable[..., Features]
MakeSupport = Callable[..., SupportSet]
Kept = tuple[Family, bytes, bytes]


def http_features(count: int, seed: int, attack: bool = False) -> Features:
    """Records of noise; those of an attack differ in forty numbers and the URI."""
    rng, spec = np.random.default_rng(seed), SPECS["http"]
    numeric = rng.normal(size=(count, len(spec.numeric))).astype(np.float32)
    sizes = np.array(spec.categorical_sizes)
    categorical = rng.integers(0, sizes, size=(count, len(sizes))).astype(np.int32)
    if attack:
        numeric[:, :40] += 4.0
    text = {}
    for name in spec.text_names:
        strings = [f"{'attack' if attack else 'page'}-{name}-{n}".encode() for n in range(count)]
        offsets = np.concatenate(([0], np.cumsum([len(one) for one in strings]))).astype(np.int64)
        data = np.frombuffer(b"".join(strings), dtype=np.uint8)
        text[name] = TextColumn(data, offsets, np.arange(count, dtype=np.int32))
    return Features("http", spec.version, numeric, categorical, text)


def support_set(count: int, seed: int = 1) -> SupportSet:
    return SupportSet(
        http_features(count, seed, attack=True),
        tuple(f"/logs/secret-site/http.log:{n}" for n in range(count)),
        tuple(f"Cuid{n:06}" for n in range(count)),
        np.linspace(1.7e9, 1.8e9, count),
    )


@pytest.fixture(scope="session")
def make_features() -> MakeFeatures:
    return http_features


@pytest.fixture(scope="session")
def make_support() -> MakeSupport:
    return support_set


@pytest.fixture(scope="session")
def detector() -> Detector:
    """An untrained model: what it sees of a record is random, but always the same."""
    torch.manual_seed(0)
    layouts: dict[Kind, KindLayout] = {"http": KindLayout.of(SPECS["http"])}
    config = EncoderConfig(layouts=layouts, width=32, embedding=16, text_buckets=512, text_width=8)
    model = Model(config, ["known"])
    model.heads.calibrate("http", "known", None)
    bundle = Bundle(
        name="toy", model=model, labels=(), specs={"http": SPECS["http"]}, thresholds={},
        novelty_alpha={}, conformal={}, digest="ab" * 32,
    )  # fmt: skip
    return Detector(bundle)


Adapt = Callable[..., AdaptedFamily]


@pytest.fixture(scope="session")
def adapt_to(detector: Detector) -> Adapt:
    """Adapts to a support set against benign records."""
    benign = detector.represent(http_features(3000, 99))

    def run(support: SupportSet, context: bool = False, **options: float) -> AdaptedFamily:
        return adapt_family(
            "probe",
            {"http": support},
            {"http": benign},
            detector,
            context=context,
            options=AdaptOptions(trees=8, **options),  # type: ignore[arg-type]
        )

    return run


@pytest.fixture(scope="session")
def keepable(detector: Detector, adapt_to: Adapt) -> Callable[[str], Kept]:
    """A family of any name with the bytes of its files."""
    support = support_set(6)
    adapted = adapt_to(support)

    def make(name: str) -> Kept:
        now = time.time()
        family = Family(
            name=name, origin="adapted", created=now, updated=now, bundle=detector.bundle.digest,
            bundle_name="toy", bundle_version="0.0.0", kinds=adapted.figures, notes=("a note",),
        )  # fmt: skip
        kept = KeptSupport({"http": support}, "names").to_bytes()
        return family, encode(arrays_of(adapted.heads), {}), kept

    return make
