"""Memory that several levels list: a whole domain has all that it lists itself and all that is listed in it."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest

from agreement import compare
from exactfit.adapters.audit.brute import TooManyError
from exactfit.adapters.audit.reference import without_reasons
from exactfit.adapters.audit.strategies import Case
from exactfit.grammar.shape import parse_shape

PATIENCE = 500


def machine(node: int, socket: int, numa: int, l3: int = 0) -> dict[str, Any]:
    """Return R of a node of two sockets of two numa of two cores, each of which lists so many GiB of its own.

    With `l3`, each numa has two l3 of a core, with so much.
    """

    def listing(memory: int) -> dict[str, int]:
        return {"memory": memory} if memory else {}

    def numa_domain(number: int) -> dict[str, Any]:
        cores: dict[str, Any] = {"cores": f"{2 * number}-{2 * number + 1}"}
        if l3:
            cores = {"l3": [{"cores": f"{2 * number + i}", "memory": l3} for i in range(2)]}
        return {**cores, **listing(numa)}

    sockets = [{**listing(socket), "numa": [numa_domain(2 * s), numa_domain(2 * s + 1)]} for s in range(2)]
    return {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-7"}}], "starttime": 0, "expiration": 0},
        "scheduling": {"children": [{"ranks": "0", "topo": {**listing(node), "socket": sockets}}]},
    }


LISTINGS = [(0, 1, 1, 0), (1, 1, 1, 0), (2, 0, 1, 0), (1, 2, 0, 0), (1, 0, 1, 1), (0, 1, 1, 1), (0, 2, 0, 1)]
"""GiB that the node, each socket, each numa and each l3 list."""

SHAPES = [
    "slot=1/socket{{x}}/[core=1;memory={0}{{unit:MiB}}]",
    "slot=1/[socket{{x}}/[core=1;memory={0}{{unit:MiB}}];memory=1]",
    "slot=2/[socket{{x}}/[core=1;memory={0}{{unit:MiB}}];memory=1]",
    "slot=1/[socket/[core=1;memory={0}{{unit:MiB}}];memory=1]",
    "socket{{x}}/[slot=2/[core=1;memory={0}{{unit:MiB}}];memory=1]",
    "slot=2/numa{{x}}/[core=1;memory={0}{{unit:MiB}}]",
    "slot=1/numa=2{{x}}/memory={0}{{unit:MiB}}",
    "node{{x}}/slot=1/[core=2;memory={0}{{unit:MiB}}]",
    "slot=1/node{{x}}/[core=1;memory={0}{{unit:MiB}}]",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_a_domain_and_its_inside_list_is_there(shape: str) -> None:
    outcomes: Counter[str] = Counter()
    for listing, amount in product(LISTINGS, (1024, 2560, 3584, 9728)):
        case = Case(R=machine(*listing), resources=tuple(parse_shape(shape.format(amount))))
        try:
            outcomes[compare(case, "pack", PATIENCE, without_reasons)] += 1
        except TooManyError:
            outcomes["too many to try"] += 1
    assert outcomes["placed"] >= 4
    assert outcomes["refused for ever"] >= 3
    assert outcomes["too many to try"] <= 12


def test_memory_of_the_socket_and_of_its_numa_add_up() -> None:
    """The socket lists 1 GiB beside 1 GiB in each of its numa: 2.5 GiB fit in it where all of it is taken."""
    resources = tuple(parse_shape("slot=1/[socket{x}/[core=1;memory=2560{unit:MiB}];memory=1]"))
    case = Case(R=machine(0, 1, 1), resources=resources)
    assert compare(case, "pack", PATIENCE, without_reasons) == "placed"


@pytest.mark.parametrize(
    "shape", ["slot=2/numa{x}/[core=1;memory=2560{unit:MiB}]", "slot=1/numa=2{x}/memory=2560{unit:MiB}"]
)
def test_what_a_whole_domain_does_not_list_comes_from_all_around_it(shape: str) -> None:
    """No numa lists memory: each has 2 GiB of its socket and half of the node's one."""
    case = Case(R=machine(1, 2, 0), resources=tuple(parse_shape(shape)))
    assert compare(case, "pack", 5_000, without_reasons) == "placed"


@pytest.mark.parametrize("policy", ["pack", "spread", "worst-fit", "partial,worst-fit,affinity", "worst-fit,share,fit"])
@pytest.mark.parametrize(
    "shape",
    [
        "slot=1/[numa{x};core=1;memory=1]",
        "slot=1/[numa{x};core=1;memory=3]",
        "slot=1/[numa{x};memory=3]",
        "slot=1/[numa{x}/memory=1;memory=2]",
        "slot=1/[numa{x};numa/[core=1;memory=1]]",
        "slot=1/[numa{x}/memory=1;numa/[core=1;memory=1];memory=1]",
        "slot=2/[numa{x};core=1;memory=2]",
    ],
)
def test_what_is_asked_for_beside_a_whole_domain_is_worth_what_is_said(shape: str, policy: str) -> None:
    """Also where it is worth something to touch more domains than are needed for what is asked for."""
    case = Case(R=machine(0, 0, 2), resources=tuple(parse_shape(shape)))
    assert compare(case, policy, 100_000, without_reasons) == "placed"


@pytest.mark.parametrize("policy", ["pack", "partial,worst-fit", "spread"])
@pytest.mark.parametrize(
    "shape",
    ["slot/[numa{x};core;ib10g]", "slot/[numa{x};core;ib10g=2]", "slot/[numa=2{x};ib10g=2]", "slot/[numa{x};ib10g=2]"],
)
def test_cards_beside_a_whole_domain_are_worth_what_is_said(shape: str, policy: str) -> None:
    """The whole domain lists a card itself, and another one may be worth more to the policy."""
    topo = {"numa": [{"cores": "0", "ib10g": 1}, {"cores": "1", "ib10g": 1}, {"cores": "2", "ib10g": 1}]}
    R = machine(0, 0, 0)
    R["execution"]["R_lite"] = [{"rank": "0", "children": {"core": "0-3"}}]
    R["scheduling"]["children"] = [{"ranks": "0", "topo": topo}]
    assert compare(Case(R=R, resources=tuple(parse_shape(shape))), policy, 5_000, without_reasons) == "placed"
