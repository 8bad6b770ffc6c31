"""Slots that hold slots, as jobspecs with rabbits have them: the outer one has what stands beside the inner ones.

The shapes of the use cases are those of Flux's own tests (1.10 and 1.11 of RFC 14), and of what flux-coral2 makes of
``flux run -N2`` with a rabbit.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nested
from exactfit.adapters.audit import brute
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_jobspec, parse_resources
from exactfit.grammar.shape import parse_shape, shape_text
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.explain import explain
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .test_against_brute_force import check as same_as_brute_force

Json = dict[str, Any]


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def racks(number: int, nodes: int, ssd: int, preset_name: str = "rfc49-a") -> Json:
    """Return so many racks of so many nodes, each with rabbits' storage beside them."""
    R = preset(f"{preset_name}:{number * nodes}")
    groups = [{"ranks": str(IdSet.of(range(nodes * i, nodes * i + nodes))), "ssd": ssd} for i in range(number)]
    R["scheduling"]["groups"] = {"rack": groups}
    return R


def use_case(resources: list[Json]) -> Json:
    return {
        "version": 1,
        "resources": resources,
        "attributes": {"system": {"duration": 3600}},
        "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
    }


def rabbit(count: int, task: list[Json], ssd: int = 1) -> Json:
    slot = {"type": "slot", "label": "task", "count": 1, "with": task}
    node = {"type": "node", "count": 1, "exclusive": True, "with": [slot]}
    storage = {"type": "ssd", "count": ssd}
    return {"type": "slot", "count": count, "label": "rabbit", "with": [storage, node]}


CORES = [{"type": "core", "count": 2}]
CORES_AND_GPUS = [{"type": "core", "count": 5}, {"type": "gpu", "count": 7}]


def placed(R: Json, vertices: Any) -> Json:
    """Return the R of a job, which the checker finds legal."""
    machine = read_R(R)
    answer = Pool(machine, Options(time_limit=60.0)).alloc(1, Request.of(vertices)).to_dict()
    verdict = check(machine, vertices, answer)
    assert verdict.violations == ()
    assert answer["scheduling"]["certificate"]["status"] == "OPTIMAL"
    return answer


def test_use_case_1_10_takes_two_nodes_in_each_of_five_racks() -> None:
    jobspec = parse_jobspec(use_case([{"type": "rack", "count": 5, "with": [rabbit(2, CORES)]}]))
    answer = placed(racks(6, 3, 4), jobspec.vertices)
    assert answer["execution"]["R_lite"] == [
        {"rank": "0-1,3-4,6-7,9-10,12-13", "children": {"core": "0-119", "gpu": "0-7"}}
    ]
    assert answer["execution"]["nslots"] == 10
    assert answer["scheduling"]["placement"] == [
        {"ranks": "0-1,3-4,6-7,9-10,12-13", "ssd": 1, "slots": [{"label": "task", "cores": "0-1"}]}
    ]


def test_use_case_1_11_takes_the_racks_that_have_the_storage() -> None:
    jobspec = parse_jobspec(use_case([rabbit(2, CORES_AND_GPUS)]))
    answer = placed(racks(2, 3, 4), jobspec.vertices)
    assert answer["execution"]["R_lite"] == [{"rank": "0-1", "children": {"core": "0-119", "gpu": "0-7"}}]
    assert answer["execution"]["nslots"] == 2
    assert answer["scheduling"]["placement"] == [
        # Four GPUs of one socket and three of the other, each in a numa of its own: three cores and two, one in a numa.
        {"ranks": "0-1", "ssd": 1, "slots": [{"label": "task", "cores": "0,15,30,60,75", "gpus": "0-6"}]}
    ]
    # A rack has storage for one of them.
    assert placed(racks(2, 3, 1), jobspec.vertices)["execution"]["R_lite"][0]["rank"] == "0,3"


def test_what_flux_coral2_makes_of_a_job_of_two_nodes() -> None:
    """`NodeJobspecModifier`: a slot for each node, with the node as Flux wrote it and a share of the storage."""
    task = {"type": "slot", "label": "task", "count": 1, "with": [{"type": "core", "count": 1}]}
    node = {"type": "node", "count": 1, "exclusive": True, "with": [task]}
    ssd = {"type": "ssd", "count": 100, "exclusive": True}
    resources = [{"type": "slot", "count": 2, "label": "rabbit", "with": [node, ssd]}]
    assert shape_text(resources) == "slot=2{rabbit}/[node{x}/slot{task}/core;ssd=100{x}]"
    machine = read_R(racks(2, 2, 150))
    pool = Pool(machine)
    first = pool.alloc(1, Request.of(parse_resources(resources))).to_dict()
    assert first["execution"]["R_lite"][0]["rank"] == "0,2"
    # 50 are left in each rack, which is too little for another; when the first is gone, it is enough again.
    with pytest.raises(InsufficientResources):
        pool.alloc(2, Request.of(parse_resources(resources)))
    again = Pool(machine)
    again.register_alloc(1, first)
    with pytest.raises(InsufficientResources):
        again.alloc(2, Request.of(parse_resources(resources)))
    again.free(1)
    assert again.alloc(2, Request.of(parse_resources(resources))).to_dict() == first


# Shape, and whether it fits on one node of two sockets, each of four numa domains of 15 cores and a GPU, whose rack has
# an ssd of 10.
TWINS = [
    ("slot=2{a}/[slot=2{b}/gpu;gpu=2]", True),
    ("slot=2{a}/[slot=2{b}/gpu;gpu=3]", False),
    ("slot=4{a}/[slot{b}/[core=15;gpu];slot{c}/[core=15;gpu]]", True),
    ("slot=4{a}/[slot{b}/[core=15;gpu];slot{c}/[core=15;gpu];gpu]", False),
    ("slot=2{a}/[node/slot=2{b}/core=30;ssd=5]", False),
    ("slot{a}/[node/slot=4{b}/core=30;ssd=10]", True),
    ("slot{a}/[node/slot=4{b}/core=30;ssd=11]", False),
    ("slot{a}/[node{x}/[slot{b}/core;core=119];ssd]", True),
    ("slot{a}/[node{x}/[slot{b}/core;core=120];ssd]", False),
    ("slot=2{a}/socket/slot=2{b}/core=30", True),
    ("slot=2{a}/socket/slot=2{b}/core=31", False),
    ("slot=2{a}/socket{x}/slot=2{b}/core", True),
    ("slot=3{a}/socket{x}/slot=2{b}/core", False),
    ("node/slot=2{a}/[slot=3{b}/core=20]", True),
    ("node/slot=2{a}/[slot=3{b}/core=21]", False),
    ("slot=2{a}/slot=2{b}/slot=2{c}/core=15", True),
    ("slot=2{a}/slot=2{b}/slot=2{c}/core=16", False),
    ("slot=2{a}/[slot{b}/core=60;ssd=5]", True),
    ("slot=2{a}/[slot{b}/core=60;ssd=6]", False),
    ("rack/slot=4{a}/[slot{b}/gpu;slot{c}/[gpu;core=30]]", True),
    ("rack/slot=4{a}/[slot{b}/gpu;slot{c}/[gpu;core=31]]", False),
]


@pytest.mark.parametrize(("shape", "fits"), TWINS)
def test_what_just_fits_and_what_just_does_not(shape: str, fits: bool) -> None:
    R = racks(1, 1, 10)
    if fits:
        placed(R, ask(shape).shape.vertices)
        assert explain(Pool(read_R(R), Options(time_limit=60.0)), ask(shape)).status == "fits"
        return
    pool = Pool(read_R(R), Options(time_limit=60.0))
    with pytest.raises(InfeasibleRequest):
        pool.check_feasibility(ask(shape))
    found = explain(pool, ask(shape))
    assert found.status == "infeasible"
    assert found.sentences


def test_what_a_slot_holds_without_naming_a_node_stands_on_one() -> None:
    """Two tasks of 40 cores and 30 cores beside them: a node has room for one such set, so two are on two nodes."""
    answer = placed(racks(1, 3, 1), ask("slot=2{a}/[slot=2{b}/core=40;core=30]").shape.vertices)
    assert [entry["rank"] for entry in answer["execution"]["R_lite"]] == ["0-1"]
    # 150 cores of two nodes would do, were it not that each set of 75 stands on one, which has 120.
    with pytest.raises(InfeasibleRequest):
        Pool(read_R(racks(1, 2, 1))).check_feasibility(ask("slot=3{a}/[slot{b}/core=40;core=35]"))
    vertices = ask("slot=2{a}/slot=2{b}/core=20").shape.vertices
    machine = read_R(racks(1, 2, 1))
    torn = {
        "version": 1,
        "execution": {
            "R_lite": [
                {"rank": "0", "children": {"core": "0-59"}},
                {"rank": "1", "children": {"core": "0-19"}},
            ],
            "nslots": 4,
        },
        "scheduling": {
            "placement": [
                {
                    "ranks": "0",
                    "slots": [{"label": "b", "cores": f"{first}-{first + 19}"} for first in (0, 20, 40)],
                },
                {"ranks": "1", "slots": [{"label": "b", "cores": "0-19"}]},
            ]
        },
    }
    assert check(machine, vertices, torn).violations == ("slot: what one of them holds stands on several nodes",)


def test_open_counts_of_both() -> None:
    answer = placed(racks(1, 1, 1), ask("slot=1-3{a}/slot=2-9{b}/core=10").shape.vertices)
    assert answer["scheduling"]["certificate"]["terms"]["size"] == [3, 4]
    assert answer["execution"]["nslots"] == 12


def test_a_slot_in_a_slot_is_exclusive_by_rfc_14_alike() -> None:
    machine = read_R(racks(1, 2, 1))
    vertices = ask("slot=2{a}/node/slot{b}/core").shape.vertices
    answer = Pool(machine, Options(slot_exclusive="rfc14")).alloc(1, Request.of(vertices)).to_dict()
    assert answer["execution"]["R_lite"] == [{"rank": "0-1", "children": {"core": "0-119", "gpu": "0-7"}}]
    assert check(machine, vertices, answer, slot_exclusive="rfc14").legal
    assert not check(machine, vertices, answer).legal


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("slot{a}/[node=2/slot{b}/core;ssd]", "slot/ssd[1]: stands beside several nodes in one slot"),
        ("slot{a}/[node/slot{b}/core;core]", "slot/core[1]: stands in no node, beside slot/node[0] in one slot"),
        ('slot{a,id:"0"}/slot{b}/core', "slot: a slot has no ids"),
        ("slot{a}/rack=2/slot{b}/core", "slot/rack/slot: a slot that names no node stands on one node"),
        ("slot{a}/slot{b}/numa{-x}", "slot: asks for no core, no gpu and no whole domain"),
        ("slot{a}/[node/core;slot{b}/core]", "slot/slot[1]: stands in no node, beside slot/node[0] in one slot"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_place(shape: str, says: str) -> None:
    with pytest.raises(InfeasibleRequest) as refused:
        Pool(read_R(racks(2, 2, 5))).check_feasibility(ask(shape))
    assert says in str(refused.value)


def test_the_brute_force_knows_the_use_cases() -> None:
    machine = read_R(racks(2, 2, 5, "rfc49-b"))
    vertices = ask("slot=2{rabbit}/[ssd=3;node{x}/slot{task}/[core=5;gpu=2]]").shape.vertices
    terms = Pool(machine).alloc(1, Request.of(vertices)).certificate["terms"]
    best = brute.best(machine, vertices)
    assert best is not None
    assert {name: list(value) if isinstance(value, tuple) else value for name, value in best.items()} == terms


@given(case=nested.cases())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_as_good_as_trying_everything(case: Any) -> None:
    same_as_brute_force(case, "pack")


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_so_are_other_policies(data: st.DataObject) -> None:
    same_as_brute_force(data.draw(nested.cases()), data.draw(st.sampled_from(["spread", "lowest"])))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        # Memory for one of the outer slots: one with two tasks, and not two with one.
        ("slot=1-2{a}/[slot=1-2{b}/core;memory=300]", [1, 2]),
        ("slot=1-2{a}/[slot=1-2{b}/core;memory=250]", [2, 2]),
        ("slot=1-2{a}/[node/slot=1-2{b}/core;memory=300]", [1, 2]),
        ("slot=1-3{a}/[slot=1-4{b}/core=12;memory=130]", [3, 2]),
    ],
)
def test_open_counts_beside_amounts_are_seen_in_the_answer(shape: str, size: list[int]) -> None:
    """R does not say how many outer slots there are: the checker tries what its slots and amounts agree with."""
    R = preset("rfc49-b:1")
    machine = read_R(R)
    vertices = ask(shape).shape.vertices
    answer = Pool(machine, Options(time_limit=60.0)).alloc(1, Request.of(vertices)).to_dict()
    assert answer["scheduling"]["certificate"]["terms"]["size"] == size
    verdict = check(machine, vertices, answer)
    assert verdict.violations == ()
    assert verdict.terms["size"] == tuple(size)
