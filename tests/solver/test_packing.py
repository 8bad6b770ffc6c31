"""Several slot types, and slots on nodes that they name, over several nodes: a placement wherever there is one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.brute import LOWEST, PACK, SPREAD, TooManyError, best
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.machine.packing.items import Items
from exactfit.solver.machine.packing.room import Bin, find_room
from exactfit.solver.node.solver import NodeSolver
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

BRUTE = {"pack": PACK, "spread": SPREAD, "lowest": LOWEST}
AT_ONCE = 1e-9
"""A limit that is reached before any search begins."""


def request_of(*shapes: str) -> Request:
    return Request.of(parse_resources([vertex for shape in shapes for vertex in parse_shape(shape)]))


def in_brute_terms(policy: str) -> tuple[str, ...]:
    return BRUTE.get(policy) or ("size", *(name.replace("worst-", "-") for name in policy.split(",")))


def as_list(terms: dict[str, Any]) -> list[Any]:
    """Return values so that the better ones are less, size included."""
    return [[-size for size in value] if isinstance(value, (list, tuple)) else value for value in terms.values()]


def against_brute_force(case: strategies.Case, policy: str, limit: float) -> None:
    machine = read_R(case.R)
    vertices = parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down = machine.mask_of(IdSet.parse(case.down))
    common: dict[str, Any] = {"constraint": constraint, "policy": in_brute_terms(policy)}
    try:
        now = best(machine, vertices, running=case.running, down=down, **common)
        ever = now if now is not None else best(machine, vertices, **common)
    except TooManyError:
        assume(False)
    pool = Pool(machine, Options(parse_policy(policy), time_limit=limit))
    checker = Checker(machine)
    for number, R in enumerate(case.running):
        pool.register_alloc(number, R)
        checker.allocate(R)
    pool.mark_down(down)
    checker.down(down)
    request = Request.of(vertices, constraint)
    if now is None:
        with pytest.raises(InfeasibleRequest if ever is None else InsufficientResources) as refusal:
            pool.alloc(1000, request)
        assert "cut off" not in str(refusal.value)
        return
    allocation = pool.alloc(1000, request)
    found = allocation.certificate
    best_of_all = [
        -value if name.startswith("worst-fit") else value
        for name, value in zip(found["terms"], as_list(now), strict=True)
    ]
    values, bounds = as_list(found["terms"]), as_list(found["bound"])
    assert bounds <= best_of_all <= values
    if found["status"] == "OPTIMAL" or limit > AT_ONCE:
        assert bounds == best_of_all == values
    verdict = checker.judge(vertices, allocation.to_dict(), constraint=constraint)
    if not any(violation.startswith("not judged") for violation in verdict.violations):
        assert_as_certified(found, verdict)


@given(case=strategies.core_and_gpu_cases(), policy=strategies.policies())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_at_hand_before_any_search(case: strategies.Case, policy: str) -> None:
    against_brute_force(case, policy, AT_ONCE)


@given(case=strategies.core_and_gpu_cases(), policy=strategies.policies())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_best_of_all(case: strategies.Case, policy: str) -> None:
    against_brute_force(case, policy, 60)


ROWS = [
    ("rfc49-a:2", ("slot=2{a}/core=50", "slot=2{b}/core=20")),
    ("rfc49-a:2", ("slot=4{a}/core=25", "slot=4{b}/core=10")),
    ("rfc49-a:2", ("slot=6{a}/[core=15;gpu]", "slot=6{b}/core=8")),
    ("rfc49-a:2", ("[node=1/slot=10{a}/core=12;slot=1{b}/core=2]",)),
    ("rfc49-a:3", ("slot=5{a}/core=50", "slot=5{b}/core=20", "slot=4{c}/[core;gpu=2]")),
    ("rfc49-b:3", ("slot=4{a}/[core=40;gpu]", "slot=2{b}/core=33")),
    ("rfc49-a:12", ("[slot=2{a}/[core;gpu];slot=3,5,8{b}/[core;gpu];slot{c}/[core=7;gpu=2]]",)),
    ("rfc49-a:64", ("slot=300{a}/core=13", "slot=200{b}/[core=2;gpu]", "slot=9{c}/core=100")),
]


@pytest.mark.parametrize("policy", ["pack", "spread", "lowest", "intact,affinity", "fit,shield,affinity,spread"])
@pytest.mark.parametrize(("name", "shapes"), ROWS, ids=[f"{name} {';'.join(shapes)}" for name, shapes in ROWS])
def test_placed_without_a_search(name: str, shapes: tuple[str, ...], policy: str) -> None:
    """Whatever the search might still find, these are placed before it begins, and worth what is said."""
    machine = read_R(preset(name))
    request = request_of(*shapes)
    allocation = Pool(machine, Options(parse_policy(policy), time_limit=AT_ONCE)).alloc(1, request)
    verdict = Checker(machine).judge(request.shape.vertices, allocation.to_dict())
    if not any(violation.startswith("not judged") for violation in verdict.violations):
        assert verdict.legal, verdict.violations
    found = allocation.certificate
    assert as_list(found["bound"]) <= as_list(found["terms"])


@given(
    sizes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)).filter(any), min_size=1, max_size=3),
    bins=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(1, 2)), min_size=1, max_size=3),
    data=st.data(),
)
@settings(max_examples=500, deadline=None)
def test_room_is_found_if_and_only_if_there_is_some(
    sizes: list[tuple[int, int]], bins: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Against trying all ways to give the nodes' items, one item after the other."""
    target = tuple(data.draw(st.integers(1, 4)) for _ in sizes)
    shapes = [
        f"slot={n}{{{label}}}/[{';'.join([*[f'core={c}'] * (c > 0), *[f'gpu={g}'] * (g > 0)])}]"
        for n, (c, g), label in zip(target, sizes, "abc", strict=False)
    ]
    problem = Pool(read_R(preset("rfc49-a:4"))).present[0].problem(request_of(*shapes).shape)
    items = Items.of(problem.demand(()))
    assert items is not None
    nodes = [(cores, gpus) for cores, gpus, number in bins for _ in range(number)]
    pieces = [size for n, size in zip(target, sizes, strict=True) for _ in range(n)]

    def fits(left: list[tuple[int, int]], rest: list[tuple[int, int]]) -> bool:
        if not rest:
            return True
        cores, gpus = rest[0]
        for i in {node: i for i, node in enumerate(left)}.values():
            if left[i][0] >= cores and left[i][1] >= gpus:
                after = [*left[:i], (left[i][0] - cores, left[i][1] - gpus), *left[i + 1 :]]
                if fits(after, rest[1:]):
                    return True
        return False

    room = find_room(items, [Bin(*some) for some in bins], target, Budget(1.0))
    assert (room.packed is not None) == fits(nodes, sorted(pieces, reverse=True))
    assert room.proven or room.packed is not None


def test_plenty_of_room_is_found_with_few_steps() -> None:
    """On thousands of nodes what is looked at does not grow with all ways to mix the items."""
    request = request_of("slot=3000{a}/core=13", "slot=2000{b}/[core=2;gpu]", "slot=90{c}/core=100")
    pool = Pool(read_R(preset("rfc49-a:2000")), Options(time_limit=AT_ONCE))
    assert pool.alloc(1, request).certificate["status"] == "FEASIBLE"


def test_all_that_is_taken_is_refused_by_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("there is nothing to search for")

    monkeypatch.setattr(NodeSolver, "_solve", refuse)
    pool = Pool(read_R(preset("rfc49-a:16")))
    pool.alloc(1, request_of("slot=16/[core=1;gpu=8]"))
    with pytest.raises(InsufficientResources) as refusal:
        pool.alloc(2, request_of("slot=1{a}/core=14", "slot=5{b}/[core=6;gpu=1]"))
    assert "cut off" not in str(refusal.value)
    # Enough cores in all, and for each by itself, but 16 nodes of 119 cores have no room for both.
    with pytest.raises(InsufficientResources) as refusal:
        pool.alloc(2, request_of("slot=15{a}/core=100", "slot=6{b}/core=20"))
    assert "cut off" not in str(refusal.value)


def test_random_requests_on_fragmented_machines_are_settled() -> None:
    """Every one is placed, or refused for a reason that is proven."""
    draws = random.Random(17)
    for nodes in (2, 3, 8):
        pool = Pool(read_R(preset(f"rfc49-a:{nodes}")), Options(time_limit=AT_ONCE))
        for job in range(3 * nodes):
            try:
                pool.alloc(job, request_of(f"slot={draws.randint(1, 3)}/core={draws.randint(1, 17)}"))
            except InsufficientResources:
                continue
        for _ in range(15):
            shapes = [
                f"slot={draws.randint(1, 9)}{{{label}}}/[core={draws.randint(1, 40)}{draws.choice(('', ';gpu'))}]"
                for label in "abc"[: draws.randint(2, 3)]
            ]
            try:
                pool.alloc(1000, request_of(*shapes))
                pool.free(1000)
            except (InsufficientResources, InfeasibleRequest) as refusal:
                assert "cut off" not in str(refusal)
