"""Whatever ends a search: the certificate gives the placement's own values, and bounds that nothing else is beyond."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Checker, InfeasibleRequest, InsufficientResources, Machine, Options, Pool, Request
from exactfit.solver.cpsat.budget import STEPS, Budget
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.describe import describe_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from node_trees import TREES, Tree, fragment, tree

TWO_FOUR_TWO = Tree((("socket", 2), ("numa", 4), ("l3", 2)), 8, ("numa", 1))

POLICIES = ("pack", "fit,affinity", "intact,affinity", "spread,fit,affinity", "shield,affinity", "spread")


def answer(
    machine: Machine, policy: str, shape: str, limit: float, *running: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the certificate of a job, after the checker has redone its values; None for a job that is not placed."""
    pool, checker = Pool(machine, Options(parse_policy(policy), time_limit=limit)), Checker(machine)
    for jobid, R in enumerate(running):
        pool.register_alloc(jobid, R)
        checker.allocate(R)
    request = Request.of(parse_resources(parse_shape(shape)))
    budget = Budget(limit)
    try:
        allocation = pool.alloc(99, request, budget=budget)
    except (InsufficientResources, InfeasibleRequest):
        return None
    finally:
        # The placement at hand is made whatever the limit, and that alone is more than a tenth of the least ones.
        assert budget.spent <= max(1.1 * limit, limit + 0.01)
    certificate = allocation.certificate
    verdict = checker.judge(request.shape.vertices, allocation.to_dict())
    assert_as_certified(certificate, verdict)
    assert_bounds_are_kept(certificate, certificate)
    return certificate


def assert_bounds_are_kept(certificate: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """See that a placement is not beyond the bounds of another one, as far as they tie."""
    for name, value in certificate["terms"].items():
        if name in certificate["bound"]:
            bound, reached = certificate["bound"][name], other["terms"][name]
            assert bound >= reached if name == "size" else bound <= reached
        if other["terms"][name] != value:
            break


def limits() -> st.SearchStrategy[float]:
    """Return limits from a step up to a tenth of a second of work, each order of magnitude as often."""
    return st.sampled_from([n * 10**power / STEPS for power in range(5) for n in (1, 2, 5)])


@given(
    name=st.sampled_from(sorted(TREES)),
    data=st.data(),
    policy=st.sampled_from(POLICIES),
    kinds=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=2),
    form=st.sampled_from(["node=1/[{}]", "[{}]", "node=1-2/[{}]"]),
    some=limits(),
    more=limits(),
)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_on_fragmented_nodes_of_real_kinds(
    name: str,
    data: st.DataObject,
    policy: str,
    kinds: list[tuple[int, int, int]],
    form: str,
    some: float,
    more: float,
) -> None:
    machine = read_R(describe_R(tree(name), 2))
    slots = []
    for number, (count, cores, gpus) in enumerate(kinds):
        wants = ";".join(f"{kind}={n}" for kind, n in (("core", cores), ("gpu", gpus)) if n) or "core=1+"
        slots.append(f"slot={count}{{s{number}}}/[{wants}]")
    shape = form.format(";".join(slots))
    running = fragment(machine, data.draw)
    found = [answer(machine, policy, shape, limit, running) for limit in (some, more)]
    placed = [certificate for certificate in found if certificate is not None]
    for one in placed:
        for other in placed:
            assert_bounds_are_kept(one, other)


@given(some=limits(), more=limits())
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize(
    ("topo", "policy", "shape"),
    [
        (TWO_FOUR_TWO, "fit,affinity", "node=1/slot=3/[core=7+;gpu]"),
        (TWO_FOUR_TWO, "pack", "node=1/slot=3/[core=7+;gpu]"),
        (TWO_FOUR_TWO, "pack", "slot=7/core=17"),
        (TREES["A-node"], "fit,affinity", "slot=12/core=7"),
        (TREES["A-node"], "intact,affinity", "slot=2/[core=33;gpu=3]"),
        (TREES["A-node with memory"], "pack", "slot=5/[core=21;memory=19]"),
    ],
)
def test_on_idle_nodes(topo: Tree, policy: str, shape: str, some: float, more: float) -> None:
    machine = read_R(describe_R(topo.topo, 1))
    found = [answer(machine, policy, shape, limit) for limit in (some, more)]
    placed = [certificate for certificate in found if certificate is not None]
    for one in placed:
        for other in placed:
            assert_bounds_are_kept(one, other)


@given(limit=limits())
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize(
    "shape",
    [
        "node=2/slot=2{a}/[core=33;gpu=3]",
        "[slot=7{a}/core=13;slot=5{b}/[core=3;gpu=1]]",
        "slot=2/node=2/[core=31;gpu=1]",
        "slot=1+/[core=40;gpu=1-8]",
    ],
)
@pytest.mark.parametrize("policy", ["pack", "fit,affinity"])
def test_over_nodes(shape: str, policy: str, limit: float) -> None:
    answer(read_R(preset("rfc49-a:5")), policy, shape, limit)


def test_a_term_after_one_that_is_open_has_no_bound_that_was_not_proven() -> None:
    machine = read_R(describe_R(TWO_FOUR_TWO.topo, 1))
    certificate = answer(machine, "fit,affinity", "node=1/slot=3/[core=7+;gpu]", 1 / STEPS)
    assert certificate is not None
    assert certificate["status"] == "FEASIBLE"
    names = list(certificate["terms"])
    opened = next(name for name in names if certificate["bound"].get(name) != certificate["terms"][name])
    assert set(certificate["bound"]) <= set(names[: names.index(opened) + 1])
