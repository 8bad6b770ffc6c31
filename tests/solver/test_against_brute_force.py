"""On small machines the pool does as well, in every term, as trying everything; and refuses just what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.brute import LOWEST, PACK, SPREAD, TooManyError, best
from exactfit.adapters.audit.brute.terms import Terms
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

BRUTE = {"pack": PACK, "spread": SPREAD, "lowest": LOWEST}


def in_brute_terms(policy: str) -> tuple[str, ...]:
    """Return a policy, by its name or as an order of terms, as the brute force takes it."""
    return BRUTE.get(policy) or ("size", *(name.replace("worst-", "-") for name in policy.split(",")))


def proven(certificate: dict[str, Any]) -> Terms:
    """Return a certificate's terms as the brute force writes them."""
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"] == certificate["bound"]
    terms: Terms = {}
    for name, value in certificate["terms"].items():
        if isinstance(value, list):
            terms[name] = tuple(value)
        elif name.startswith("worst-fit."):
            terms[name.removeprefix("worst-")] = -value
        else:
            terms[name] = value
    return terms


def check(case: strategies.Case, policy: str) -> None:
    machine = read_R(case.R)
    vertices = parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down = machine.mask_of(IdSet.parse(case.down))
    options = Options(parse_policy(policy), slot_exclusive=case.slot_exclusive, time_limit=60)
    pool = Pool(machine, options)
    for number, R in enumerate(case.running):
        pool.register_alloc(number, R)
    pool.mark_down(down)
    common: dict[str, Any] = {
        "constraint": constraint,
        "policy": in_brute_terms(policy),
        "slot_exclusive": case.slot_exclusive,
    }
    try:
        now = best(machine, vertices, running=case.running, down=down, **common)
        ever = now if now is not None else best(machine, vertices, **common)
    except TooManyError:
        assume(False)
    request = Request.of(vertices, constraint)
    before = pool.generation
    if now is not None:
        allocation = pool.alloc(1000, request)
        found = proven(allocation.certificate)
        assert found == now, (found, now)
        assert pool.generation == before + 1
        judge(case, machine, request, allocation.to_dict(), down)
        return
    with pytest.raises(InfeasibleRequest if ever is None else InsufficientResources):
        pool.alloc(1000, request)
    assert pool.generation == before


def judge(case: strategies.Case, machine: Machine, request: Request, R: dict[str, Any], down: int) -> None:
    """Put an answer to the checker, which says the same of it; it gives up on few that are hard to split."""
    checker = Checker(machine)
    for running in case.running:
        checker.allocate(running)
    checker.down(down)
    vertices = request.shape.vertices
    verdict = checker.judge(vertices, R, constraint=request.constraint, slot_exclusive=case.slot_exclusive)
    if not any(violation.startswith("not judged") for violation in verdict.violations):
        assert verdict.violations == ()
        found = proven(R["scheduling"]["certificate"])
        assert {name: verdict.terms[name] for name in found} == found


@pytest.mark.parametrize("policy", ["pack", "spread", "lowest"])
@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_requests_of_nodes_slots_and_whole_domains(policy: str, data: st.DataObject) -> None:
    check(data.draw(strategies.cases(simple=True)), policy)


@pytest.mark.parametrize("policy", ["pack", "spread", "lowest"])
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_of_rfc_14(policy: str, data: st.DataObject) -> None:
    check(data.draw(strategies.cases()), policy)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_memory_from_elsewhere(data: st.DataObject) -> None:
    check(data.draw(strategies.memory_cases()), data.draw(strategies.policies()))


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_slots_of_several_gpus(data: st.DataObject) -> None:
    policy = data.draw(st.one_of(st.just("links,affinity,share,spread,intact,fit"), strategies.policies()))
    check(data.draw(strategies.link_cases()), policy)
