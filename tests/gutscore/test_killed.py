"""Whoever is killed, and whenever: nothing has two living owners, and what the dead held comes free."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

import contending
from contending import COMPLAINTS, HELD
from exactfit.adapters.gutscore import ResourceSetLocal, ledger
from exactfit.adapters.gutscore import local as local_module
from exactfit.adapters.gutscore.ledger import Held
from exactfit.adapters.gutscore.processes import ProcessId
from exactfit.adapters.gutscore.slots import Slot
from exactfit.solver.cpsat.loading import load_solver

FORK = multiprocessing.get_context("fork")
PATIENCE = 60.0
"""Seconds, for a busy machine."""


def wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def check_readable(path: str) -> None:
    book = sqlite3.connect(path)
    assert book.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert book.execute("PRAGMA foreign_key_check").fetchall() == []
    book.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_ledger_whose_users_are_killed_in_the_middle_of_changes(folder: Path, seed: int) -> None:
    width, rng, path = 6, random.Random(seed), str(folder / "book.db")

    def start() -> BaseProcess:
        process = FORK.Process(target=contending.keep_books, args=(str(folder), rng.randrange(10**6), width))
        process.start()
        return process

    running = [start() for _ in range(4)]
    try:
        # On a busy machine most are killed before they hold anything: then it takes more of them.
        deadline, kills = time.monotonic() + PATIENCE, 0
        while kills < 150 or len(lines(folder / HELD)) <= 50:
            assert time.monotonic() < deadline
            kills += 1
            time.sleep(rng.uniform(0, 0.02))
            number = rng.randrange(len(running))
            running[number].kill()
            running[number].join(PATIENCE)
            running[number] = start()
    finally:
        for process in running:
            process.kill()
            process.join(PATIENCE)
    assert lines(folder / COMPLAINTS) == []
    check_readable(path)
    assert ledger.held(path) == Held()
    claim, _ = ledger.claim(path, 0, lambda held: [Slot((1 << width) - 1)] if held == Held() else [])
    assert ledger.held(path).cpus == (1 << width) - 1
    claim.strike()


@pytest.fixture
def contend(folder: Path, node: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], BaseProcess]]:
    """Starts a process that requests and releases sets; all that came of it is gone after the test."""
    started = []
    # What groups are started with has to import what this process does, and none shall wait for the solver to load.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    importlib.import_module("exactfit.adapters.gutscore.placement")
    load_solver()

    def start(seed: int) -> BaseProcess:
        started.append(FORK.Process(target=contending.request_sets, args=(str(folder), seed, node)))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join(PATIENCE)
    wait(lambda: not kill_all(os.environ["EXACTFIT_LEDGER"]))


def of_the_ledger(path: str) -> list[ProcessId]:
    """Return what claims stand for, and what is left in the sessions of these."""
    book = sqlite3.connect(path, timeout=PATIENCE)
    rows = book.execute("SELECT pid, start, space, boot, host FROM process").fetchall()
    book.close()
    known = [ProcessId(*row) for row in rows]
    return sorted({inner for process in known for inner in [process, *process.session()]}, key=lambda each: each.pid)


def kill_all(path: str) -> bool:
    """Kill whatever holds something; return whether there was anything."""
    for process in of_the_ledger(path):
        if process.pid != os.getpid():
            process.send(signal.SIGKILL)
    return ledger.held(path) != Held()


LATE = """\
trap 'sleep 60 & echo $! > late; exit' TERM
echo > ready
while :; do sleep 0.05; done
"""


def test_a_worker_that_a_group_starts_while_it_is_ended_is_ended_as_well(
    folder: Path, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sh", "-c", LATE])
    found = ResourceSetLocal(0, res_config={"nworkers": 1, "runtime": 60, "topology": node})
    found.request({})
    wait((folder / "ready").exists)
    found.release()
    late = ProcessId.of(int((folder / "late").read_text()))
    assert late is None or late.is_gone
    assert ledger.held(os.environ["EXACTFIT_LEDGER"]) == Held()


def test_requesters_groups_and_workers_that_are_killed_at_any_moment(
    folder: Path, node: str, contend: Callable[[int], BaseProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, path = random.Random(3), os.environ["EXACTFIT_LEDGER"]
    running = [contend(seed) for seed in range(3)]
    wait(lambda: len(lines(folder / HELD)) > 3)
    killed = 0
    for seed in range(3, 33):
        time.sleep(rng.uniform(0, 0.3))
        mine = {os.getpid(), *(process.pid for process in running)}
        others = [each for each in of_the_ledger(path) if each.pid not in mine and not each.is_gone]
        if others and rng.random() < 0.75:
            rng.choice(others).send(signal.SIGKILL)
            killed += 1
        elif rng.random() < 0.5:
            number = rng.randrange(len(running))
            running[number].kill()
            running[number].join(PATIENCE)
            running[number] = contend(seed)
    assert killed > 5
    for process in running:
        process.kill()
        process.join(PATIENCE)
    wait(lambda: not kill_all(path))
    assert lines(folder / COMPLAINTS) == []
    check_readable(path)
    monkeypatch.setattr(local_module, "group_command", lambda *_: ["sleep", "60"])
    cores = len(os.sched_getaffinity(0))
    everything = {"nworkers": 1, "runtime": 60, "cores_per_worker": cores, "gpus_per_worker": 4, "topology": node}
    found = ResourceSetLocal(0, res_config=everything)
    found.request({})
    assert ledger.held(path).cpus.bit_count() == cores
    assert len(ledger.held(path).gpus) == 4
    found.release()
    assert ledger.held(path) == Held()
