from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.config import Settings, load_settings
from enricher.config.document import MAX_BYTES, parse_document
from enricher.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "enricher.yaml"
    file.write_text(text)
    return file


def test_defaults_alone_are_valid_and_documented() -> None:
    resolved = load_settings(environment={"HOME": "/home/analyst"})
    assert resolved.settings.state == Path("/home/analyst/.local/state/enricher")
    assert resolved.settings.alerts.per_day == 50
    for setting in resolved:
        assert setting.help.endswith("."), setting.name
        assert "\n" not in setting.help
        assert setting.origin.layer == "default"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/enricher"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/enricher"),
        ({"STATE_DIRECTORY": "/var/lib/enricher", "HOME": "/h"}, "/var/lib/enricher"),
        ({"ENRICHER_STATE": "/mine", "STATE_DIRECTORY": "/var/lib/enricher"}, "/mine"),
    ],
)
def test_state_stands_where_the_platform_puts_it(
    environment: dict[str, str], expected: str
) -> None:
    assert load_settings(environment=environment).settings.state == Path(expected)


def test_the_least_file_that_runs_is_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """inputs:
  - path: /opt/zeek/logs/current        # a directory
    archive: /opt/zeek/logs
state: /var/lib/enricher
outputs:
  eve: /var/log/enricher/eve.json
""",
    )
    resolved = load_settings(file)
    assert resolved.settings.inputs[0].path == "/opt/zeek/logs/current"
    assert resolved.settings.inputs[0].archive == Path("/opt/zeek/logs")
    assert resolved.settings.outputs.eve == "/var/log/enricher/eve.json"
    assert resolved.origins["outputs.eve"].text == f"{file}:6"
    assert resolved.origins["inputs"].text == f"{file}:1"


values = st.none() | st.integers(1, 1_000_000)


@given(in_file=values, in_environment=values, in_set=values)
def test_later_layers_win_and_say_so(
    tmp_path_factory: pytest.TempPathFactory,
    in_file: int | None,
    in_environment: int | None,
    in_set: int | None,
) -> None:
    file = None
    if in_file is not None:
        file = write(tmp_path_factory.getbasetemp(), f"alerts:\n  per_day: {in_file}\n")
    environment = (
        {} if in_environment is None else {"ENRICHER_ALERTS__PER_DAY": str(in_environment)}
    )
    overrides = [] if in_set is None else [f"alerts.per_day={in_set}"]
    resolved = load_settings(file, environment, overrides)
    layers = [("set", in_set), ("environment", in_environment), ("file", in_file), ("default", 50)]
    layer, value = next((name, v) for name, v in layers if v is not None)
    assert resolved.settings.alerts.per_day == value
    assert resolved.origins["alerts.per_day"].layer == layer
    assert resolved.origins["alerts.gid"].layer == "default"


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=5))
def test_the_last_of_several_overrides_wins(numbers: list[int]) -> None:
    resolved = load_settings(overrides=[f"alerts.per_day={n}" for n in numbers])
    assert resolved.settings.alerts.per_day == numbers[-1]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("alerts:\n  per_dya: 5\n", 2, "alerts.per_day"),
        ("\n\nstat: /x\n", 3, "state"),
        ("inputs:\n  - path: /x\n    archiv: /y\n", 3, "archive"),
        ("alert:\n  per_day: 5\n", 1, "alert"),
        ("per_day: 5\n", 1, "alerts.per_day"),
    ],
)
def test_an_unknown_key_is_refused_with_line_and_the_nearest_name(
    tmp_path: Path, text: str, line: int, hint: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=hint) as caught:
        load_settings(file)
    assert (caught.value.file, caught.value.line) == (file, line)
    assert str(caught.value).startswith(f"{file}:{line}: ")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("alerts:\n  per_day: 5\n  per_day: 6\n", 3, "second time"),
        ("alerts:\n  per_day: many\n", 2, "valid integer"),
        ("alerts:\n  per_day: true\n", 2, "valid integer"),
        ("alerts:\n  per_day: 0\n", 2, "greater than or equal to 1"),
        ("alerts:\n  false_alarm_rate: .nan\n", 2, "alerts.false_alarm_rate"),
        ("alerts:\n  false_alarm_rate: 0.9\n", 2, "less than or equal to 0.5"),
        ("outputs:\n  eve_version: 6\n", 2, "7 or 8"),
        ("outputs:\n  sensor: 12\n", 2, "valid string"),
        ("detector:\n  device: tpu\n", 2, "'auto', 'cpu' or 'cuda'"),
        ("alerts: 5\n", 1, "is a section"),
        ("- a\n", 1, "something else"),
        ("a: [\n", 2, "not valid YAML"),
        ("a: &x 1\nb: *x\n", 2, "aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "unknown setting"),
        ("state: !!python/name:os.system ''\n", 1, "not valid YAML"),
        ("inputs:\n  - archive: /y\n", 2, "is missing"),
        ("inputs: 3\n", 1, "inputs"),
        ("? [a]\n: 1\n", 1, "must be a word"),
        ("state: 2026-13-45\n", 1, "not a usable value"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(file)
    assert (caught.value.file, caught.value.line) == (file, line)


def test_every_wrong_value_is_told_at_once(tmp_path: Path) -> None:
    file = write(tmp_path, "alerts:\n  per_day: 0\n  gid: x\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {"ENRICHER_DETECTOR__THREADS": "-1"})
    text = str(caught.value)
    assert f"{file}:2: alerts.per_day" in text
    assert f"{file}:3: alerts.gid" in text
    assert "ENRICHER_DETECTOR__THREADS" in text


def test_a_file_too_large_too_deep_or_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="larger than"):
        load_settings(write(tmp_path, "#" * (MAX_BYTES + 1)))
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_settings(write(tmp_path, "inputs: " + "[" * 5000))


@pytest.mark.parametrize(
    ("environment", "overrides", "message"),
    [
        ({"ENRICHER_ALERTS__PER_DYA": "5"}, [], "ENRICHER_ALERTS__PER_DAY"),
        ({}, ["alerts.per_dya=5"], "alerts.per_day"),
        ({}, ["alerts.per_day"], "name=value"),
        ({}, ["alerts=5"], "section"),
        ({}, ["alerts.per_day=[1"], "not a YAML value"),
        ({}, ["alerts.per_day=x"], "--set: alerts.per_day"),
    ],
)
def test_wrong_variables_and_overrides_are_refused(
    environment: dict[str, str], overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(None, environment, overrides)


def test_text_settings_are_taken_as_they_stand() -> None:
    overrides = ["outputs.sensor=007", "outputs.in_iface=null", "outputs.eve=/x/1", "state=/s=t"]
    settings = load_settings(overrides=overrides).settings
    assert settings.outputs.sensor == "007"
    assert settings.outputs.in_iface is None
    assert settings.outputs.eve == "/x/1"
    assert settings.state == Path("/s=t")


def test_a_list_can_be_given_as_an_override() -> None:
    settings = load_settings(overrides=["inputs=[{path: /a}, {path: /b, archive: /c}]"]).settings
    assert [entry.path for entry in settings.inputs] == ["/a", "/b"]


def test_other_variables_are_left_alone() -> None:
    assert load_settings(environment={"PATH": "/bin", "HOME": "/h"}).settings.inputs == ()


@given(st.binary(max_size=200) | st.text("a:-[]{}&*!\n 1#'\"", max_size=60).map(str.encode))
def test_any_bytes_give_settings_or_a_config_error(data: bytes) -> None:
    problem: ConfigError | None = None
    try:
        parse_document(data, Path("fuzz.yaml"))
    except ConfigError as error:
        problem = error
    assert problem is None or problem.file == Path("fuzz.yaml")


def test_settings_cannot_be_changed_after_they_are_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().state = Path("/x")
