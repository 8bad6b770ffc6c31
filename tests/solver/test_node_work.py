"""What is looked at on one node is work that is counted, also where no search is asked."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import STEPS, Budget
from exactfit.solver.demand.demand import Bundle
from exactfit.solver.demand.request import Request
from exactfit.solver.node import dealing, torn_table
from exactfit.solver.node.constructed_solution import construction_steps
from exactfit.solver.node.equal_slots import slots_bundle
from exactfit.solver.node.mixed_packing import MixedSlots
from exactfit.solver.node.packing import SlotShape
from exactfit.solver.node.solver import TABLES, NodeSolver
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.describe import describe_R
from exactfit.topology.rset import read_R
from node_trees import tree

TORN = "node=1/[slot=29{a}/core;slot=4{b}/core=21]"
"""Two types on whole levels, more ways of which there are than are looked at."""


@pytest.mark.parametrize("limit", [0.01, 0.03])
@pytest.mark.parametrize("shape", [TORN, TORN.removeprefix("node=1/"), "node=1/[slot=7{a}/core=11;slot=4{b}/core=10]"])
def test_slots_are_dealt_within_the_work_that_there_is(limit: float, shape: str) -> None:
    pool = Pool(read_R(describe_R(tree("EPYC"), 1)))
    budget = Budget(limit)
    allocation = pool.alloc(1, Request.of(parse_resources(parse_shape(shape))), budget=budget)
    assert allocation.certificate["status"] in ("OPTIMAL", "FEASIBLE")
    assert budget.spent <= 1.1 * limit


def slots_of(*kinds: tuple[int, int]) -> Bundle:
    """Return slots, given as how many with how many cores."""
    some = (slots_bundle(SlotShape(cores, 0, True), count, f"s{count}") for count, cores in kinds)
    return Bundle(tuple(want for bundle in some for want in bundle.wants))


def idle(name: str) -> tuple[DomainState, Scale, Sequence[str]]:
    """Return a node of which all is free, the policy there, and its levels."""
    machine = read_R(describe_R(tree(name), 1))
    node_type = machine.types[0]
    state = arrange(node_type, node_type.cores, node_type.gpus).state
    return state, Scale(parse_policy("pack").components((), machine.levels)), machine.levels


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that gets what each count of ways adds, where no slots are dealt otherwise."""
    monkeypatch.setattr(dealing, "MOST_VECTORS", 0)
    counted: list[int] = []
    count = torn_table.TornTables._count

    def counting(tables: torn_table.TornTables, steps: int) -> None:
        count(tables, steps)
        counted.append(steps)

    monkeypatch.setattr(torn_table.TornTables, "_count", counting)
    return counted


@pytest.mark.parametrize("limit", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("shape", [TORN, TORN.removeprefix("node=1/")])
def test_tables_take_no_more_than_their_part_of_the_work(limit: float, shape: str, looked_at: list[int]) -> None:
    pool = Pool(read_R(describe_R(tree("EPYC"), 1)))
    budget = Budget(limit)
    allocation = pool.alloc(1, Request.of(parse_resources(parse_shape(shape))), budget=budget)
    assert allocation.certificate["status"] in ("OPTIMAL", "FEASIBLE")
    assert 0 < torn_table.WAY_STEPS * sum(looked_at) <= budget.spent * STEPS
    assert torn_table.WAY_STEPS * sum(looked_at) <= 2 * TABLES * limit * STEPS
    assert budget.spent <= 1.1 * limit


def test_a_table_that_is_known_is_no_work_and_one_that_was_cut_off_is_not_known() -> None:
    state, scale, _ = idle("A-node")
    bundle = slots_of((10, 10), (2, 2))
    solver = MixedSlots(scale)
    assert solver.solution(state, bundle.slots, Budget(0.0001)) is None
    first, second = Budget(1), Budget(1)
    found = solver.solution(state, bundle.slots, first)
    again = solver.solution(state, bundle.slots, second)
    assert found is not None
    assert again is not None
    assert found.cost == again.cost
    assert first.spent > 0 == second.spent


def test_what_is_at_hand_comes_without_work_and_is_charged() -> None:
    state, scale, levels = idle("EPYC")
    solver = NodeSolver(scale, levels)
    bundle = slots_of((29, 1), (4, 21))
    budget = Budget(0.2)
    assert solver.at_hand(state, bundle, Budget(0)) is not None
    assert solver.at_hand(state, bundle, budget) is not None
    assert construction_steps(state, bundle) <= budget.spent * STEPS
    assert solver.solves == 0
