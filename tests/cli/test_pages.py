"""The sessions that the documentation shows fit narrower terminals; `tests/docs` compares them with what is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pages import pages

from .conftest import Runner

COMMANDS = [
    command
    for command in re.findall(r"^\$ exactfit ((?:place|explain) .*)\n(?!\$ |```)", "\n".join(pages().values()), re.M)
    if "--allocated held/" not in command
]
"""Those that need no files but the R of one job."""


@pytest.fixture(autouse=True)
def folder(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with the R of the job that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    run("place", "rfc49-a:1", "node/slot=12/core=10", "-o", "R.json")


def test_there_are_some() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"place", "explain"}


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_session_fits_a_narrow_terminal(
    command: str, width: int, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that it says in words; how a table says it depends on the width."""
    wide = run(*shlex.split(command))
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = run(*shlex.split(command))
    assert narrow.status == wide.status
    assert [line for line in narrow.out.splitlines() if len(line) > width] == []
    said = [line.strip() for line in wide.out.splitlines() if ": " in line and "  " not in line.strip()]
    assert said or command.startswith("place")
    for line in said:
        assert line in " ".join(narrow.out.split())
