"""Requests over several nodes at full size: placed at once, mostly proven; one hard node blocks none."""

from __future__ import annotations

import itertools
import random
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.grammar.constraint import parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat import lexicographic
from exactfit.solver.cpsat.budget import Budget, CutOff
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.machine.model import sharing, units
from exactfit.solver.machine.packing import nearly_full
from exactfit.solver.machine.packing.items import Items
from exactfit.solver.node import packing
from exactfit.solver.node.solver import NodeSolver
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def ask(shape: str, ranks: str = "") -> Request:
    constraint = parse_constraint({"ranks": [ranks]} if ranks else {})
    return Request.of(parse_resources(parse_shape(shape)), constraint)


def nodes_of(count: int, topo: Json, cores: str, groups: Json | None = None) -> Machine:
    ranks = f"0-{count - 1}"
    scheduling: Json = {"children": [{"ranks": ranks, "topo": topo}], **({"groups": groups} if groups else {})}
    lite = [{"rank": ranks, "children": {"core": cores}}]
    execution = {"R_lite": lite, "nodelist": [f"n[{ranks}]"], "starttime": 0, "expiration": 0}
    return read_R({"version": 1, "execution": execution, "scheduling": scheduling})


def fragmented(pool: Pool, seed: int) -> Pool:
    """Let each node hold one to four jobs of its own."""
    draws = random.Random(seed)
    shapes = ("slot/[core=8;gpu=1]", "slot=3/core=7", "slot/core=13", "slot/[core=3;gpu=2]", "slot/core=5")
    for rank in range(pool.machine.size):
        for job in range(draws.randint(1, 4)):
            try:
                pool.alloc(10 * rank + job, ask(draws.choice(shapes), str(rank)))
            except InsufficientResources:
                continue
    return pool


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_many_slots_as_there_are_cores_on_fragmented_nodes(seed: int) -> None:
    pool = fragmented(Pool(read_R(preset("rfc49-a:64"))), seed)
    free = sum(state.free_cores * nodes.bit_count() for state, nodes in pool.present[1].classes.items())
    certificate = pool.alloc(10**6, ask("slot=1+/core=1+")).certificate
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"]["size"] == [free, 1]


@pytest.mark.parametrize("policy", ["pack", "partial,affinity,spread,intact,shield,fit"])
def test_all_gpus_are_found_beside_odd_slots(policy: str) -> None:
    pool = Pool(read_R(preset("rfc49-a:16")), Options(parse_policy(policy)))
    pool.alloc(1, ask("slot=7/core=13"))
    certificate = pool.alloc(2, ask("slot=1+/[core=3;gpu=1]")).certificate
    assert certificate["terms"]["size"] == [128]
    affinity = {"affinity.socket": 2, "affinity.numa": 7}
    assert {name: certificate["bound"][name] for name in affinity} == affinity
    assert {name: certificate["terms"][name] for name in affinity} == affinity
    assert certificate["status"] == "OPTIMAL"
    if policy == "pack":
        # All GPUs are taken, and 13 of 15 cores beside seven of them. Each of these lacks a core, and more lack where
        # two slots are whole in a socket of eight cores.
        assert certificate["terms"]["share.numa"] == 9


def test_cores_outside_all_numa() -> None:
    topo = {"cores": "24-26", "numa": [{"cores": f"{6 * n}-{6 * n + 5}"} for n in range(4)]}
    pool = Pool(nodes_of(4, topo, "0-26"))
    certificate = pool.alloc(1, ask("node=2/slot=6/core=4")).certificate
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"]["affinity.numa"] == 2


def test_slots_with_memory_over_unlike_nodes() -> None:
    draws = random.Random(3)
    lite, children = [], []
    for rank in range(200):
        half = draws.randint(12, 28)
        memory = [draws.randint(16, 64) for _ in range(2)]
        sockets = [{"cores": f"0-{half - 1}", "memory": memory[0]}]
        sockets.append({"cores": f"{half}-{2 * half - 1}", "memory": memory[1]})
        lite.append({"rank": str(rank), "children": {"core": f"0-{2 * half - 1}"}})
        children.append({"ranks": str(rank), "topo": {"socket": sockets}})
    execution = {"R_lite": lite, "nodelist": ["n[0-199]"], "starttime": 0, "expiration": 0}
    pool = Pool(read_R({"version": 1, "execution": execution, "scheduling": {"children": children}}))
    for number, shape in enumerate(("slot=1/[core=33;memory=45]", "slot=1/[core=20;memory=60]")):
        assert pool.alloc(number, ask(shape)).certificate["status"] == "OPTIMAL"


def dragonfly() -> dict[str, Any]:
    R = preset("rfc49-a:128")
    switches = [{"ranks": f"{first}-{first + 7}"} for first in range(0, 128, 8)]
    R["scheduling"]["groups"] = {"group": [{"switch": switches[first : first + 4]} for first in range(0, 16, 4)]}
    return R


def test_groups_that_are_alike_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an idle dragonfly one group, and in it one switch, tells what units cost in any; no model is made."""
    looks = 0
    way = units.Units.way

    def counted(self: units.Units, group: int, number: int) -> sharing.Way:
        nonlocal looks
        looks += 1
        return way(self, group, number)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to search for")

    monkeypatch.setattr(units.Units, "way", counted)
    monkeypatch.setattr(lexicographic, "_solve", refuse)
    assert Pool(read_R(dragonfly())).alloc(1, ask("slot=400/core=7")).certificate["status"] == "OPTIMAL"
    assert looks <= 128 + 4


def test_tables_of_units_serve_requests_for_about_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """In racks whose nodes are in use in part: what has changed since is put together anew, and that alone."""
    R = preset("rfc49-a:64")
    R["scheduling"]["groups"] = {"rack": [{"ranks": f"{first}-{first + 7}"} for first in range(0, 64, 8)]}
    pool = Pool(read_R(R))
    for job in range(64):
        pool.alloc(job, ask(f"node=1/slot=1/core={10 + job * 7 % 90}"))
    made = 0
    combine = packing.combine

    def counted(tables: list[list[int]], most: int) -> tuple[list[int], packing.Choices]:
        nonlocal made
        made += 1
        return combine(tables, most)

    monkeypatch.setattr(units, "combine", counted)
    numbers = []
    for job, count in enumerate((70, 75, 66, 80), 100):
        made = 0
        assert pool.alloc(job, ask(f"slot={count}/core=5")).certificate["status"] == "OPTIMAL"
        numbers.append(made)
        pool.free(job)
    assert numbers[0] > 0
    assert numbers[1:] == [0, 0, 0]


def test_slots_of_two_types_that_fit_on_a_node_are_best_there_in_racks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    R = preset("rfc49-a:48")
    R["scheduling"]["groups"] = {"rack": [{"ranks": f"{first}-{first + 7}"} for first in range(0, 48, 8)]}
    pool = Pool(read_R(R))
    for job in range(40):
        pool.alloc(job, ask(f"node=1/slot=1/core={10 + job * 7 % 90}"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to search for")

    monkeypatch.setattr(lexicographic, "_solve", refuse)
    for shape in ("[slot=2{a}/core=3;slot=9{b}/core=6]", "[slot=1{a}/core=14;slot=1{b}/core=11]"):
        found = pool.alloc(98, ask(shape))
        pool.free(98)
        on_one = pool.alloc(98, ask(f"node=1/{shape}"))
        pool.free(98)
        assert found.certificate == on_one.certificate
        assert found.certificate["status"] == "OPTIMAL"
        assert found.certificate["terms"]["spread.rack"] == 1


@st.composite
def parts_and_costs(draw: st.DrawFn) -> tuple[list[list[int]], list[object]]:
    """Return what each number of things costs in each part, and of which other it is like."""
    kinds = draw(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=3))
    chosen = draw(st.lists(st.sampled_from(range(len(kinds))), min_size=1, max_size=5))
    likes: list[object] = [kind if draw(st.booleans()) else None for kind in chosen]
    return [kinds[kind] for kind in chosen], likes


@given(some=parts_and_costs(), touch=st.integers(0, 9), data=st.data())
@settings(max_examples=300, deadline=None)
def test_things_shared_out_among_parts_of_which_some_are_alike(
    some: tuple[list[list[int]], list[object]], touch: int, data: st.DataObject
) -> None:
    tables, likes = some
    number = data.draw(st.integers(1, sum(len(table) for table in tables)))
    parts = [
        sharing.Part(len(table), partial(_way_of, table, touch), like)
        for table, like in zip(tables, likes, strict=True)
    ]
    found = sharing.share_out(parts, number, touch, 0, Budget(60))
    ways = itertools.product(*(range(len(table) + 1) for table in tables))
    least = min(
        sum(touch + table[n - 1] for table, n in zip(tables, way, strict=True) if n)
        for way in ways
        if sum(way) == number
    )
    assert found.cost == least


def _way_of(table: list[int], touch: int, number: int) -> sharing.Way:
    return sharing.Way(touch + table[number - 1])


def test_idle_dragonfly() -> None:
    R = dragonfly()
    certificate = Pool(read_R(R)).alloc(1, ask("slot=400/core=7")).certificate
    assert certificate["status"] == "OPTIMAL"
    assert [certificate["terms"][f"spread.{level}"] for level in ("group", "switch", "node")] == [1, 4, 25]


def one_hard_node(policy: str) -> Pool:
    """Return 24 nodes of 16 l3 of 4 cores, rank 7 with 1 to 3 of them free in each, the others idle."""
    topo = {"numa": [{"l3": [{"cores": f"{16 * n + 4 * k}-{16 * n + 4 * k + 3}"} for k in range(4)]} for n in range(4)]}
    pool = Pool(nodes_of(24, topo, "0-63"), Options(parse_policy(policy)))
    held = ",".join(str(4 * k + core) for k in range(16) for core in range(1 + k % 3))
    lite = [{"rank": "7", "children": {"core": held}}]
    pool.register_alloc(1, {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}})
    return pool


def test_all_nodes_with_the_hard_one_among_them() -> None:
    hard = one_hard_node("pack")
    free = next(state.free_cores for state in hard.present[1].classes if state.free_cores < 64)
    assert free >= 30
    certificate = hard.alloc(2, ask("node=1+/slot=10/core=3")).certificate
    assert certificate["terms"]["size"] == [24]


@pytest.mark.parametrize("policy", ["pack", "fit,affinity", "intact,affinity"])
@pytest.mark.parametrize("shape", ["node=23/slot=10/core=3", "node=5/slot=10/core=3", "slot=10/core=3"])
def test_a_node_whose_search_is_cut_off_blocks_no_other(
    shape: str, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = one_hard_node(policy)
    best, without = NodeSolver.best, NodeSolver.without_search

    def cut_off(self: NodeSolver, state: Any, *args: Any) -> Any:
        if state.free_cores < 64:
            raise CutOff
        return best(self, state, *args)

    def unknown(self: NodeSolver, state: Any, *args: Any) -> Any:
        if state.free_cores < 64:
            raise CutOff
        return without(self, state, *args)

    monkeypatch.setattr(NodeSolver, "best", cut_off)
    monkeypatch.setattr(NodeSolver, "without_search", unknown)
    allocation = pool.alloc(2, ask(shape))
    ranks = IdSet.parse(",".join(entry["rank"] for entry in allocation.to_dict()["execution"]["R_lite"]))
    assert 7 not in ranks


def test_a_node_whose_search_is_cut_off_blocks_no_other_in_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Domains asked for beside slots: such requests go to the machine's model, which leaves out what is not known."""
    pool = one_hard_node("pack")
    best = NodeSolver.best

    def cut_off(self: NodeSolver, state: Any, *args: Any) -> Any:
        if state.free_cores < 64:
            raise CutOff
        return best(self, state, *args)

    monkeypatch.setattr(NodeSolver, "best", cut_off)
    allocation = pool.alloc(2, ask("[slot=3{a}/l3/core=2;slot=2{b}/core=5]"))
    assert allocation.certificate["status"] == "FEASIBLE"
    ranks = IdSet.parse(",".join(entry["rank"] for entry in allocation.to_dict()["execution"]["R_lite"]))
    assert 7 not in ranks
    # Nothing else being there, what is constructed on it stands; without that it is not known whether there is any.
    shape = "[slot=3{a}/l3/core=2;slot=2{b}/core=5]"
    assert pool.copy().alloc(3, ask(shape, "7")).certificate["status"] == "FEASIBLE"
    monkeypatch.setattr(NodeSolver, "at_hand", cut_off)
    with pytest.raises(InsufficientResources, match="cut off"):
        pool.alloc(3, ask(shape, "7"))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_few_units_left_out_as_by_all_ways_of_sharing_out(data: st.DataObject) -> None:
    """Where a few units fewer are asked for than there is room for, the cost is that of the way that shares all out."""
    policy = data.draw(st.sampled_from(["pack", "spread", "fit,affinity", "spread,intact,affinity"]))
    pool = Pool(read_R(preset("rfc49-b:3")), Options(parse_policy(policy)))
    for job in range(data.draw(st.integers(0, 4))):
        cores = data.draw(st.integers(1, 60))
        try:
            pool.alloc(job, ask(f"slot/core={cores}"))
        except InsufficientResources:
            continue
    cores = data.draw(st.integers(9, 40))
    room = sum(s.free_cores // cores * nodes.bit_count() for s, nodes in pool.present[1].classes.items())
    count = room - data.draw(st.integers(0, 3))
    if count < 1:
        return
    request = ask(f"slot={count}/core={cores}")
    expected = pool.copy().alloc(99, request).certificate
    knowledge, present = pool.present
    items = Items.of(knowledge.problem(request.shape).demand(()))
    assert items is not None
    found = nearly_full.choose_nearly_full(items, list(present.classes.items()), knowledge.node_solver, Budget(10))
    assert found is not None
    if expected["status"] == "OPTIMAL" and found.cost == found.bound:
        values = knowledge.scale.values(found.cost)
        assert {name: expected["terms"][name] for name in values} == dict(values)
