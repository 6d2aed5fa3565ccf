"""A device is found, or what to do is said; shipped data is found too."""

from __future__ import annotations

import pytest
import torch

from enricher.detector.device import choose_device
from enricher.errors import DeviceError
from enricher.resources import resource_dir


def test_the_processor_is_always_there() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda"}


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="auto, cpu, cuda"):
        choose_device("tpu")


@pytest.mark.parametrize(("version", "words"), [(None, "build for the CPU"), ("12", "nvidia-smi")])
def test_missing_cuda_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, version: str | None, words: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", version)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(DeviceError, match=words):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["models", "rules", "zeek_scripts"])
def test_shipped_folders_are_found(name: str) -> None:
    assert resource_dir(name).is_dir()  # type: ignore[arg-type]
