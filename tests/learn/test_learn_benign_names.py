"""The model of benign names sees benign names only, and not those that are asked about later."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from enricher.features import text_of
from enricher.learn.benign_names import digest, fit_names, names_of
from enricher.learn.manifest import LogSource
from enricher.logs import LogBatch

NAMES = ["mail.example.org", "www.example.com", "qzxkv.test", "late.example.net"]


def batch() -> LogBatch:
    frame = pl.DataFrame({"query": NAMES, "label": ["Good", "Good", "Bad", "Good"]})
    return LogBatch("dns", frame)


def source(**how: object) -> LogSource:
    return LogSource("x", Path("dns.log"), "dns", **how)  # type: ignore[arg-type]


def test_names_come_from_the_first_half_of_a_benign_log() -> None:
    assert names_of(source(family="benign"), batch()).to_list() == NAMES[:2]


def test_names_of_labelled_attacks_are_left_out() -> None:
    labels = {"Good": "benign", "Bad": "dga"}
    doubled = LogBatch("dns", pl.concat([batch().frame, batch().frame]))
    found = names_of(source(label_column="label", labels=labels), doubled).to_list()
    assert found == [NAMES[0], NAMES[1], NAMES[3]]


def test_a_log_of_attacks_gives_no_names() -> None:
    assert not len(names_of(source(family="dga"), batch()))


def test_letters_of_benign_names_are_more_usual_than_others() -> None:
    model = fit_names([pl.Series(["example.com", "sample.org", "simple.net"])])
    assert model is not None
    usual, strange = model.score(text_of(pl.Series(["ample.com", "qzxkvw.com"])))
    assert usual > strange


def test_without_names_there_is_no_model() -> None:
    assert fit_names([]) is None
    assert fit_names([pl.Series([], dtype=pl.String)]) is None


def test_the_digest_tells_models_apart() -> None:
    one, two = fit_names([pl.Series(["a.com"])]), fit_names([pl.Series(["b.com"])])
    assert len({digest(one), digest(two), digest(None)}) == 3
