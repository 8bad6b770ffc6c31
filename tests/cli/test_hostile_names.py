"""Names that hold escape sequences, turned writing or line ends come out as escapes, on a terminal and in messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.topology.rset import read_R

from .conftest import Runner, jobspec, slot, vertex

EVIL = "a\x1b[31m\u202eb\u200b\x07\r\nc\ud800"
HIDDEN = "a\u202eb"
"""For where RFC 29 allows no control character."""


def machine(folder: Path) -> str:
    R: dict[str, Any] = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": "0-1", "children": {"core": "0-3"}}],
            "starttime": 0,
            "expiration": 0,
            "nodelist": ["a[0-1]"],
            "properties": {EVIL.replace("\r", "").replace("\n", ""): "0"},
        },
        "scheduling": {
            "children": [{"ranks": "0-1", "topo": {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]}}],
        },
    }
    path = folder / "R.json"
    path.write_text(json.dumps(R))
    return str(path)


COMMANDS = [
    ("topo",),
    ("place", "JOB"),
    ("place", "JOB", "--draw", "OUT.png"),
    ("place", "JOB", "--requires", EVIL),
    ("explain", "JOB"),
    ("check", "JOB"),
    ("place", f"slot=1/{HIDDEN}=1"),
    ("place", f"{EVIL}.json"),
]


def words(folder: Path, arguments: tuple[str, ...], cores: int) -> list[str]:
    """Return a command on the machine, with a job of so many cores, or of what the machine does not have."""
    inside = vertex("core", cores) if cores else vertex(EVIL, 1)
    job = folder / "job.json"
    job.write_text(json.dumps(jobspec([{**slot(1, inside), "label": EVIL}], job={"name": EVIL})))
    known = {"JOB": str(job), "OUT.png": str(folder / "out.png")}
    return [arguments[0], machine(folder), *(known.get(word, word) for word in arguments[1:])]


def hidden(text: str) -> set[str]:
    return {c for c in text if not c.isprintable()} - {"\n"}


@pytest.mark.parametrize("arguments", COMMANDS, ids=[" ".join(map(ascii, command))[:40] for command in COMMANDS])
@pytest.mark.parametrize("cores", [0, 1, 9])
def test_nothing_steers_the_terminal(run: Runner, tmp_path: Path, arguments: tuple[str, ...], cores: int) -> None:
    done = run(*words(tmp_path, arguments, cores))
    assert done.out + done.err
    assert "a fault of exactfit itself" not in done.err
    assert hidden(done.out + done.err) == set()


@pytest.mark.parametrize("cores", [0, 1])
def test_nor_one_that_knows_ascii_alone(tmp_path: Path, cores: int) -> None:
    ascii_alone(*words(tmp_path, ("place", "JOB"), cores))


@pytest.mark.parametrize(
    ("condition", "status"),
    [("processors > 0", 0), (f'user == "{HIDDEN}x"', 2), (f"{HIDDEN} > 0", 2)],
    ids=["it runs", "no rule holds", "no rule"],
)
def test_nor_does_a_study(tmp_path: Path, condition: str, status: int) -> None:
    name = f"{HIDDEN}\x1b[31m"
    trace, rules = tmp_path / f"sacct{name}", tmp_path / f"rules{name}"
    job = f"{name}1|2024-01-01T00:00:00|01:00:00|2|{name}"
    trace.write_text(f"JobID|Submit|Elapsed|NCPUS|User\n{job}\n", encoding="utf-8")
    rules.write_text(f"{condition} => slot=1/core=<processors>\n", encoding="utf-8")
    options = ("--rules", str(rules), "--pools", "exactfit", "-o", str(tmp_path / f"out{name}"))
    assert ascii_alone("study", machine(tmp_path), str(trace), *options) == status


def ascii_alone(*arguments: str) -> int:
    """Run the program where nothing but ASCII can be printed, and return its status; all that it says has to show."""
    command = [sys.executable, "-m", "exactfit.adapters.cli", *arguments]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment)
    text = (done.stdout + done.stderr).decode("ascii")
    assert "Traceback" not in text
    assert hidden(text) == set()
    return done.returncode


@pytest.mark.parametrize(
    "scheduling",
    [
        {"children": [{"ranks": "0", "topo": {EVIL: [{"cores": "0"}]}}]},
        {"children": [{"ranks": "0", "topo": {"socket": [{"cores": "0", EVIL: 3}]}}]},
        {"groups": {EVIL: [{"ranks": "0"}]}},
        {"groups": {"rack": [{"ranks": "0", EVIL: 3}]}},
    ],
)
def test_no_level_and_no_resource_has_such_a_name(scheduling: dict[str, Any]) -> None:
    execution = {"R_lite": [{"rank": "0", "children": {"core": "0"}}], "nodelist": ["a"]}
    with pytest.raises(ValueError, match="characters that do not show") as caught:
        read_R({"version": 1, "execution": execution, "scheduling": scheduling})
    assert str(caught.value).isprintable()


def test_nor_what_the_pool_says() -> None:
    said: list[str] = []
    R = {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0"}}], "nodelist": ["a"]}}
    pool = ExactPool(R, log=lambda _level, message: said.append(message))
    resources = [{"type": "slot", "count": 1, "label": EVIL, "with": [{"type": EVIL, "count": 1}]}]
    system = {"duration": 0.0}
    request = pool.parse_resource_request(
        {"version": 9999, "resources": resources, "tasks": [], "attributes": {"system": system}}
    )
    with pytest.raises(OSError, match="this machine has no") as caught:
        pool.alloc(1, request)
    assert str(caught.value).isprintable()
    assert all(message.isprintable() for message in said)


@pytest.mark.parametrize("refusal", [InfeasibleRequest(EVIL), InsufficientResources(EVIL)])
def test_refusals_are_printable(refusal: Exception) -> None:
    assert str(refusal) == "a\\x1b[31m\\u202eb\\u200b\\x07\\r\\nc\\ud800"
