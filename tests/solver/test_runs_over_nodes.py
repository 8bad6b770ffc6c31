"""Slots of cores on several nodes at once: the flow of runs, against the table that deals them, and judged."""

from __future__ import annotations

import random

import pytest

from benchmarks.campaign import decide, machine_of
from benchmarks.forms import Asked
from exactfit.grammar.idset import IdSet
from exactfit.solver import Pool
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.node.construction import SlotKind
from exactfit.solver.node.dealing import deal
from exactfit.solver.node.model.forest import best_on_nodes
from exactfit.solver.node.pricing import price
from exactfit.solver.policy.scale import Scale
from exactfit.solver.state.domain_state import DomainState
from exactfit.topology.line import line_R
from exactfit.topology.rset import read_R

TREES = ("numa:3 core:3", "socket:2 numa:2 core:4", "socket:2 l3:3 core:3")


def _states(ways: random.Random, tree: str, nodes: int) -> tuple[Scale, list[DomainState]]:
    pool = Pool(read_R(line_R(f"node:{nodes} {tree}")))
    lite = []
    for rank in range(nodes):
        cores = [core for core in range(pool.machine.type_at(rank).cores.bit_count()) if ways.random() < 0.35]
        if cores:
            lite.append({"rank": str(rank), "children": {"core": ",".join(map(str, cores))}})
    if lite:
        pool.register_alloc(1, {"version": 1, "execution": {"R_lite": lite}})
    knowledge, state = pool.present
    return knowledge.scale, [one for one, mask in state.classes.items() for _ in range(mask.bit_count())]


@pytest.mark.parametrize("seed", range(40))
def test_runs_cost_what_the_table_says(seed: int) -> None:
    ways = random.Random(seed)
    scale, nodes = _states(ways, ways.choice(TREES), ways.randint(2, 3))
    free = sum(node.free_cores for node in nodes)
    kinds = []
    for _ in range(ways.randint(1, 3)):
        size = ways.randint(1, 6)
        count = ways.randint(1, max(1, free // (3 * size)))
        kinds.append(SlotKind(count, size, 0, shielded=True))
    dealt = deal(scale, nodes, kinds, Budget(30))
    runs = best_on_nodes(scale, nodes, kinds, Budget(30))
    if dealt is None:
        assert runs is None
        return
    assert runs is not None
    assert runs.bound is None
    costs = []
    for each in (dealt, runs.dealt):
        assert [sum(len(node[i]) for node in each) for i in range(len(kinds))] == [kind.count for kind in kinds]
        costs.append(
            sum(
                price(scale, state, ((slot, True) for some in node for slot in some))
                for state, node in zip(nodes, each, strict=True)
                if any(node)
            )
        )
    assert costs[0] == costs[1]


def test_two_types_on_many_numas_of_three_nodes_are_proven() -> None:
    held = (
        "108-122,248-252",
        "0-2,12,22,26,28,30-34,46-48,53,58-59,65,69,73,76,80,84,87,104,106-108,118,127-128,140,145,148,157,164,166-167,"
        "173-174,187-189,196-197,206,212,217-218,224,228,230,241,243,247,249-252",
        "70-76,84-96,109-122,145-155,188-192,249-255",
    )
    taken = [(sum(1 << core for core in IdSet.parse(cores)), 0) for cores in held]
    shape = "[slot=6{a}/[core=1];slot=9{b}/[core=10]]"
    outcome = decide("LLC as numa", machine_of("LLC as numa", 3), taken, Asked("", shape, fits=True))
    assert (outcome.status, outcome.fault) == ("optimal", "")
    assert outcome.work <= 0.3
