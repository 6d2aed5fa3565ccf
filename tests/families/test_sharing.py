"""A family as a file: the same scores on another site, nothing of the records, hostile files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.detector.adaptation.family_head import FamilyHead
from enricher.detector.detector import Detector
from enricher.errors import InputError, OutputError, StateError
from enricher.families.adapting import AdaptedFamily
from enricher.families.family import Family
from enricher.families.heads_file import arrays_of, heads_of
from enricher.families.sharing import export_family, read_shared
from enricher.families.support import SupportSet
from enricher.families.tensor_file import decode, encode
from enricher.families.whole_files import MAX_BYTES
from enricher.features.tensors import Features
from enricher.logs import Kind

Kept = tuple[Family, bytes, bytes]
Make = Callable[[str], Kept]
Arrays = dict[str, np.ndarray[Any, Any]]

lenient = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def imported(path: Path) -> tuple[Family, dict[Kind, FamilyHead]]:
    """What an import makes of a file, before it asks for the site's model."""
    family, arrays = read_shared(path, 1e9)
    return family, heads_of(arrays, family.bundle)


@pytest.fixture
def shared(keepable: Make, tmp_path: Path) -> Path:
    family, heads, _ = keepable("probe")
    path = tmp_path / "probe.family"
    export_family(family, decode(heads)[0], path)
    return path


def test_an_imported_family_gives_the_same_scores_bit_for_bit(
    shared: Path,
    keepable: Make,
    detector: Detector,
    make_features: Callable[..., Features],
    adapt_to: Callable[..., AdaptedFamily],
    make_support: Callable[..., SupportSet],
) -> None:
    own = adapt_to(make_support(6)).heads["http"]
    family, heads = imported(shared)
    assert family.kinds == keepable("probe")[0].kinds
    assert heads["http"].threshold == np.float32(own.threshold)
    points = detector.represent(make_features(500, 3, attack=True))
    np.testing.assert_array_equal(heads["http"].scores(points), own.scores(points))
    there = Detector(detector.bundle, families={"probe": {"http": own}})
    here = Detector(detector.bundle, families={"probe": heads})
    some = make_features(500, 4, attack=True)
    assert there.score(some).family_scores.max() > 0.5
    np.testing.assert_array_equal(here.score(some).family_scores, there.score(some).family_scores)


def test_nothing_of_a_support_record_is_in_the_file(
    shared: Path, make_support: Callable[..., SupportSet]
) -> None:
    data, support = shared.read_bytes(), make_support(6)
    strings = [*support.origins, *support.uids, "secret-site", "http.log", "a note", "/logs"]
    for column in support.features.text.values():
        offsets = column.offsets.tolist()
        strings += [column.data[start:stop].tobytes().decode() for start, stop in pairwise(offsets)]
    found = [one for one in strings if len(one) >= 4 and one.encode() in data]
    assert found == []
    for row in support.features.numeric:
        for start in range(len(row) - 2):
            assert row[start : start + 3].tobytes() not in data
    for time in support.times:
        assert struct.pack("<d", time) not in data


def test_an_export_holds_what_the_documentation_says_and_nothing_else(shared: Path) -> None:
    arrays, words = decode(shared.read_bytes())
    assert set(words) == {
        "format", "version", "name", "made", "bundle", "bundle_name", "bundle_version", "kinds",
    }  # fmt: skip
    assert len(words["made"]) == len("2026-01-01")
    assert all(name.startswith("http/") for name in arrays)


def test_a_family_that_nobody_could_import_is_not_exported(keepable: Make, tmp_path: Path) -> None:
    family = keepable("probe")[0]
    with pytest.raises(OutputError, match="fewer records"):
        export_family(family, {"x": np.zeros(MAX_BYTES, np.uint8)}, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def refused(path: Path) -> None:
    with pytest.raises((InputError, ValueError)) as caught:
        imported(path)
    assert str(caught.value)


@lenient
@given(data=st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    refused(path)


@lenient
@given(share=st.floats(0, 0.9999))
def test_a_file_that_is_cut_short_is_refused(shared: Path, tmp_path: Path, share: float) -> None:
    whole = shared.read_bytes()
    path = tmp_path / "x"
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path)


@lenient
@given(place=st.floats(0, 0.9999), byte=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_gives_heads_that_can_be_served(
    shared: Path, tmp_path: Path, detector: Detector, make_features: Callable[..., Features],
    place: float, byte: int,
) -> None:  # fmt: skip
    data = bytearray(shared.read_bytes())
    data[int(place * len(data))] ^= byte
    path = tmp_path / "x"
    path.write_bytes(data)
    try:
        family, heads = imported(path)
        active = Detector(detector.bundle, families={family.name: heads})
    except (InputError, ValueError, StateError):
        return
    scores = active.score(make_features(50, 3, attack=True)).family_scores
    assert np.isfinite(scores).all()
    assert ((scores >= 0.0) & (scores <= 1.0)).all()


def change(shared: Path, alter: Callable[[Arrays], object]) -> Path:
    arrays, words = decode(shared.read_bytes())
    alter(arrays)
    shared.write_bytes(encode(arrays, words))
    return shared


def first(arrays: Arrays, name: str) -> str:
    return next(one for one in arrays if one.endswith(name))


def filled(name: str, value: float) -> Callable[[Arrays], object]:
    return lambda arrays: arrays[first(arrays, name)].fill(value)


@pytest.mark.parametrize(
    "alter",
    [
        filled("/weight", np.nan),
        filled("/weight", np.inf),
        filled("/weight", 1e30),
        filled("/numbers", 0.0),
        filled("/numbers", -1.0),
        filled("/shares", 0.9),
        filled(".left", 0),
        filled(".right", 0),
        filled(".feature", 30_000),
        filled(".roots", 0),
        filled(".value", 7.0),
        filled(".threshold", np.nan),
        filled(".scores", 0.0),
        filled(".step", 0.0),
        filled(".step", np.nan),
        lambda arrays: arrays.pop(first(arrays, "/context")),
        lambda arrays: arrays.pop(first(arrays, "/weight")),
        lambda arrays: arrays.update({"http/weight": np.zeros((2, 2), np.float32)}),
        lambda arrays: arrays.update({"http/weight": np.zeros(16, np.int32)}),
        lambda arrays: arrays.update({"http/numbers": np.zeros(0, np.float32)}),
        lambda arrays: arrays.update({"smtp/weight": np.zeros(4, np.float32)}),
        lambda arrays: arrays.clear(),
    ],
)
def test_heads_that_are_none_are_refused(shared: Path, alter: Callable[[Arrays], object]) -> None:
    refused(change(shared, alter))


@pytest.mark.parametrize("size", [0, 15, 17, 4096])
def test_heads_of_another_width_do_not_reach_the_detector(
    shared: Path, detector: Detector, size: int
) -> None:
    def alter(arrays: Arrays) -> None:
        arrays["http/weight"] = np.zeros(size, np.float32)

    family, heads = imported(change(shared, alter))
    with pytest.raises(StateError, match="does not fit"):
        Detector(detector.bundle, families={family.name: heads})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "benign"),
        ("name", "a\x1b[2Jb"),
        ("name", "x" * 1000),
        ("name", ["x"]),
        ("name", None),
        ("bundle", "../../etc"),
        ("bundle", 7),
        ("bundle_name", "\u202egpj.exe"),
        ("version", 2),
        ("format", "other"),
        ("kinds", {}),
        ("kinds", []),
        ("kinds", {"smtp": {}}),
        ("kinds", {"http": {"shots": -1}}),
        ("kinds", {"http": None}),
    ],
)
def test_a_header_that_lies_is_refused(shared: Path, key: str, value: object) -> None:
    arrays, words = decode(shared.read_bytes())
    shared.write_bytes(encode(arrays, {**words, key: value}))
    refused(shared)


def test_a_file_that_is_too_large_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="larger than 16 MiB"):
        read_shared(path, 0.0)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="larger than"):
        read_shared(Path("/dev/zero"), 0.0)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"__metadata__":{"enricher":"' + b"[" * 5000 + b'"}}',
        b'{"__metadata__":{"enricher":"{}"},"x":{"dtype":"F32","shape":[9],"data_offsets":[0,9]}}',
        b'{"__metadata__":{"enricher":"{}"},"x":{"dtype":"F32","shape":[999999999999]}}',
        b'{"__metadata__":{"enricher":"{}"},"x":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}',
        b'{"__metadata__":{"enricher":"{}"},"x":7}',
        b'{"__metadata__":7}',
        b"[]",
        b"7",
    ],
)
def test_a_hostile_header_is_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    refused(path)


def test_a_plain_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(3, np.float32)}))
    with pytest.raises(InputError, match="header"):
        read_shared(path, 0.0)


def test_figures_and_words_come_back_as_they_were(keepable: Make) -> None:
    family = keepable("probe")[0]
    plain = orjson.loads(orjson.dumps(family.to_plain()))
    assert Family.from_plain(plain) == replace(family)


def test_arrays_and_heads_are_inverse(
    adapt_to: Callable[..., AdaptedFamily], make_support: Callable[..., SupportSet]
) -> None:
    heads = adapt_to(make_support(6), context=True).heads
    again = heads_of(arrays_of(heads), heads["http"].bundle)
    for name, array in arrays_of(heads).items():
        np.testing.assert_array_equal(array, arrays_of(again)[name])
