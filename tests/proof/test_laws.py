"""Laws that hold whatever the right answer is, on fragmented states of real nodes: none of them knows the optimum."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from exactfit.adapters.audit.strategies import Case, resources_of, text
from exactfit.grammar.constraint import ALWAYS, Constraint, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver import Pool, Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.rset import read_R
from opinions import real_case

Json = dict[str, Any]
Terms = Mapping[str, Any] | str
NUMBER = 12
CASES = [real_case(random.Random(f"law {number}")) for number in range(NUMBER)]


def pool_of(case: Case, policy: str = "pack") -> Pool:
    machine = read_R(case.R)
    pool = Pool(machine, Options(policy=parse_policy(policy), time_limit=5.0))
    for number, R in enumerate(case.running, 100):
        pool.register_alloc(number, R)
    if case.down:
        pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    return pool


def request_of(case: Case, constraint: Constraint = ALWAYS) -> Request:
    return Request.of(parse_resources(list(case.resources)), constraint)


def terms_of(pool: Pool, request: Request) -> Terms:
    """Return the values that a pool comes to, or the refusal's name."""
    try:
        certificate = pool.alloc(1, request).to_dict()["scheduling"]["certificate"]
    except (InfeasibleRequest, InsufficientResources) as refusal:
        return type(refusal).__name__
    assert certificate["status"] == "OPTIMAL"
    terms: Json = certificate["terms"]
    return terms


def each_rank_alone(R: Json, draw: random.Random) -> Json:
    """List every rank alone, in any order."""
    made = copy.deepcopy(R)
    lite = [{**entry, "rank": str(rank)} for entry in R["execution"]["R_lite"] for rank in IdSet.parse(entry["rank"])]
    draw.shuffle(lite)
    made["execution"]["R_lite"] = lite
    return made


def domains_turned_round(R: Json, _: random.Random) -> Json:
    """List the domains of each level, and the groups, in the other order."""

    def turn(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turn(inner) for key, inner in value.items()}
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return [turn(item) for item in reversed(value)]
        return value

    made = copy.deepcopy(R)
    for key in ("children", "groups"):
        if key in made.get("scheduling", {}):
            made["scheduling"][key] = turn(made["scheduling"][key])
    return made


def other_hosts(R: Json, draw: random.Random) -> Json:
    """Call the hosts something else, in another order."""
    made = copy.deepcopy(R)
    names = [f"host{number}" for number in range(len(resources_of(R)))]
    draw.shuffle(names)
    made["execution"]["nodelist"] = names
    return made


@pytest.mark.parametrize("change", [each_rank_alone, domains_turned_round, other_hosts])
@pytest.mark.parametrize("number", range(NUMBER))
def test_how_R_is_written_changes_no_value(number: int, change: Callable[[Json, random.Random], Json]) -> None:
    case = CASES[number]
    changed = change(case.R, random.Random(number))
    # A job's R names its hosts.
    running = tuple({**R, "execution": {**R["execution"], "nodelist": []}} for R in case.running)
    for R in running:
        del R["execution"]["nodelist"]
    other = replace(case, R=changed, running=running)
    assert terms_of(pool_of(other), request_of(case)) == terms_of(pool_of(case), request_of(case))


@pytest.mark.parametrize("number", range(NUMBER))
def test_other_ranks_change_no_value(number: int) -> None:
    case = CASES[number]

    def moved(R: Json) -> Json:
        def shift(ids: str) -> str:
            return text([rank + 1000 for rank in IdSet.parse(ids)])

        def in_groups(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: shift(inner) if key == "ranks" else in_groups(inner) for key, inner in value.items()}
            return [in_groups(item) for item in value] if isinstance(value, list) else value

        made = copy.deepcopy(R)
        for entry in made["execution"]["R_lite"]:
            entry["rank"] = shift(entry["rank"])
        if "properties" in made["execution"]:
            made["execution"]["properties"] = {
                name: shift(ids) for name, ids in made["execution"]["properties"].items()
            }
        scheduling = made.get("scheduling", {})
        for entry in [*scheduling.get("children", ()), *scheduling.get("placement", ())]:
            entry["ranks"] = shift(entry["ranks"])
        if "groups" in scheduling:
            scheduling["groups"] = in_groups(scheduling["groups"])
        return made

    down = text([rank + 1000 for rank in IdSet.parse(case.down)]) if case.down else ""
    other = replace(case, R=moved(case.R), running=tuple(map(moved, case.running)), down=down)
    assert terms_of(pool_of(other), request_of(case)) == terms_of(pool_of(case), request_of(case))


@pytest.mark.parametrize("number", range(NUMBER))
def test_another_form_of_the_same_request_changes_nothing(number: int) -> None:
    case = CASES[number]

    def written_out(vertex: Json) -> Json:
        count = vertex["count"]
        made = {**vertex, "count": {"min": count, "max": count} if isinstance(count, int) else count}
        if "with" in vertex:
            made["with"] = [written_out(child) for child in vertex["with"]]
        return made

    other = replace(case, resources=tuple(map(written_out, case.resources)))
    one, same = (terms_of(pool_of(some), request_of(some)) for some in (case, other))
    assert one == same


@pytest.mark.parametrize("number", range(NUMBER))
def test_nodes_that_may_not_be_used_change_no_value(number: int) -> None:
    case = CASES[number]
    ranks = sorted(resources_of(case.R))
    more = copy.deepcopy(case.R)
    new = max(ranks) + 1
    more["execution"]["R_lite"].append({"rank": str(new), "children": {"core": "0-7"}})
    more["execution"]["nodelist"].append("another")
    if "groups" in more.get("scheduling", {}):
        pytest.skip("a rank in no group is no machine of this form")
    only = parse_constraint({"ranks": [text(ranks)]})
    larger = replace(case, R=more)
    assert terms_of(pool_of(larger), request_of(case, only)) == terms_of(pool_of(case), request_of(case))


@pytest.mark.parametrize("number", range(NUMBER))
def test_free_copy_and_reload_change_nothing(number: int) -> None:
    case = CASES[number]
    pool = pool_of(case)
    request = request_of(case)
    try:
        R = pool.alloc(1, request).to_dict()
    except (InfeasibleRequest, InsufficientResources):
        pytest.skip("it does not fit")
    pool.free(1)
    assert pool.alloc(1, request).to_dict() == R
    pool.free(1)
    assert pool.copy().alloc(1, request).to_dict() == R
    again = pool_of(case)
    again.register_alloc(2, R)
    pool.alloc(1, request)
    assert terms_of(again, request) == _second(pool, request)


def _second(pool: Pool, request: Request) -> Terms:
    try:
        terms: Json = pool.alloc(2, request).to_dict()["scheduling"]["certificate"]["terms"]
    except (InfeasibleRequest, InsufficientResources) as refusal:
        return type(refusal).__name__
    return terms


@pytest.mark.parametrize("policy", ["affinity", "spread"])
@pytest.mark.parametrize("number", range(NUMBER))
def test_more_that_is_free_is_never_worse(number: int, policy: str) -> None:
    """Neither a refusal, nor a worse value of the first terms, which only what is chosen counts."""
    case = CASES[number]
    less, more = pool_of(case, policy), pool_of(replace(case, running=case.running[1:], down=""), policy)
    before, after = terms_of(less, request_of(case)), terms_of(more, request_of(case))
    if isinstance(before, str):
        return
    assert not isinstance(after, str)
    first = "affinity" if policy == "affinity" else "size"
    names = ["size", *(name for name in before if name.startswith(first))]
    one, other = ([after[name] for name in names], [before[name] for name in names])
    assert ([-count for count in one[0]], one[1:]) <= ([-count for count in other[0]], other[1:])


@pytest.mark.parametrize("number", range(NUMBER))
def test_what_is_feasible_is_what_the_idle_pool_places(number: int) -> None:
    case = replace(CASES[number], running=(), down="")
    pool = pool_of(case)
    try:
        pool.check_feasibility(request_of(case))
    except InfeasibleRequest:
        assert terms_of(pool, request_of(case)) == "InfeasibleRequest"
    else:
        assert not isinstance(terms_of(pool, request_of(case)), str)
