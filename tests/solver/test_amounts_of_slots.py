"""Where a slot's memory and the like come from, beside domains that it takes whole and cores that stand elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.audit.strategies import Case
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

from .test_against_brute_force import check

Json = dict[str, Any]


def machine(topo: Json, cores: str, gpus: str = "") -> Machine:
    children = {"core": cores, "gpu": gpus} if gpus else {"core": cores}
    return read_R(
        {
            "version": 1,
            "execution": {"R_lite": [{"rank": "0", "children": children}], "nodelist": ["n0"]},
            "scheduling": {"children": [{"ranks": "0", "topo": topo}]},
        }
    )


TWO = {"socket": [{"cores": "0-1", "nic": 1, "memory": 8}, {"cores": "2-3", "nic": 1, "memory": 8}]}
DIES = {"socket": [{"memory": 4, "numa": [{"cores": "0-1", "memory": 2}, {"cores": "2-3"}]}]}
APART = {"socket": [{"cores": "0-1", "memory": 8}, {"gpus": "0", "memory": 8}]}


def placed(there: Machine, shape: str) -> list[Json]:
    """Place a shape on an idle machine, have the answer judged, and return its slots."""
    request = Request.of(parse_resources(parse_shape(shape)))
    R = Pool(there).alloc(1, request).to_dict()
    verdict = Checker(there).judge(request.shape.vertices, R)
    assert verdict.legal, verdict.violations
    slots: list[Json] = R["scheduling"]["placement"][0]["slots"]
    return slots


@pytest.mark.parametrize(
    ("topo", "cores", "gpus", "shape", "cores_of_slot", "amount"),
    [
        # What a whole domain lists is the slot's with it.
        (TWO, "0-3", "", "slot/[socket;nic=1]", "0-1", {"nic": 1, "memory": 8}),
        (TWO, "0-3", "", "slot/[socket;memory=8]", "0-1", {"nic": 1, "memory": 8}),
        # A core in the other socket brings that one's.
        (TWO, "0-3", "", "slot/[socket;core;nic=2]", "0-2", {"nic": 2, "memory": 8}),
        (TWO, "0-3", "", "slot/[socket;core;memory=12]", "0-2", {"nic": 1, "memory": 12}),
        # The order in which the request names them is no matter.
        (TWO, "0-3", "", "slot/[memory=12;core;socket]", "0-2", {"nic": 1, "memory": 12}),
        # A domain whose memory is asked for stands where the slot's cores do, where it can.
        (TWO, "0-3", "", "slot/[core=2;socket{-x}/memory=8]", "0-1", {"memory": 8}),
        # The nearest domain that lists any.
        (DIES, "0-3", "", "slot/[core=2;memory=4]", "2-3", {"memory": 4}),
        (DIES, "0-3", "", "slot/[core=2;memory=2]", "2-3", {"memory": 2}),
        (DIES, "0-3", "", "slot/[core=3;memory=6]", "0,2-3", {"memory": 6}),
        # Without cores its GPUs count.
        (APART, "0-1", "0", "slot/[gpu;memory=8]", None, {"memory": 8}),
        (APART, "0-1", "0", "slot/[core;gpu;memory=8]", "0", {"memory": 8}),
    ],
)
def test_an_amount_comes_from_where_the_slot_is(
    topo: Json, cores: str, gpus: str, shape: str, cores_of_slot: str | None, amount: Json
) -> None:
    (slot,) = placed(machine(topo, cores, gpus), shape)
    assert slot.get("cores") == cores_of_slot
    assert {name: slot[name] for name in slot.keys() - {"label", "cores", "gpus"}} == amount


@pytest.mark.parametrize(
    ("topo", "cores", "gpus", "shape", "domains", "crossed"),
    [
        # What the domains of a slot's cores lack comes from others, which it then touches.
        (TWO, "0-3", "", "slot/[core;memory=16]", {"memory": {"socket 0": 8, "socket 1": 8}}, 1),
        (TWO, "0-3", "", "slot/[core;memory=9]", {"memory": {"socket 0": 8, "socket 1": 1}}, 1),
        (TWO, "0-3", "", "slot/[socket;nic=2]", {"nic": {"socket 0": 1, "socket 1": 1}}, 1),
        (TWO, "0-3", "", "slot/node/[socket;nic=2]", {"nic": {"socket 0": 1, "socket 1": 1}}, 1),
        (TWO, "0-3", "", "slot/[socket;memory=9]", {"memory": {"socket 0": 8, "socket 1": 1}}, 1),
        # Two slots of which one cannot have its memory where its core is.
        (TWO, "0-3", "", "slot=3/[core;memory=5]", {"memory": {"socket 0": 3, "socket 1": 2}}, 1),
        # The memory of a socket that the slot touches, beside that of its numa, costs nothing.
        (DIES, "0-3", "", "slot/[core;memory=4]", None, 0),
        (DIES, "0-3", "", "slot/[core=2;memory=6]", None, 0),
        (APART, "0-1", "0", "slot/[gpu;memory=9]", {"memory": {"socket 0": 1, "socket 1": 8}}, 1),
        (APART, "0-1", "0", "slot/[core;gpu;memory=16]", None, 1),
    ],
)
def test_what_is_missing_there_comes_from_elsewhere_at_a_price(
    topo: Json, cores: str, gpus: str, shape: str, domains: Json | None, crossed: int
) -> None:
    there = machine(topo, cores, gpus)
    slots = placed(there, shape)
    said = [slot["domains"] for slot in slots if "domains" in slot]
    assert said == ([] if domains is None else [domains])
    R = Pool(there).alloc(1, Request.of(parse_resources(parse_shape(shape)))).to_dict()
    assert R["scheduling"]["certificate"]["terms"]["affinity.socket"] == crossed


@pytest.mark.parametrize(
    ("topo", "cores", "gpus", "shape"),
    [
        (TWO, "0-3", "", "slot/[core;memory=17]"),
        (TWO, "0-3", "", "slot=2/[socket;nic=2]"),
        (TWO, "0-3", "", "slot/[socket;core;memory=17]"),
        (TWO, "0-3", "", "slot=4/[core;memory=5]"),
        (DIES, "0-3", "", "slot/[core=3;memory=7]"),
        (APART, "0-1", "0", "slot/[core;gpu;memory=17]"),
        # What stands in a domain stays there.
        (TWO, "0-3", "", "slot/socket{-x}/[core;memory=9]"),
        (TWO, "0-3", "", "socket/slot/[core;memory=9]"),
        # A domain that a slot has whole gives nothing to others.
        (TWO, "0-3", "", "[slot{a}/socket;slot{b}/[core;memory=9]]"),
        (TWO, "0-3", "", "[socket{x}/slot{a}/core;slot{b}/[core;memory=9]]"),
    ],
)
def test_only_what_there_is_not_is_refused(topo: Json, cores: str, gpus: str, shape: str) -> None:
    with pytest.raises(InfeasibleRequest):
        placed(machine(topo, cores, gpus), shape)


def test_a_reloaded_pool_knows_which_domain_gave_what() -> None:
    there = machine(TWO, "0-3")
    pool = Pool(there)
    R = pool.alloc(1, Request.of(parse_resources(parse_shape("slot/[core;memory=9]")))).to_dict()
    again = Pool(there)
    again.register_alloc(1, R)
    assert list(again.present[1].classes) == list(pool.present[1].classes)
    without = {**R, "scheduling": {**R["scheduling"], "placement": [{"ranks": "0", "slots": [SAID_NOTHING]}]}}
    by_hand = Pool(there)
    by_hand.register_alloc(1, without)
    assert list(by_hand.present[1].classes) == list(pool.present[1].classes)
    for shape in ("slot/[core;memory=7]", "slot/[core;memory=8]"):
        request = Request.of(parse_resources(parse_shape(shape)))
        verdicts = []
        for one in (pool, again, by_hand):
            try:
                verdicts.append(one.copy().alloc(2, request).to_dict()["scheduling"]["placement"])
            except InsufficientResources:
                verdicts.append([])
        assert verdicts[0] == verdicts[1] == verdicts[2]
        assert bool(verdicts[0]) == (shape == "slot/[core;memory=7]")


SAID_NOTHING = {"label": "task", "cores": "0", "memory": 9}
"""A slot of which R does not say which domains gave its memory: those of its cores, then others."""


OUTSIDE = {"socket": [{"numa": [{"cores": "0"}]}]}


@pytest.mark.parametrize("policy", ["pack", "spread", "fit"])
@pytest.mark.parametrize(("slots", "nodes"), [(1, 2), (2, 1), (1, 3)])
def test_a_piece_in_no_domain_is_not_better_for_its_slot_than_the_first_in_one(
    policy: str, slots: int, nodes: int
) -> None:
    # Core 1 of each node stands in no socket.
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-2", "children": {"core": "0-1"}}], "nodelist": ["n[0-2]"]},
        "scheduling": {"children": [{"ranks": "0-2", "topo": OUTSIDE}]},
    }
    core = {"type": "core", "count": 1}
    request = {
        "type": "slot",
        "count": slots,
        "label": "task",
        "with": [{"type": "node", "count": nodes, "with": [core]}],
    }
    check(Case(R, resources=(request,)), policy)


def test_what_a_running_job_has_of_several_domains_is_where_its_R_says() -> None:
    """A slot that has a whole node has the node's own memory too, though no core of its stands there."""
    topo = {"memory": 1, "gpus": "0", "socket": [{"memory": 1, "cores": "0"}]}
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0", "gpu": "0"}}], "nodelist": ["n[0-1]"]},
        "scheduling": {"children": [{"ranks": "0-1", "topo": topo}]},
    }
    there = read_R(R)
    running = Pool(there).alloc(1, Request.of(parse_resources(parse_shape("slot/node")))).to_dict()
    assert running["scheduling"]["amounts"] == [{"ranks": "0", "memory": {"node 0": 1, "socket 0": 1}}]
    for inside in (["core"], ["core", "memory"], ["gpu", "memory"]):
        wants = tuple({"type": name, "count": 1} for name in inside)
        for slots in (1, 2):
            request = {"type": "slot", "count": slots, "label": "task", "with": list(wants)}
            check(Case(R, running=(running,), resources=(request,)), "pack")


L3 = [{"cores": "0-1"}, {"cores": "2-3"}]
BESIDE: dict[str, Json] = {
    "socket": {"socket": [{"gpus": "0", "memory": 4, "l3": L3}, {"gpus": "1", "memory": 4}]},
    "node": {"gpus": "0-1", "memory": 8, "l3": L3},
    "l3": {"socket": [{"gpus": "0", "l3": [{"memory": 2, **one} for one in L3]}, {"gpus": "1", "memory": 1}]},
    "another": {"socket": [{"gpus": "0", "l3": L3}, {"gpus": "1", "memory": 4}]},
}
"""Nodes whose memory stands beside a level of caches that have none, or only there."""


@pytest.mark.parametrize("topo", BESIDE)
@pytest.mark.parametrize("inside", [("core", "gpu", "l3"), ("core", "l3"), ("gpu", "l3"), ("l3",)], ids="-".join)
@pytest.mark.parametrize("amount", [1, 3])
def test_a_level_beside_cores_and_gpus_is_as_the_brute_force_has_it(
    topo: str, inside: tuple[str, ...], amount: int
) -> None:
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0-3", "gpu": "0-1"}}], "nodelist": ["n[0-1]"]},
        "scheduling": {"children": [{"ranks": "0-1", "topo": BESIDE[topo]}]},
    }
    wants = [{"type": name, "count": 1} for name in inside] + [{"type": "memory", "count": amount}]
    check(Case(R, resources=({"type": "slot", "count": 1, "label": "task", "with": wants},)), "pack")


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("slot/node=2/[core;nic=3]", [{"numa 0": 2, "numa 1": 1}, {"numa 0": 2, "numa 1": 1}]),
        ("slot/node=2/[core;nic=2]", [None, {"numa 0": 2}]),
        ("slot=2/node/[core;nic=2]", [None, {"numa 0": 1, "numa 1": 1}]),
    ],
)
def test_each_node_of_a_slot_says_from_where_its_amounts_come(shape: str, said: list[dict[str, int] | None]) -> None:
    """Of the second node R lists a GPU and no core beside the two adapters."""
    topo = {"numa": [{"cores": "0-1", "gpus": "0", "nic": 2}, {"cores": "2-3", "nic": 1}]}
    R = describe_R(topo, 2)
    R["execution"]["R_lite"] = [
        {"rank": "0", "children": {"core": "0-3"}},
        {"rank": "1", "children": {"core": "2-3", "gpu": "0"}},
    ]
    pool, request = Pool(read_R(R)), Request.from_shape(shape)
    allocation = pool.alloc(1, request)
    slots = [slot for entry in allocation.placement() for slot in entry["slots"]]
    assert [slot["domains"]["nic"] if "domains" in slot else None for slot in slots] == said
    verdict = Checker(pool.machine).judge(request.shape.vertices, allocation.to_dict())
    assert verdict.violations == ()
    again = Pool(pool.machine)
    again.register_alloc(1, allocation.to_dict())
    assert again.present[1].classes == pool.present[1].classes
