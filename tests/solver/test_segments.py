"""Slots of several nodes and the groups that they stand in: segments that must, or should, be in one rack."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from certified import assert_as_certified
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def racks(*sizes: int, cores: int = 4) -> Json:
    """Return `scheduling.groups` of racks of so many nodes each, with the R around them."""
    bounds = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
    groups = {"rack": [{"ranks": span(a, b)} for a, b in pairwise(bounds)]}
    return machine(bounds[-1], groups, cores)


def span(first: int, end: int) -> str:
    return str(IdSet.of(range(first, end)))


def machine(nodes: int, groups: Json, cores: int = 4) -> Json:
    execution = {
        "R_lite": [{"rank": span(0, nodes), "children": {"core": span(0, cores)}}],
        "nodelist": [f"n[{span(0, nodes)}]"],
        "starttime": 0,
        "expiration": 0,
    }
    return {"version": 1, "execution": execution, "scheduling": {"groups": groups}}


def halls(blocks: int, racks_each: int, nodes: int) -> Json:
    """Return a machine of blocks of racks of nodes."""
    ranks = [span(n * nodes, (n + 1) * nodes) for n in range(blocks * racks_each)]
    rows = [ranks[n : n + racks_each] for n in range(0, len(ranks), racks_each)]
    groups = {"block": [{"rack": [{"ranks": rank} for rank in row]} for row in rows]}
    return machine(blocks * racks_each * nodes, groups)


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def placed(R: Json, shape: str, *before: str) -> tuple[Json, list[str]]:
    """Return the terms of what is placed, which is proven and judged, and the ranks of each slot."""
    pool = Pool(read_R(R))
    checker = Checker(pool.machine)
    for number, one in enumerate(before, 1):
        checker.allocate(pool.alloc(number, request(one)).to_dict())
    answer = pool.alloc(100, request(shape)).to_dict()
    certificate = answer["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    verdict = checker.judge(parse_resources(parse_shape(shape)), answer)
    assert_as_certified(certificate, verdict)
    slots: dict[int, set[int]] = {}
    for entry in answer["scheduling"]["placement"]:
        for slot in entry.get("slots", ()):
            slots.setdefault(slot["slot"], set()).update(IdSet.parse(entry["ranks"]))
    return certificate["terms"], [str(IdSet.of(slots[n])) for n in sorted(slots)]


FOUR_OF_18 = racks(18, 18, 18, 18)
SEGMENTS = ["0-7", "8-15", "18-25", "26-33", "36-43", "44-51"]


@pytest.mark.parametrize("shape", ["slot=6/node=8", "slot=6/rack/node=8"])
def test_no_slot_crosses_a_rack_where_none_has_to(shape: str) -> None:
    terms, slots = placed(FOUR_OF_18, shape)
    assert (terms["affinity.rack"], terms["spread.rack"], slots) == (0, 3, SEGMENTS)


def test_a_rack_of_its_own_for_each_segment() -> None:
    with pytest.raises(InfeasibleRequest, match="4 exist"):
        Pool(read_R(FOUR_OF_18)).alloc(1, request("slot=6/rack{x}/node=8"))
    terms, slots = placed(FOUR_OF_18, "slot=4/rack{x}/node=8")
    assert (terms["spread.rack"], slots) == (4, ["0-17", "18-35", "36-53", "54-71"])


def test_one_segment_more_than_racks_hold_whole() -> None:
    # Eight are whole, two to a rack; the ninth has the two nodes that are left of each.
    assert placed(FOUR_OF_18, "slot=9/node=8")[0]["affinity.rack"] == 3
    with pytest.raises(InfeasibleRequest):
        Pool(read_R(FOUR_OF_18)).alloc(1, request("slot=9/rack/node=8"))


def test_slurm_placed_17_17_and_2() -> None:
    # `--nodes=36 --segment=12` on three blocks of 17, as published: two segments were cut.
    terms, slots = placed(racks(17, 17, 17), "slot=3/node=12")
    assert (terms["affinity.rack"], slots) == (0, ["0-11", "17-28", "34-45"])


def test_kueue_required_preferred_slices_and_two_layers() -> None:
    site = halls(2, 4, 18)
    # Required: all in one rack, or not at all.
    assert placed(site, "slot/rack/node=18")[1] == ["0-17"]
    with pytest.raises(InfeasibleRequest):
        Pool(read_R(site)).alloc(1, request("slot/rack/node=19"))
    # Preferred: in one rack if that can be, else in one block.
    terms, _ = placed(site, "slot/node=19")
    assert (terms["affinity.block"], terms["affinity.rack"], terms["spread.rack"]) == (0, 1, 2)
    # Slices: six of six, each within a rack, three to a rack.
    terms, slots = placed(site, "slot=6/rack/node=6")
    assert (terms["spread.rack"], slots[2:4]) == (2, ["12-17", "18-23"])
    # Two layers: 64 to a block, and of these 16 to a rack.
    terms, slots = placed(site, "slot=2/block/rack=4/node=16")
    assert (terms["affinity.block"], terms["affinity.rack"]) == (0, 6)
    assert slots == ["0-15,18-33,36-51,54-69", "72-87,90-105,108-123,126-141"]


def test_groups_nest_and_instances_of_one_vertex_are_different() -> None:
    # Each block has racks for two slots, each of which takes two different racks.
    terms, slots = placed(halls(2, 2, 8), "slot=4/block/rack=2/node=4")
    assert (terms["affinity.block"], terms["affinity.rack"], terms["spread.rack"]) == (0, 4, 4)
    assert slots == ["0-3,8-11", "4-7,12-15", "16-19,24-27", "20-23,28-31"]
    with pytest.raises(InfeasibleRequest):
        Pool(read_R(halls(2, 2, 8))).alloc(1, request("slot=4/block/rack=3/node=1"))


def test_racks_of_unequal_size_and_state() -> None:
    # Nodes that are taken leave 3, 5, 2 and 4: two slots of two, one of two, two of two.
    terms, slots = placed(racks(5, 5, 4, 4), "slot=6/node=2", "node=2/slot/core=4", "rack/node=2/slot/core=4")
    assert terms["affinity.rack"] == 0
    assert len(slots) == 6


def test_slots_that_share_a_rack_with_those_of_another_type() -> None:
    _, slots = placed(racks(6, 2), "[slot{a}/rack/node=3/core=4;slot{b}/rack/node=3/core=4]")
    assert {len(IdSet.parse(text)) for text in slots} == {3 + 3}
    pool = Pool(read_R(racks(6, 2)))
    R = pool.alloc(1, request("[slot{a}/rack/node=3/core=4;slot{b}/rack/node=3/core=4]")).to_dict()
    assert [entry["rank"] for entry in R["execution"]["R_lite"]] == ["0-5"]


def test_a_segment_for_which_there_is_no_room_now() -> None:
    pool = Pool(read_R(racks(4, 4)))
    pool.alloc(1, request("slot/rack/node=3"))
    pool.alloc(2, request("slot/rack/node=3"))
    with pytest.raises(InsufficientResources):
        pool.alloc(3, request("slot/rack/node=2"))
    terms = pool.alloc(4, request("slot/node=2")).to_dict()["scheduling"]["certificate"]["terms"]
    assert terms["affinity.rack"] == 1


@pytest.mark.parametrize(
    "shape",
    [
        "slot=3/row/rack{x}/core=1",
        "slot=2/row/rack{x}/core=1",
        "slot=2/row/rack=2{x}/node",
        "slot=4/row/rack{x}/node",
    ],
)
def test_segments_that_are_whole_racks_of_rows(shape: str) -> None:
    """Several stand in one row, each with the racks that are its own, however many nodes these have."""
    rows = [{"rack": [{"ranks": one}, {"ranks": other}]} for one, other in (("0", "1-2"), ("3-5", "6-8"))]
    pool = Pool(read_R(machine(9, {"row": rows})))
    request = Request.from_shape(shape)
    allocation = pool.alloc(1, request)
    assert allocation.certificate["status"] == "OPTIMAL"
    assert Checker(pool.machine).judge(request.shape.vertices, allocation.to_dict()).violations == ()
