"""No decision takes much more work than its limit: function calls are counted beside the steps, no clock is read."""

from __future__ import annotations

import random
from functools import partial

import pytest

from counted import calls
from exactfit.grammar.idset import mask_text
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import STEPS, Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.line import line_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

LIMIT = 0.1

CALLS_OF_A_STEP = 12
"""Calls that a step stands for at the most, the interpreter's own among them."""

BEFORE = 200_000
"""Calls that are made in any case: something is at hand on every machine."""

ROWS = [
    ("rfc49-a:32", "spread", "[slot=4{a}/[core=29];slot=10{b}/[core=5]]"),
    ("rfc49-b:32", "pack", "[slot=7{a}/[core=44;gpu=2];slot=8+{b}/[core=3+];slot=3{c}/[core=22]]"),
    ("rfc49-a:64", "spread", "[slot=12{a}/[core=47];slot=3+{b}/[core=10;gpu];slot=9{c}/[core=42;gpu]]"),
    ("rfc49-a:64", "intact,affinity", "[slot=1{a}/[core=1+;gpu=2];slot=1+{b}/[core=1]]"),
    ("rfc49-a:32", "spread", "[slot=5+{a}/[core=8;gpu=2];slot=5{b}/[core=2];slot=5{c}/[core=26;gpu=2]]"),
]


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def fragmented(name: str, policy: str) -> Pool:
    machine = read_R(preset(name))
    pool = Pool(machine, Options(parse_policy(policy), time_limit=LIMIT))
    draws = random.Random(3)
    jobs = []
    for job in range(2 * machine.size):
        cores = draws.randint(1, 25)
        try:
            pool.alloc(
                job, ask(f"slot/[core={cores % 15 + 1};gpu]" if draws.random() < 0.5 else f"slot=2/core={cores}")
            )
        except InsufficientResources:
            continue
        jobs.append(job)
    for job in jobs[::2]:
        pool.free(job)
    return pool


@pytest.mark.parametrize(("name", "policy", "shape"), ROWS)
def test_several_slot_types_take_about_their_limit(name: str, policy: str, shape: str) -> None:
    pool = fragmented(name, policy)
    budget = Budget(LIMIT)
    made = calls(partial(pool.alloc, 10**6, ask(shape), budget=budget))
    assert budget.spent <= 1.1 * LIMIT
    assert made <= BEFORE + CALLS_OF_A_STEP * LIMIT * STEPS


@pytest.mark.parametrize("nodes", [64, 250])
@pytest.mark.parametrize("shape", ["[slot=14{a}/core=5;slot=29{b}/core=4]", "[slot=2{a}/core=11;slot=1{b}/core=40]"])
def test_nodes_that_all_differ_are_constructed_within_the_limit(nodes: int, shape: str) -> None:
    """What searches the first ones leaves the work in which others get anything at all, as many as are needed."""
    machine = read_R(line_R(f"node:{nodes} socket:2 numa:4 l3:4 core:8"))
    pool = Pool(machine, Options(time_limit=2 * LIMIT))
    draws = random.Random(4)
    lite = [
        {"rank": str(rank), "children": {"core": mask_text(sum(1 << core for core in draws.sample(range(256), 40)))}}
        for rank in range(nodes)
    ]
    pool.register_alloc(1, {"version": 1, "execution": {"R_lite": lite}})
    budget = Budget(2 * LIMIT)
    assert len(pool.alloc(2, ask(f"node=40/{shape}"), budget=budget).placement()) == 40
    assert budget.spent <= 2.2 * LIMIT
