"""A suricata.yaml is read as Suricata reads it, and nothing in it can do harm."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.integration.suricata.loading import MAX_BYTES, MAX_FILES, load
from enricher.integration.suricata.nodes import Node
from enricher.rulegen.engine.suricata import Engine

HEAD = "%YAML 1.1\n---\n"


def flat(node: Node, above: str = "") -> Iterator[str]:
    """The tree as ``suricata --dump-config`` prints it."""
    for one in node.items():
        yield f"{above}{one.name} = {'(null)' if one.value is None else one.value}"
        yield from flat(one, f"{above}{one.name}.")


def written(folder: Path, text: str, **others: str) -> Path:
    for name, content in others.items():
        (folder / f"{name}.yaml").write_text(HEAD + content)
    path = folder / "suricata.yaml"
    path.write_text(HEAD + text)
    return path


def test_the_configuration_that_ships_is_read_as_the_engine_has_it(site: Any) -> None:
    assert list(flat(load(site.config).root)) == site.dump()


NAMES = st.sampled_from(
    ["outputs", "a", "b", "a.b", "b.0", "vars", "address-groups", "eve-log", "x.y.z"]
)
_SIMPLE = ["yes", "No", "~", "null", "''", '"null"', "1", "0x1F", "a b", "2001-01-01"]
_ODD = ["&x one", "*x", "!include c.yaml", "|\n  many\n  lines", "[]", "{}", "- "]
TEXTS = st.sampled_from([*_SIMPLE, *_ODD])
VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda of: ("list", of)),
        st.lists(st.tuples(NAMES, inner), max_size=3).map(lambda of: ("mapping", of)),
    ),
    max_leaves=12,
)


def as_yaml(value: Any, indent: int = 0) -> str:
    """YAML in blocks, with names said twice and all that PyYAML would not write."""
    pad = "  " * indent
    if isinstance(value, str):
        return f" {value}".replace("\n", f"\n{pad}") + "\n"
    kind, of = value
    if not of:
        return f" {'[]' if kind == 'list' else '{}'}\n"
    if kind == "list":
        return "\n" + "".join(f"{pad}-{as_yaml(one, indent + 1)}" for one in of)
    return "\n" + "".join(f"{pad}{name}:{as_yaml(one, indent + 1)}" for name, one in of)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example([("a", ("list", ["one", ("list", ["two", "three"])])), ("a.b", "yes")])
@example([("a", ("list", [("mapping", [("b", "1"), ("b", "2")])])), ("a.0", ("list", ["x"]))])
@example([("a.b", "1"), ("a", ("mapping", [("b", "2")])), ("a.b", ("list", ["x", "y"]))])
@given(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=5))
def test_any_document_means_the_same_to_the_engine(
    suricata: Engine, document: list[tuple[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = written(
            Path(name), as_yaml(("mapping", document)).lstrip("\n"),
            c="a: from c\nlist: [1, 2]\n",
        )  # fmt: skip
        done = subprocess.run(
            [suricata.path, "--dump-config", "-c", path],
            capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "SC_LOG_LEVEL": "error"},
        )  # fmt: skip
        try:
            found = list(flat(load(path).root))
        except InputError:
            assert done.returncode != 0
            return
        assert done.returncode == 0
        assert "".join(f"{line}\n" for line in found) == done.stdout


def test_includes_are_read_at_their_place_and_relative_to_the_first_file(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a: 1\ninclude: one.yaml\nvars: !include two.yaml\nb:\n  include: [two.yaml]\n",
        one="a: 2\nc: {d: 3}\n",
        two="HOME_NET: any\n",
    )
    made = load(path)
    assert list(flat(made.root)) == [
        "a = 2", "c = (null)", "c.d = 3", "vars = (null)", "vars.HOME-NET = any", "b = (null)",
        "b.HOME-NET = any",
    ]  # fmt: skip
    assert [(one.target.name, one.line) for one in made.includes] == [("one.yaml", 4)]
    assert made.root.children["a"].place == f"{tmp_path / 'one.yaml'}:3"
    assert [(node.name, place) for node, place in made.replaced] == [("a", f"{path}:3")]


def test_yes_and_no_are_what_the_engine_takes_for_them(tmp_path: Path) -> None:
    words = {"1": True, "Yes": True, "tRue": True, "ON": True, "0": False, "no": False}
    words |= {"False": False, "off": False}
    text = "".join(f"n{number}: {word}\n" for number, word in enumerate(words))
    root = load(written(tmp_path, text + "other: maybe\nempty:\n")).root
    assert [root.says(f"n{number}") for number in range(len(words))] == list(words.values())
    assert [root.says(name) for name in ("other", "empty", "absent", "n0.below")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1\n", "is no YAML"),
        ("a: 1\nb: 2: 3\n", "is no YAML"),
        ("\x01\n", "is no YAML"),
        ("include: {a: b}\n", "has to name files"),
        ("include: none.yaml\n", "is not there"),
        ("include: /\n", "no regular file"),
        ("include: /dev/zero\n", "no regular file"),
        ("include: suricata.yaml\n", "within itself"),
        ("include: [loop.yaml]\n", "within itself"),
        ("a: !include old.yaml\n", "%YAML 1.1"),
        ("a: 1\n---\nb: 2\n", "%YAML 1.1"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        (f"{'a.' * 600}b: 1\n", "name is too long"),
        ("a: [" + "*x," * 600_000 + "]", "says too much"),
        ("".join(f"k{n}{'.a' * 500}: 1\n" for n in range(1100)), "says too much"),
    ],
    ids=range(15),
)
def test_what_suricata_cannot_read_either_is_an_error_with_its_place(
    tmp_path: Path, text: str, says: str
) -> None:
    path = written(tmp_path, text, loop="include: suricata.yaml\n")
    (tmp_path / "old.yaml").write_text("a: 1\n")
    with pytest.raises(InputError, match=says) as error:
        load(path)
    assert str(tmp_path) in str(error.value)


def test_files_that_are_none_and_what_is_too_large_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(HEAD.encode() + b"#" * MAX_BYTES)
    for name in ("none", "pipe", "large", "."):
        with pytest.raises(InputError, match=r"is not there|no regular file|more than 2 MiB"):
            load(tmp_path / name)


def test_files_included_are_bounded_in_number_and_together(tmp_path: Path) -> None:
    many = [f"f{number}" for number in range(MAX_FILES)]
    path = written(tmp_path, f"include: [{', '.join(f'{one}.yaml' for one in many)}]\n")
    for one in many:
        (tmp_path / f"{one}.yaml").write_text(HEAD + f"{one}: 1\n")
    with pytest.raises(InputError, match="more than 64 files"):
        load(path)
    half = "#" * (MAX_BYTES * 2 // 3)
    path = written(tmp_path, "include: [x.yaml, y.yaml]\n", x=half, y=half)
    with pytest.raises(InputError, match="more than 2 MiB"):
        load(path)


def test_aliases_that_would_grow_without_bound_are_passed_over(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    path = written(tmp_path, "\n".join(lines))
    made = load(path)
    assert made.alias == f"{path}:4"
    assert len(list(flat(made.root))) == 62


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: (HEAD + text).encode()))
@example(b'%YAML 1.1\n---\na: "\\ud800"\n')
@example(b'%YAML 1.1\n---\n"\\Uffffffff": 1\n')
@pytest.mark.parametrize("fast", [True, False], ids=["libyaml", "python"])
def test_any_bytes_are_a_tree_or_an_error(fast: bool, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.delattr(yaml, "CSafeLoader", raising=False)
        path = Path(name) / "suricata.yaml"
        path.write_bytes(data)
        try:
            list(flat(load(path).root))
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 - it may be one, or none
