"""Requests that first fit, best fit and worst fit get wrong, with their whole answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.options import Options
from exactfit.solver.placement.allocation import Allocation
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def pool_of(nodes: int = 1, busy: Sequence[tuple[str, str]] = (), **options: Any) -> Pool:
    """Return cluster A with these cores busy, by rank."""
    R = preset(f"rfc49-a:{nodes}")
    pool = Pool(read_R(R), Options(**options))
    for jobid, (rank, cores) in enumerate(busy):
        lite = [{"rank": rank, "children": {"core": cores}}]
        hosts = [pool.machine.host(int(rank))]
        pool.register_alloc(jobid, {"version": 1, "execution": {"R_lite": lite, "nodelist": hosts}})
    return pool


def lite(allocation: Allocation) -> list[tuple[str, str, str]]:
    found = allocation.to_dict()["execution"]["R_lite"]
    return [(e["rank"], e["children"].get("core", ""), e["children"].get("gpu", "")) for e in found]


def terms(allocation: Allocation) -> dict[str, Any]:
    assert allocation.certificate["status"] == "OPTIMAL"
    assert allocation.certificate["terms"] == allocation.certificate["bound"]
    found: dict[str, Any] = allocation.certificate["terms"]
    return found


def test_slots_of_a_node_may_need_more_than_one_level() -> None:
    # Eight domains of 15 cores hold eight slots of 10; the other four are made of what is left.
    allocation = pool_of().alloc(1, request("node/slot=12/core=10"))
    assert lite(allocation) == [("0", "0-119", "")]
    assert terms(allocation)["affinity.socket"] == 0
    assert terms(allocation)["affinity.numa"] == 4


def test_a_gpu_of_the_socket_goes_with_cores_of_its_numa() -> None:
    topo = {
        "socket": [
            {"gpus": "0", "numa": [{"cores": "0-3"}, {"cores": "4-7"}]},
            {"gpus": "1", "numa": [{"cores": "8-15"}]},
        ]
    }
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-15", "gpu": "0-1"}}], "nodelist": ["n0"]},
        "scheduling": {"children": [{"ranks": "0", "topo": topo}]},
    }
    pool = Pool(read_R(R))
    first = pool.alloc(1, request("slot/[core=4;gpu=1]"))
    assert lite(first) == [("0", "0-3", "0")]
    assert terms(first)["affinity.socket"] == terms(first)["affinity.numa"] == 0
    assert lite(pool.alloc(2, request("slot/[core=4;gpu=1]"))) == [("0", "8-11", "1")]


def test_an_idle_node_with_a_local_place_goes_before_a_fuller_one_without() -> None:
    # Rank 0 has four free cores in each domain: best fit by cores would take two halves of it.
    busy = [("0", "0-10,15-25,30-40,45-55,60-70,75-85,90-100,105-115")]
    allocation = pool_of(2, busy).alloc(9, request("slot/[core=8;gpu=1]"))
    assert lite(allocation) == [("1", "0-7", "0")]
    assert terms(allocation)["affinity.numa"] == 0


@pytest.mark.parametrize(
    ("shape", "nodes", "sizes", "nslots"),
    [
        ("node=1/slot=2-4/core=1", 1, [4], 4),
        ("slot=2-8:2:*/node", 7, [4], 4),
        ("slot=2-8:2:*/node", 8, [8], 8),
        ("slot=4,9,16,25/node", 16, [16], 16),
        ("slot=4,9,16,25/node", 15, [9], 9),
        ("slot/core=2-4", 1, [4], 1),
        ("slot/core=3,5,7", 1, [7], 1),
        ("slot/core=2-1000:2:*", 1, [64], 1),
        ("slot/core=2+:2:^", 1, [16], 1),
        ("node=2+/slot=3-9:3/[core=10;gpu=1]", 4, [4, 6], 24),
    ],
)
def test_the_largest_admissible_count_is_taken(shape: str, nodes: int, sizes: list[int], nslots: int) -> None:
    allocation = pool_of(nodes).alloc(1, request(shape))
    assert terms(allocation)["size"] == sizes
    assert allocation.to_dict()["execution"]["nslots"] == nslots


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("node{x}/slot=20/core=10", "node"),
        ("node{x}/slot=4/[core=1;gpu=4]", "node"),
        ("slot=9/numa{x}", "slot"),
        ("slot/core=121", "slot"),
        ("slot/[core=1;memory=1]", "slot/memory[1]: this machine has no memory"),
        ("slot/[core;gpus=99]", "slot/gpus[1]: this machine has no gpus"),
    ],
)
def test_what_can_never_be_is_said_at_once(shape: str, says: str) -> None:
    pool = pool_of()
    with pytest.raises(InfeasibleRequest, match="^" + says.replace("[", r"\[")):
        pool.check_feasibility(request(shape))
    with pytest.raises(InfeasibleRequest):
        pool.alloc(1, request(shape))
    assert pool.generation == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("slot/socket=2{x}", [("0", "0-119", "0-7")]),
        ("slot/numa{x}/core=4", [("0", "0-14", "0")]),
        ("slot/numa=2/core=4", [("0", "0-3,15-18", "")]),
        ("slot/socket/core=4", [("0", "0-3", "")]),
        ("slot/gpu=1", [("0", "", "0")]),
        ("slot=4/node/core=4", [("0-3", "0-3", "")]),
        ("node=2/numa=2/slot=2/core=3", [("0-1", "0-5,15-20", "")]),
    ],
)
def test_every_vertex_keeps_its_place(shape: str, expected: list[tuple[str, str, str]]) -> None:
    assert lite(pool_of(4).alloc(1, request(shape))) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("pack", [("1", "8-11", "")]),
        ("spread", [("0", "0-3", "")]),
        ("lowest", [("0", "0-3", "")]),
        ("size,affinity,fit,ids", [("1", "8-11", "")]),
        ("affinity,worst-fit", [("0", "0-3", "")]),
    ],
)
def test_a_site_chooses_the_order_of_terms(policy: str, expected: list[tuple[str, str, str]]) -> None:
    pool = pool_of(2, [("1", "0-7")], policy=parse_policy(policy))
    assert lite(pool.alloc(9, request("slot/core=4"))) == expected


def test_the_machine_is_one_cluster() -> None:
    assert lite(pool_of().alloc(1, request("cluster/node/slot/core=2"))) == [("0", "0-1", "")]
    with pytest.raises(InfeasibleRequest, match="clusters"):
        pool_of().alloc(1, request("cluster=2/node/slot/core=2"))
