"""Slots of a few cores on nodes of which jobs hold cores here and there: placed and proven, within their work."""

from __future__ import annotations

import random

import pytest

from benchmarks.counting import counting
from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.line import line_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from node_trees import held_R, tree

FREE = 133
"""Cores that are left of 256."""

SEEDS = range(5)


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def proven_on(name: str, shape: str, seed: int) -> None:
    """Assert that a fragmented node has the best placement of a request, within its work."""
    machine = read_R(describe_R(tree(name), 1))
    pool, checker = Pool(machine), Checker(machine)
    number = machine.types[0].cores.bit_count()
    running = held_R(sum(1 << core for core in random.Random(seed).sample(range(number), number - FREE)), 0)
    pool.register_alloc(1, running)
    checker.allocate(running)
    request, budget = ask(shape), Budget(0.5)
    answer = pool.alloc(2, request, budget=budget)
    verdict = checker.judge(request.shape.vertices, answer.to_dict())
    assert_as_certified(answer.certificate, verdict)
    assert answer.certificate["status"] == "OPTIMAL"
    assert budget.spent <= 0.25


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", ["slot=18/core=5", "node=1/slot=18/core=5"])
def test_caches_as_numa_domains(form: str, seed: int) -> None:
    proven_on("LLC as numa", form, seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cores", [3, 4, 5, 7])
def test_four_levels_three_quarters_of_what_is_free(cores: int, seed: int) -> None:
    proven_on("four levels", f"slot={FREE * 3 // 4 // cores + 1}/core={cores}", seed)


@pytest.mark.parametrize(
    ("nodes", "shape", "ranks"), [(2, "node=1/slot=11/core=3", "1"), (24, "node=1+/slot=11/core=3", "1-23")]
)
def test_one_node_that_is_hard_keeps_no_job_from_idle_ones(nodes: int, shape: str, ranks: str) -> None:
    """Of the hard node each of sixteen caches of four cores has one to three cores free."""
    pool = Pool(read_R(line_R(f"node:{nodes} socket:1 numa:4 gpu:1 l3:4 core:4")))
    free = [2, 2, 2, 3, 1, 2, 2, 2, 2, 2, 3, 3, 2, 2, 2, 2]
    pool.register_alloc(1, held_R(sum((1 << 4 - some) - 1 << 4 * l3 for l3, some in enumerate(free)), 0))
    budget = Budget(0.5)
    with counting() as counts:
        answer = pool.alloc(2, ask(shape), budget=budget)
    assert ranks in {entry["rank"] for entry in answer.to_dict()["execution"]["R_lite"]}
    assert answer.certificate["status"] == "OPTIMAL"
    assert counts["models"] <= 2
    assert budget.spent <= 0.25


def test_several_slot_types_with_memory_on_64_nodes() -> None:
    pool = Pool(read_R(preset("rfc49-b:64")))
    budget = Budget(0.5)
    answer = pool.alloc(1, ask("[slot=100{a}/[core=5;memory=30];slot=40{b}/[core=11;memory=7]]"), budget=budget)
    assert answer.certificate["status"] in ("OPTIMAL", "FEASIBLE")
    assert budget.spent <= 0.55


@pytest.mark.parametrize("machine", ["rfc49-a:1", "rfc49-a:3"])
@pytest.mark.parametrize("form", ["[slot=4{b}/core=20;core=40]", "[slot=3{b}/[core=20;gpu=1];core=50;gpu=2]"])
def test_cores_beside_slots_are_never_refused(machine: str, form: str) -> None:
    pool, checker = Pool(read_R(preset(machine))), Checker(read_R(preset(machine)))
    request, budget = ask(form), Budget(0.5)
    answer = pool.alloc(1, request, budget=budget)
    verdict = checker.judge(request.shape.vertices, answer.to_dict())
    assert_as_certified(answer.certificate, verdict)
    assert budget.spent <= 0.55
    terms, bounds = answer.certificate["terms"], answer.certificate["bound"]
    known = [name for name in terms if name != "size" and name in bounds]
    assert [bounds[name] for name in known] <= [terms[name] for name in known]
