"""The exit statuses: what --help and the documentation say of them, every command keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.cli import machine_input
from exactfit.adapters.cli.status import OF_NO
from pages import pages

from .conftest import R_of, Runner

COMMANDS = ("place", "explain", "topo", "check", "study")
"""Those that read a machine."""
FITS, NOT_NOW, NEVER = "slot=1/core=4", "slot=5/core=4", "slot=1/core=5"


def line(command: str, machine: Path, folder: Path, shape: str = FITS) -> list[str]:
    """Return the arguments of a command that does something."""
    placed = folder / "placed.json"
    placed.write_text(json.dumps(R_of(("0", "0-3"))), encoding="utf-8")
    more = {"place": [shape], "explain": [shape], "check": [shape, str(placed)]}
    more["study"] = ["lublin:jobs=3", "--pools", "exactfit", "-o", str(folder / "study"), "--workers", "1"]
    return [command, str(machine), *more.get(command, [])]


@pytest.mark.parametrize("command", COMMANDS)
def test_0_when_done(command: str, run: Runner, machine_R: Path, tmp_path: Path) -> None:
    assert run(*line(command, machine_R, tmp_path)).status == 0


@pytest.mark.parametrize("shape", [NOT_NOW, NEVER, "slot=1/gpu=1", "slot=1/[core=1;ssd=1]"])
@pytest.mark.parametrize("command", ["place", "explain", "check"])
def test_1_when_the_answer_is_no(command: str, shape: str, run: Runner, machine_R: Path, tmp_path: Path) -> None:
    done = run(*line(command, machine_R, tmp_path, shape))
    assert (done.status, done.err) == (1, "")
    assert done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_2_for_wrong_input(command: str, run: Runner, tmp_path: Path) -> None:
    assert "missing.json" in run(*line(command, tmp_path / "missing.json", tmp_path)).complaint


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("oh"), 3), (KeyboardInterrupt(), 130)])
@pytest.mark.parametrize("command", COMMANDS)
def test_3_for_a_fault_of_ours_and_130_for_an_interrupt(
    command: str,
    fault: BaseException,
    status: int,
    run: Runner,
    machine_R: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(machine_input, "read_R", fail)
    done = run(*line(command, machine_R, tmp_path))
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)
    assert ("a fault of exactfit itself" if status == 3 else "interrupted") in done.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_says_them(command: str, run: Runner) -> None:
    told = " ".join(run(*filter(None, [command]), "--help").out.split())
    for part in ("Exit status: 0 done;", "2 wrong input", "3 a fault of exactfit itself", "130 interrupted"):
        assert part in told
    for name, meaning in OF_NO.items():
        assert (f"1 {meaning}" in told) == (name == command) or not command
        assert meaning in told or command


def test_the_documentation_says_them() -> None:
    told = " ".join(pages()["adapters/docs/how-to/place.md"].split())
    for part in ("| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 130 |"):
        assert part in told
