"""Choosing where to compute."""

from __future__ import annotations

import torch

from enricher.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` is CUDA where there is a usable one.

    Raises:
        DeviceError: If the device is not known, or is not on this machine.
    """
    if name not in DEVICES:
        raise DeviceError(f"unknown device {name!r}: choose one of {', '.join(DEVICES)}")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.version.cuda is None:
        raise DeviceError(
            "the installed PyTorch is a build for the CPU: install one for CUDA "
            "(see https://pytorch.org/get-started/locally/), or use --device auto"
        )
    raise DeviceError(
        "no CUDA device can be used on this machine: check the driver with nvidia-smi, "
        "or use --device auto"
    )
