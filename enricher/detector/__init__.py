"""Encoder, heads, calibration, novelty and explanation; bundles on disk; the run-time detector."""
