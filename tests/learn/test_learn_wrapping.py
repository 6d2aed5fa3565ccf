"""Records around listed text are whole, seeded, and carry the text as it is."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from enricher.errors import InputError
from enricher.learn.wrapping import WrappedLog, wrap_names, wrap_payloads
from enricher.logs import PROVENANCE, SCHEMAS


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "dga.csv.gz"
    rows = [f"x{n}q.com,{'gen1' if n % 2 else 'gen2'},dga" for n in range(40)]
    rows += [f"home{n}.org,top,benign" for n in range(40)]
    path.write_bytes(gzip.compress("\n".join(["domain,family,label", *rows]).encode()))
    return path


@pytest.fixture
def payloads(tmp_path: Path) -> Path:
    path = tmp_path / "http.csv.gz"
    rows = [f"{word}{n},{kind}" for n in range(30) for word, kind in WORDS]
    path.write_bytes(gzip.compress("\n".join(["payload,attack_type", *rows]).encode()))
    return path


WORDS = (("word", "norm"), ("1 or 1=", "sqli"), ("<script>", "xss"))


def test_generated_names_become_dns_records_of_infected_clients(names: Path) -> None:
    first, second = wrap_names(names, seed=3)
    assert (first.capture, second.capture) == ("lists-dga-a", "lists-dga-b")
    for log in (first, second):
        frame = log.batch.frame
        assert frame.schema == {**SCHEMAS["dns"], **PROVENANCE}
        assert frame["ts"].is_sorted()
        generated = [q for q, f in zip(frame["query"], log.families, strict=True) if f == "dga"]
        assert len(generated) == 20
        assert all(name.startswith("x") for name in generated)
    assert set(queries(first, "dga")).isdisjoint(queries(second, "dga"))


def queries(log: WrappedLog, family: str) -> list[str]:
    return [q for q, f in zip(log.batch.frame["query"], log.families, strict=True) if f == family]


def test_payloads_become_requests_with_the_family_of_their_type(payloads: Path) -> None:
    for log in wrap_payloads(payloads, seed=3):
        frame = log.batch.frame
        assert frame.schema == {**SCHEMAS["http"], **PROVENANCE}
        for uri, family in zip(frame["uri"], log.families, strict=True):
            assert ("word" in uri) == (family == "benign")
            assert ("script" in uri) == (family == "cross-site-scripting")


def test_the_same_seed_gives_the_same_records_and_another_seed_others(names: Path) -> None:
    one, again, other = (wrap_names(names, seed=seed)[0].batch.frame for seed in (3, 3, 4))
    assert one.equals(again)
    assert not one.equals(other)


def test_a_damaged_list_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "dga.csv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="gzipped CSV"):
        wrap_names(path, seed=1)
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with pytest.raises(InputError, match="no column 'domain'"):
        wrap_names(path, seed=1)
