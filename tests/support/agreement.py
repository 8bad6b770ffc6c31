"""Random small cases, on which the pool, its certificates and the checker agree with trying everything.

``python -m agreement CASES SEED`` draws so many cases of each kind and says what came of them; where two disagree it
ends with the smallest case that hypothesis finds. A case in which trying everything takes too long is drawn again, and
counted. It runs on one core; pieces of other seeds draw other cases.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

import nested
import network_cards
import omitted_names
import several_nodes
from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.brute import LOWEST, PACK, SPREAD, TooManyError, best
from exactfit.adapters.audit.brute.terms import Terms
from exactfit.adapters.audit.reference import without_reasons
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.allocator import Allocator
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

BRUTE = {"pack": PACK, "spread": SPREAD, "lowest": LOWEST}


NOT_PROVEN = "placed as well as can be, not proven"


def in_brute_terms(policy: str) -> tuple[str, ...]:
    """Return a policy, by its name or as an order of terms, as the brute force takes it."""
    return BRUTE.get(policy) or ("size", *(name.replace("worst-", "-") for name in policy.split(",")))


def stated(certificate: dict[str, Any]) -> Terms:
    """Return a certificate's terms as the brute force writes them."""
    terms: Terms = {}
    for name, value in certificate["terms"].items():
        if isinstance(value, list):
            terms[name] = tuple(value)
        elif name.startswith("worst-fit."):
            terms[name.removeprefix("worst-")] = -value
        else:
            terms[name] = value
    return terms


def is_proven(certificate: dict[str, Any]) -> bool:
    """Tell whether nothing is better by a certificate's own words; a bound that is open must be below the value."""
    values, bounds = certificate["terms"], certificate["bound"]
    first = next((name for name in values if bounds.get(name) != values[name]), None)
    assert (certificate["status"] == "OPTIMAL") == (first is None)
    assert first is None or first not in bounds or bounds[first] < values[first]
    return first is None


def check(case: strategies.Case, policy: str) -> str:
    """Compare as `compare` does, and ask for a proof; where trying everything takes too long there is no case."""
    try:
        outcome = compare(case, policy, 100_000, Pool)
    except TooManyError:
        assume(False)
        raise
    assert outcome != NOT_PROVEN
    return outcome


def compare(case: strategies.Case, policy: str, patience: int, kind: Callable[[Machine, Options], Allocator]) -> str:
    """Compare a pool, its certificate and the checker with trying everything; return what came of the request.

    Parameters
    ----------
    kind
        Makes the pool.
    patience
        How many partial placements to try.

    Raises
    ------
    TooManyError
        There are more.
    """
    machine = read_R(case.R)
    vertices = parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down = machine.mask_of(IdSet.parse(case.down))
    options = Options(parse_policy(policy), slot_exclusive=case.slot_exclusive, time_limit=60)
    pool = kind(machine, options)
    for number, R in enumerate(case.running):
        pool.register_alloc(number, R)
    pool.mark_down(down)
    common: dict[str, Any] = {
        "constraint": constraint,
        "policy": in_brute_terms(policy),
        "slot_exclusive": case.slot_exclusive,
        "patience": patience,
    }
    now = best(machine, vertices, running=case.running, down=down, **common)
    ever = now if now is not None else best(machine, vertices, **common)
    request = Request.of(vertices, constraint)
    before = pool.generation
    if now is not None:
        allocation = pool.alloc(1000, request)
        found = stated(allocation.certificate)
        assert found == now, (found, now)
        assert pool.generation == before + 1
        judge(case, machine, request, allocation.to_dict(), down)
        return "placed" if is_proven(allocation.certificate) else NOT_PROVEN
    with pytest.raises(InfeasibleRequest if ever is None else InsufficientResources):
        pool.alloc(1000, request)
    assert pool.generation == before
    return "refused for ever" if ever is None else "refused for now"


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
        found = stated(R["scheduling"]["certificate"])
        assert {name: verdict.terms[name] for name in found} == found


KINDS: dict[str, Callable[[], st.SearchStrategy[strategies.Case]]] = {
    "nodes, slots and whole domains": lambda: strategies.cases(simple=True),
    "all of RFC 14": strategies.cases,
    "cores and GPUs": strategies.core_and_gpu_cases,
    "memory from elsewhere": strategies.memory_cases,
    "slots of several GPUs, joined unlike": strategies.link_cases,
    "slots in slots": nested.cases,
    "names that R leaves out": omitted_names.cases,
    "slots of several nodes, asked unlike": several_nodes.cases,
    "slots with network cards": network_cards.cases,
}
PATIENCE = 3_000
"""Partial placements that are tried for one case."""
AGREED = ("placed", NOT_PROVEN, "refused for now", "refused for ever")
TOO_LARGE = "drawn again"


def agree(kind: str, cases: int, number: int) -> Counter[str]:
    """Return what came of so many random cases of a kind; why requests are refused is not looked for."""
    found: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.data())
    def compared(data: st.DataObject) -> None:
        case, policy = data.draw(KINDS[kind]()), data.draw(strategies.policies())
        try:
            found[compare(case, policy, PATIENCE, without_reasons)] += 1
        except TooManyError:
            found[TOO_LARGE] += 1
            assume(False)

    compared()
    return found


def main(cases: int, number: int) -> None:
    """Print for each kind of case how many agreed, placed and refused."""
    for kind in KINDS:
        start = time.process_time()
        found = agree(kind, cases, number)
        said = ", ".join(f"{found[what]} {what}" for what in AGREED)
        total, again = sum(found[what] for what in AGREED), found[TOO_LARGE]
        spent = time.process_time() - start
        print(f"{kind}: {total} agree: {said}; {again} too large, drawn again ({spent:.0f} s)", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
