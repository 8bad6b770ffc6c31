"""What a certificate says when searches end before they know: bounds that no placement beats, never a false proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat import budget
from exactfit.solver.cpsat.budget import CutOff
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.machine.decide import Decider
from exactfit.solver.node import solver as node_solver
from exactfit.solver.node import tearing
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

STEPS = (1e-9, *(n / budget.STEPS for n in (1, 2, 5, 10, 100, 600, 1000, 2000, 4000, 8000, 16_000, 64_000)))
"""Limits that are over before any search begins, or at some point of one."""

POLICIES_OF_SITES = (
    "pack",
    "partial,share,fit",
    "spread",
    "fit,affinity",
    "intact,spread,affinity",
    "shield,worst-fit,affinity",
)

SOLVE = node_solver.NodeSolver._model


def state_of(case: strategies.Case, policy: str, time_limit: float) -> Pool:
    machine = read_R(case.R)
    pool = Pool(machine, Options(parse_policy(policy), slot_exclusive=case.slot_exclusive, time_limit=time_limit))
    for number, R in enumerate(case.running):
        pool.register_alloc(number, R)
    pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    return pool


def check(case: strategies.Case, policy: str, rough: Pool) -> None:
    vertices = parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    request = Request.of(vertices, constraint)
    try:
        allocation = rough.alloc(1000, request)
    except (InfeasibleRequest, InsufficientResources) as refusal:
        if "cut off" in str(refusal):
            return
        with unhindered(), pytest.raises(type(refusal)):
            state_of(case, policy, 60).alloc(1000, request)
        return
    checker = Checker(rough.machine)
    for R in case.running:
        checker.allocate(R)
    checker.down(rough.machine.mask_of(IdSet.parse(case.down)))
    answer = allocation.to_dict()
    verdict = checker.judge(vertices, answer, constraint=constraint, slot_exclusive=case.slot_exclusive)
    assert verdict.legal
    found = allocation.certificate
    assert costs(found["terms"]) == {name: cost_of(name, verdict.terms) for name in found["terms"]}
    with unhindered():
        best = state_of(case, policy, 60).alloc(1000, request).certificate
    assert best["status"] == "OPTIMAL"
    compare(found, best)


def cost_of(name: str, terms: Mapping[str, Any]) -> Any:
    """Return what less of is better: of sizes, more is; what the policy turns round is turned back."""
    if name == "size":
        return [-size for size in terms[name]]
    return -terms[name.removeprefix("worst-")] if name.startswith("worst-") and name not in terms else terms[name]


def costs(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cost_of(name, terms) for name in terms}


def compare(found: dict[str, Any], best: dict[str, Any]) -> None:
    """See that no bound is beaten by the best placement, nor by the placement itself, and that no proof is false."""
    reached, bound, optimum = costs(found["terms"]), costs(found["bound"]), costs(best["terms"])
    assert list(reached.values()) >= list(optimum.values())
    assert all(bound[name] <= reached[name] for name in bound)
    for name in reached:
        if name in bound:
            assert bound[name] <= optimum[name]
        if reached[name] != optimum[name]:
            break
    if found["status"] == "OPTIMAL":
        assert reached == bound == optimum
    else:
        assert bound != reached


@contextmanager
def unhindered() -> Iterator[None]:
    """Let every search come to its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_solver.NodeSolver, "_model", SOLVE)
        yield


@pytest.mark.parametrize("policy", [*POLICIES_OF_SITES])
@given(case=strategies.cases(), limit=st.sampled_from(STEPS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_cut_off_at_any_step(policy: str, limit: float, case: strategies.Case) -> None:
    check(case, policy, state_of(case, policy, limit))


@pytest.mark.parametrize("simple", [True, False])
@pytest.mark.parametrize("policy", ["pack", "spread"])
@given(data=st.data(), period=st.integers(1, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_some_nodes_are_not_searched(policy: str, simple: bool, data: st.DataObject, period: int) -> None:
    case = data.draw(strategies.cases(simple=simple))
    calls = 0

    def sometimes(self: node_solver.NodeSolver, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % period == 0:
            raise CutOff
        return SOLVE(self, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node_solver.NodeSolver, "_model", sometimes)
        patch.setattr(tearing.TornSlots, "_partition", None)
        check(case, policy, state_of(case, policy, 60))


@pytest.mark.parametrize(
    ("shape", "trials"),
    [
        *(("slot=1+/core=2", trials) for trials in range(1, 9)),
        *(("node=1+/slot=1+/[core=4;gpu]", trials) for trials in range(1, 9)),
        # Where counts stand beside memory, they are first bounded by what fits without it.
        *(("slot=1-9/[core=1+;memory=1+]", trials) for trials in range(16, 60, 4)),
    ],
)
def test_counts_that_were_found_by_then_are_used(shape: str, trials: int) -> None:
    """Where the time is over after so many trials of counts, the job gets the largest that were found to fit."""
    machine = read_R(preset("rfc49-b:2"))
    request = Request.of(parse_resources(parse_shape(shape)))
    best = Pool(machine).alloc(1, request).certificate
    fits, left = Decider.fits, trials

    def some(*args: Any) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise CutOff
        return fits(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decider, "fits", some)
        allocation = Pool(machine).alloc(1, request)
    found = allocation.certificate
    assert Checker(machine).judge(request.shape.vertices, allocation.to_dict()).legal
    assert found["terms"]["size"] <= best["terms"]["size"] <= found["bound"]["size"]
    if left < 0:
        assert found["status"] == "FEASIBLE"
        assert found["terms"]["size"] < found["bound"]["size"]
    else:
        assert found == best


def test_a_refusal_says_where_it_does_not_know_whether_it_is_for_ever() -> None:
    """That nothing fits now is proven by counting; that nothing ever does takes a search, for which no work is left."""
    children = {"topo": {"numa": [{"cores": "0"}, {"cores": "1"}], "gpus": "0-1"}, "ranks": "0"}
    execution = {"R_lite": [{"rank": "0", "children": {"core": "0-1", "gpu": "0-1"}}], "nodelist": ["n0"]}
    scheduling = {"children": [children], "groups": {"cluster": [{"ranks": "0"}]}}
    machine = read_R({"version": 1, "execution": execution, "scheduling": scheduling})
    numas = Request.of(parse_resources(parse_shape("cluster=1/numa=1/slot=1/[core=1;gpu=1]")))
    busy = Request.of(parse_resources(parse_shape("slot=1/gpu=2")))
    rough, patient = (Pool(machine, Options(time_limit=limit)) for limit in (1e-9, 60))
    for pool in (rough, patient):
        pool.alloc(1, busy)
    with pytest.raises(InsufficientResources, match="cut off before it knew whether it ever does") as refusal:
        rough.alloc(2, numas)
    assert refusal.value.proven
    with pytest.raises(InfeasibleRequest):
        patient.alloc(2, numas)
