"""For who cannot see colours, has the screen read out, or a terminal of ASCII alone; and what is not drawn at all."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exactfit.adapters.cli import pictures
from exactfit.adapters.cli.console import make_console
from exactfit.adapters.cli.options import PictureOptions
from exactfit.adapters.drawing.scene import Scene

from .conftest import Runner

PLACE = ("place", "rfc49-a:2", "node/slot=12/core=10")


def on_terminal(*arguments: str, **environment: str) -> str:
    """Run the program on a terminal of 100 columns and 256 colours, and return what appears there."""
    ours, theirs = pty.openpty()
    unwanted = {"NO_COLOR", "EXACTFIT_NO_DRAWING", "EXACTFIT_ASCII", "FORCE_COLOR", "TTY_COMPATIBLE"}
    env = {name: value for name, value in os.environ.items() if name not in unwanted}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **environment}
    command = [sys.executable, "-m", "exactfit.adapters.cli", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=env) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 2**16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait() == 0
    os.close(ours)
    return shown.decode("utf-8")


def test_a_terminal_gets_colour_and_none_where_no_color_is_set() -> None:
    assert "48;5;" in on_terminal(*PLACE)
    plain = on_terminal(*PLACE, NO_COLOR="1")
    assert "[111111111111111|" in plain.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")
    assert "48;5;" not in plain
    assert "38;5;" not in plain


@pytest.mark.parametrize("terminal", ["xterm", "linux"])
def test_a_terminal_of_few_colours_gets_none_since_jobs_would_share_them(terminal: str) -> None:
    shown = on_terminal(*PLACE, TERM=terminal, COLORTERM="")
    assert "[111111111111111|" in re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert re.search(r"\x1b\[[\d;]*\b(3|4|9|10)\d\b", shown) is None


@pytest.mark.parametrize("how", ["variable", "encoding"])
def test_ascii_alone(how: str) -> None:
    environment = {"EXACTFIT_ASCII": "1"} if how == "variable" else {"PYTHONIOENCODING": "ascii"}
    for arguments in (PLACE, ("topo", "rfc49-a:2"), (*PLACE, "--certificate")):
        shown = on_terminal(*arguments, **environment, NO_COLOR="1")
        assert shown.isascii()
        assert "?" not in shown, "what is drawn has a character of its own"
    assert "[...............|.]" in on_terminal("topo", "rfc49-a:2", **environment, NO_COLOR="1").replace(
        "\x1b[2m", ""
    ).replace("\x1b[0m", "")


def test_a_variable_leaves_drawings_out_of_the_terminal(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACTFIT_NO_DRAWING", "1")
    for arguments in (PLACE, ("topo", "rfc49-a:2")):
        assert "|" in run(*arguments, "--drawing").out
        out = run(*arguments).out
        assert out
        assert "|" not in out.replace("│", "")
        assert not out.endswith("\n\n\n")


def test_files_are_drawn_all_the_same(run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("EXACTFIT_NO_DRAWING", "1")
    path = tmp_path / "picture.svg"
    assert run(*PLACE, "--draw", path).status == 0
    assert path.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (*PLACE, "--json"),
        (*PLACE, "--no-drawing"),
        (*PLACE, "-q"),
        ("topo", "rfc49-a:2", "-q"),
        (*PLACE, "--json", "-o", "{folder}/R.json"),
        ("topo", "rfc49-a:2", "--no-drawing"),
        ("explain", "rfc49-a:2", "slot=3/node"),
        ("explain", "rfc49-a:2", "slot=3/node", "--json", "--drawing"),
    ],
)
def test_what_is_not_shown_is_not_made(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    made: list[str] = []
    for module in ("place", "topo", "conflict_scene"):
        monkeypatch.setattr(f"exactfit.adapters.cli.{module}.make_scene", lambda title, *_, **__: made.append(title))
    run(*(part.format(folder=tmp_path) for part in arguments))
    assert made == []


@pytest.mark.parametrize("shown", [False, True])
def test_on_an_output_that_is_closed_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch, *, shown: bool) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    made: list[Scene] = []

    def make() -> list[Scene]:
        made.append(Scene("m", ()))
        return made

    console = make_console()
    if not shown:
        output.close()
    pictures.show_pictures(PictureOptions(), make, console)
    assert len(made) == shown
    monkeypatch.setattr(sys, "stdout", None)
    pictures.show_pictures(PictureOptions(), make, console)
    assert len(made) == shown
