"""Streams and disks that take no more: no fault of exactfit's, one line, and the documented status."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = (sys.executable, "-m", "exactfit.adapters.cli")
JOB = "slot=1/core=4"
WORKLOAD = ("lublin:jobs=5", "--pools", "exactfit", "--workers", "1")
COMMANDS = [
    ("place", "rfc49-a:1", JOB),
    ("place", "rfc49-a:1", JOB, "--json"),
    ("place", "rfc49-a:1", JOB, "-o", "-"),
    ("explain", "rfc49-a:1", JOB),
    ("explain", "rfc49-a:1", JOB, "--json"),
    ("check", "rfc49-a:1", JOB, "placed.json"),
    ("topo", "rfc49-a:1"),
    ("topo", "rfc49-a:1", "-o", "-"),
    ("--help",),
    ("place", "--help"),
    ("--version",),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    execution = {"R_lite": [{"rank": "0", "children": {"core": "0-3"}}], "starttime": 0, "expiration": 0}
    (tmp_path / "placed.json").write_text(json.dumps({"version": 1, "execution": execution}), encoding="utf-8")
    return tmp_path


def shell(line: str, folder: Path, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run exactfit with arguments by a line of the shell, in which it is "$@"."""
    done = subprocess.run(
        ["bash", "-c", line, "bash", *MAIN, *arguments],
        capture_output=True,
        cwd=folder,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


GONE = b"exactfit: standard output was closed before all was written\n"
FULL = b"exactfit: standard output: No space left on device\n"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_standard_output_that_is_full(arguments: tuple[str, ...], folder: Path) -> None:
    assert shell('"$@" > /dev/full', folder, *arguments) == (2, b"", FULL)


@pytest.mark.parametrize("arguments", [COMMANDS[0], COMMANDS[6], COMMANDS[-1]], ids=" ".join)
@pytest.mark.parametrize(
    ("line", "says"), [('"$@" >&-', b" is closed\n"), ('"$@" 1< /dev/null', b": Bad file descriptor\n")]
)
def test_a_standard_output_that_is_none(arguments: tuple[str, ...], line: str, says: bytes, folder: Path) -> None:
    assert shell(line, folder, *arguments) == (2, b"", b"exactfit: standard output" + says)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_reader_that_goes_away(arguments: tuple[str, ...], folder: Path) -> None:
    process = subprocess.Popen([*MAIN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    # What only shows something may be read in part; what decides something has not said what it decided.
    shows = arguments[0] == "topo" or {"--help", "--version"} & {*arguments}
    assert process.stderr.read() == (b"" if shows else GONE)
    assert process.wait(timeout=60) == (0 if shows else 2)


def test_head_is_not_told_of_jobs_that_it_did_not_read(folder: Path) -> None:
    # These are more than a pipe holds.
    line = '"$@" | head -1; exit ${PIPESTATUS[0]}'
    status, out, err = shell(line, folder, "place", "rfc49-a", *[JOB] * 90, "--json")
    assert out.count(b"\n") == 1
    assert (status, err) == (2, GONE)


@pytest.mark.parametrize(
    ("arguments", "purpose"),
    [
        (("place", "-", JOB), "the machine"),
        (("place", "rfc49-a:1", "-"), "a job"),
        (("explain", "rfc49-a:1", JOB, "--allocated", "-"), "an allocation"),
        (("check", "rfc49-a:1", JOB, "-"), "an allocation"),
        (("topo", "rfc49-a:1", "--slurm", "-"), "the Slurm topology"),
    ],
)
def test_a_closed_standard_input(arguments: tuple[str, ...], purpose: str, folder: Path) -> None:
    says = f"exactfit: standard input is closed: cannot read {purpose}\n".encode()
    assert shell('"$@" <&-', folder, *arguments) == (2, b"", says)


def test_a_standard_input_that_cannot_be_read(folder: Path) -> None:
    status, out, err = shell('"$@" 0> written', folder, "place", "-", JOB)
    assert (status, out) == (2, b"")
    assert err.startswith(b"exactfit: standard input: cannot read the machine: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("line", ['"$@" 2>&-', '"$@" 2> /dev/full'])
def test_a_standard_error_that_takes_nothing(line: str, folder: Path) -> None:
    assert shell(line, folder, "place", "rfc49-a:1", "slot=x") == (2, b"", b"")
    # A note that is lost is no reason not to place.
    status, out, _ = shell(f"EXACTFIT_POLICY=lowest {line}", folder, "place", "rfc49-a:1", JOB, "--json")
    assert (status, json.loads(out)["status"]) == (0, "placed")


@pytest.mark.parametrize(
    "arguments",
    [
        ("place", "rfc49-a:1", JOB, "-o", "R.json"),
        ("topo", "rfc49-a:1", "-o", "R.json"),
        ("place", "rfc49-a:1", JOB, "--draw", "R.svg"),
        ("study", "rfc49-a:1", *WORKLOAD, "-o", "R"),
    ],
    ids=" ".join,
)
def test_a_full_disk(arguments: tuple[str, ...], folder: Path) -> None:
    # Files of 200 bytes at most, which ends a write as a full disk does.
    done = subprocess.run(
        [*MAIN, *arguments],
        capture_output=True,
        cwd=folder,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"exactfit: -")
    assert done.stderr.count(b"\n") == 1
    assert b"R" in done.stderr
    assert b"File too large" in done.stderr
    assert not (folder / "R.json").exists()
