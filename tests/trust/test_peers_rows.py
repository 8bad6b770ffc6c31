"""What deployed pools do wrong, a row of the table of them after the other: here it is done right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.flux.implementation import ExactPoolV1
from exactfit.adapters.twin.events import Reload, Submit
from exactfit.adapters.twin.jobs import Job
from exactfit.adapters.twin.observers import Ledger
from exactfit.adapters.twin.policies import Fifo, FluxBackfill
from exactfit.adapters.twin.simulation import Housekeeping, Simulation
from exactfit.adapters.twin.workload import jobspec
from exactfit.grammar.idset import IdSet
from exactfit.topology.presets import preset

from flux.resource import InfeasibleRequest, InsufficientResources
from flux.resource.ResourcePool import ResourcePool

from .inputs import machine

Json = dict[str, Any]
Lite = list[tuple[str, str, str]]

RACKS = {"rack": [{"ranks": "0-2"}, {"ranks": "3-6"}, {"ranks": "7-9"}]}


def a(nodes: int = 1) -> Json:
    """Return RFC 49's cluster A: 2 sockets of 4 numa of 15 cores and a GPU."""
    return preset(f"rfc49-a:{nodes}")


def b(nodes: int = 1) -> Json:
    """Return RFC 49's cluster B: 4 sockets of 24 cores, a GPU and 125 or 126 GiB."""
    return preset(f"rfc49-b:{nodes}")


def busy(rank: str, cores: str) -> Json:
    """Return the R of a job."""
    return {"version": 1, "execution": {"R_lite": [{"rank": rank, "children": {"core": cores}}]}}


def place(pool: Any, shape: str, constraint: Mapping[str, Any] | None = None, jobid: int = 1) -> Any:
    return pool.alloc(jobid, pool.parse_resource_request(jobspec(shape, 60.0, constraint)))


def lite(R: Json) -> Lite:
    entries = R["execution"]["R_lite"]
    return [(e["rank"], e["children"].get("core", ""), e["children"].get("gpu", "")) for e in entries]


def placed(R: Json, shape: str, constraint: Mapping[str, Any] | None = None) -> Json:
    """Return the R that a job gets on the idle machine; it has to be feasible as well."""
    pool = ExactPool(R)
    pool.check_feasibility(pool.parse_resource_request(jobspec(shape, 60.0, constraint)))
    got: Json = place(pool, shape, constraint).to_dict()
    return got


def never(R: Json, shape: str, match: str | None = None) -> None:
    """See to it that a request is called infeasible, at submission as well."""
    pool = ExactPool(R)
    request = pool.parse_resource_request(jobspec(shape))
    for ask in (pool.check_feasibility, lambda request: pool.alloc(1, request)):
        with pytest.raises(InfeasibleRequest, match=match):
            ask(request)


def sizes(R: Json) -> list[int]:
    found: list[int] = R["scheduling"]["certificate"]["terms"]["size"]
    return found


@pytest.mark.parametrize(
    ("nodes", "shape", "cores"), [(1, "slot=12/core=10", "0-119"), (16, "node=1/slot=10/core=8", "")]
)
def test_1_slots_may_use_more_than_one_level(nodes: int, shape: str, cores: str) -> None:
    R = placed(a(nodes), shape)
    assert len(lite(R)) == 1
    assert R["execution"]["nslots"] == int(shape.split("slot=")[1].split("/")[0])
    assert cores in ("", lite(R)[0][1])


@pytest.mark.parametrize(
    "topo",
    [
        {"gpus": "0-1", "socket": [{"cores": "0-3"}, {"cores": "4-7"}]},
        {"socket": [{"gpus": "0", "numa": [{"cores": "0-3"}]}, {"gpus": "1", "numa": [{"cores": "4-7"}]}]},
    ],
    ids=["node", "socket"],
)
def test_2_gpus_may_stand_above_the_leaves(topo: Json) -> None:
    assert lite(placed(machine("0", "0-7", "0-1", topo), "slot=1/[core=4;gpu=1]")) == [("0", "0-3", "0")]


def test_3_a_local_place_goes_before_a_fuller_node() -> None:
    pool = ExactPool(a(2))
    pool.register_alloc(9, busy("0", ",".join(f"{15 * n}-{15 * n + 10}" for n in range(8))))
    R = place(pool, "slot=1/[core=8;gpu=1]").to_dict()
    assert lite(R) == [("1", "0-7", "0")]
    assert R["scheduling"]["certificate"]["terms"]["affinity.numa"] == 0


def test_4_two_sockets_are_two() -> None:
    assert lite(placed(a(), "slot=1/socket=2{x}")) == [("0", "0-119", "0-7")]


def test_5_an_exclusive_domain_is_taken_whole() -> None:
    assert lite(placed(a(), "slot=1/numa{x}/core=4")) == [("0", "0-14", "0")]


@pytest.mark.parametrize("shape", ["node{x}/slot=20/core=10", "node{x}/slot=4/[core=1;gpu=4]"])
def test_6_an_exclusive_node_has_to_have_what_is_asked(shape: str) -> None:
    never(a(), shape, "node|slot")


def test_7_a_range_of_slots_gives_the_most() -> None:
    R = placed(a(), "node=1/slot=2-4/core=1")
    assert (sizes(R), R["execution"]["nslots"]) == ([4], 4)


@pytest.mark.parametrize(("count", "largest"), [("2-4", 4), ("2-4:2:*", 4), ("3,5,7", 7), ("2-1000:2:*", 64)])
def test_8_counts_of_cores_give_the_largest(count: str, largest: int) -> None:
    R = placed(a(), f"slot=1/core={count}")
    assert sizes(R) == [largest]
    assert len(IdSet.parse(lite(R)[0][1])) == largest


@pytest.mark.parametrize(
    ("shape", "largest"),
    [
        ("node=1-7:2/slot=1/core=1", [5]),
        ("node=1,4,9/slot=1/core=1", [4]),
        ("node=1/slot=1-999:3:*/core=1", [81]),
        ("node=1/slot=2,100,200/core=1", [100]),
        ("slot=1-64:2:*/node", [4]),
    ],
)
def test_9_nodes_and_slots_in_steps_or_sets(shape: str, largest: list[int]) -> None:
    assert sizes(placed(a(6), shape)) == largest


def test_10_memory_counts_and_unknown_types_are_named() -> None:
    never(b(), "slot=1/[core=1;memory=9999]", "memory")
    never(a(), "slot=1/[core=1;memory=1]", "this machine has no memory")
    never(a(), "slot=1/[core=1;gpus=99]", "this machine has no gpus")
    pool = ExactPool(b())
    for jobid in range(4):
        place(pool, "slot=1/[core=1;memory=100]", jobid=jobid)
    with pytest.raises(InsufficientResources):
        place(pool, "slot=1/[core=1;memory=104]", jobid=9)
    # 25 and 26 GiB of its own domain are not enough, and another domain gives the rest.
    place(pool, "slot=1/[core=1;memory=27]", jobid=9)


@pytest.mark.parametrize(("shape", "cores"), [("slot=1/numa=2/core=4", "0-3,15-18"), ("slot=1/socket/core=4", "0-3")])
def test_11_domains_on_the_way_are_hard(shape: str, cores: str) -> None:
    assert lite(placed(a(), shape)) == [("0", cores, "")]


@pytest.mark.parametrize(
    ("shape", "taken"), [("slot=1/numa=2/core=4", "4-14,18-119"), ("slot=1/socket/core=4", "3-59,63-119")]
)
def test_11_cores_elsewhere_will_not_do(shape: str, taken: str) -> None:
    pool = ExactPool(a())
    pool.register_alloc(9, busy("0", taken))
    with pytest.raises(InsufficientResources):
        place(pool, shape)
    place(pool, "slot=1/core=4")


def test_12_groups_are_hard() -> None:
    R = machine("0-9", "0-7", topo={"socket": [{"cores": "0-3"}, {"cores": "4-7"}]}, groups=RACKS)
    pool = ExactPool(R)
    ranks = set(IdSet.parse(str(place(pool, "rack=2/node=3/slot=1/core=4").impl.ranks())))
    racks = [set(IdSet.parse(rack["ranks"])) for rack in RACKS["rack"]]
    assert sorted(len(ranks & rack) for rack in racks) == [0, 3, 3]
    never(R, "rack=2/node=4/slot=1/core=4")


def test_13_a_slot_may_be_a_gpu_alone() -> None:
    assert lite(placed(a(), "slot=1/gpu=1")) == [("0", "", "0")]


@pytest.mark.parametrize(
    ("constraint", "ranks"),
    [
        ({}, "0-3"),
        ({"and": []}, "0-3"),
        ({"or": []}, "0-3"),
        ({"not": []}, ""),
        ({"and": [{}, {"or": [{}]}]}, "0-3"),
        ({"ranks": ["0-2"], "hostlist": ["{1}", "{3}"]}, "1"),
        ({"not": [{"ranks": ["0"]}, {"ranks": ["1"]}]}, "0-3"),
        ({"not": [{"ranks": ["0-1"]}, {"ranks": ["1-2"]}]}, "0,2-3"),
    ],
)
def test_14_constraints_mean_what_RFC_31_says(constraint: Json, ranks: str) -> None:
    R = a(4)
    hosts = ExactPool(R).nodelist()
    constraint = {
        key: [part.format(*map(str, hosts)) if isinstance(part, str) else part for part in values]
        for key, values in constraint.items()
    }
    pool = ExactPool(R)
    request = pool.parse_resource_request(jobspec("slot=1-9/node", 0.0, constraint))
    if ranks:
        assert str(pool.alloc(1, request).impl.ranks()) == ranks
    else:
        with pytest.raises(InfeasibleRequest):
            pool.alloc(1, request)


def test_15_slots_above_nodes_are_counted_once() -> None:
    R = placed(a(4), "slot=4/node/core=4")
    assert (lite(R), R["execution"]["nslots"]) == ([("0-3", "0-3", "")], 4)


@pytest.mark.parametrize("policy", [Fifo, FluxBackfill])
@pytest.mark.parametrize(
    "constraint", [{"not": []}, {"not": {}}, {"properties": 7}, {"and": None}, [], "fast", {"ranks": ["x"]}, {"": []}]
)
def test_16_no_constraint_of_a_user_stops_the_scheduler(policy: Any, constraint: Any) -> None:
    spec = jobspec("slot=1/core=1", 60.0)
    spec["attributes"]["system"]["constraints"] = constraint
    simulation = Simulation(ExactPool, a(), policy=policy)
    simulation.at(1.0, Submit(Job(1, spec, 10.0)))
    simulation.at(2.0, Submit(Job(2, jobspec("slot=1/core=1", 60.0), 10.0)))
    simulation.at(3.0, Reload())
    simulation.run()
    assert simulation.waiting() == []
    assert simulation.jobs[2].ended is not None
    assert simulation.jobs[1].denied


@pytest.mark.parametrize("ranks", ["1", "3", "1,3", "2-3"])
def test_17_jobs_on_any_ranks_are_registered_on_reload(ranks: str) -> None:
    simulation = Simulation(ExactPool, a(4))
    nodes = len(IdSet.parse(ranks))
    spec = jobspec(f"node={nodes}/slot=1/core=120", 60.0, {"ranks": [ranks]})
    simulation.at(1.0, Submit(Job(1, spec, 50.0)))
    simulation.at(5.0, Reload())
    simulation.at(6.0, Submit(Job(2, jobspec(f"node={4 - nodes}/slot=1/core=120", 60.0), 10.0)))
    simulation.run(until=10.0)
    assert simulation.jobs[1].denied is None
    assert simulation.jobs[2].started == 6.0
    simulation.run()
    assert simulation.scheduler.resources.copy_allocated().nnodes == 0


def test_18_a_job_in_housekeeping_is_registered_with_what_is_left_of_it() -> None:
    ledger = Ledger(a(4))
    simulation = Simulation(ExactPool, a(4), housekeeping=Housekeeping(1, 10.0), observers=[ledger])
    simulation.at(1.0, Submit(Job(1, jobspec("node=4/slot=1/core=120", 60.0), 20.0)))
    simulation.at(35.0, Reload())  # a rank was returned at 31, the next is at 41
    for number in range(2, 6):
        simulation.at(36.0, Submit(Job(number, jobspec("node=1/slot=1/core=120", 600.0), 500.0)))
    simulation.run()
    assert [simulation.jobs[number].started for number in range(2, 6)] == [36.0, 41.0, 51.0, 61.0]
    assert ledger.is_full


def test_19_R_without_topology_will_do() -> None:
    R = machine("0-3", "0-7", "0-1")
    assert "scheduling" not in R
    assert lite(placed(R, "slot=2/[core=3;gpu=1]")) == [("0", "0-5", "0-1")]
    # R may leave out levels that group nothing: the node is then its own socket.
    assert lite(placed(R, "slot=1/socket{x}")) == [("0", "0-7", "0-1")]
    never(R, "slot=1/rack", "this machine has no rack")


@pytest.mark.parametrize("ranks", ["0-1", "2-3", "1"])
def test_20_a_sub_instance_starts_where_scheduling_was_not_cut(ranks: str) -> None:
    R = a(4)
    nodes = len(IdSet.parse(ranks))
    pool = ResourcePool(R)
    spec = jobspec(f"node={nodes}/slot=1/core=120", 60.0, {"ranks": [ranks]})
    given = pool.alloc(1, pool.parse_resource_request(spec)).to_dict()
    given["scheduling"] = R["scheduling"]
    execution = given["execution"]
    # An instance counts its ranks from 0.
    execution["R_lite"] = [{**execution["R_lite"][0], "rank": str(IdSet.of(range(nodes)))}]
    child = ExactPool(json.dumps(given))
    assert child.count("core") == 120 * nodes
    assert lite(place(child, "slot=1/numa/core=7").to_dict()) == [("0", "0-6", "")]


@pytest.mark.parametrize("wrap", [lambda R: ResourcePool(R), lambda R: ExactPool(R), lambda R: ExactPoolV1(R)])
@pytest.mark.parametrize("final", [False, True])
def test_21_free_takes_wrapped_and_bare_resources(wrap: Any, final: bool) -> None:
    pool = ExactPool(a(2))
    R = place(pool, "node=2/slot=1/core=3").to_dict()
    pool.free(1, wrap(R), final)
    assert pool.copy_allocated().nnodes == 0
    bare = ExactPoolV1(a(2))
    bare.free(1, wrap(place(bare, "node=2/slot=1/core=3").to_dict()), final)
    assert bare.copy_allocated().nnodes() == 0


def test_22_what_R_holds_of_a_domain_is_all_of_it() -> None:
    R = a()
    R["execution"]["R_lite"][0]["children"] = {"core": "0-21", "gpu": "0"}
    assert lite(placed(R, "slot=1/numa{x}")) == [("0", "0-14", "0")]
    assert lite(placed(R, "slot=2/numa{x}")) == [("0", "0-21", "0")]
    never(R, "slot=3/numa{x}")
    assert lite(placed(R, "slot=1/socket{x}")) == [("0", "0-21", "0")]
    assert lite(placed(R, "slot=1/node{x}")) == [("0", "0-21", "0")]
    assert lite(placed(R, "slot=1/core=22")) == [("0", "0-21", "")]


@pytest.mark.parametrize("shape", ["node{x}/slot=13/core=10", "node{x}/slot=9/[core=1;gpu=1]", "slot=9/numa{x}"])
def test_23_slots_on_an_exclusive_node_are_checked(shape: str) -> None:
    never(a(4), shape.replace("slot=9/numa", "node=1/slot=9/numa"))
    fitting = {"slot=13/core=10": "slot=12/core=10", "slot=9/[": "slot=8/["}
    for unfit, fit in fitting.items():
        if unfit in shape:
            assert lite(placed(a(4), shape.replace(unfit, fit))) == [("0", "0-119", "0-7")]
