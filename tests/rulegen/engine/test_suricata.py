from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from enricher.errors import EngineError
from enricher.rulegen.engine.suricata import Engine, find_engine, require_engine, run_child


def test_the_engine_is_found_with_its_version(engine: Engine) -> None:
    assert engine.path.is_file()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", engine.version)
    assert not engine.ja4 or engine.ja3


def test_an_engine_that_is_not_there_is_none_and_said_to_be_missing() -> None:
    assert find_engine("no-such-suricata") is None
    with pytest.raises(EngineError, match="install Suricata"):
        require_engine("no-such-suricata")


def test_another_program_is_not_taken_for_the_engine() -> None:
    with pytest.raises(EngineError, match="does not answer as a Suricata"):
        find_engine("true")


def test_a_program_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(EngineError, match=r"within 0\.2 s"):
        run_child([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)
    assert time.monotonic() - began < 10


def test_what_a_program_prints_is_bounded() -> None:
    done = run_child([sys.executable, "-c", "print('x' * 5_000_000)"], timeout=60)
    assert done.status == 0
    assert len(done.output) == 1 << 20


def test_arguments_reach_no_shell(tmp_path: Path) -> None:
    victim = tmp_path / "made"
    done = run_child(["echo", f"; touch {victim}", f"$(touch {victim})"], timeout=10)
    assert done.output == f"; touch {victim} $(touch {victim})\n"
    assert not victim.exists()


def test_a_program_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(EngineError, match="could not be started"):
        run_child(["/no/such/program"], timeout=1)
    with pytest.raises(EngineError, match="could not be started"):
        run_child(["echo", "a\0b"], timeout=1)
