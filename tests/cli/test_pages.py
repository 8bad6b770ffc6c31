"""What the documentation shows of the command line is what it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pages import pages

from .conftest import Runner

SESSIONS = re.findall(r"^\$ exactfit (.*)\n((?:(?!\$ |```).*\n)+)", "\n".join(pages().values()), re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder with the R of the job that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    run("place", "rfc49-a:1", "node/slot=12/core=10", "-o", "R.json")


def test_there_are_some() -> None:
    assert len(SESSIONS) >= 2


@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_a_session_prints_what_it_shows(command: str, shown: str, run: Runner) -> None:
    """Times differ, and three dots stand for lines that are left out."""
    printed = run(*shlex.split(command)).out
    pattern = ".*".join(re.escape(untimed(part)) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE))
    assert re.search(pattern, untimed(printed), re.DOTALL), printed


def untimed(text: str) -> str:
    """Return a text without times, blanks at the ends of lines, and how wide tables are."""
    text = re.sub(r"[0-9.]+ ms", "… ms", text)
    return "\n".join(re.sub(r" +", " ", re.sub("─+", "─", line)).strip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("command", [command for command, _ in SESSIONS])
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
    assert said
    for line in said:
        assert line in " ".join(narrow.out.split())
