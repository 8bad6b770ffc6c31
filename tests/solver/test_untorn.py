"""Where no slot has to be torn, and where few states are live, no ranking is made; the answers are the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.demand import FlatSlots
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.machine import untorn
from exactfit.solver.node import rankings
from exactfit.solver.node.rankings import Rankings
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import DomainState
from exactfit.topology.line import line_R
from exactfit.topology.rset import read_R

MACHINES = (
    ("node:5 socket:2 numa:4 core:15 gpu:1", "pack"),
    ("node:4 socket:2 gpu:4 numa:4 core:15", "pack"),
    ("node:5 socket:2 numa:2 l3:2 core:4 gpu:1", "spread"),
    ("rack:2 node:3 socket:2 numa:2 core:8 gpu:1", "pack"),
    ("node:4 socket:2 numa:2 core:8 gpu:1", "spread,affinity,fit"),
    ("node:4 core:16 gpu:2", "pack"),
)


def answers(machine: str, policy: str, steps: int = 120) -> Iterator[Any]:
    """Yield what jobs of many shapes get on a machine that they fill, leave and fill again."""
    pool = Pool(read_R(line_R(machine)), Options(parse_policy(policy)))
    draws = random.Random(machine)
    jobs: list[int] = []
    most = pool.machine.types[0].cores.bit_count() // 2
    for jobid in range(steps):
        cores, gpus = draws.choice((1, 2, 3, 4, 5, 7, 8, most)), draws.choice((0, 0, 1, 2))
        slot = f"slot={draws.randint(1, 14)}/[core={cores};gpu={gpus}]" if gpus else f"slot=3/core={cores}"
        shape = f"node={draws.randint(1, 3)}/{slot}" if draws.random() < 0.5 else slot
        try:
            yield pool.alloc(jobid, Request.of(parse_resources(parse_shape(shape)))).to_dict()
            jobs.append(jobid)
        except InfeasibleRequest:
            yield "never"
        except InsufficientResources:
            yield "not now"
            draws.shuffle(jobs)
            for old in jobs[: len(jobs) // 3]:
                pool.free(old)
            del jobs[: len(jobs) // 3]


@pytest.mark.parametrize(("machine", "policy"), MACHINES)
def test_a_short_cut_changes_no_answer(machine: str, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = list(answers(machine, policy))
    monkeypatch.setattr(untorn, "FEW", 0)
    monkeypatch.setattr(rankings, "FEW_LIVE", 0)
    assert list(answers(machine, policy)) == short
    assert len(short) - short.count("never") - short.count("not now") > 30


@pytest.mark.parametrize(
    "shape", ["slot=12/core=7", "slot=12/[core=8;gpu=1]", "node=3/slot=4/core=15", "slot=30/core=4"]
)
def test_whole_slots_need_no_ranking(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to rank")

    monkeypatch.setattr(Rankings, "best_first", refuse)
    pool = Pool(read_R(line_R("node:4 socket:2 numa:8 core:15 gpu:1")))
    allocation = pool.alloc(1, Request.of(parse_resources(parse_shape(shape))))
    assert allocation.certificate["status"] == "OPTIMAL"


def test_a_core_beside_the_domains_may_be_better() -> None:
    lite = [{"rank": "0", "children": {"core": "0-1"}}, {"rank": "1", "children": {"core": "0"}}]
    numa = {"socket": [{"numa": [{"cores": "0"}]}]}
    children = [{"ranks": "0", "topo": numa}, {"ranks": "1", "topo": numa}]
    R = {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"children": children}}
    allocation = Pool(read_R(R)).alloc(1, Request.of(parse_resources(parse_shape("slot=1/core=1"))))
    assert allocation.nodes == 1


def test_states_of_the_past_are_not_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[DomainState] = []
    bounds = Rankings.touch_bounds

    def count(self: Rankings, states: Sequence[DomainState], flat: FlatSlots) -> list[int]:
        entered.extend(states)
        return bounds(self, states, flat)

    pool = Pool(read_R(line_R("node:3 socket:2 numa:4 core:15 gpu:1")))
    for cores in range(1, 40):
        pool.alloc(cores, Request.of(parse_resources(parse_shape(f"slot=1/core={cores}"))))
        pool.free(cores)
    monkeypatch.setattr(Rankings, "touch_bounds", count)
    pool.alloc(0, Request.of(parse_resources(parse_shape("node=1/slot=7/core=17"))))
    assert 0 < len(entered) <= 1
