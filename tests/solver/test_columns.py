"""Slots by column generation: bounds that no placement beats, and placements that are what they cost."""

from __future__ import annotations

import random
from itertools import product

import pytest

from benchmarks.campaign import decide, held, held_R, machine_of
from benchmarks.forms import Asked
from exactfit.grammar.idset import IdSet
from exactfit.solver import Pool
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.demand import Bundle, Kind, Want
from exactfit.solver.node.columns.best import Found, best_by_columns
from exactfit.solver.node.columns.forest import Forest, Run, forest_of
from exactfit.solver.node.columns.master import Master
from exactfit.solver.node.columns.near import near_runs
from exactfit.solver.node.columns.pricing import Prices, Pricing
from exactfit.solver.node.columns.search import price_of_dealt
from exactfit.solver.node.columns.weights import weights_of
from exactfit.solver.node.construction import SlotKind
from exactfit.solver.node.dealing import deal
from exactfit.solver.node.model.model import solve_bundle
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.state.domain_state import DomainState
from exactfit.topology.line import line_R
from exactfit.topology.rset import read_R

TREES = ("socket:2 numa:2 core:4", "socket:2 numa:2 l3:2 core:3", "numa:4 core:3")

WITH_GPUS = (
    "socket:2 gpu:1 numa:2 core:4",
    "socket:2 numa:2 gpu:1 l3:2 core:3",
    "numa:3 gpu:1 core:4",
    "socket:2 gpu:2 l3:2 core:4",
)


def _nodes(ways: random.Random, tree: str, nodes: int, policy: str = "pack") -> tuple[Scale, list[DomainState]]:
    """Return some nodes of which jobs hold a part, and a policy there."""
    machine = read_R(line_R(f"node:{nodes} {tree}"))
    pool = Pool(machine)
    before = held_R(machine, held(ways, machine))
    if before["execution"]["R_lite"]:
        pool.register_alloc(1, before)
    _, state = pool.present
    scale = Scale(parse_policy(policy).components((), machine.levels))
    return scale, [one for one, mask in state.classes.items() for _ in range(mask.bit_count())]


def _kinds(ways: random.Random, cores: int, gpus: int) -> list[SlotKind]:
    """Return slots, no two kinds alike, of which there is room for all."""
    kinds: dict[tuple[int, int], SlotKind] = {}
    for _ in range(ways.choice((1, 2, 2, 3))):
        size, some = ways.randint(1, 6), ways.choice((0, 0, 1, 2)) if gpus else 0
        count = min(ways.randint(1, 6), cores // size, gpus // some if some else 99)
        if count > 0 and (size, some) not in kinds:
            kinds[size, some] = SlotKind(count, size, some, shielded=not some)
            cores, gpus = cores - count * size, gpus - count * some
    return list(kinds.values())


def _bundle(kinds: list[SlotKind]) -> Bundle:
    """Return slots as what a node is asked for."""
    wants = []
    for number, kind in enumerate(kinds):
        cores, gpus = Want(Kind.CORE, "core", kind.cores), Want(Kind.GPU, "gpu", kind.gpus)
        wants.append(Want(Kind.SLOT, "slot", kind.count, label=str(number), wants=(cores, gpus)[: 1 + bool(kind.gpus)]))
    return Bundle(tuple(wants))


def _check(found: Found, scale: Scale, nodes: list[DomainState], kinds: list[SlotKind], best: int) -> None:
    assert found.bound <= best <= found.cost
    assert [sum(len(node[i]) for node in found.dealt) for i in range(len(kinds))] == [kind.count for kind in kinds]
    assert price_of_dealt(scale, nodes, kinds, found.dealt) == found.cost
    for i, kind in enumerate(kinds):
        for shares in (slot for node in found.dealt for slot in node[i]):
            assert (sum(s.cores for s in shares), sum(s.gpus for s in shares)) == (kind.cores, kind.gpus)


@pytest.mark.parametrize("seed", range(1, 25))
def test_slots_of_cores_are_proven_on_several_nodes(seed: int) -> None:
    ways = random.Random(seed)
    scale, nodes = _nodes(ways, ways.choice(TREES), ways.choice((1, 2, 3)))
    kinds = _kinds(ways, sum(node.free_cores for node in nodes), 0)
    dealt = deal(scale, nodes, kinds, Budget(5)) if kinds else None
    if dealt is not None:
        found = best_by_columns(scale, nodes, kinds, [0] * len(scale.components), None, Budget(2))
        assert found is not None
        _check(found, scale, nodes, kinds, price_of_dealt(scale, nodes, kinds, dealt))
        assert found.cost == found.bound


@pytest.mark.parametrize("policy", ["pack", "fit,affinity", "shield,affinity,fit"])
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7])
def test_bounds_hold_and_costs_are_true_under_any_policy(seed: int, policy: str) -> None:
    ways = random.Random(seed)
    scale, nodes = _nodes(ways, ways.choice((*TREES, *WITH_GPUS)), 1, policy)
    kinds = _kinds(ways, nodes[0].free_cores, nodes[0].free_gpus)
    status, exact = solve_bundle(nodes[0], _bundle(kinds), scale, Budget(1))
    if status is Status.OPTIMAL and kinds:
        assert exact is not None
        found = best_by_columns(scale, nodes, kinds, [0] * len(scale.components), None, Budget(1))
        if found is not None:
            _check(found, scale, nodes, kinds, exact.cost)


def _small_forest() -> tuple[Forest, list[SlotKind]]:
    _, nodes = _nodes(random.Random(3), "socket:2 numa:2 core:3", 1)
    forest = forest_of(nodes, gpus=False)
    assert forest is not None
    return forest, [SlotKind(2, 2, 0, shielded=True), SlotKind(1, 4, 0, shielded=True)]


def _costs_of_all_runs(forest: Forest, kinds: list[SlotKind], prices: Prices) -> dict[Run, int]:
    """Return what every run costs beyond what its slots pay that has no domain for nothing, and no room for more."""
    master = Master(forest, kinds, Budget(1))
    costs = {}
    for numbers in product(*(range(len(leaf.places) + 1) for leaf in forest.leaves)):
        leaves = tuple((leaf, n) for leaf, n in enumerate(numbers) if n)
        cores = sum(n * leaf.cores for n, leaf in zip(numbers, forest.leaves, strict=True))
        for vector in product(*(range(kind.count + 1) for kind in kinds)):
            left = cores - sum(n * kind.cores for n, kind in zip(vector, kinds, strict=True))
            is_full = all(kind.cores > left or n == kind.count for n, kind in zip(vector, kinds, strict=True))
            if leaves and 0 <= left < min(forest.leaves[leaf].cores for leaf, _ in leaves) and is_full:
                run = Run(leaves, (), vector)
                crossed = [master.touched(run, level) - 1 for level in range(len(forest.levels))]
                pays = sum(n * price for n, price in zip(vector, prices.slots, strict=True))
                taken = sum(prices.leaves[leaf] * n for leaf, n in leaves)
                costs[run] = taken + sum(n * p for n, p in zip(crossed, prices.levels, strict=True)) - pays
    return costs


@pytest.mark.parametrize("limit", [0, 3, 9])
@pytest.mark.parametrize("slots", [(0, 0), (4, 9), (5, 1)])
def test_all_runs_that_cost_little_are_gathered_and_the_best_is_found(slots: tuple[int, int], limit: int) -> None:
    forest, kinds = _small_forest()
    leaves = tuple(range(1, len(forest.leaves) + 1))
    none = (0,) * len(forest.leaves)
    prices = Prices(slots, leaves, none, (0,) * len(forest.branches), (3, 1))
    pricing = Pricing(forest, kinds, Budget(1))
    costs = _costs_of_all_runs(forest, kinds, prices)
    assert set(near_runs(pricing, prices, limit)) == {run for run, cost in costs.items() if cost <= limit}
    least, runs = pricing.best(prices)
    assert least == min(0, *costs.values())
    assert all(costs.get(run, 0) < 0 for run in runs)


def test_prices_at_zero_leave_out_no_run() -> None:
    """Two sockets that hold all slots whole in one way only: a bound of one would be wrong."""
    machine = read_R(line_R("node:1 numa:2 core:7"))
    _, state = Pool(machine).present
    (node,) = state.classes
    scale = Scale(parse_policy("affinity").components((), machine.levels))
    kinds = [SlotKind(2, 3, 0, shielded=True), SlotKind(2, 4, 0, shielded=True)]
    found = best_by_columns(scale, [node], kinds, [0], None, Budget(1))
    assert found is not None
    assert found.cost == found.bound == 0


def test_sums_of_what_is_touched_raise_a_bound() -> None:
    machine = read_R(line_R("node:1 socket:2 core:8"))
    _, state = Pool(machine).present
    (node,) = state.classes
    forest = forest_of([node], gpus=False)
    assert forest is not None
    (fit,) = (c for c in parse_policy("fit").components((), machine.levels) if c.name == "fit.socket")
    weights = weights_of(fit, forest, shielded=True, gpus=False)
    assert weights is not None
    assert [weights.reached(least, forest) for least in (0, 1, 8, 9, 16)] == [0, 8, 8, 16, 16]


LARGE = {
    "two types on many small domains, nearly full": (
        "LLC as numa",
        [("28-29", ""), ("107-112", "")],
        "[slot=1,5{a}/[core=27];slot=2+{b}/[core=14]]",
    ),
    "three types on one of two nodes": (
        "LLC as numa",
        [("27-30,62-69", ""), ("20-22,70-78,99-104,147,178-187,239-244", "")],
        "[slot=2{a}/[core=32];slot=6{b}/[core=3];slot=19{c}/[core=2]]",
    ),
    "all of four nodes, nearly": (
        "two dies",
        [("124-127", ""), ("", ""), ("", ""), ("16-25,40-41,68-72,85-87,121-127", "0")],
        "[slot=1+{a}/[core=7];slot=19,30,33{b}/[core=8]]",
    ),
    "large slots over two nodes": (
        "LLC as numa",
        [("", ""), ("63-75", "")],
        "[slot=1,6{a}/[core=15];slot=1,2,10{b}/[core=30]]",
    ),
}
"""Kinds of nodes, what jobs hold of each, and requests of a campaign that only columns prove."""


@pytest.mark.parametrize("name", LARGE)
def test_it_is_proven_within_the_work_that_there_is(name: str) -> None:
    kind, ids, shape = LARGE[name]
    taken = [(_mask(cores), _mask(gpus)) for cores, gpus in ids]
    outcome = decide(kind, machine_of(kind, len(ids)), taken, Asked("", shape, fits=True))
    assert (outcome.status, outcome.fault) == ("optimal", "")
    assert outcome.work <= 0.4


def _mask(ids: str) -> int:
    return sum(1 << number for number in IdSet.parse(ids)) if ids else 0
