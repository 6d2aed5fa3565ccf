"""Seeded, labelled, synthetic traffic as directories of Zeek logs."""

from enricher.simulate.generate import SimulationSummary, generate, simulate_frames
from enricher.simulate.registry import FAMILIES
from enricher.simulate.write import LogFormat

__all__ = ["FAMILIES", "LogFormat", "SimulationSummary", "generate", "simulate_frames"]
