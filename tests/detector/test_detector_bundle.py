"""A bundle comes back as it was saved, or says what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from enricher.detector.bundle import Bundle, check_specs, find_bundle
from enricher.detector.detector import Detector
from enricher.detector.reference import verify
from enricher.errors import BundleError, OutputError
from enricher.features.tensors import Features

MakeFeatures = Callable[..., Features]


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def test_a_saved_bundle_scores_as_before(
    bundle: Bundle, saved: Path, make_features: MakeFeatures
) -> None:
    loaded = Bundle.load(saved)
    features = make_features(100, seed=8)
    before, after = Detector(bundle).score(features), Detector(loaded).score(features)
    for name in ("family_scores", "novelty", "p_value", "embedding"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    for name in ("name", "labels", "specs", "thresholds", "novelty_alpha", "training", "card"):
        assert getattr(loaded, name) == getattr(bundle, name)
    assert loaded.digest == bundle.digest


def test_saving_twice_gives_the_same_files(bundle: Bundle, tmp_path: Path) -> None:
    for name in ("a", "b"):
        bundle.save(tmp_path / name)
    for file in ("weights.safetensors", "config.json", "card.md"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_folder_of_something_else_is_not_replaced(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="no model bundle"):
        bundle.save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_can_not_be_written_is_reported(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        bundle.save(tmp_path / "file" / "bundle")


def test_nothing_in_the_folder_is_code(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {
        "weights.safetensors",
        "bank.safetensors",
        "config.json",
        "card.md",
        "reference.safetensors",
        "reference.json",
    }


def test_the_reference_outputs_are_met(saved: Path) -> None:
    assert verify(Bundle.load(saved), saved) == 50


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "bank.safetensors", "config.json", "card.md"]
)
def test_a_missing_file_is_named(saved: Path, file: str) -> None:
    (saved / file).unlink()
    with pytest.raises(BundleError, match=f"{file}: cannot be read"):
        Bundle.load(saved)


def test_a_changed_weight_is_found(saved: Path) -> None:
    path = saved / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="checksum"):
        Bundle.load(saved)


def test_another_format_is_refused_with_what_to_do(saved: Path) -> None:
    edit(saved, lambda config: config.update(format=99))
    with pytest.raises(BundleError, match=r"format 99.*enricher train"):
        Bundle.load(saved)


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00", '{"format": 1}', '"x"'])
def test_a_broken_configuration_is_refused(saved: Path, content: str) -> None:
    (saved / "config.json").write_text(content)
    with pytest.raises(BundleError):
        Bundle.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("encoder"),
        lambda c: c["encoder"].update(width=48),
        lambda c: c["encoder"].update(surprise=1),
        lambda c: c["encoder"].update(width="wide"),
        lambda c: c["families"].pop(),
        lambda c: c["families"].append(c["families"][0]),
        lambda c: c["specs"]["http"].pop("numeric"),
        lambda c: c["thresholds"].update(smtp={}),
        lambda c: c.update(thresholds=[1]),
        lambda c: c["novelty_centres"].update(http=10**6),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    saved: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(saved, change)
    with pytest.raises(BundleError, match=r"config\.json"):
        Bundle.load(saved)


def test_weights_that_are_no_safetensors_are_refused(saved: Path) -> None:

    (saved / "weights.safetensors").write_bytes(b"not tensors")
    digest = hashlib.sha256(b"not tensors").hexdigest()
    edit(saved, lambda config: config.update(weights_sha256=digest))
    with pytest.raises(BundleError, match="damaged"):
        Bundle.load(saved)


def test_other_outputs_than_the_references_are_reported(saved: Path) -> None:
    path = saved / "reference.safetensors"
    tensors = safetensors.numpy.load(path.read_bytes())
    tensors["http.out.novelty"] = tensors["http.out.novelty"] + 0.1
    path.write_bytes(safetensors.numpy.save(tensors))
    with pytest.raises(BundleError, match="novelty of the http reference records differ"):
        verify(Bundle.load(saved), saved)


@pytest.mark.parametrize("file", ["reference.json", "reference.safetensors"])
@pytest.mark.parametrize("content", [None, b"{}"])
def test_damaged_references_are_reported(saved: Path, file: str, content: bytes | None) -> None:
    if content is None:
        (saved / file).unlink()
    else:
        (saved / file).write_bytes(content)
    with pytest.raises(BundleError, match=r"reference\."):
        verify(Bundle.load(saved), saved)


def test_references_of_other_weights_are_reported(saved: Path) -> None:
    path = saved / "reference.json"
    path.write_text(path.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))
    with pytest.raises(BundleError, match="other weights"):
        verify(Bundle.load(saved), saved)


def test_other_features_than_the_program_computes_are_refused(bundle: Bundle) -> None:
    check_specs(bundle, bundle.specs)
    with pytest.raises(BundleError, match="other http features"):
        check_specs(bundle, {"http": bundle.specs["http"].hidden(["volume"])})
    with pytest.raises(BundleError, match="other http features"):
        check_specs(bundle, {})


def test_a_bundle_is_found_by_its_folder(saved: Path) -> None:
    assert find_bundle(saved) == saved


def test_a_bundle_that_is_nowhere_is_reported() -> None:
    with pytest.raises(BundleError, match="'no-such-model'"):
        find_bundle("no-such-model")
    with pytest.raises(BundleError, match="there is no model bundle"):
        find_bundle("../models")
