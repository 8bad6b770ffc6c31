"""The same state and request give the same R and the same certificate: in other processes, and on a busy machine.

The requests are those whose searches are cut off, so that where that happens is what counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

DECIDE = """\
import json, sys
from exactfit.solver import InsufficientResources, Options, Pool, Request
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

for machine, policy, first, shape in json.loads(sys.argv[1]):
    for limit in (0.004, 0.03):
        said = []
        options = Options(parse_policy(policy), time_limit=limit)
        pool = Pool(read_R(preset(machine)), options, lambda _, line: said.append(line))
        try:
            if first:
                pool.alloc(1, Request.of(parse_resources(parse_shape(first))))
            # Twice: what was found out the first time must not depend on the process either.
            for jobid in (2, 3):
                budget = Budget(limit)
                R = pool.copy().alloc(jobid, Request.of(parse_resources(parse_shape(shape))), budget=budget).to_dict()
                print(budget.spent, json.dumps(R))
        except InsufficientResources as refusal:
            print(refusal)
        print(*said, sep="\\n")
"""

HARD = [
    ("rfc49-a:2", "pack", "", "[slot=2{a}/core=50;slot=2{b}/core=20]"),
    ("rfc49-a:2", "fit,affinity", "", "[slot=6{a}/[core=15;gpu=1];slot=6{b}/core=8]"),
    ("rfc49-a:1", "pack", "", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]"),
    ("rfc49-a:1", "fit,affinity", "", "slot=12/core=7"),
    ("rfc49-a:4", "spread", "slot=7/core=13", "slot=1+/[core=3;gpu=1]"),
    ("rfc49-a:1", "pack", "slot=4/core=7", "slot=2+/core=17"),
    ("rfc49-b:3", "pack", "", "[slot=2+{r}/[core;memory=2+];slot{w}/[core=2+;memory=2]]"),
    ("rfc49-b:2", "pack", "slot=3/core=5", "slot=1-9/[core=1+;memory=1+]"),
    ("rfc49-a:2", "pack", "slot=4/core=13", "[slot=5{a}/[core=22;gpu=1];slot=1{b}/core=14;slot=6{c}/core=3]"),
    ("rfc49-a:1", "pack", "node=1/[slot=3{a}/[core=11;gpu=2];slot=4{b}/core=16]", "slot=2/core=7"),
    ("rfc49-a:3", "intact,affinity", "slot=2/core=33", "node=2/[slot=3{a}/core=17;slot=2{b}/[core=3;gpu=1]]"),
]


def start(hash_seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    arguments = [sys.executable, "-c", DECIDE, json.dumps(HARD)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)


def answers(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return said


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Let other processes take all the processor time that they can get."""
    eaters = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for eater in eaters:
            eater.kill()
            eater.wait()


@pytest.fixture(scope="module")
def alone() -> str:
    return answers(start("1"))


def test_searches_are_cut_off(alone: str) -> None:
    assert alone.count("FEASIBLE") > len(HARD)
    assert "cut off" in alone


def test_beside_processes_that_eat_the_processor(alone: str) -> None:
    with busy(2 * (os.cpu_count() or 1)):
        assert answers(start("1")) == alone


def test_in_several_processes_at_once(alone: str) -> None:
    """Each hashes in another order."""
    assert {answers(process) for process in [start(seed) for seed in ("2", "3", "random")]} == {alone}
