"""The use cases of RFC 14, each on a machine that has what it asks for and on one that just lacks it.

Every answer is worked out by hand from the terms of the default policy, in the comments; the checker, which shares no
code with the solver, has to agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from clusters import SLIM, THREE_CLUSTERS, WIDE, node, site, switches
from exactfit.grammar.constraint import parse_constraint
from exactfit.grammar.jobspec import DEFAULT_LABEL, parse_jobspec, parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def vertex(kind: str, count: object, *children: Json, **more: object) -> Json:
    return {"type": kind, "count": count, **more, **({"with": list(children)} if children else {})}


def slot(count: object, *children: Json, label: str = "default") -> Json:
    return vertex("slot", count, *children, label=label)


def at_least(count: int) -> Json:
    return {"min": count}


def gb(count: object) -> Json:
    return vertex("memory", count, unit="GB")


@dataclass(frozen=True)
class Case:
    """A request in both forms, its answer, and what a machine that just lacks it is told."""

    number: str
    shape: str
    resources: Sequence[Json]
    lite: Mapping[str, Json]
    """`R_lite`: the children by ranks."""
    placement: Sequence[Json]
    """`scheduling.placement`, the label of a slot that has none in the shape left out."""
    terms: Mapping[str, object]
    """Of the certificate, those that are not 0; all that is not compared is 0."""
    lacking: Json
    reason: tuple[str, str]
    """How it starts, with the vertex, and what it names."""
    constraint: Json | None = None
    options: Options = field(default_factory=Options)


def two_of(level: str, number: int) -> Json:
    """Return 137 GB, of one domain that has 64 GiB, and the rest of the next."""
    rest = 130654 / 1024 - 64
    return {"memory": 130654 / 1024, "domains": {"memory": {f"{level} {number}": 64, f"{level} {number + 1}": rest}}}


def grouped(**level: Sequence[str]) -> Json:
    """Return `scheduling.groups` of one level with these ranks."""
    return {name: [{"ranks": ranks} for ranks in parts] for name, parts in level.items()}


def spread(clusters: int, racks: int, switches: int, nodes: int) -> Json:
    return {
        "spread.cluster": clusters,
        "spread.rack": racks,
        "spread.switch": switches,
        "spread.node": nodes,
        "intact.node": nodes,
    }


SLIM_NODE: Json = {"core": "0-15"}
WIDE_NODE: Json = {"core": "0-39", "gpu": "0-1"}
FAT_NODE: Json = {"core": "0-63", "gpu": "0-3"}
SLIM_SLOT: Json = {"cores": "0-15", "ib10g": 1, "memory": 64}
WIDE_SLOT: Json = {"cores": "0-39", "gpus": "0-1", "memory": 128}
FAT_SLOT: Json = {"cores": "0-63", "gpus": "0-3", "memory": 256}

# Four whole nodes: slim ones have the fewest cores, and a fat one tears its slot over four numa domains.
FOUR_NODES = (
    "slot=4/node",
    [slot(4, vertex("node", 1))],
    {"0-3": SLIM_NODE},
    [{"ranks": "0-3", "slots": [SLIM_SLOT]}],
    {"affinity.socket": 4, **spread(1, 1, 1, 4), "intact.socket": 8, "fit.node": 64, "fit.socket": 64},
    site([(3, SLIM)]),
    ("slot/node: ", "need 4 nodes: 3 exist"),
)

# One whole node; of the only one of its twin R lists no core, so it is not there to be taken whole.
NOTHING: Json = site([(1, SLIM)])
NOTHING["execution"]["R_lite"][0]["children"]["core"] = ""
ONE_NODE = (
    "slot/node",
    [slot(1, vertex("node", 1))],
    {"0": SLIM_NODE},
    [{"ranks": "0", "slots": [SLIM_SLOT]}],
    {"affinity.socket": 1, **spread(1, 1, 1, 1), "intact.socket": 2, "fit.node": 16, "fit.socket": 16},
    NOTHING,
    ("slot/node: ", "R lists something of 0 of 1 node"),
)

# 4 GB are 3815 MiB rounded up, 24 GB are 22889.
READ_DB: Json = {"label": "read-db", "memory": 3815 / 1024}
DB: Json = {"label": "db", "memory": 22889 / 1024}

CASES = [
    Case("1.1", *FOUR_NODES),
    # Thirty of the 36: all slim ones, and wide rather than fat ones, whose slots would be torn over numa domains.
    # Fourteen wide ones need both of the cluster's racks and all of its switches.
    Case(
        "1.2",
        "slot=3-30/node",
        [slot({"min": 3, "max": 30, "operator": "+", "operand": 1}, vertex("node", 1))],
        {"0-15": SLIM_NODE, "16-29": WIDE_NODE},
        [{"ranks": "0-15", "slots": [SLIM_SLOT]}, {"ranks": "16-29", "slots": [WIDE_SLOT]}],
        {
            "size": [30],
            "affinity.socket": 30,
            **spread(2, 4, 8, 30),
            "intact.socket": 60,
            "fit.node": 16 * 16 + 14 * 40,
            "fit.socket": 16 * 16 + 14 * 40,
        },
        site([(2, SLIM)]),
        ("slot/node: ", "need 3 nodes: 2 exist"),
    ),
    # The sockets come first, and there are two everywhere; then the cores in each of them, and four nodes have 32.
    Case(
        "1.3",
        "slot=4{nodelevel}/node{-x}/socket=2+/core=4+",
        [
            slot(
                4,
                vertex("node", 1, vertex("socket", at_least(2), vertex("core", at_least(4))), exclusive=False),
                label="nodelevel",
            )
        ],
        {"32-35": {"core": "0-63"}},
        [{"ranks": "32-35", "slots": [{"label": "nodelevel", "cores": "0-63"}]}],
        {
            "size": [2, 32],
            "affinity.socket": 4,
            "affinity.numa": 12,
            **spread(1, 1, 1, 4),
            "intact.socket": 8,
            "intact.numa": 16,
            "shield": 16,
            "fit.node": 256,
            "fit.socket": 256,
            "fit.numa": 256,
        },
        site([(3, node(2, 4)), (1, node(2, 3))]),
        ("slot/node/socket/core: ", "need 32 cores: 30 exist"),
    ),
    # As deployed pools have it, a node with children is shared; four cores of each socket of the smallest nodes.
    Case(
        "1.4",
        "slot=4{nodelevel}/node/socket=2/core=4",
        [slot(4, vertex("node", 1, vertex("socket", 2, vertex("core", 4))), label="nodelevel")],
        {"0-3": {"core": "0-3,8-11"}},
        [{"ranks": "0-3", "slots": [{"label": "nodelevel", "cores": "0-3,8-11"}]}],
        {"affinity.socket": 4, **spread(1, 1, 1, 4), "intact.socket": 8, "fit.node": 64, "fit.socket": 64},
        site([(3, node(2, 4)), (1, node(1, 8))]),
        ("slot/node/socket: ", "need 8 sockets with 4 cores: 7 exist"),
    ),
    # As RFC 14 has it, what is inside a slot is exclusive: the whole nodes.
    Case(
        "1.4 exclusive",
        "slot=4{nodelevel}/node/socket=2/core=4",
        [slot(4, vertex("node", 1, vertex("socket", 2, vertex("core", 4))), label="nodelevel")],
        {"0-3": SLIM_NODE},
        [{"ranks": "0-3", "slots": [{"label": "nodelevel", **SLIM_SLOT}]}],
        {"affinity.socket": 4, **spread(1, 1, 1, 4), "intact.socket": 8, "fit.node": 64, "fit.socket": 64},
        site([(3, node(2, 4)), (1, node(2, 3))]),
        ("slot/node/socket/core: ", "need 32 cores: 30 exist"),
        options=Options(slot_exclusive="rfc14"),
    ),
    # The slots that ask for no core take their nodes whole. All four nodes on one switch of the slim cluster, the
    # only one with ib10g; its twin has two such nodes, but each in another cluster.
    Case(
        "1.5",
        "[cluster/slot=2{ib}/node/[memory=4{unit:GB};ib10g];switch/slot=2{bicore}/node/core=2]",
        [
            vertex("cluster", 1, slot(2, vertex("node", 1, gb(4), vertex("ib10g", 1)), label="ib")),
            vertex("switch", 1, slot(2, vertex("node", 1, vertex("core", 2)), label="bicore")),
        ],
        {"0-1": SLIM_NODE, "2-3": {"core": "0-1"}},
        [
            {"ranks": "0-1", "slots": [{"label": "ib", **SLIM_SLOT}]},
            {"ranks": "2-3", "slots": [{"label": "bicore", "cores": "0-1"}]},
        ],
        {
            "affinity.socket": 2,
            **spread(1, 1, 1, 4),
            "intact.socket": 6,
            "fit.node": 64,
            "fit.socket": 2 * 16 + 2 * 8,
        },
        site(
            [(1, SLIM), (3, node(2, 8, memory=32)), (1, SLIM), (3, node(2, 8, memory=32))],
            {"cluster": [{"switch": [{"ranks": "0-3"}]}, {"switch": [{"ranks": "4-7"}]}]},
        ),
        ("cluster[0]/slot/node/ib10g[1]: ", "need 2 ib10gs in one cluster: 1 exists in the best cluster"),
    ),
    # Both slots get as many nodes as the smaller of two clusters has with 30 cores: the four fat ones. A wide node has
    # its 30 cores in both sockets, a fat one in two numa domains of one socket; each slot may touch one of a level.
    Case(
        "1.6",
        "cluster=2/slot/node=1+{-x}/core=30",
        [vertex("cluster", 2, slot(1, vertex("node", at_least(1), vertex("core", 30), exclusive=False)))],
        {"16-19,32-35": {"core": "0-29"}},
        [
            {"ranks": "16-19", "slots": [{"slot": 0, "cores": "0-29"}]},
            {"ranks": "32-35", "slots": [{"slot": 1, "cores": "0-29"}]},
        ],
        {
            "size": [4],
            "affinity.socket": (4 * 2 - 1) + (4 - 1),
            "affinity.numa": 4 * 2 - 1,
            **spread(2, 2, 2, 8),
            "intact.socket": 4 * 2 + 4,
            "intact.numa": 4 * 2,
            "shield": 4 * 2 + 4 * 2,
            "fit.node": 4 * 40 + 4 * 64,
            "fit.socket": 4 * 40 + 4 * 32,
            "fit.numa": 4 * 32,
        },
        site([(2, SLIM), (2, WIDE), (2, SLIM)], grouped(cluster=["0-1", "2-3", "4-5"])),
        ("cluster: ", "2 clusters with a slot of node=1+{-x}/core=30 are asked for: 1 exists, among 3 clusters"),
    ),
    # A switch has four nodes. Two switches of one rack and one of the next; slim nodes have the fewest free cores.
    Case(
        "1.7",
        "switch=3/slot/node=1+{-x}/core",
        [vertex("switch", 3, slot(1, vertex("node", at_least(1), vertex("core", 1), exclusive=False)))],
        {"0-11": {"core": "0"}},
        [
            {"ranks": "0-3", "slots": [{"slot": 0, "cores": "0"}]},
            {"ranks": "4-7", "slots": [{"slot": 1, "cores": "0"}]},
            {"ranks": "8-11", "slots": [{"slot": 2, "cores": "0"}]},
        ],
        {
            "size": [4],
            "affinity.socket": 3 * (4 - 1),
            **spread(1, 2, 3, 12),
            "intact.socket": 12,
            "fit.node": 12 * 16,
            "fit.socket": 12 * 8,
        },
        site([(8, SLIM)], {"switch": switches(0, 8)}),
        ("switch: ", "3 switches with a slot of node=1+{-x}/core are asked for: 2 exist"),
    ),
    # 25 of 36; nine wide nodes are on three switches and in two racks, as nine slim ones would be, but the slim ones
    # are all taken first since they have fewer cores.
    Case(
        "1.8",
        "slot=4,9,16,25/node",
        [slot("4,9,16,25", vertex("node", 1))],
        {"0-15": SLIM_NODE, "16-24": WIDE_NODE},
        [{"ranks": "0-15", "slots": [SLIM_SLOT]}, {"ranks": "16-24", "slots": [WIDE_SLOT]}],
        {
            "size": [25],
            "affinity.socket": 25,
            **spread(2, 4, 7, 25),
            "intact.socket": 50,
            "fit.node": 16 * 16 + 9 * 40,
            "fit.socket": 16 * 16 + 9 * 40,
        },
        site([(3, SLIM)]),
        ("slot/node: ", "need 4 nodes: 3 exist"),
    ),
    Case("2.1", *FOUR_NODES),
    Case("2.2", FOUR_NODES[0], [slot(4, vertex("node", 1), label="myslot")], *FOUR_NODES[2:]),
    # Twenty cores: on one wide node, and there in one socket, which they fill.
    Case(
        "2.3",
        "slot=10/core=2",
        [slot(10, vertex("core", 2))],
        {"16": {"core": "0-19"}},
        [{"ranks": "16", "slots": [{"cores": f"{2 * n}-{2 * n + 1}"} for n in range(10)]}],
        {**spread(1, 1, 1, 1), "intact.socket": 1, "shield": 1, "fit.node": 40, "fit.socket": 20},
        site([(1, node(2, 8)), (1, node(1, 3))]),
        ("slot/core: ", "need 20 cores: 19 exist"),
    ),
    # 59.6 GiB and 16 cores: a wide node has both in one socket, a slim one in two only. A twin with 58 GiB in all.
    Case(
        "2.4",
        "node/[slot=10{read-db}/[core;memory=4{unit:GB}];slot{db}/[core=6;memory=24{unit:GB}]]",
        [
            vertex(
                "node",
                1,
                slot(10, vertex("core", 1), gb(4), label="read-db"),
                slot(1, vertex("core", 6), gb(24), label="db"),
            )
        ],
        {"16": {"core": "0-15"}},
        [{"ranks": "16", "slots": [*({**READ_DB, "cores": str(n)} for n in range(10)), {**DB, "cores": "10-15"}]}],
        {**spread(1, 1, 1, 1), "intact.socket": 1, "shield": 1, "fit.node": 40, "fit.socket": 20},
        site([(2, node(2, 8, memory=29))]),
        ("node: ", "no node has more than 58 GiB of memory (of 59.61 that it takes)"),
    ),
    # The amount is the first count: 128 GiB are 137.4 GB, which a wide node has in all and a fat one twice, so that ten
    # slots of 137 GB need the four fat nodes and two others. Each has a core of one domain and memory of two.
    Case(
        "2.5",
        "slot=10/[memory=2+{unit:GB};core]",
        [slot(10, gb(at_least(2)), vertex("core", 1))],
        {"16-17": {"core": "0"}, "32-35": {"core": "0,32"}},
        [
            {"ranks": "16-17", "slots": [{"cores": "0", **two_of("socket", 0)}]},
            {"ranks": "32-35", "slots": [{"cores": str(32 * n), **two_of("numa", 2 * n)} for n in range(2)]},
        ],
        {
            "size": [137],
            "affinity.socket": 2,
            "affinity.numa": 8,
            **spread(2, 2, 2, 6),
            "intact.socket": 12,
            "intact.numa": 16,
            "shield": 10,
            "fit.node": 4 * 64 + 2 * 40,
            "fit.socket": 4 * 64 + 2 * 40,
            "fit.numa": 16 * 16,
        },
        site([(1, node(1, 10, memory=18))]),
        ("slot/memory[0]: ", "need 18.63 GiB of memory: 18 GiB exist"),
    ),
    # A slot that asks for no core and no gpu takes the node whole, and the largest amount of memory counts: 274 GB are
    # there on fat nodes alone.
    Case(
        "2.6",
        "slot=2{4GB-node}/node/memory=4+{unit:GB}",
        [slot(2, vertex("node", 1, gb(at_least(4))), label="4GB-node")],
        {"32-33": FAT_NODE},
        [{"ranks": "32-33", "slots": [{"label": "4GB-node", **FAT_SLOT}]}],
        {
            "size": [274],
            "affinity.socket": 2,
            "affinity.numa": 6,
            **spread(1, 1, 1, 2),
            "intact.socket": 4,
            "intact.numa": 8,
            "fit.node": 128,
            "fit.socket": 128,
            "fit.numa": 128,
        },
        site([(1, node(1, 4, memory=4)), (3, node(1, 4, memory=3))]),
        ("slot/node: ", "need 2 nodes with 3.73 GiB of memory: 1 exists"),
    ),
    Case("2.7", *ONE_NODE),
    Case("2.8", *ONE_NODE),
    Case(
        "2.9",
        "slot/node",
        [slot(1, vertex("node", 1))],
        {"24": WIDE_NODE},
        [{"ranks": "24", "slots": [WIDE_SLOT]}],
        {"affinity.socket": 1, **spread(1, 1, 1, 1), "intact.socket": 2, "fit.node": 40, "fit.socket": 40},
        site([(4, WIDE)], properties={"amd-mi60": "0-3"}),
        ("slot/node: ", "property amd-mi50"),
        constraint={"properties": ["amd-mi50"]},
    ),
    # -- sockets --
    # Slots of one core, of which each of two sockets takes two and no more.
    Case(
        "at most two cores per socket",
        "node/socket=2/slot=1-2{task}/core",
        [vertex("node", 1, vertex("socket", 2, slot("1-2", vertex("core", 1), label="task")))],
        {"0": {"core": "0-1,8-9"}},
        [{"ranks": "0", "slots": [{"label": "task", "cores": str(core)} for core in (0, 1, 8, 9)]}],
        {"size": [2], **spread(1, 1, 1, 1), "intact.socket": 2, "fit.node": 16, "fit.socket": 16},
        site([(4, node(1, 16))]),
        ("node: ", "1 node with 2 sockets with a slot of core is asked for: none of the 4 nodes has that"),
    ),
    # One slot on each of four numa domains of one node; the twin has four on two nodes.
    Case(
        "four numa domains of one node",
        "node/numa=4/slot{task}/core=2",
        [vertex("node", 1, vertex("numa", 4, slot(1, vertex("core", 2), label="task")))],
        {"32": {"core": "0-1,16-17,32-33,48-49"}},
        [{"ranks": "32", "slots": [{"label": "task", "cores": f"{16 * n}-{16 * n + 1}"} for n in range(4)]}],
        {
            **spread(1, 1, 1, 1),
            "intact.socket": 2,
            "intact.numa": 4,
            "shield": 4,
            "fit.node": 64,
            "fit.socket": 64,
            "fit.numa": 64,
        },
        site([(2, node(1, 16, numas=2))]),
        ("node: ", "1 node with 4 numas with a slot of core=2 is asked for: none of the 2 nodes has that"),
    ),
    # Two gpus of one socket; a wide node has one in each.
    Case(
        "gpus of one socket",
        "slot/socket/gpu=2",
        [slot(1, vertex("socket", 1, vertex("gpu", 2)))],
        {"32": {"gpu": "0-1"}},
        [{"ranks": "32", "slots": [{"gpus": "0-1"}]}],
        {
            "affinity.numa": 1,
            **spread(1, 1, 1, 1),
            "intact.socket": 1,
            "intact.numa": 2,
            "fit.node": 64,
            "fit.socket": 32,
            "fit.numa": 32,
        },
        site([(4, WIDE)]),
        ("slot/socket: ", "needs 1 socket with 2 gpus: no socket has more than 1 gpu"),
    ),
]


def task(slot: str, **count: object) -> Json:
    return {"command": ["flux", "start"], "slot": slot, "count": count}


# Where the use case is about the tasks, or about what a scheduler does not read, it has these; else one task a slot.
TASKS: dict[str, list[Json]] = {
    "1.5": [task("ib", per_slot=1), task("bicore", per_slot=1)],
    "1.6": [task("default", per_resource={"type": "node", "count": 1})],
    "1.7": [task("default", per_resource={"type": "node", "count": 1})],
    "2.1": [task("default", per_slot=5)],
    "2.2": [task("myslot", total=5)],
    "2.4": [task("read-db", per_slot=1), task("db", per_slot=1)],
    "2.6": [task("4GB-node", total=10)],
    "2.7": [
        task("default", per_slot=1),
        {**task("default", per_slot=1), "attributes": {"environment": {"FOO": None, "BAR": "2"}}},
    ],
}
DEPENDENCIES = [
    {"type": "in", "scope": "user", "scheme": "fluid", "value": "hungry-hippo-white-elephant"},
    {"type": "in", "scope": "user", "scheme": "string", "value": "foo"},
    {"type": "out", "scope": "user", "scheme": "string", "value": "bar"},
]


def first_label(resources: Sequence[Json]) -> str:
    """Return the label of the first slot, however deep."""
    return next(
        str(one["label"]) if one["type"] == "slot" else first_label(one["with"])
        for one in resources
        if one["type"] == "slot" or "with" in one
    )


def jobspec(case: Case) -> Json:
    system: Json = {"duration": 3600.0, "cwd": "/home/flux", "environment": {"HOME": "/home/flux"}}
    if case.constraint is not None:
        system["constraints"] = case.constraint
    if case.number == "2.8":
        system["dependencies"] = DEPENDENCIES
    return {
        "version": 999,
        "resources": list(case.resources),
        "tasks": TASKS.get(case.number, [task(first_label(case.resources), per_slot=1)]),
        "attributes": {"system": system},
    }


def requests(case: Case) -> list[tuple[Request, str]]:
    """Return the request in both forms, each with the label that slots without one have in the shape."""
    constraint = {} if case.constraint is None else case.constraint
    vertices = parse_resources(parse_shape(case.shape))
    label = next((str(one["label"]) for one in case.resources if one["type"] == "slot"), "default")
    return [
        (Request.from_jobspec(parse_jobspec(jobspec(case))), label),
        (Request.of(vertices, parse_constraint(constraint), 3600.0), DEFAULT_LABEL),
    ]


def labelled(placement: Sequence[Json], label: str) -> list[Json]:
    return [{**entry, "slots": [{"label": label, **one} for one in entry["slots"]]} for entry in placement]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_the_use_case_has_its_exact_answer(case: Case) -> None:
    machine = read_R(THREE_CLUSTERS)
    for request, label in requests(case):
        R = Pool(machine, case.options).alloc(1, request).to_dict()
        lite = {
            entry["rank"]: {kind: ids for kind, ids in entry["children"].items() if ids}
            for entry in R["execution"]["R_lite"]
        }
        assert lite == case.lite
        assert R["scheduling"]["placement"] == labelled(case.placement, label)
        certificate = R["scheduling"]["certificate"]
        assert certificate["status"] == "OPTIMAL"
        assert certificate["terms"] == certificate["bound"]
        expected = {**dict.fromkeys(certificate["terms"], 0), "size": [], **case.terms}
        assert certificate["terms"] == expected
        verdict = check(
            machine,
            request.shape.vertices,
            R,
            constraint=request.constraint,
            slot_exclusive=case.options.slot_exclusive,
        )
        assert verdict.legal, verdict.violations
        named = {name: verdict.terms[name] for name in certificate["terms"]}
        assert {name: list(v) if isinstance(v, tuple) else v for name, v in named.items()} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_a_machine_that_just_lacks_it_is_told_what_lacks(case: Case) -> None:
    machine = read_R(case.lacking)
    for request, _ in requests(case):
        pool = Pool(machine, case.options)
        with pytest.raises(InfeasibleRequest) as refused:
            pool.alloc(1, request)
        path, lack = case.reason
        assert str(refused.value).startswith(path)
        assert lack in str(refused.value)
        with pytest.raises(InfeasibleRequest):
            pool.check_feasibility(request)


CHASSIS = "chassis/[node=16/slot/core=8;storage=24{unit:TiB}]"


def chassis(*storage: int) -> Json:
    """Return the R of chassis of sixteen nodes with so many TiB of storage each."""
    groups = [{"ranks": f"{16 * n}-{16 * n + 15}", "storage": 1024 * tib} for n, tib in enumerate(storage)]
    return site([(16 * len(storage), node(2, 8))], {"chassis": groups})


def test_sixteen_nodes_of_one_chassis_with_24_TiB_of_its_storage() -> None:
    machine = read_R(chassis(20, 32))
    pool = Pool(machine)
    request = Request.of(parse_resources(parse_shape(CHASSIS)))
    R = pool.alloc(1, request).to_dict()
    assert [entry["rank"] for entry in R["execution"]["R_lite"]] == ["16-31"]
    assert R["execution"]["R_lite"][0]["children"]["core"] == "0-7"
    assert R["scheduling"]["placement"] == [
        {"ranks": "16-31", "slots": [{"label": "task", "cores": "0-7"}]},
        {"level": "chassis", "number": 1, "storage": 24 * 1024},
    ]
    assert R["scheduling"]["certificate"]["status"] == "OPTIMAL"
    assert check(machine, request.shape.vertices, R).legal
    with pytest.raises(InsufficientResources):
        pool.alloc(2, request)
    rest = Request.of(parse_resources(parse_shape("chassis/[node=16/slot/core=8;storage=8{unit:TiB}]")))
    # Nodes that are in use already are the better ones, as long as their chassis has the storage.
    for jobid, ranks, number in ((2, "16-31", 1), (3, "0-15", 0)):
        given = pool.alloc(jobid, rest).to_dict()
        assert [entry["rank"] for entry in given["execution"]["R_lite"]] == [ranks]
        assert given["scheduling"]["placement"][-1] == {"level": "chassis", "number": number, "storage": 8 * 1024}
    pool.free(1)
    pool.free(2)
    assert pool.alloc(4, request).to_dict()["execution"]["R_lite"][0]["rank"] == "16-31"


def test_the_jobspec_of_the_chassis_asks_for_the_same() -> None:
    storage = vertex("storage", 24, unit="TiB")
    nodes = vertex("node", 16, slot(1, vertex("core", 8), label="task"))
    spelled = [vertex("chassis", 1, nodes, storage)]
    request = Request.from_jobspec(
        parse_jobspec(
            {
                "version": 999,
                "resources": spelled,
                "tasks": [task("task", per_slot=1)],
                "attributes": {"system": {"duration": 0}},
            }
        )
    )
    assert request.shape.vertices == parse_resources(parse_shape(CHASSIS))
    R = Pool(read_R(chassis(20, 32))).alloc(1, request).to_dict()
    assert R["scheduling"]["placement"][-1] == {"level": "chassis", "number": 1, "storage": 24 * 1024}


def test_chassis_of_23_TiB_just_lack_it() -> None:
    pool = Pool(read_R(chassis(23, 23)))
    with pytest.raises(InfeasibleRequest) as refused:
        pool.alloc(1, Request.of(parse_resources(parse_shape(CHASSIS))))
    assert str(refused.value).startswith("chassis/storage")
    assert "23552 GiB exist" in str(refused.value)


def test_chassis_of_15_nodes_just_lack_it() -> None:
    R = site(
        [(31, node(2, 8))], {"chassis": [{"ranks": "0-14", "storage": 65536}, {"ranks": "15-29", "storage": 65536}]}
    )
    with pytest.raises(InfeasibleRequest, match=r"^chassis.*16 nodes"):
        Pool(read_R(R)).alloc(1, Request.of(parse_resources(parse_shape(CHASSIS))))
