"""Slots with GPUs that are torn: what is counted is below all placements, and what is put together costs what it says.

All placements of small nodes are tried, which shares no code with what is counted but the weights of touched domains.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget, CutOff
from exactfit.solver.demand.demand import FlatSlots
from exactfit.solver.demand.request import Request
from exactfit.solver.node import torn_ways
from exactfit.solver.node.constructed_solution import constructed_solution
from exactfit.solver.node.counted_solution import counted_solution
from exactfit.solver.node.equal_slots import slots_bundle
from exactfit.solver.node.packing import SlotShape
from exactfit.solver.node.plan import NodeSolution
from exactfit.solver.node.pricing import lineage
from exactfit.solver.node.torn_counts import least_torn
from exactfit.solver.options import Options
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

LINES = (
    "socket:2 numa:2 core:4 gpu:2",
    "socket:2 numa:3 core:3 gpu:1",
    "socket:3 numa:2 core:3 gpu:1",
    "numa:4 core:4 gpu:2",
    "socket:2 numa:2 l3:2 core:2 gpu:1",
)
POLICIES = ("pack", "spread", "affinity,fit,share", "affinity,worst-fit,share", "affinity,spread", "affinity,shield")

Free = tuple[tuple[int, int], ...]
"""Cores and GPUs of the innermost domains."""


def known(line: str, policy: str) -> tuple[Machine, Scale]:
    machine = read_R(line_R(f"node:1 {line}"))
    return machine, Scale(parse_policy(policy).components((), machine.levels))


def least(scale: Scale, state: DomainState, slots: tuple[int, int, int]) -> int:
    """Return what slots cost at the least, all placements being tried."""
    count, cores, gpus = slots
    leaves = [place for place, inner in enumerate(state.flat) if not inner.children]
    free: Free = tuple((state.flat[place].free_cores, state.flat[place].free_gpus) for place in leaves)
    ways: dict[Free, int] = {free: 0}
    for _ in range(count):
        after: dict[Free, int] = {}
        for left, cost in ways.items():
            for taken in one_slot(left, cores, gpus):
                rest = tuple((c - x, g - y) for (c, g), (x, y) in zip(left, taken, strict=True))
                total = cost + worth(scale, state, leaves, taken, (cores, gpus))
                after[rest] = min(total, after.get(rest, total))
        ways = after
    return min(cost + touched(scale, state, leaves, free, left, gpus) for left, cost in ways.items())


def one_slot(free: Free, cores: int, gpus: int) -> Iterator[Free]:
    ranges = [range(min(cores, c) + 1) for c, _ in free]
    for given_gpus in product(*(range(min(gpus, g) + 1) for _, g in free)):
        if sum(given_gpus) == gpus:
            for given_cores in product(*ranges[:-1]):
                last = cores - sum(given_cores)
                if 0 <= last <= free[-1][0]:
                    yield tuple(zip((*given_cores, last), given_gpus, strict=True))


def worth(scale: Scale, state: DomainState, leaves: list[int], taken: Free, slot: tuple[int, int]) -> int:
    inside: dict[tuple[str, int], tuple[int, int]] = {}
    for place, (x, y) in zip(leaves, taken, strict=True):
        for at in lineage(state)[place]:
            c, g = inside.get((state.flat[at].level, at), (0, 0))
            inside[state.flat[at].level, at] = c + x, g + y
    cost = 0
    for level in state.flat[0].level, *scale.cross:
        here = [some for (name, _), some in inside.items() if name == level and any(some)]
        cost += scale.cross.get(level, 0) * (len(here) - 1)
        cost += scale.shares.get(level, 0) * sum(max(0, slot[1] * x - slot[0] * y) for x, y in here)
    return cost


def shield(scale: Scale, state: DomainState, changed: list[int], gpus: int) -> int:
    return 0 if gpus else sum(scale.core_touch(state.flat[place]) for place in changed)


def touched(scale: Scale, state: DomainState, leaves: list[int], free: Free, left: Free, gpus: int) -> int:
    changed = [place for place, before, after in zip(leaves, free, left, strict=True) if before != after]
    touches = sum(scale.touch(state.flat[at]) for at in {at for place in changed for at in lineage(state)[place]})
    return touches + shield(scale, state, changed, gpus)


def found(scale: Scale, state: DomainState, slots: tuple[int, int, int]) -> tuple[NodeSolution, NodeSolution]:
    """Return what is constructed, and what is counted and put together from there."""
    count, cores, gpus = slots
    bundle = slots_bundle(SlotShape(cores, gpus, not gpus), count)
    constructed = constructed_solution(scale, state, bundle)
    assert constructed is not None
    assert isinstance(bundle.flat, FlatSlots)
    return constructed, counted_solution(scale, state, bundle.flat, constructed, Budget(10))


@st.composite
def states(draw: st.DrawFn) -> tuple[DomainState, Scale, tuple[int, int, int]]:
    machine, scale = known(draw(st.sampled_from(LINES)), draw(st.sampled_from(POLICIES)))
    kind = machine.types[0]
    cores = draw(st.integers(0, (1 << kind.cores.bit_count()) - 1))
    gpus = draw(st.integers(0, (1 << kind.gpus.bit_count()) - 1))
    state = arrange(kind, cores, gpus).state
    slots = draw(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3)))
    assume(slots[0] * slots[1] <= state.free_cores)
    assume(slots[0] * slots[2] <= state.free_gpus)
    leaves = [inner for inner in state.flat if not inner.children]
    assume(prod(1 + min(slots[1], leaf.free_cores) for leaf in leaves) <= 3000)
    assume(not state.own_free_cores)
    return state, scale, slots


@given(states())
def test_no_placement_is_below_what_is_counted(case: tuple[DomainState, Scale, tuple[int, int, int]]) -> None:
    state, scale, slots = case
    best = least(scale, state, slots)
    constructed, counted = found(scale, state, slots)
    assert counted.bound <= best <= counted.cost <= constructed.cost
    assert counted.bound >= constructed.bound
    # A limit of any cost that a placement has leaves the bound what it is for that.
    loose = least_torn(scale, state, slots, best + (1 << 200), Budget(10), shielded=not slots[2])
    assert loose is None or loose[0] <= best


@given(states())
def test_what_is_put_together_is_a_placement(case: tuple[DomainState, Scale, tuple[int, int, int]]) -> None:
    state, scale, (count, cores, gpus) = case
    _, counted = found(scale, state, (count, cores, gpus))
    slots = counted.plan.slots
    assert len(slots) == count
    left = {place: [inner.own_free_cores, inner.own_free_gpus] for place, inner in enumerate(state.flat)}
    for slot in slots:
        assert sum(share.cores for share in slot.shares) == cores
        assert sum(share.gpus for share in slot.shares) == gpus
        for share in slot.shares:
            left[share.place][0] -= share.cores
            left[share.place][1] -= share.gpus
    assert min(min(some) for some in left.values()) >= 0


A_NODES = (
    # Free cores and GPUs of each numa, and what is asked for.
    ("1,1 1,1 1,1 1,1  15,1 15,1 15,1 15,1", (7, 7, 1)),
    ("0,1 0,1 0,1 15,1  15,1 15,1 15,1 15,1", (8, 7, 1)),
    ("1,1 1,1 1,1 8,1  15,1 15,1 15,1 15,1", (8, 7, 1)),
    ("0,1 0,1 5,1 5,1  3,1 3,1 7,1 15,1", (4, 8, 2)),
    ("1,0 4,1 10,1 11,1  4,1 4,1 5,1 15,1", (3, 16, 2)),
    ("0,1 2,0 2,0 5,0  2,0 2,0 15,1 15,1", (3, 10, 1)),
)
"""States of a node of cluster A of RFC 49 that jobs leave behind, and slots that have to be torn there."""


def a_node(free: str) -> tuple[Machine, int, int]:
    machine = read_R(preset("rfc49-a:1"))
    numas = [domain for domain in machine.types[0].domains if domain.level == "numa"]
    cores = gpus = 0
    for domain, some in zip(numas, free.split(), strict=True):
        number, with_gpu = map(int, some.split(","))
        cores |= lowest(domain.cores, number)
        gpus |= lowest(domain.gpus, with_gpu)
    return machine, cores, gpus


def lowest(mask: int, number: int) -> int:
    chosen = 0
    for _ in range(number):
        bit = mask & -mask
        chosen, mask = chosen | bit, mask ^ bit
    return chosen


def on_a_node(free: str, slots: tuple[int, int, int], time_limit: float = 0.5) -> tuple[Pool, str]:
    """Return a pool that placed slots on a node that has so much free, and the status of what it placed."""
    machine, cores, gpus = a_node(free)
    kind = machine.types[0]
    pool, checker = Pool(machine, Options(time_limit=time_limit)), Checker(machine)
    held = ids(kind.cores & ~cores), ids(kind.gpus & ~gpus)
    children = {name: some for name, some in zip(("core", "gpu"), held, strict=True) if some}
    R = {"version": 1, "execution": {"R_lite": [{"rank": "0", "children": children}]}}
    pool.register_alloc(1, R)
    checker.allocate(R)
    count, each, gpu = slots
    request = Request.of(parse_resources(parse_shape(f"node=1/slot={count}/[core={each};gpu={gpu}]")))
    allocation = pool.alloc(2, request)
    assert_as_certified(allocation.certificate, checker.judge(request.shape.vertices, allocation.to_dict()))
    return pool, allocation.certificate["status"]


@pytest.mark.parametrize(("free", "slots"), A_NODES)
def test_slots_of_a_real_node_are_proven_without_a_search(free: str, slots: tuple[int, int, int]) -> None:
    pool, status = on_a_node(free, slots)
    assert status == "OPTIMAL"
    assert pool.present[0].node_solver.solves == 0


def test_what_a_search_left_open_is_not_searched_again_with_as_much_work() -> None:
    pool, status = on_a_node("1,1 1,1 1,1 1,1  0,0 5,0 5,0 15,1", (4, 7, 1), time_limit=0.3)
    assert status == "FEASIBLE"
    assert pool.present[0].node_solver.solves == 1


def ids(mask: int) -> str:
    return ",".join(str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1)


def test_too_much_to_count_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torn_ways, "MOST_PAIRS", 5)
    machine, scale = known(LINES[0], "pack")
    state = arrange(machine.types[0], machine.types[0].cores, machine.types[0].gpus).state
    assert least_torn(scale, state, (3, 5, 2), 1 << 700, Budget(1)) is None


def test_what_there_is_no_work_for_is_cut_off() -> None:
    machine, scale = known(LINES[0], "pack")
    state = arrange(machine.types[0], machine.types[0].cores, machine.types[0].gpus).state
    with pytest.raises(CutOff):
        least_torn(scale, state, (3, 5, 2), 1 << 700, Budget(0.00001))
    constructed = constructed_solution(scale, state, slots_bundle(SlotShape(5, 2, shielded=False), 3))
    assert constructed is not None
    flat = FlatSlots(3, 5, 2, "slot")
    assert counted_solution(scale, state, flat, constructed, Budget(0.00001)) is constructed


def test_cores_outside_of_domains_are_not_counted() -> None:
    topo = {"numa": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-6", "gpus": "1"}], "cores": "7-9"}
    lite = [{"rank": "0", "children": {"core": "0-9", "gpu": "0-1"}}]
    scheduling = {"children": [{"ranks": "0", "topo": topo}]}
    machine = read_R({"version": 1, "execution": {"R_lite": lite}, "scheduling": scheduling})
    scale = Scale(parse_policy("pack").components((), machine.levels))
    state = arrange(machine.types[0], machine.types[0].cores, machine.types[0].gpus).state
    assert least_torn(scale, state, (2, 5, 1), 1 << 700, Budget(1)) is None
