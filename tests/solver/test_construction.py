"""A placement is at hand wherever there are enough cores and GPUs, and it costs what the terms say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import CutOff
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.node import solver as node_solver
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R
from node_trees import SMALL_TREES, TREES, fragment, tree


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def out_of_time(*_: object, **__: object) -> None:
    raise CutOff


def judged(machine: Machine, pool: Pool, request: Request, *running: dict[str, Any]) -> dict[str, Any]:
    """Let the job in, and return its certificate after the checker has redone it."""
    answer = pool.alloc(99, request)
    checker = Checker(machine)
    for R in running:
        checker.allocate(R)
    verdict = checker.judge(request.shape.vertices, answer.to_dict())
    assert_as_certified(answer.certificate, verdict)
    return answer.certificate


kinds = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=3)


@given(st.sampled_from(sorted(TREES)), st.data(), kinds, st.sampled_from(["pack", "intact,affinity", "spread,fit"]))
def test_what_counting_has_room_for_is_placed_without_any_search(
    name: str, data: st.DataObject, kinds: list[tuple[int, int, int]], policy: str
) -> None:
    machine = read_R(describe_R(tree(name), 1))
    running = fragment(machine, data.draw)
    parts = [
        f"slot={count}{{s{number}}}/[core={cores};gpu={gpus}]"
        if cores and gpus
        else f"slot={count}{{s{number}}}/{'core' if cores else 'gpu'}={cores or gpus or 1}"
        for number, (count, cores, gpus) in enumerate(kinds)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_solver.NodeSolver, "_model", out_of_time)
        pool = Pool(machine, Options(parse_policy(policy)))
        pool.register_alloc(1, running)
        asked = [(c * n, (g or (0 if c else 1)) * n) for n, c, g in kinds]
        free = pool.present[1].classes
        (state,) = free
        fits = sum(a for a, _ in asked) <= state.free_cores and sum(b for _, b in asked) <= state.free_gpus
        request = ask(f"node=1/[{';'.join(parts)}]")
        if fits:
            certificate = judged(machine, pool, request, running)
            assert certificate["status"] in ("OPTIMAL", "FEASIBLE")
        else:
            with pytest.raises((InsufficientResources, InfeasibleRequest)) as refusal:
                pool.alloc(99, request)
            assert "cut off" not in str(refusal.value)


SHAPES = [
    ("A-node", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]"),
    ("A-node", "node=1/[slot=2{a}/core=50;slot=1{b}/core=20]"),
    ("A-node", "node=1/[slot=6{a}/[core=15;gpu=1];slot=6{b}/core=5]"),
    ("EPYC", "node=1/slot=25/core=5"),
    ("four levels", "node=1/slot=81/core=3"),
    ("two dies", "node=1/slot=7/core=17"),
    ("EPYC with GPUs", "node=1/[slot=1{a}/core=14;slot=5{b}/[core=6;gpu=1]]"),
    ("cores outside", "node=1/slot=6/core=4"),
]


@pytest.mark.parametrize("policy", ["pack", "spread", "intact,affinity", "worst-fit,affinity", "spread,fit", "lowest"])
@pytest.mark.parametrize(("name", "shape"), SHAPES)
def test_idle_nodes_are_never_refused(name: str, shape: str, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_solver.NodeSolver, "_model", out_of_time)
    machine = read_R(describe_R(tree(name), 1))
    judged(machine, Pool(machine, Options(parse_policy(policy))), ask(shape))


def test_what_counting_refuses_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_solver.NodeSolver, "_model", out_of_time)
    machine = read_R(describe_R(tree("EPYC with GPUs"), 1))
    pool = Pool(machine)
    pool.alloc(1, ask("node=1/slot=1/[core=8;gpu=8]"))
    with pytest.raises(InsufficientResources) as refusal:
        pool.alloc(2, ask("node=1/[slot=1{a}/core=14;slot=5{b}/[core=6;gpu=1]]"))
    assert "gpu" in str(refusal.value)
    assert "cut off" not in str(refusal.value)


NESTED = [
    "slot={n}/{d}={k}/core={c}",
    "{d}={k}/slot={n}/core={c}",
    "slot={n}/{d}={k}/[core={c};gpu=1]",
    "{d}=1{{x}}/slot={n}/core=1",
    "slot={n}/{d}{{x}}",
    "[slot=1{{a}}/{d}={k}/core={c};slot={n}{{b}}/core=1]",
    "[slot={n}{{a}}/{d}{{x}};slot={k}{{b}}/{e}=1/core={c}]",
    "{e}={k}/slot={n}/{d}=1/core={c}",
    "slot={n}/{e}=1/[{d}={k}/core={c};core=1]",
    "[slot={n}{{a}}/{e}=1/core={c};slot={k}{{b}}/[core=1;gpu=1]]",
]


@given(
    st.sampled_from(sorted(SMALL_TREES)),
    st.data(),
    st.sampled_from(NESTED),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 3),
    st.sampled_from(["pack", "intact,affinity", "shield,fit"]),
)
def test_what_names_domains_is_placed_without_any_search_if_it_can_be(
    name: str, data: st.DataObject, form: str, n: int, k: int, c: int, policy: str
) -> None:
    machine = read_R(describe_R(SMALL_TREES[name].topo, 1))
    levels = machine.levels
    running = fragment(machine, data.draw)
    request = ask("node=1/" + form.format(n=n, k=k, c=c, d=levels[-1], e=levels[0]))
    options = Options(parse_policy(policy))
    pool, rough = Pool(machine, options), Pool(machine, options)
    pool.register_alloc(1, running)
    rough.register_alloc(1, running)
    try:
        best = pool.alloc(99, request).certificate
    except (InsufficientResources, InfeasibleRequest):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_solver.NodeSolver, "_model", out_of_time)
        found = judged(machine, rough, request, running)
    reached, optimum, bound = (list(some.values())[1:] for some in (found["terms"], best["terms"], found["bound"]))
    assert best["status"] != "OPTIMAL" or bound <= optimum <= reached


@pytest.mark.parametrize(
    "shape",
    [
        "node=1/slot=5/[core=21;memory=19]",
        "node=1/slot=3/[core=30;memory=100]",
        "node=1/[slot=2{a}/[core=20;memory=70];slot=4{b}/[core=3;gpu=1;memory=5]]",
        "node=1/slot=8/[gpu=1;memory=64]",
    ],
)
def test_amounts_are_dealt_to_what_is_constructed(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_solver.NodeSolver, "_model", out_of_time)
    machine = read_R(describe_R(tree("A-node with memory"), 1))
    judged(machine, Pool(machine), ask(shape))
