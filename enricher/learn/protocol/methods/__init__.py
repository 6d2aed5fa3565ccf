"""Baselines of the few-shot protocol, and learners behind its contract."""
