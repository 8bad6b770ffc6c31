"""Rankings are shared by all copies of a pool, look at few states, and never change an answer."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.demand import FlatSlots
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.node import rankings
from exactfit.solver.node.equal_slots import slots_bundle
from exactfit.solver.node.packing import SlotShape
from exactfit.solver.node.ranking import Ranking
from exactfit.solver.node.ranking_bounds import TouchBounds, crossing_bound
from exactfit.solver.node.rankings import Rankings
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]

SHAPES = (
    "slot/[core=8;gpu=1]",
    "node/slot=4/[core=5;gpu=1]",
    "node/slot=2/[core=20;gpu=2]",
    "node=2/slot=4/[core=5;gpu=1]",
    "slot=4/core=4",
    "node/slot/[core=40;gpu=4]",
    "slot=3/core=6",
    "slot/core=1",
)


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def unlike(nodes: int, seed: int = 4, *, most: int = 18) -> Machine:
    """Return nodes of two sockets of four numa domains that all differ in their cores and GPUs."""
    draws = random.Random(seed)
    lite: list[Json] = []
    children: list[Json] = []
    for rank in range(nodes):
        core = gpu = 0
        numas: list[Json] = []
        for _ in range(8):
            size = draws.randint(most // 2, most)
            numa = {"cores": f"{core}-{core + size - 1}" if size > 1 else str(core)}
            core += size
            if draws.random() < 0.7:
                numa["gpus"] = str(gpu)
                gpu += 1
            numas.append(numa)
        listed = {"core": f"0-{core - 1}"}
        if gpu:
            listed["gpu"] = f"0-{gpu - 1}" if gpu > 1 else "0"
        lite.append({"rank": str(rank), "children": listed})
        children.append({"ranks": str(rank), "topo": {"socket": [{"numa": numas[:4]}, {"numa": numas[4:]}]}})
    execution = {"R_lite": lite, "nodelist": [f"n[0-{nodes - 1}]"], "starttime": 0, "expiration": 0}
    return read_R({"version": 1, "execution": execution, "scheduling": {"children": children}})


@pytest.mark.parametrize("shape", SHAPES)
def test_few_states_are_looked_at(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,000 nodes that all differ one in ten at most is looked at for a bundle that was never asked for before."""
    settled = 0
    settle = Rankings._settle

    def count(self: Rankings, *args: Any) -> None:
        nonlocal settled
        settled += 1
        settle(self, *args)

    monkeypatch.setattr(Rankings, "_settle", count)
    pool = Pool(unlike(1000))
    pool.alloc(1, ask(shape))
    assert settled <= 150


def test_states_that_are_gone_are_not_passed_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where thousands of jobs took the best nodes, each next one looks at few that have no nodes any more."""
    looked = 0
    up_to = Ranking.is_up_to

    def count(self: Ranking, place: int) -> bool:
        nonlocal looked
        looked += 1
        return up_to(self, place)

    monkeypatch.setattr(Ranking, "is_up_to", count)
    pool = Pool(unlike(400))
    requests = [ask(shape) for shape in SHAPES]
    for job in range(400):
        pool.alloc(job, requests[job % len(requests)])
    assert looked < 400 * 60


@given(data=st.data(), policy=st.sampled_from(["pack", "spread", "fit,affinity", "worst-fit,shield,affinity"]))
@settings(max_examples=40, deadline=None)
def test_copies_that_share_them_answer_as_a_pool_of_its_own_does(data: st.DataObject, policy: str) -> None:
    """Whatever copies take and give in turn, each decision is that of a pool that was made for it alone."""
    patience, few = rankings.PATIENCE, rankings.FEW
    rankings.PATIENCE, rankings.FEW = 2, 2
    try:
        machine = unlike(6, most=4)
        options = Options(parse_policy(policy))
        pools: list[tuple[Pool, dict[int, Json]]] = [(Pool(machine, options), {})]
        shapes = ("slot/core=2", "slot/[core=2;gpu]", "node/slot=2/core=3", "slot=2/core", "node=2/slot/[core=5;gpu]")
        for job in range(data.draw(st.integers(4, 14))):
            place = data.draw(st.integers(0, len(pools) - 1))
            pool, jobs = pools[place]
            what = data.draw(st.integers(0, 5))
            if what == 0:
                pools.append((pool.copy(), dict(jobs)))
            elif what == 1 and jobs:
                gone = data.draw(st.sampled_from(sorted(jobs)))
                pool.free(gone)
                del jobs[gone]
            else:
                request = ask(data.draw(st.sampled_from(shapes)))
                alone = Pool(machine, options)
                for number, R in jobs.items():
                    alone.register_alloc(number, R)
                try:
                    expected = alone.alloc(job, request).to_dict()
                except InsufficientResources:
                    with pytest.raises(InsufficientResources):
                        pool.alloc(job, request)
                    continue
                jobs[job] = pool.alloc(job, request).to_dict()
                assert jobs[job]["scheduling"] == expected["scheduling"]
                assert jobs[job]["execution"]["R_lite"] == expected["execution"]["R_lite"]
    finally:
        rankings.PATIENCE, rankings.FEW = patience, few


@given(data=st.data(), seed=st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_a_bound_at_a_glance_is_no_more_than_the_best_costs(data: st.DataObject, seed: int) -> None:
    terms = data.draw(st.permutations(("affinity", "spread", "intact", "shield", "fit")))
    policy = data.draw(st.sampled_from(["pack", "spread", ",".join(terms), "worst-fit,affinity", "shield"]))
    machine = unlike(2, seed, most=4)
    pool = Pool(machine, Options(parse_policy(policy)))
    for job in range(data.draw(st.integers(0, 3))):
        try:
            pool.alloc(job, ask(data.draw(st.sampled_from(("slot/core=3", "slot/[core=2;gpu]", "slot=2/gpu=1")))))
        except InsufficientResources:
            continue
    knowledge, present = pool.present
    flat = FlatSlots(data.draw(st.integers(1, 4)), data.draw(st.integers(1, 7)), data.draw(st.integers(0, 3)), "task")
    bundle = slots_bundle(SlotShape(flat.cores, flat.gpus, not flat.gpus), flat.count)
    bounds = TouchBounds(knowledge.scale, machine.types, 100)
    for state in present.classes:
        if flat.count * flat.cores <= state.free_cores and flat.count * flat.gpus <= state.free_gpus:
            best = knowledge.node_solver.best(state, bundle, Budget(60))
            assert best is not None
            touch = bounds.of(state, bounds.fewest(flat), shielded=not flat.gpus)
            crossed = max(bounds.crossed(flat), crossing_bound(knowledge.scale, state, flat))
            assert touch + crossed <= best.cost
