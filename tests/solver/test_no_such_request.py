"""What no machine can give, as the request contradicts itself, is infeasible, with the path of the vertex at fault."""

from __future__ import annotations

import pytest

from clusters import THREE_CLUSTERS
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R


@pytest.fixture(scope="module")
def machine() -> Machine:
    return read_R(THREE_CLUSTERS)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("slot/[rack=2/core;core]", "a slot that names no node stands on one node; say which nodes each group has"),
        ("slot/[node/core=2;core]", "stands in no node, beside slot/node"),
        ("slot/[node=2/core;memory=1]", "stands beside several nodes in one slot"),
        ("[node{-x};slot/core]", "it asks for nothing"),
        ("node/slot/[core;rack]", "a rack does not stand inside what is around it"),
        ('node/slot{a,id:"0"}/core', "a slot has no ids"),
        ('slot/[core;memory=1{id:"0"}]', "memory has no ids"),
        ("slot/core/gpu", "no gpu stands inside a core"),
        ("slot/[core;memory/core]", "no core stands inside a memory"),
        ("rack/[slot/core;memory=1]", "memory is a thing of nodes"),
        ("node/slot/socket{-x}/memory=1", "asks for no core, no gpu and no whole domain"),
    ],
)
def test_the_vertex_at_fault_is_named(machine: Machine, shape: str, words: str) -> None:
    request = Request.of(parse_resources(parse_shape(shape)))
    for ask in (Pool(machine).check_feasibility, lambda request: Pool(machine).alloc(1, request)):
        with pytest.raises(InfeasibleRequest, match=words):
            ask(request)


def test_a_request_has_at_most_so_many_slot_types_and_vertices(machine: Machine) -> None:
    slots = "[" + ";".join(f"slot{{s{n}}}/core" for n in range(65)) + "]"
    vertices = "slot/[" + ";".join(["core"] * 1001) + "]"
    for shape, words in ((slots, "65 slot types"), (vertices, "1002 vertices")):
        with pytest.raises(InfeasibleRequest, match=words):
            Pool(machine).alloc(1, Request.of(parse_resources(parse_shape(shape))))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"policy": "pack"}, "expected a Policy"),
        ({"time_limit": 0}, "expected seconds above 0"),
        ({"time_limit": float("inf")}, "expected seconds above 0"),
        ({"slot_exclusive": "never"}, "expected one of shared, rfc14"),
        ({"unknown_types": "guess"}, "expected one of refuse, ignore"),
    ],
)
def test_options_are_checked(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**options)  # type: ignore[arg-type]  # what is wrong here is wrong on purpose
