"""Amounts of groups in layers: a rack's power is the row's as well; beside nodes they are not the nodes'."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def site(groups: Json, nodes: str = "0-31", topo: Json | None = None) -> Pool:
    """Return a pool of nodes of four cores."""
    lite = [{"rank": nodes, "children": {"core": "0-3"}}]
    execution = {"R_lite": lite, "nodelist": [f"n[{nodes}]"], "starttime": 0, "expiration": 0}
    children = {"children": [{"ranks": nodes, "topo": topo}]} if topo else {}
    return Pool(read_R({"version": 1, "execution": execution, "scheduling": {"groups": groups, **children}}))


def power() -> Json:
    """Return two racks of 16 nodes with power for 14 each, in a row with power for 20."""
    rows = [{"power": 20, "licence": 3, "rack": [{"ranks": "0-15", "power": 14}, {"ranks": "16-31", "power": 14}]}]
    return {"row": rows}


def ask(pool: Pool, jobid: int, shape: str) -> Json:
    """Return what a job gets, which a checker has judged in the state before."""
    checker = Checker(pool.machine)
    for other in pool.present[1].jobs:
        checker.allocate(ANSWERS[id(pool), other])
    answer: Json = pool.alloc(jobid, Request.of(parse_resources(parse_shape(shape)))).to_dict()
    verdict = checker.judge(parse_resources(parse_shape(shape)), answer)
    assert verdict.legal, verdict.violations
    ANSWERS[id(pool), jobid] = answer
    return answer


ANSWERS: dict[tuple[int, int], Json] = {}


def listed(pool: Pool) -> list[tuple[str, dict[str, int]]]:
    return [(group.level, {name: int(n) for name, n in group.resources}) for group in pool.machine.groups]


def ranks(answer: Json) -> str:
    return ",".join(entry["rank"] for entry in answer["execution"]["R_lite"])


def test_what_a_rack_gives_the_row_gives_too() -> None:
    pool = site(power())
    with pytest.raises(InfeasibleRequest, match="20 exist"):
        ask(pool, 1, "slot=28/[node;power=1]")
    assert ranks(ask(pool, 1, "slot=14/[node;power=1]")) == "0-13"
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "slot=7/[node;power=1]")
    assert ranks(ask(pool, 2, "slot=6/[node;power=1]")) == "16-21"
    with pytest.raises(InsufficientResources):
        ask(pool, 3, "slot=1/[node;power=1]")
    pool.free(1)
    assert ranks(ask(pool, 3, "slot=14/[node;power=1]")) == "0-13"


def test_a_reloaded_scheduler_knows_all_layers() -> None:
    pool = site(power())
    R = ask(pool, 1, "slot=14/[node;power=1]")
    again = site(power())
    again.register_alloc(1, R)
    assert again.present[1].group_used == pool.present[1].group_used
    assert dict(again.present[1].group_used) == {(0, "power"): 14, (1, "power"): 14}


def test_an_amount_beside_nodes_that_list_it_too() -> None:
    pool = site(power(), topo={"cores": "0-3", "power": 2})
    answer = ask(pool, 1, "rack/slot/[power=4;node/core]")
    assert answer["scheduling"]["placement"] == [
        {"ranks": "0", "slots": [{"label": "task", "cores": "0"}]},
        {"level": "rack", "number": 0, "power": 4},
    ]
    assert dict(pool.present[1].group_used) == {(0, "power"): 4, (1, "power"): 4}
    again = site(power(), topo={"cores": "0-3", "power": 2})
    again.register_alloc(1, answer)
    assert again.present[1].group_used == pool.present[1].group_used
    # In a node it is the node's, which has 2.
    assert ask(pool, 2, "slot/node/[core;power=2]")["scheduling"]["placement"][0]["slots"][0]["power"] == 2
    with pytest.raises(InfeasibleRequest):
        ask(pool, 3, "slot/node/[core;power=3]")


def test_a_slot_of_several_nodes_takes_of_the_group_that_has_them_all() -> None:
    pool = site(power())
    answer = ask(pool, 1, "slot/[power=4;node=2/core]")
    assert answer["scheduling"]["placement"][-1] == {"level": "rack", "number": 0, "power": 4}
    # Of the racks none has 15, the row has.
    answer = ask(pool, 2, "slot/[power=15;node=20/core]")
    assert answer["scheduling"]["placement"][-1] == {"level": "row", "number": 0, "power": 15}
    assert dict(pool.present[1].group_used) == {(0, "power"): 19, (1, "power"): 4}


def test_groups_without_nodes_hold_for_their_parent() -> None:
    pool = site({"chassis": [{"ssd": 1000}, {"ranks": "0-3", "ssd": 10}]}, nodes="0-3")
    assert listed(pool) == [
        ("cluster", {"ssd": 1010}),
        ("chassis", {"ssd": 10}),
    ]
    ask(pool, 1, "[node=1/slot=1/core=1;ssd=500]")
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "[node=1/slot=1/core=1;ssd=511]")
    ask(pool, 2, "[node=1/slot=1/core=1;ssd=500]")
    ask(pool, 3, "chassis/[slot/core;ssd=10]")


def test_what_a_unit_beside_racks_has_does_not_bound_the_racks() -> None:
    racks = [{"ranks": "0-1", "power": 40}, {"ranks": "2-3", "power": 40}]
    pool = site({"row": [{"rack": racks, "unit": [{"power": 10}]}]}, nodes="0-3")
    ask(pool, 1, "rack=2/[slot/core;power=40]")
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "row/[slot/core;power=11]")
    ask(pool, 2, "row/[slot/core;power=10]")


def test_a_unit_in_a_chassis_and_one_in_that() -> None:
    chassis = {"ranks": "0-1", "ssd": 5, "unit": [{"ssd": 10, "drawer": [{"ssd": 20}]}]}
    pool = site({"chassis": [chassis, {"ranks": "2-3"}]}, nodes="0-3")
    assert listed(pool) == [
        ("chassis", {"ssd": 35}),
        ("chassis", {}),
    ]
    R = pool.alloc(1, Request.of(parse_resources(parse_shape("chassis/[slot/core;ssd=35]")))).to_dict()
    assert R["scheduling"]["groups"] == {"chassis": [{"ranks": "0", "ssd": 35}]}


def test_slurms_three_kinds_of_hierarchical_resources() -> None:
    """As resources.yaml has them, for jobs in one group of each layer.

    MODE_1 asks one layer: here a name that one level lists. MODE_2 asks all layers for what a job takes. MODE_3 is
    for each node, summed up from layer to layer.
    """
    # MODE_2: power of a rack, and of its row.
    pool = site(power())
    ask(pool, 1, "rack/[slot/node=2;power=14]")
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "rack/[slot/node=2;power=7]")
    ask(pool, 2, "rack/[slot/node=2;power=6]")
    # MODE_3: each node takes one, of its chassis and of the row.
    chassis = [{"ranks": "0-15", "flash": 3}, {"ranks": "16-31", "flash": 4}]
    pool = site({"row": [{"flash": 6, "chassis": chassis}]})
    assert ranks(ask(pool, 1, "slot=6/[node;flash=1]")) == "0-2,16-18"
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "slot=1/[node;flash=1]")
    # MODE_1: licences of the cluster alone.
    pool = site({"licence": 3, "chassis": [{"ranks": "0-15"}, {"ranks": "16-31"}]})
    ask(pool, 1, "[node=20/slot/core;licence=2]")
    with pytest.raises(InsufficientResources):
        ask(pool, 2, "[node/slot/core;licence=2]")


def test_what_a_row_gives_is_no_matter_of_its_racks() -> None:
    pool = site({"row": [{"power": 3, "rack": [{"ranks": "0-15", "power": 1}, {"ranks": "16-31", "power": 1}]}]})
    answer = ask(pool, 1, "row/[slot=2/rack/node/core;power=3]")
    assert answer["scheduling"]["placement"][-1] == {"level": "row", "number": 0, "power": 3}
    assert dict(pool.present[1].group_used) == {(0, "power"): 3}
