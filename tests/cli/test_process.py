"""The program as a process: what only shows with real streams, signals and a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

MAIN = [sys.executable, "-c", "from exactfit.adapters.cli import main; main()"]


def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*MAIN, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def test_places_a_job() -> None:
    process = start("place", "rfc49-a:1", "slot=1/core=4")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"OPTIMAL" in out


def test_wrong_input_is_one_line_and_status_2() -> None:
    process = start("place", "rfc49-a:1", "slot=1/core=4;")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.startswith(b"exactfit: ")
    assert err.count(b"\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = start("topo", "rfc49-b")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0


def test_a_terminal_without_the_letters_gets_others() -> None:
    process = start("place", "rfc49-a:1", "slot=1/core=4", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert b"[1111" in out


def test_help_and_version() -> None:
    process = start("--version")
    assert process.communicate(timeout=60)[0].startswith(b"exactfit ")
    for command in ("place", "topo", "check"):
        process = start(command, "--help")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert b"MACHINE" in out
