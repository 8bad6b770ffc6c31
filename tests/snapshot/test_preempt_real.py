"""Who has to give way in a real Slurm: the ones that are named, and when they are cancelled the job starts."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from emulated_slurm import EmulatedSlurm
from exactfit.adapters.cli import app

COMMANDS = ("scontrol", "squeue", "sinfo", "scancel", "sbatch", "srun", "salloc", "sacctmgr")
SECONDS = 60


@pytest.fixture
def asked(slurm: EmulatedSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write down every command of Slurm that is run, and run it."""
    log = tmp_path / "asked"
    log.touch()
    for name in COMMANDS:
        real = shutil.which(name)
        if real is not None:
            script = tmp_path / name
            script.write_text(f'#!/bin/sh\necho "{name} $*" >> "{log}"\nexec {real} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    yield log
    # What a test leaves behind would be in the way of the next one.
    slurm.command("scancel", "--user=root")
    until(lambda: not states(slurm))


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)


def states(slurm: EmulatedSlurm) -> dict[str, str]:
    return dict(line.split() for line in slurm.command("squeue", "-h", "-o", "%i %T").splitlines())


def is_running(slurm: EmulatedSlurm, job: str) -> bool:
    return states(slurm).get(job) == "RUNNING"


def explain(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["explain", *arguments, "--preempt", "--json"])
    assert done.exit_code == 1, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_when_those_that_are_named_end_the_job_starts(slurm: EmulatedSlurm, asked: Path) -> None:
    """One job has two nodes and two have one each; each of two that wait needs two nodes, one of them certain ones."""
    one_node = ("-N1", "--exclusive", "-t", "60")
    both = slurm.submit("-J", "both", "-N2", "--exclusive", "-t", "60", "-w", "n[0-1]")
    third, fourth = (
        slurm.submit("-J", name, *one_node, "-w", node) for name, node in (("third", "n2"), ("last", "n3"))
    )
    until(lambda: list(states(slurm).values()).count("RUNNING") == 3)
    any_two = slurm.submit("-J", "any", "-N2", "--exclusive", "-t", "30")
    these_two = slurm.submit("-J", "these", "-N2", "--exclusive", "-t", "30", "-w", "n[2-3]")
    time.sleep(2)
    before = states(slurm)
    assert [before[job] for job in (any_two, these_two)] == ["PENDING", "PENDING"]

    asked.write_text("", encoding="utf-8")
    first, second = explain(any_two, these_two, "--cost", "jobs")
    assert (first["preempt"]["status"], first["preempt"]["end"]) == ("OPTIMAL", [both])
    assert (second["preempt"]["status"], sorted(second["preempt"]["end"])) == ("OPTIMAL", sorted([third, fourth]))
    (spared,) = explain(any_two, "--cost", "jobs", "--exempt", "both")
    assert sorted(spared["preempt"]["end"]) == sorted([third, fourth])

    # It was only said: nothing but questions was asked, and everything runs and waits as before.
    commands = asked.read_text(encoding="utf-8").splitlines()
    assert commands
    assert [line for line in commands if line.split()[0] not in ("squeue", "sinfo") and " show " not in line] == []
    assert states(slurm) == before

    slurm.command("scancel", both)
    until(partial(is_running, slurm, any_two))
    # Without one of them the other does not do.
    slurm.command("scancel", third)
    until(lambda: third not in states(slurm))
    time.sleep(3)
    assert states(slurm)[these_two] == "PENDING"
    (last,) = explain(these_two, "--cost", "jobs")
    assert last["preempt"]["end"] == [fourth]
    slurm.command("scancel", fourth)
    until(partial(is_running, slurm, these_two))


def test_a_part_of_a_node_is_enough(slurm: EmulatedSlurm, asked: Path) -> None:
    """Four jobs have the four GPUs of a node each; one that wants two costs the one that has run for the least time."""
    for number in range(4):
        job = slurm.submit("-n1", "-c2", "--gres=gpu:a100:4", "-t", "60", "-w", f"n{number}", "-J", f"gpu{number}")
        until(partial(is_running, slurm, job))
        time.sleep(2)
    youngest = max(states(slurm), key=int)
    waits = slurm.submit("-n1", "-c2", "--gres=gpu:a100:2", "-t", "30")
    time.sleep(2)
    assert states(slurm)[waits] == "PENDING"
    (found,) = explain(waits)
    assert found["preempt"]["end"] == [youngest]
    slurm.command("scancel", youngest)
    until(partial(is_running, slurm, waits))
    assert asked.exists()
