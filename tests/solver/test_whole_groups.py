"""Racks and clusters that are taken whole, by jobs and by slots, compared with trying everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.strategies import counts, vertex
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Checker, Options, Request
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

from .test_against_brute_force import check

Json = dict[str, Any]


@st.composite
def requests(draw: st.DrawFn, R: Json) -> tuple[Json, ...]:
    """Draw a request with a group that is taken whole."""
    level = draw(st.sampled_from(strategies.group_levels_of(R)))
    cores = [vertex("core", draw(counts(3)))]
    node = vertex("node", draw(counts(2)), *cores, **draw(st.sampled_from(({}, {"exclusive": True}))))
    slot = vertex("slot", draw(counts(2)), *cores, label="task")
    forms: list[Json] = [
        vertex("slot", draw(counts(2)), vertex(level, draw(counts(2))), label="task"),
        vertex("slot", draw(counts(2)), vertex(level, 1, node, exclusive=True), label="task"),
        vertex("slot", 1, vertex(level, 1, *cores, exclusive=True), label="task"),
        vertex(level, draw(counts(2)), slot, exclusive=True),
        vertex(level, draw(counts(2)), vertex("node", draw(counts(2)), slot), exclusive=True),
        vertex(level, 1, vertex("slot", draw(counts(2)), node, label="task"), exclusive=True),
        vertex(level, 1, vertex("slot", 1, node, label="other"), slot, exclusive=True),
    ]
    made = draw(st.sampled_from(forms))
    if draw(st.integers(0, 3)):
        return (made,)
    return made, vertex("slot", draw(counts(2)), vertex("core", 1), label="beside")


@st.composite
def cases(draw: st.DrawFn) -> strategies.Case:
    R = draw(strategies.machines())
    # A machine without a tree has no groups either: they would be its tree.
    scheduling = R.setdefault("scheduling", {"writer": "TreePool", "children": []})
    scheduling["groups"] = draw(strategies.groups(sorted(strategies.resources_of(R))))
    if not scheduling.get("children"):
        scheduling.pop("children", None)
    running, down = draw(strategies.states(R))
    if draw(st.booleans()):
        running, down = (), ""
    return strategies.Case(R, running, down, draw(requests(R)))


@pytest.mark.parametrize("policy", ["pack", "spread"])
@given(case=cases())
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
def test_as_good_as_trying_everything(policy: str, case: strategies.Case) -> None:
    check(case, policy)


RACK: Json = {
    "version": 1,
    "execution": {"R_lite": [{"rank": "0-2", "children": {"core": "0", "gpu": "0"}}], "nodelist": ["n[0-2]"]},
    "scheduling": {"writer": "TreePool", "groups": {"rack": [{"ranks": "0-2"}]}},
}


@pytest.mark.parametrize(("shape", "shield"), [("node=3/core", 3), ("node=2/core", 2), ("node=1+/core", 3)])
def test_gpus_of_a_whole_rack_are_not_those_of_a_slot_in_it(shape: str, shield: int) -> None:
    certificate = Pool(read_R(RACK)).alloc(1, f"rack{{x}}/slot=1/{shape}").certificate
    assert certificate["status"] == "OPTIMAL"
    assert certificate["terms"] == certificate["bound"]
    assert certificate["terms"]["shield"] == shield


def test_what_stands_before_shield_is_proven_where_parts_of_a_slot_differ() -> None:
    lite = [{"rank": "0-1", "children": {"core": "0-1", "gpu": "0-1"}}, {"rank": "2", "children": {"core": "0-3"}}]
    R = {**RACK, "execution": {**RACK["execution"], "R_lite": lite}}
    certificate = Pool(read_R(R)).alloc(1, "slot=1/[node=1{x};node=1/core=1]").certificate
    values, bounds = certificate["terms"], certificate["bound"]
    before = list(values)[: list(values).index("shield")]
    assert "intact.node" in before
    assert [bounds[name] for name in before] == [values[name] for name in before]


def test_a_whole_domain_without_gpus_gives_its_slot_none() -> None:
    topo = [{"ranks": "0-1", "topo": {"numa": [{"cores": "0"}], "gpus": "0-1"}}]
    lite = [{"rank": "0-1", "children": {"core": "0-1", "gpu": "0-1"}}]
    R = {**RACK, "execution": {**RACK["execution"], "R_lite": lite}, "scheduling": {"children": topo}}
    R["execution"]["nodelist"] = ["n[0-1]"]
    request = parse_resources(parse_shape("slot=1/[node=1/core;node=1/numa]"))
    allocation = Pool(read_R(R), Options(parse_policy("affinity,share,shield"))).alloc(1, Request.of(request))
    assert allocation.certificate["status"] == "OPTIMAL"
    assert (
        Checker(read_R(R)).judge(request, allocation.to_dict()).terms["shield"]
        == allocation.certificate["terms"]["shield"]
    )
