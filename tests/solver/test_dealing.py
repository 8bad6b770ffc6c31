"""Slots of several sizes dealt to domains by tables: what the node's model finds, on one node and on several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat import lexicographic
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.demand import Bundle, Kind, Want
from exactfit.solver.demand.request import Request
from exactfit.solver.node.construction import SlotKind
from exactfit.solver.node.dealing import deal
from exactfit.solver.node.model.model import solve_bundle
from exactfit.solver.node.pricing import price
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.describe import describe_R
from exactfit.topology.rset import read_R
from node_trees import Tree, held_R, tree

POLICIES = ("pack", "affinity,fit", "affinity,shield,intact", "partial,affinity,spread,share")
FORMS = (
    Tree((("socket", 2), ("numa", 2)), 4, ("numa", 1)),
    Tree((("socket", 2), ("numa", 2), ("l3", 2)), 2, ("l3", 1)),
    Tree((("numa", 5),), 3, ("numa", 2)),
)


@st.composite
def nodes(draw: st.DrawFn, most: int) -> tuple[list[DomainState], Scale]:
    """Draw up to so many nodes of a kind, with some cores and GPUs free."""
    machine = read_R(describe_R(draw(st.sampled_from(FORMS)).topo, 1))
    kind = machine.types[0]
    states = [
        arrange(kind, draw(st.integers(1, kind.cores)), draw(st.integers(0, kind.gpus))).state
        for _ in range(draw(st.integers(1, most)))
    ]
    policy = parse_policy(draw(st.sampled_from(POLICIES)))
    return states, Scale(policy.components((), machine.levels))


sizes = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=3)


def solved(scale: Scale, state: DomainState, kinds: Sequence[SlotKind], counts: Sequence[int]) -> int | None:
    """Return what the best placement on a node costs by the node's model; None where there is none."""
    wants = [
        Want(Kind.SLOT, "slot", count, label="abc"[number], wants=_wants(kind))
        for number, (kind, count) in enumerate(zip(kinds, counts, strict=True))
        if count
    ]
    if not wants:
        return 0
    status, best = solve_bundle(state, Bundle(tuple(wants)), scale, Budget(60))
    assert status in (Status.OPTIMAL, Status.INFEASIBLE)
    return None if best is None else best.cost


def _wants(kind: SlotKind) -> tuple[Want, ...]:
    cores = (Want(Kind.CORE, "core", kind.cores),) if kind.cores else ()
    return (*cores, Want(Kind.GPU, "gpu", kind.gpus)) if kind.gpus else cores


def cost_of(scale: Scale, states: Sequence[DomainState], kinds: Sequence[SlotKind], dealt: object) -> int:
    """Return what a placement costs, after looking whether it is one."""
    assert isinstance(dealt, list)
    total = 0
    for number, kind in enumerate(kinds):
        slots = [slot for node in dealt for slot in node[number]]
        assert len(slots) == kind.count
        assert all(sum(share.cores for share in slot) == kind.cores for slot in slots)
        assert all(sum(share.gpus for share in slot) == kind.gpus for slot in slots)
    for state, node in zip(states, dealt, strict=True):
        every = [(slot, kind.shielded) for kind, slots in zip(kinds, node, strict=True) for slot in slots]
        for place, domain in enumerate(state.flat):
            there = [share for slot, _ in every for share in slot if share.place == place]
            assert sum(share.cores for share in there) <= domain.own_free_cores
            assert sum(share.gpus for share in there) <= domain.own_free_gpus
        total += price(scale, state, every) if every else 0
    return total


@given(nodes(1), sizes)
@settings(deadline=None)
def test_on_one_node(drawn: tuple[list[DomainState], Scale], slots: list[tuple[int, int]]) -> None:
    states, scale = drawn
    kinds = [SlotKind(count, cores, 0, shielded=True) for count, cores in slots]
    dealt = deal(scale, states, kinds, Budget(10))
    best = solved(scale, states[0], kinds, [kind.count for kind in kinds])
    assert (dealt is None) == (best is None)
    if dealt is not None:
        assert cost_of(scale, states, kinds, dealt) == best


def test_what_is_lost_of_room_is_no_matter_of_runs() -> None:
    machine = read_R(describe_R(FORMS[0].topo, 1))
    kind = machine.types[0]
    state = arrange(kind, kind.cores, kind.gpus).state
    scale = Scale(parse_policy("affinity,future").components((), machine.levels))
    assert deal(scale, [state], [SlotKind(2, 3, 0, shielded=True)], Budget(1)) is None


@given(nodes(3), st.lists(st.tuples(st.integers(1, 2), st.integers(1, 7)), min_size=2, max_size=2))
@settings(max_examples=40, deadline=None)
def test_on_several_nodes(drawn: tuple[list[DomainState], Scale], slots: list[tuple[int, int]]) -> None:
    states, scale = drawn
    kinds = [SlotKind(count, cores, 0, shielded=True) for count, cores in slots]
    best: dict[tuple[int, ...], int] = {(0, 0): 0}
    for state in states:
        here = {
            counts: cost
            for counts in product(*(range(kind.count + 1) for kind in kinds))
            if (cost := solved(scale, state, kinds, counts)) is not None
        }
        more: dict[tuple[int, ...], int] = {}
        for (before, known), (counts, cost) in product(best.items(), here.items()):
            total = tuple(map(sum, zip(before, counts, strict=True)))
            if all(n <= kind.count for n, kind in zip(total, kinds, strict=True)):
                more[total] = min(more.get(total, known + cost), known + cost)
        best = more
    dealt = deal(scale, states, kinds, Budget(10))
    wanted = best.get(tuple(kind.count for kind in kinds))
    assert (dealt is None) == (wanted is None)
    if dealt is not None:
        assert cost_of(scale, states, kinds, dealt) == wanted


@given(nodes(1), st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=3))
@settings(deadline=None)
def test_slots_with_gpus_are_dealt_where_all_can_be_whole(
    drawn: tuple[list[DomainState], Scale], slots: list[tuple[int, int, int]]
) -> None:
    states, scale = drawn
    assume(all(cores or gpus for _, cores, gpus in slots) and any(gpus for _, _, gpus in slots))
    kinds = [SlotKind(count, cores, gpus, not gpus) for count, cores, gpus in slots]
    dealt = deal(scale, states, kinds, Budget(10))
    best = solved(scale, states[0], kinds, [kind.count for kind in kinds])
    if dealt is not None:
        assert cost_of(scale, states, kinds, dealt) == best
    elif best is not None:
        values = scale.values(best)
        assert any(value for name, value in values.items() if name.startswith("affinity"))


@pytest.mark.parametrize(
    ("name", "ranks", "held", "shape", "crossed"),
    [
        ("A-node", 4, 0x7_0F0F_0000_3C3C_00FF_1234, "[slot=32{a}/core=6;slot=3{b}/core=13;slot=2{c}/core=18]", [0, 2]),
        ("A-node", 1, 0x7_0F0F_0000_3C3C_00FF_1234, "node=1/[slot=9{a}/core=6;slot=2{b}/core=11]", [0, 1]),
        ("EPYC", 1, 0x7F_0000_3C3C_00FF_1234, "[slot=2{a}/core=15;slot=1{b}/core=29;slot=5{c}/core=4]", [0, 1, 5]),
        ("LLC as numa", 3, 0, "[slot=15{a}/core=16;slot=6{b}/core=2]", [0, 15]),
        ("four levels", 1, 0, "[slot=30{a}/core=3;slot=2{b}/core=9;slot=20{c}/core=3;slot=30{d}/core=2]", [0, 0, 2]),
        ("four levels", 2, 0, "[slot=9{a}/core=11;slot=10{b}/core=10;slot=4{c}/core=1]", [0, 0, 19]),
    ],
)
def test_several_sizes_on_real_nodes_need_no_search(
    name: str, ranks: int, held: int, shape: str, crossed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to search for")

    machine = read_R(describe_R(tree(name), ranks))
    pool, checker = Pool(machine), Checker(machine)
    for rank in range(ranks if held else 0):
        mine = held >> 5 * rank & ((1 << 100) - 1)
        pool.register_alloc(rank + 1, held_R(mine, 0, rank))
        checker.allocate(held_R(mine, 0, rank))
    monkeypatch.setattr(lexicographic, "_solve", refuse)
    request = Request.of(parse_resources(parse_shape(shape)))
    allocation = pool.alloc(99, request)
    verdict = checker.judge(request.shape.vertices, allocation.to_dict())
    certificate = allocation.certificate
    assert_as_certified(certificate, verdict)
    assert certificate["status"] == "OPTIMAL"
    assert [value for name, value in certificate["terms"].items() if name.startswith("affinity")] == crossed
