from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from enricher import doctor
from enricher.cli.doctor import command
from enricher.errors import BundleError
from enricher.integration.finding import Finding, Level
from enricher.simulate import generate


def levels(findings: list[Finding]) -> set[Level]:
    return {finding.level for finding in findings}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "logs"
    generate(folder, seed=1, hours=0.2, hosts=6)
    return folder


def test_a_healthy_installation_has_no_problem_outside_the_bundle(
    logs: Path, tmp_path: Path
) -> None:
    found = list(doctor.examine([logs], state=tmp_path / "state", device="cpu"))
    assert not [f for f in found if f.level == "problem" and f.area != "bundle"]
    assert {f.area for f in found} == {
        "python", "packages", "data", "device", "bundle", "state", "paths", "tools",
    }  # fmt: skip
    assert not (tmp_path / "state").exists()
    paths = next(f for f in found if f.area == "paths")
    for kind in ("conn", "dns", "http", "ssl"):
        assert f"1 x {kind} (tsv)" in paths.message


def test_a_library_that_cannot_be_loaded_is_a_problem() -> None:
    (finding,) = doctor.check_packages(["enricher_no_such_library"])
    assert finding.level == "problem"
    assert "pip install" in finding.advice


def test_data_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Path:
        raise BundleError(f"{name} is missing")

    monkeypatch.setattr(doctor, "resource_dir", gone)
    assert levels(list(doctor.check_data())) == {"problem"}


def test_a_bundle_that_is_missing_or_damaged_is_a_problem(tmp_path: Path) -> None:
    (missing,) = doctor.check_bundle(str(tmp_path / "none"))
    (tmp_path / "config.json").write_text("{")
    (damaged,) = doctor.check_bundle(str(tmp_path))
    assert (missing.level, damaged.level) == ("problem", "problem")
    assert "detector.bundle" in missing.advice


def test_a_device_that_is_not_there_is_a_problem() -> None:
    (finding,) = doctor.check_device("abacus")
    assert finding.level == "problem"


def test_state_is_checked_where_it_is_or_will_be(tmp_path: Path) -> None:
    (there,) = doctor.check_state(tmp_path)
    (later,) = doctor.check_state(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    (wrong,) = doctor.check_state(tmp_path / "file" / "b")
    assert (there.level, later.level, wrong.level) == ("ok", "ok", "problem")
    assert "on first use" in later.message
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_state_directory_without_permission_is_a_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (finding,) = doctor.check_state(tmp_path)
    assert finding.level == "problem"


def test_a_full_disk_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LITTLE_SPACE", 2**70)
    (finding,) = doctor.check_state(tmp_path)
    assert finding.level == "warning"


def test_missing_paths_and_files_that_are_no_logs_are_problems(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(bytes(range(256)))
    assert levels(list(doctor.check_paths([tmp_path / "none"]))) == {"problem"}
    assert levels(list(doctor.check_paths([tmp_path / "x.bin"]))) == {"problem"}
    assert levels(list(doctor.check_paths([tmp_path]))) == {"warning"}


def test_fields_a_log_lacks_are_named(tmp_path: Path) -> None:
    fields = [
        "ts",
        "uid",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "proto",
        "conn_state",
    ]
    (tmp_path / "conn.log").write_text(
        "#separator \\x09\n#path\tconn\n#fields\t" + "\t".join(fields) + "\n"
        "1.0\tC1\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\tSF\n"
    )
    warning = next(f for f in doctor.check_paths([tmp_path]) if f.level == "warning")
    assert "duration, orig_bytes, resp_bytes, history" in warning.message


def test_json_and_exit_status_agree(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    result = CliRunner().invoke(
        command, [str(missing), "--state", str(tmp_path), "--json"], catch_exceptions=False
    )
    rows = json.loads(result.stdout)
    assert any(row["level"] == "problem" and str(missing) in row["message"] for row in rows)
    assert result.exit_code == 1


def test_exit_status_is_0_without_problems(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "check_bundle", lambda _: iter([Finding("bundle", "ok", "good")]))
    result = CliRunner().invoke(
        command, [str(logs), "--state", str(tmp_path), "--device", "cpu"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.stdout
    assert result.stdout.splitlines()[-1].startswith("0 problems, 0 warnings")


def test_hostile_file_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    nasty = tmp_path / "\x1b]0;owned\x07.log"
    nasty.write_bytes(bytes(range(256)))
    result = CliRunner().invoke(
        command, [str(nasty), "--state", str(tmp_path)], catch_exceptions=False
    )
    assert "owned" in result.stdout
    assert "\x1b]" not in result.stdout
    assert "\x07" not in result.stdout
