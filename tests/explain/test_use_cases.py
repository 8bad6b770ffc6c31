"""Each way in which a use case of RFC 14 can lack something has an explanation; all that it claims is tried.

`explained` checks that the conflict is one and that no part of it can be left out, and applies every change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from asking import ask, explained
from clusters import SLIM, WIDE, node, site, switches
from exactfit.grammar.idset import IdSet
from exactfit.solver.explain.relaxation import Aspect, VertexPart
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

Json = dict[str, Any]

NEVER, LATER = "infeasible", "insufficient"
IB = "[cluster/slot=2{ib}/node/[memory=4{unit:GB};ib10g];switch/slot=2{bicore}/node/core=2]"
BIG_IB = "[cluster/slot=4{ib}/node/[memory=4{unit:GB};ib10g];switch/slot=4{bicore}/node/core=2]"
DATABASE = "node/[slot=10{read-db}/[core;memory=4{unit:GB}];slot{db}/[core=6;memory=24{unit:GB}]]"
NO_IB = node(2, 8, memory=32)


@dataclass(frozen=True)
class Case:
    """A request on a machine that lacks something, and what is said of it.

    Attributes
    ----------
    conflict
        The vertices in conflict, as "path:aspect"; then "constraint", "down" and "jobs" where they are in it.
    """

    name: str
    R: Json
    shape: str
    status: str
    says: str
    conflict: str
    query: str = ""
    held: Sequence[str] = ()
    down: str = ""


def two_clusters(*parts: tuple[int, Json]) -> Json:
    return site(parts, {"cluster": [{"ranks": "0-1"}, {"ranks": "2-3"}]})


CASES = [
    Case(
        "1.1: too few nodes",
        site([(3, SLIM)]),
        "slot=4/node",
        NEVER,
        "4 slots of node need 4 nodes: 3 exist",
        "slot:count slot/node:border",
    ),
    Case(
        "1.1: a node is held",
        site([(4, SLIM)]),
        "slot=4/node",
        LATER,
        "4 slots of node need 4 nodes, wholly free: 3 are free, 1 more is wholly or partly held by job j1",
        "slot:count slot/node:border slot/node:whole jobs",
        held=("slot/core",),
    ),
    Case(
        "1.1: a node is down",
        site([(4, SLIM)]),
        "slot=4/node",
        LATER,
        "4 slots of node need 4 nodes, wholly free: 3 are free, 1 more is on ranks that are down (2)",
        "slot:count slot/node:border down",
        down="2",
    ),
    Case(
        "1.1: held and down",
        site([(4, SLIM)]),
        "slot=4/node",
        LATER,
        "4 slots of node need 4 nodes, wholly free: 2 are free, 1 more is wholly or partly held by job "
        "j1, 1 more is on ranks that are down (2)",
        "slot:count slot/node:border down",
        held=("slot/core",),
        down="2",
    ),
    Case(
        "1.2: fewer than the least",
        site([(2, SLIM)]),
        "slot=3-30/node",
        NEVER,
        "3 slots of node need 3 nodes: 2 exist",
        "slot:count slot/node:border",
    ),
    Case(
        "1.2: nodes are held",
        site([(4, SLIM)]),
        "slot=3-30/node",
        LATER,
        "3 slots of node need 3 nodes, wholly free: 2 are free, 2 more are wholly or partly held by jobs j1 and j2",
        "slot:count slot/node:border slot/node:whole jobs",
        held=("slot/core", "node/slot/core=16"),
    ),
    Case(
        "1.3: one socket a node",
        site([(4, node(1, 8))]),
        "slot=4/node{-x}/socket=2+/core=4+",
        NEVER,
        "4 slots of node{-x}/socket=2+/core=4+ need 8 sockets with 4 cores: 4 exist",
        "slot/node/socket:count slot/node/socket:border",
    ),
    Case(
        "1.3: three cores in a socket",
        site([(3, node(2, 4)), (1, node(2, 3))]),
        "slot=4/node{-x}/socket=2+/core=4+",
        NEVER,
        "4 slots of node{-x}/socket=2+/core=4+ need 32 cores: 30 exist",
        "slot:count slot/node:border slot/node/socket:border slot/node/socket/core:count",
    ),
    Case(
        "1.3: a core is held",
        site([(4, node(2, 4))]),
        "slot=4/node{-x}/socket=2+/core=4+",
        LATER,
        "4 slots of node{-x}/socket=2+/core=4+ need 8 sockets with 4 free cores: 7 are free, 1 more is "
        "wholly or partly held by job j1",
        "slot:count slot/node/socket:count slot/node/socket/core:count jobs",
        held=("slot/core",),
    ),
    Case(
        "1.4: a socket too few",
        site([(3, node(2, 4)), (1, node(1, 8))]),
        "slot=4/node/socket=2/core=4",
        NEVER,
        "4 slots of node/socket=2/core=4 need 8 sockets with 4 cores: 7 exist",
        "slot:count slot/node/socket:count slot/node/socket:border",
    ),
    Case(
        "1.4: a socket is held",
        site([(4, node(2, 4))]),
        "slot=4/node/socket=2{x}",
        LATER,
        "4 slots of node/socket=2{x} need 8 sockets, wholly free: 7 are free, 1 more is wholly or partly"
        " held by job j1",
        "slot:count slot/node/socket:count slot/node/socket:border slot/node/socket:whole jobs",
        held=("slot/core",),
    ),
    Case(
        "1.5: ib10g, but in two clusters",
        two_clusters((1, SLIM), (1, NO_IB), (1, SLIM), (1, NO_IB)),
        "cluster/slot=2/node/[memory=4{unit:GB};ib10g]",
        NEVER,
        "2 slots of node/[memory=4{unit:GB};ib10g] need 2 ib10gs in one cluster: 1 exists in the best cluster",
        "cluster/slot:count cluster:border cluster/slot/node:border cluster/slot/node/ib10g[1]:count",
    ),
    Case(
        "1.5: no ib10g",
        site([(4, NO_IB)], {"cluster": [{"switch": [{"ranks": "0-3"}]}]}),
        IB,
        NEVER,
        "this machine has no ib10g: it has cluster, switch, node, socket, core, memory",
        "cluster[0]/slot/node:border cluster[0]/slot/node/ib10g[1]:type",
    ),
    Case(
        "1.5: switches of three",
        site([(6, SLIM)], {"cluster": [{"switch": [{"ranks": "0-2"}, {"ranks": "3-5"}]}]}),
        BIG_IB,
        NEVER,
        "4 slots of node/core=2 need 4 nodes with 2 cores in one switch: 3 exist in the best switch",
        "switch[1]/slot:count switch[1]:border switch[1]/slot/node:border",
    ),
    Case(
        "1.6: two clusters",
        two_clusters((4, WIDE)),
        "cluster=3/slot/node=1+{-x}/core=30",
        NEVER,
        "3 clusters with a slot of node=1+{-x}/core=30 are asked for: 2 exist",
        "cluster:count cluster:border",
    ),
    Case(
        "1.6: a cluster of small nodes",
        two_clusters((2, SLIM), (2, WIDE)),
        "cluster=2/slot/node=1+{-x}/core=30",
        NEVER,
        "2 clusters with a slot of node=1+{-x}/core=30 are asked for: 1 exists, among 2 clusters",
        "cluster:count cluster:border cluster/slot/node/core:count",
    ),
    Case(
        "1.6: a cluster is held",
        two_clusters((4, WIDE)),
        "cluster=2/slot/node=1+{-x}/core=30",
        LATER,
        "2 clusters with a slot of node=1+{-x}/core=30 are asked for: 1 is free, 1 more is wholly or "
        "partly held by job j1",
        "cluster:count cluster:border cluster/slot/node/core:count jobs",
        held=("node=2/slot/core=20",),
    ),
    Case(
        "1.7: two switches",
        site([(8, SLIM)], {"switch": switches(0, 8)}),
        "switch=3/slot/node=1+{-x}/core",
        NEVER,
        "3 switches with a slot of node=1+{-x}/core are asked for: 2 exist",
        "switch:count switch:border",
    ),
    Case(
        "1.7: a switch is down",
        site([(12, SLIM)], {"switch": switches(0, 12)}),
        "switch=3/slot/node=1+{-x}/core",
        LATER,
        "3 switches with a slot of node=1+{-x}/core are asked for: 2 are free, 1 more is on ranks that are down (4-7)",
        "switch:count switch:border switch/slot/node/core:count down",
        down="4-7",
    ),
    Case(
        "1.8: fewer than the least",
        site([(3, SLIM)]),
        "slot=4,9,16,25/node",
        NEVER,
        "4 slots of node need 4 nodes: 3 exist",
        "slot:count slot/node:border",
    ),
    Case(
        "2.3: a core too few",
        site([(1, node(2, 8)), (1, node(1, 3))]),
        "slot=10/core=2",
        NEVER,
        "10 slots of core=2 need 20 cores: 19 exist",
        "slot:count slot/core:count",
    ),
    Case(
        "2.3: cores are held",
        site([(2, node(2, 8))]),
        "slot=10/core=2",
        LATER,
        "10 slots of core=2 are asked for: there is room for 9 now, 7 more where job j1 holds something",
        "slot:count slot/core:count jobs",
        held=("slot=13/core",),
    ),
    Case(
        "2.4: too little memory in a node",
        site([(2, node(2, 8, memory=29))]),
        DATABASE,
        NEVER,
        "1 node with 10 slots of [core;memory=4{unit:GB}] and a slot of [core=6;memory=24{unit:GB}] is "
        "asked for: no node has more than 58 GiB of memory (of 59.61 that it takes)",
        "node/slot[0]:count node:border node/slot[0]/memory[1]:count node/slot[1]/memory[1]:count",
    ),
    Case(
        "2.4: memory is held",
        site([(1, node(2, 10, memory=32))]),
        DATABASE,
        LATER,
        "1 node with 10 slots of [core;memory=4{unit:GB}] and a slot of [core=6;memory=24{unit:GB}] is "
        "asked for: none is free, 1 more is wholly or partly held by job j1 (because of "
        "memory=4{unit:GB} and memory=24{unit:GB})",
        "node/slot[0]:count node/slot[0]/memory[1]:count node/slot[1]/memory[1]:count jobs",
        held=("slot/[core;memory=20]",),
    ),
    Case(
        "2.4: cores too few in a node",
        site([(2, node(2, 7, memory=64))]),
        DATABASE,
        NEVER,
        "1 node with 10 slots of [core;memory=4{unit:GB}] and a slot of [core=6;memory=24{unit:GB}] is "
        "asked for: no node has more than 14 cores (of 16 that it takes)",
        "node/slot[0]:count node:border node/slot[0]/core[0]:count node/slot[1]/core[0]:count",
    ),
    Case(
        "2.5: too little memory",
        site([(1, node(1, 10, memory=18))]),
        "slot=10/[memory=2+{unit:GB};core]",
        NEVER,
        "10 slots of [memory=2+{unit:GB};core] need 18.63 GiB of memory: 18 GiB exist",
        "slot:count slot/memory[0]:count",
    ),
    Case(
        "2.6: too little memory in nodes",
        site([(1, node(1, 4, memory=4)), (3, node(1, 4, memory=3))]),
        "slot=2/node/memory=4+{unit:GB}",
        NEVER,
        "2 slots of node/memory=4+{unit:GB} need 2 nodes with 3.73 GiB of memory: 1 exists, among 4 nodes",
        "slot:count slot/node:border slot/node/memory:count",
    ),
    Case(
        "2.6: a node is held",
        site([(2, node(1, 4, memory=4))]),
        "slot=2/node/memory=4+{unit:GB}",
        LATER,
        "2 slots of node/memory=4+{unit:GB} need 2 nodes with 3.73 GiB of memory: 1 is free, 1 more is "
        "wholly or partly held by job j1",
        "slot:count slot/node:border slot/node:whole jobs",
        held=("slot/core",),
    ),
    Case(
        "2.7: the node is held",
        site([(1, SLIM)]),
        "slot/node",
        LATER,
        "a slot of node needs 1 node, wholly free: none is free, 1 more is wholly or partly held by job j1",
        "slot/node:border slot/node:whole jobs",
        held=("slot/core",),
    ),
    Case(
        "2.9: no such property",
        site([(4, WIDE)], properties={"amd-mi60": "0-3"}),
        "slot/node",
        NEVER,
        "no rank has the property amd-mi50 (is amd-mi60 meant?): there are amd-mi60",
        "slot/node:border constraint",
        query="amd-mi50",
    ),
    Case(
        "2.9: too few have it",
        site([(4, WIDE)], properties={"amd-mi50": "0-1"}),
        "slot=3/node",
        NEVER,
        "3 slots of node need 3 nodes: 4 exist, 2 of them on ranks that match the constraint",
        "slot:count slot/node:border constraint",
        query="amd-mi50",
    ),
    Case(
        "2.9: the one that has it is down",
        site([(4, WIDE)], properties={"amd-mi50": "0"}),
        "slot/node",
        LATER,
        "a slot of node needs 1 node, wholly free: none is free, 1 more is on ranks that are down (0), 3"
        " more are on ranks that do not match the constraint",
        "slot/node:border constraint down",
        query="amd-mi50",
        down="0",
    ),
    Case(
        "2.9: those that have it are held",
        site([(4, WIDE)], properties={"amd-mi50": "0-1"}),
        "slot/node",
        LATER,
        "a slot of node needs 1 node, wholly free: none is free, 2 more are wholly or partly held by "
        "jobs j1 and j2, 2 more are on ranks that do not match the constraint",
        "slot/node:border slot/node:whole jobs",
        query="amd-mi50",
        held=("slot/core", "slot=3/core=40"),
    ),
    Case(
        "2.9: none has both",
        site([(4, WIDE)], properties={"amd-mi50": "0-1", "big": "2-3"}),
        "slot/node",
        NEVER,
        "no rank matches amd-mi50 and big: alone amd-mi50 matches 2 and big matches 2",
        "slot/node:border constraint",
        query="amd-mi50 and big",
    ),
    Case(
        "numa domains of one node",
        site([(2, node(1, 16, numas=2))]),
        "node/numa=4/slot/core=2",
        NEVER,
        "1 node with 4 numas with a slot of core=2 is asked for: none of the 2 nodes has that",
        "node/numa:count node:border node/numa:border",
    ),
    Case(
        "gpus of one socket",
        site([(4, WIDE)]),
        "slot/socket/gpu=2",
        NEVER,
        "a slot of socket/gpu=2 needs 1 socket with 2 gpus: no socket has more than 1 gpu",
        "slot/socket:border slot/socket/gpu:count",
    ),
    Case(
        "no gpu at all",
        site([(4, SLIM)]),
        "slot/gpu",
        NEVER,
        "a slot of gpu needs 1 gpu: there is none",
        "slot/gpu:count",
    ),
    Case(
        "an id that is not there",
        site([(4, SLIM)]),
        "slot/node{id:'7'}/core",
        NEVER,
        "a slot of node{id:'7'}/core needs 1 node with 1 core: none of the 4 nodes has that",
        "slot/node:border slot/node:ids",
    ),
    Case(
        "an id that is down",
        site([(4, SLIM)]),
        "slot/node{id:'1'}/core",
        LATER,
        "a slot of node{id:'1'}/core needs 1 node with 1 free core: none is free, 1 more is on ranks that are down (1)",
        "slot/node:border slot/node:ids down",
        down="1",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_lacks_is_said_and_every_claim_holds(case: Case) -> None:
    pool = Pool(read_R(case.R))
    for jobid, shape in enumerate(case.held, start=1):
        pool.alloc(jobid, ask(shape))
        pool.update_expiration(jobid, 1000.0 * jobid)
    if case.down:
        pool.mark_down(pool.machine.mask_of(IdSet.parse(case.down)))
    explanation = explained(pool, ask(case.shape, case.query))
    assert explanation.status == case.status
    assert explanation.sentences[0] == case.says
    conflict = explanation.conflict
    assert conflict is not None
    assert conflict.complete
    found = [f"{part.path}:{part.aspect.value}" for part in conflict.vertices]
    found += ["constraint"] * bool(conflict.terms) + ["down"] * bool(conflict.down) + ["jobs"] * bool(conflict.jobs)
    assert found == case.conflict.split()


def test_sixteen_nodes_of_one_chassis_with_1501_GiB_each_of_36_disks_of_453_GiB() -> None:
    disks = [{"path": f"/dev/nvme{disk}", "capacity": 453, "unit": "GiB"} for disk in range(36)]
    chassis = {"chassis": [{"ranks": "0-15", "storage": disks}, {"ranks": "16-31", "storage": disks}]}
    explanation = explained(
        Pool(read_R(site([(32, SLIM)], chassis))), ask("chassis/slot=16/node/[core=4;storage=1501]")
    )
    rows = {row.path: row for row in explanation.rows}
    storage = rows["chassis/slot/node/storage[1]"]
    assert (storage.asked, storage.exist, storage.free, storage.unit) == (24016, 16308, 16308, "GiB")
    assert storage.within == ("chassis", 1)
    # Of sixteen nodes ten can have 1501 GiB, and each of sixteen 1019.
    assert rows["chassis/slot/node"].numbers == (10, 10, 10, 10)
    assert rows["chassis"].numbers == (0, 0, 0, 0)
    assert explanation.reason == (
        "16 slots of node/[core=4;storage=1501] need 24016 GiB of storage in one chassis: "
        "16308 GiB exist in the best chassis"
    )
    assert "ask for storage=1019 instead of 1501 (chassis/slot/node/storage[1])" in explanation.advice
    assert "ask for slot=10 instead of 16 (chassis/slot)" in explanation.advice


def test_a_type_that_is_misspelt_is_named_with_the_one_that_is_meant() -> None:
    explanation = explained(Pool(read_R(site([(1, WIDE)]))), ask("slot/[core;gpus=2]"))
    assert explanation.reason == "this machine has no gpus (is gpu meant?): it has node, socket, core, gpu, memory"
    assert explanation.conflict is not None
    assert explanation.conflict.parts == (VertexPart("slot/gpus[1]", Aspect.TYPE),)
