"""Slots that must be torn: parted domains against the node model, and what is left when time runs out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget, CutOff
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.request import Request
from exactfit.solver.node import solver as node_solver
from exactfit.solver.node.equal_slots import slots_bundle
from exactfit.solver.node.model.model import solve_bundle
from exactfit.solver.node.packing import SlotShape
from exactfit.solver.node.tearing import TornSlots
from exactfit.solver.policy.scale import Scale
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import DomainState, arrange
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

Topo = dict[str, Any]


def ids(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def nest(levels: list[tuple[str, int]], cores: int, gpu_level: str, at: list[int]) -> Topo:
    """Return domains in domains, the innermost with so many cores, a GPU in each domain of one level."""
    topo: Topo = {}
    if not levels:
        topo["cores"] = ids(at[0], cores)
        at[0] += cores
        return topo
    (level, number), *inner = levels
    domains = []
    for _ in range(number):
        domain = nest(inner, cores, gpu_level, at)
        if level == gpu_level:
            domain["gpus"] = str(at[1])
            at[1] += 1
        domains.append(domain)
    topo[level] = domains
    return topo


def machine_of(form: str, nodes: int = 1) -> Machine:
    """Return a machine of equal nodes in one rack."""
    levels, cores, gpu_level = FORMS[form]
    at = [0, 0]
    topo = nest(levels, cores, gpu_level, at)
    children = {"core": ids(0, at[0]), "gpu": ids(0, at[1])}
    ranks = ids(0, nodes)
    lite = [{"rank": ranks, "children": children}]
    execution = {"R_lite": lite, "nodelist": [f"n[{ranks}]"], "starttime": 0, "expiration": 0}
    scheduling = {"children": [{"ranks": ranks, "topo": topo}], "groups": {"rack": [{"ranks": ranks}]}}
    return read_R({"version": 1, "execution": execution, "scheduling": scheduling})


FORMS = {
    "GPUs in numa": ([("socket", 2), ("numa", 2)], 4, "numa"),
    "GPUs at the socket": ([("socket", 3), ("numa", 2)], 3, "socket"),
    "three levels": ([("socket", 2), ("numa", 2), ("l3", 2)], 2, "numa"),
    "one level": ([("numa", 6)], 4, "numa"),
}
POLICIES = ("pack", "spread", "affinity,fit", "affinity,shield,intact")


@st.composite
def states(draw: st.DrawFn) -> tuple[DomainState, Scale]:
    machine = machine_of(draw(st.sampled_from(sorted(FORMS))))
    node_type = machine.types[0]
    free_cores = draw(st.integers(1, node_type.cores))
    free_gpus = draw(st.integers(0, node_type.gpus))
    policy = parse_policy(draw(st.sampled_from(POLICIES)))
    return arrange(node_type, free_cores, free_gpus).state, Scale(policy.components((), machine.levels))


@given(states(), st.integers(0, 7), st.integers(0, 2), st.integers(0, 100))
def test_a_bound_that_is_reached_is_what_the_model_finds(
    drawn: tuple[DomainState, Scale], cores: int, gpus: int, number: int
) -> None:
    state, scale = drawn
    assume(cores or gpus)
    shape = SlotShape(cores, gpus, not gpus)
    assume(shape.capacity(state))
    count = 1 + number % shape.capacity(state)
    torn = TornSlots(scale, state, shape).best(count)
    assert len(torn.slots) == count
    assert all(sum(share.cores for share in slot) == cores for slot in torn.slots)
    assert all(sum(share.gpus for share in slot) == gpus for slot in torn.slots)
    for place, domain in enumerate(state.flat):
        there = [share for slot in torn.slots for share in slot if share.place == place]
        assert sum(share.cores for share in there) <= domain.own_free_cores
        assert sum(share.gpus for share in there) <= domain.own_free_gpus
    bundle = slots_bundle(shape, count)
    status, best = solve_bundle(state, bundle, scale, Budget(60), shielded=shape.shielded)
    assert status is Status.OPTIMAL
    assert best is not None
    assert best.cost <= torn.cost
    if torn.bound is not None:
        assert torn.bound <= best.cost
    if not (cores and gpus) and torn.bound is not None:
        assert torn.cost == torn.bound, "one resource can always be strung"


@pytest.mark.parametrize("shape", ["slot=9/core=7", "node=1/slot=3/[core=30;gpu=2]", "slot=2/[core=40;gpu=3]"])
def test_an_idle_node_needs_no_model(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_solver.NodeSolver, "_model", refuse_to_solve)
    allocation = Pool(read_R(preset("rfc49-a:4"))).alloc(1, ask(shape))
    assert allocation.certificate["status"] == "OPTIMAL"


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        (1, "slot=2/[core=8;gpu=1]"),
        (1, "node=1/slot=2/[core=8;gpu=1]"),
        (2, "node=2/slot=2/[core=8;gpu=1]"),
        (2, "slot=4/[core=8;gpu=1]"),
        (2, "rack=1/slot=4/[core=8;gpu=1]"),
        (2, "rack=1/node=2/slot=2/[core=8;gpu=1]"),
        (7, "slot=14/[core=8;gpu=1]"),
    ],
)
def test_what_cannot_be_proven_in_time_is_placed_all_the_same(
    nodes: int, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machine_of("GPUs at the socket", nodes)
    request = ask(shape)
    best = Pool(machine).alloc(1, request).certificate
    monkeypatch.setattr(node_solver.NodeSolver, "_model", out_of_time)
    allocation = Pool(machine).alloc(1, request)
    verdict = Checker(machine).judge(request.shape.vertices, allocation.to_dict())
    rough = allocation.certificate
    assert_as_certified(rough, verdict)
    assert (rough["status"], best["status"]) == ("FEASIBLE", "OPTIMAL")
    bound, reached, optimum = (list(some.values())[1:] for some in (rough["bound"], rough["terms"], best["terms"]))
    assert bound < optimum == reached


@pytest.mark.parametrize(
    ("machine", "shape", "sizes"),
    [
        ("rfc49-b:2", "slot=2+/[core=1+;memory=1]", [192, 1]),
        ("rfc49-b:2", "slot=2/[core=1+;memory=1]", [96]),
        ("rfc49-a:2", "node=1/slot=1+/[core=2+;storage=1]", [60, 2]),
        ("rfc49-a:2", "slot=58/[core=2;storage=1]", []),
    ],
)
def test_amounts_beside_torn_slots_and_open_counts(machine: str, shape: str, sizes: list[int]) -> None:
    there = read_R(preset(machine))
    request = ask(shape)
    allocation = Pool(there).alloc(1, request)
    assert Checker(there).judge(request.shape.vertices, allocation.to_dict()).legal
    assert allocation.certificate["status"] == "OPTIMAL"
    assert allocation.certificate["terms"]["size"] == sizes


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def out_of_time(*_: object, **__: object) -> None:
    raise CutOff


def refuse_to_solve(*_: object, **__: object) -> None:
    raise AssertionError("there is nothing to search for")
