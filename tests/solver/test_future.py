"""The term `future`: how much less room for the usual jobs there is, held against trying everything and the checker."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from operator import mul
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.brute import PACK, TooManyError, best
from exactfit.adapters.usual_jobs import read_usual
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import Policy, Room, affinity, parse_policy
from exactfit.solver.policy.usual import Usual, parse_usual
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import arrange
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

JOBS = ((3, (1, 0), 0), (2, (2, 1), 0), (5, (1, 0), 3), (1, (1, 1), 2))
"""A weight, cores and GPUs of a slot, and how many slots a node gives."""


def text_of(jobs: tuple[tuple[int, tuple[int, int], int], ...]) -> str:
    lines = []
    for weight, (cores, gpus), each in jobs:
        slot = f"[core={cores};gpu={gpus}]" if gpus else f"core={cores}"
        lines.append(f"{weight} => {f'node=1/slot={each}/' if each else 'slot=1/'}{slot}")
    return "\n".join(lines)


def policy_of(text: str, usual: str) -> Policy:
    return parse_policy(text, lambda _: parse_usual(usual) if usual else Usual())


ORDERS = (
    ("future=x", ("size", "partial", "affinity", "share", "future", *PACK[4:])),
    ("affinity,future=x,fit", ("size", "affinity", "future", "fit")),
    ("future=x,affinity", ("size", "future", "affinity")),
)


@pytest.mark.parametrize("usual", [JOBS, ()], ids=["jobs", "domains"])
@pytest.mark.parametrize(("policy", "brute"), ORDERS, ids=["named", "after", "before"])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_placement_leaves_more_room(
    policy: str, brute: tuple[str, ...], usual: tuple[Any, ...], data: st.DataObject
) -> None:
    case = data.draw(strategies.cases(simple=data.draw(st.booleans())))
    machine, vertices = read_R(case.R), parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down, text = machine.mask_of(IdSet.parse(case.down)), text_of(usual)
    options = Options(policy_of(policy, text), slot_exclusive=case.slot_exclusive, time_limit=60)
    pool, checker = Pool(machine, options), Checker(machine, text)
    for number, R in enumerate(case.running):
        pool.register_alloc(number, R)
        checker.allocate(R)
    pool.mark_down(down)
    checker.down(down)
    common: dict[str, Any] = {"policy": brute, "usual": usual, "slot_exclusive": case.slot_exclusive}
    try:
        now = best(machine, vertices, constraint=constraint, running=case.running, down=down, **common)
    except TooManyError:
        assume(False)
    request = Request.of(vertices, constraint)
    if now is None:
        with pytest.raises((InfeasibleRequest, InsufficientResources)):
            pool.alloc(1000, request)
        return
    allocation = pool.alloc(1000, request)
    certificate = allocation.certificate
    found = {name: tuple(v) if isinstance(v, list) else v for name, v in certificate["terms"].items()}
    assert (certificate["status"], certificate["bound"]) == ("OPTIMAL", certificate["terms"])
    assert found == now
    verdict = checker.judge(vertices, allocation.to_dict(), constraint=constraint, slot_exclusive=case.slot_exclusive)
    if not any(violation.startswith("not judged") for violation in verdict.violations):
        assert {name: verdict.terms[name] for name in found} == found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no shape has a weight above 0"),
        ("0 => slot=1/core=1", "no shape has a weight above 0"),
        ("slot=1/core=1", "x:1: expected WEIGHT => SHAPE"),
        ("# a\nmany => slot=1/core=1", "x:2: expected a weight, got 'many'"),
        ("-1 => slot=1/core=1", "x:1: a weight is from 0 to"),
        ("nan => slot=1/core=1", "x:1: expected a weight"),
        ("1/0 => slot=1/core=1", "x:1: expected a weight"),
        ("1e999999999999999999999999999999999999999 => slot=1/core=1", "x:1: a weight is from 0 to"),
        ("1 => slot=1/core=<n>", "x:1: "),
        ("1 => slot=1/core=1+", "x:1: a usual slot holds so many cores and GPUs, not core"),
        ("1 => slot=1/numa{x}", "x:1: "),
        ("1 => slot=1/numa/core=2", "x:1: a usual slot holds so many cores and GPUs, not numa"),
        ("1 => core=1", "x:1: resources: "),
        ("1 => node=1/[slot=1,label=a/core=1;slot=1,label=b/core=2]", "x:1: "),
        ("1 => slot=1/memory=1", "x:1: a usual slot takes a core or a GPU at least"),
    ],
)
def test_what_is_no_list_of_usual_jobs(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_usual(text, "x")


def test_a_file_is_the_sites_to_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only the site names usual jobs"):
        parse_policy("future=/dev/zero")
    resources = [{"type": "slot", "count": 1, "label": "task", "with": [{"type": "core", "count": 1}]}]
    system = {"duration": 1, "exactfit": {"policy": "affinity,future=x"}}
    tasks = [{"command": ["a"], "slot": "task", "count": {"per_slot": 1}}]
    spec = {"version": 1, "resources": resources, "tasks": tasks, "attributes": {"system": system}}
    with pytest.raises(ValueError, match=r"attributes\.system\.exactfit\.policy"):
        Request.from_jobspec(spec)
    for name in ("/dev/zero", str(tmp_path), str(tmp_path / "none")):
        with pytest.raises(ValueError, match=name):
            read_usual(name)


def test_room_is_what_it_is_said_to_be() -> None:
    """Of 15 cores and a GPU: two thirds of the jobs take 7 cores, a third 10 and the GPU, the larger share."""
    usual = parse_usual("2 => slot=1/core=7\n1 => slot=4/[core=10;gpu=1]")
    numa = arrange(read_R(preset("rfc49-a")).types[0], (1 << 120) - 1, 255).state.children[0].children[0]
    assert [usual.room(numa, cores, gpus) for cores, gpus in ((15, 1), (15, 0), (10, 1), (9, 1), (6, 1))] == [
        2 * 4667 + 5000,
        2 * 4667,
        4667 + 5000,
        4667,
        0,
    ]


def test_room_counts_each_shape_as_often_as_it_fits() -> None:
    """On a socket of 22 cores and two GPUs; four kinds of jobs weigh the same."""
    shapes = (5, 0), (3, 1), (0, 1), (22, 2)
    texts = (";".join(f"{name}={n}" for name, n in zip(("core", "gpu"), shape, strict=True) if n) for shape in shapes)
    usual = parse_usual("".join(f"1 => slot=1/[{text}]\n" for text in texts))
    socket = arrange(read_R(preset("sierra:1")).types[0], (1 << 44) - 1, 15).state.children[0]
    for gpus, cores in product(range(3), range(23)):
        times = [min(have // need for have, need in ((cores, c), (gpus, g)) if need) for c, g in shapes]
        weights = [250 * max(c, 11 * g) for c, g in shapes]
        assert usual.room(socket, cores, gpus) == sum(map(mul, times, weights))


def test_a_part_of_a_node_is_room_at_the_node_and_a_whole_node_only_when_idle() -> None:
    usual = parse_usual("1 => node=2/slot=4/core=15\n1 => slot=8/node")
    node = arrange(read_R(preset("rfc49-a")).types[0], (1 << 120) - 1, 255).state
    assert usual.room(node, 120, 8) == 2 * 30_000 + 60_000
    assert usual.room(node, 119, 8) == 30_000


def test_cores_are_left_where_usual_jobs_are_whole() -> None:
    """One numa has 8 cores left, the others 15, of which six would leave no room for ten."""
    pool = Pool(read_R(preset("rfc49-a:1")), Options(policy_of("affinity,future=x", "1 => slot=1/core=10")))
    pool.alloc(1, Request.of(parse_resources(parse_shape("slot=1/core=7"))))
    held = pool.alloc(2, Request.of(parse_resources(parse_shape("slot=1/core=6")))).to_dict()
    assert held["execution"]["R_lite"][0]["children"] == {"core": "7-12"}
    assert held["scheduling"]["certificate"]["terms"]["future"] == 0


@pytest.mark.parametrize(
    ("room", "fault"),
    [
        (lambda _domain, cores, _gpus: -cores, "has less room where more of it is free"),
        (lambda _domain, cores, _gpus: cores / 2, "is an integer"),
        (lambda _domain, cores, _gpus: cores << 50, "room adds up to"),
    ],
)
def test_room_that_cannot_be_proven_is_refused(room: Callable[..., int], fault: str) -> None:
    policy = Policy("own", (affinity, lambda _groups, _levels: [Room("own", room)]))
    with pytest.raises((TypeError, ValueError), match=fault):
        Pool(read_R(preset("rfc49-a:1")), Options(policy))


def test_a_decision_counts_little_more_work_with_the_term_than_without() -> None:
    """Both pools are in the states that the term makes: decisions that follow each other, and nothing is searched."""
    machine = read_R(preset("rfc49-a:16"))
    pools = {name: Pool(machine, Options(parse_policy(name))) for name in ("future", "pack")}
    spent = dict.fromkeys(pools, 0.0)
    draw = random.Random(5)
    running: list[int] = []
    requests = [Request.from_shape(shape) for shape in SHAPES]
    for job in range(300):
        while len(running) >= 38:
            ended = running.pop(draw.randrange(len(running)))
            for pool in pools.values():
                pool.free(ended)
        request, placed = draw.choice(requests), {}
        for name, pool in pools.items():
            budget = Budget(1.0)
            copy = pool.copy()
            try:
                placed[name] = copy.alloc(job, request, budget=budget).to_dict()
            except InsufficientResources:
                continue
            spent[name] += budget.spent
        if placed:
            running.append(job)
            for pool in pools.values():
                pool.register_alloc(job, placed["future"])
    assert 0 < spent["future"] < 1.6 * spent["pack"]
    assert all(pool.present[0].node_solver.solves == 0 for pool in pools.values())


SHAPES = (
    "slot=1/core=7",
    "node=1/slot=4/[core=15;gpu=1]",
    "slot=2/[core=10;gpu=1]",
    "node=1/slot=3/core=5",
    "slot=1/core=3",
)
