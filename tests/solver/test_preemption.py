"""Which jobs give way: against all ways there are, against what schedulers take greedily, and on a large machine."""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from contextlib import suppress

import pytest

from exactfit.solver.cpsat.budget import CutOff
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.cpsat.status import Status
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.joint import Candidate, plan_preemption, preemption
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state import pool_state
from exactfit.topology.rset import read_R
from preempting import SECONDS, Case, Draw, request, wrong

GREEDY, BRUTE, MOVES = range(70), range(1000, 1060), range(2000, 2040)


@pytest.mark.parametrize("seed", GREEDY)
def test_never_more_than_the_orders_of_schedulers_take(seed: int) -> None:
    assert wrong(Draw(seed).case(most=6), brute=False) == ""


@pytest.mark.parametrize("seed", BRUTE)
def test_no_other_choice_loses_less(seed: int) -> None:
    case = Draw(seed).case(most=4)
    assert wrong(case, brute=len(case.candidates) < 10) == ""


@pytest.mark.parametrize("seed", MOVES)
def test_no_other_choice_of_ends_and_moves_loses_less(seed: int) -> None:
    case = Draw(seed).case(moves=True, most=4)
    assert wrong(case, brute=len(case.candidates) < 7) == ""


def machine(nodes: int, racks: int = 1) -> Pool:
    each = nodes // racks
    groups = [{"ranks": f"{first}-{first + each - 1}"} for first in range(0, nodes, each)]
    lite = [{"rank": f"0-{nodes - 1}", "children": {"core": "0-63"}}]
    R = {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"groups": {"rack": groups}}}
    return Pool(read_R(R), Options(policy=parse_policy("spread")))


def ended_soon(pool: Pool, shape: str, candidates: list[Candidate]) -> Collection[int]:
    """Return the jobs that end for a request, which is found and proven in little time of the processor."""
    start = time.process_time()
    plan = plan_preemption(pool, request(shape), candidates, SECONDS)
    took = time.process_time() - start
    assert plan is not None
    assert plan.status is Status.OPTIMAL
    assert Case(pool, shape, candidates).fits_without(plan.ended)
    assert took < 5
    return plan.ended


def test_large_machines_are_no_matter() -> None:
    """2,000 nodes in racks of 50, 700 jobs of unlike sizes and losses: 0.1 to 0.5 s of an ordinary core."""
    dice = random.Random(7)
    pool = machine(2000, 40)
    for number in range(1, 701):
        pool.alloc(number, request(f"slot={min(int(dice.paretovariate(1.3)), 40)}/node"))
    candidates = [Candidate(job, dice.randrange(3), dice.randint(1, 10**7)) for job in pool.jobs]
    load_solver()
    for shape in ("slot=1000/node", "rack=4/node=45/slot/core=64"):
        assert ended_soon(pool, shape, candidates)


def test_shared_nodes_of_large_machines_are_no_matter() -> None:
    """2,000 nodes, of most of which several of some 600 jobs have cores: 0.2 to 1.4 s of an ordinary core."""
    dice = random.Random(1)
    pool = machine(2000, 40)
    for number in range(1, 701):
        shape = f"slot={min(int(dice.paretovariate(0.7)), 120)}/core={dice.choice([4, 8, 16, 20, 24, 32])}"
        with suppress(InsufficientResources):
            pool.alloc(number, request(shape))
    candidates = [Candidate(job, dice.randrange(3), dice.randint(1, 10**7)) for job in pool.jobs]
    load_solver()
    for shape in ("slot=1700/node", "slot=3000/core=16"):
        ended_soon(pool, shape, candidates)


@pytest.mark.parametrize("seed", range(20))
def test_many_jobs_end_at_once_as_one_after_the_other(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Draw(seed).case(most=8)
    knowledge, state = case.pool.present
    jobs = [*random.Random(seed).sample(sorted(state.jobs), len(state.jobs) * 2 // 3), 10**6]
    monkeypatch.setattr(pool_state, "MANY", 99)
    each = knowledge.changes.ended(state, jobs)
    monkeypatch.setattr(pool_state, "MANY", 1)
    assert knowledge.changes.ended(state, jobs) == each
    everything = knowledge.changes.ended(state, list(state.jobs))
    assert everything == knowledge.changes.initial()._replace(
        up=state.up, classes=everything.classes, generation=state.generation
    )


def test_what_moves_on_a_large_machine_is_given_room() -> None:
    pool = machine(400, 4)
    for number in range(1, 301):
        pool.alloc(number, request("node=1/slot/core=40"))
    candidates = [Candidate(job, ends=10, moves=1 if job % 2 else None) for job in pool.jobs]
    plan = plan_preemption(pool, request("slot=105/node"), candidates, SECONDS)
    assert plan is not None
    assert plan.status is Status.OPTIMAL
    # There are 100 idle nodes; what moves to one makes none, so that jobs have to end.
    assert (len(plan.ended), len(plan.moves), plan.terms["lost.0"]) == (5, 0, 50)
    plan = plan_preemption(pool, request("rack=1/node=95/slot/core=64"), candidates, SECONDS)
    assert plan is not None
    assert plan.terms["jobs"] == 0


def test_moves_are_cheaper_than_ends_where_there_is_room() -> None:
    pool = machine(200, 2)
    for number in range(1, 201):
        pool.alloc(number, request("node=1/slot/core=20"))
    candidates = [Candidate(job, ends=10, moves=1) for job in pool.jobs]
    plan = plan_preemption(pool, request("slot=3/node"), candidates, SECONDS)
    assert plan is not None
    assert plan.status is Status.OPTIMAL
    assert (plan.ended, len(plan.moves), plan.together) == ((), 3, 0)
    assert all(move.old & plan.nodes and not move.new & plan.nodes for move in plan.moves)


def test_what_no_end_helps() -> None:
    pool = machine(4)
    pool.alloc(1, request("slot=2/node"))
    assert plan_preemption(pool, request("slot=4/node"), [], SECONDS) is None
    pool.mark_down(0b1000)
    assert plan_preemption(pool, request("slot=4/node"), [Candidate(1)], SECONDS) is None
    with pytest.raises(InfeasibleRequest):
        plan_preemption(pool, request("slot=4/widget=1"), [Candidate(1)], SECONDS)


def test_what_cannot_be_asked() -> None:
    pool = machine(4)
    pool.alloc(1, request("slot=2/node"))
    asked = request("slot=4/node")
    with pytest.raises(ValueError, match="job 2 holds no resources"):
        plan_preemption(pool, asked, [Candidate(2)], SECONDS)
    with pytest.raises(ValueError, match="job 1 is given twice"):
        plan_preemption(pool, asked, [Candidate(1), Candidate(1)], SECONDS)
    with pytest.raises(ValueError, match="some time"):
        plan_preemption(pool, asked, [Candidate(1)], 0)
    with pytest.raises(TypeError, match="candidates"):
        plan_preemption(pool, asked, [1], SECONDS)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="above 0"):
        Candidate(1, ends=0)
    with pytest.raises(ValueError, match="neither end nor move"):
        Candidate(1, ends=None)
    with pytest.raises(CutOff):
        plan_preemption(pool, asked, [Candidate(1)], 1e-6)


def test_a_search_that_is_cut_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preemption, "SHARE", 0.0)
    pool = machine(40, 2)
    for number in range(1, 27):
        pool.alloc(number, request(f"slot={1 + number % 2}/core=64"))
    candidates = [Candidate(job, ends=1 + 7 * job % 10) for job in pool.jobs]
    plan = plan_preemption(pool, request("rack=2/node=9/slot/core=60"), candidates, SECONDS)
    assert plan is not None
    assert (plan.status, dict(plan.bounds)) == (Status.FEASIBLE, {})
    assert Case(pool, "rack=2/node=9/slot/core=60", candidates).fits_without(plan.ended)
    # None of them without need.
    for job in plan.ended:
        assert not Case(pool, "rack=2/node=9/slot/core=60", candidates).fits_without({*plan.ended} - {job})
