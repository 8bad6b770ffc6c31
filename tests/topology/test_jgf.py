"""Fluxion's graphs (RFC 40) as machines: the graphs are of our own making, in the forms that Fluxion's readers take."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.grug import grug_graph
from exactfit.topology.jgf_scheduling import graph_R
from exactfit.topology.rset import read_R

Json = dict[str, Any]
Nested = tuple[Any, ...]
"""(type, what else the vertex says, what it contains)."""


def graph(root: Nested, *, paths: bool = True) -> Json:
    """Return the graph of a nested vertex, containers before what they contain."""
    nodes: list[Json] = []
    edges: list[Json] = []

    def add(vertex: Nested, parent: str, path: str) -> None:
        kind, said, *below = vertex
        ident = str(len(nodes))
        name = said.get("name", f"{kind}{said.get('id', ident)}")
        data = {"type": kind, **said}
        if paths:
            data["paths"] = {"containment": f"{path}/{name}"}
        nodes.append({"id": ident, "metadata": data})
        if parent:
            edges.append({"source": parent, "target": ident})
        for one in below[0] if below else ():
            add(one, ident, f"{path}/{name}")

    add(root, "", "")
    return {"nodes": nodes, "edges": edges}


def cores(first: int, count: int) -> list[Nested]:
    return [("core", {"id": first + n}) for n in range(count)]


def node(name: str, rank: int, *below: Nested, **said: Any) -> Nested:
    return "node", {"name": name, "rank": rank, **said}, list(below or cores(0, 2))


def socket(number: int) -> Nested:
    pools = [("memory", {"size": 2, "unit": "GB"}), ("memory", {"size": 2, "unit": "GB"})]
    return "socket", {"id": number}, [*cores(4 * number, 4), ("gpu", {"id": number}), *pools]


TINY = ("cluster", {"name": "tiny0"}, [("rack", {"id": 0}, [
    node("node0", -1, socket(0), socket(1)), node("node1", -1, socket(0), socket(1)),
])])  # fmt: skip
SSD = "ssd", {"size": 616, "unit": "GiB"}
RABBITS = ("cluster", {"name": "el"}, [
    ("chassis", {"id": 0, "properties": {"rabbit": "el201"}}, [
        SSD, SSD, node("el1", 1, properties={"pall": ""}),
        ("storage_node", {"name": "el201", "rank": 4}, cores(0, 2)),
    ]),
    ("chassis", {"id": 1}, [SSD, node("el2", 2, properties={"pall": ""}), node("el3", 3)]),
    node("el0", 0),
])  # fmt: skip


def scheduling(root: Nested | Json) -> Json:
    """Return the tree and the groups that a graph becomes."""
    found: Json = graph_R(root if isinstance(root, dict) else graph(root), "graph")["scheduling"]
    return found


def test_containers_are_groups_above_the_node_and_domains_in_it() -> None:
    domains = [{"cores": "0-3", "gpus": "0", "memory": 4}, {"cores": "4-7", "gpus": "1", "memory": 4}]
    R = graph_R(graph(TINY), "graph")
    assert R["scheduling"] == {
        "children": [{"ranks": "0-1", "topo": {"socket": domains}}],
        "groups": {"rack": [{"ranks": "0-1"}]},
    }
    assert R["execution"]["R_lite"] == [{"rank": "0-1", "children": {"core": "0-7", "gpu": "0-1"}}]
    machine = read_R(R)
    assert list(machine.hosts) == ["node0", "node1"]
    assert machine.type_names == ("rack", "node", "socket", "core", "gpu", "memory")


def test_a_chassis_has_its_rabbits_and_a_node_may_stand_in_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        R = graph_R(graph(RABBITS), "graph")
    assert R["scheduling"]["groups"] == {"chassis": [{"ranks": "1", "ssd": 1232}, {"ranks": "2-3", "ssd": 616}]}
    assert R["execution"]["properties"] == {"pall": "1-2"}
    assert R["execution"]["R_lite"] == [{"rank": "0-3", "children": {"core": "0-1"}}]
    # The cores of a storage_node are for no job that asks for a node.
    assert "graph: ranks 4: their cores stand in no node; left out" in caplog.text
    assert "/el/chassis0/el201/core0, /el/chassis0/el201/core1: in no node, left out" in caplog.text


def test_what_a_container_without_nodes_holds_its_parent_has() -> None:
    decoy = ("chassis", {"id": 0}, [SSD, SSD])
    other = ("chassis", {"id": 1}, [node("a", 0), SSD])
    # The cluster lists what the chassis has as well: what is taken there is taken from both.
    assert scheduling(("cluster", {}, [decoy, other]))["groups"] == {
        "chassis": [{"ranks": "0", "ssd": 616}],
        "ssd": 3 * 616,
    }
    inner: Nested = ("mtl2unit", {}, [("mtl1unit", {}, [SSD, SSD])])
    assert scheduling(("cluster", {}, [("rack", {}, [node("a", 0), inner])]))["groups"] == {
        "rack": [{"ranks": "0", "ssd": 1232}]
    }


def test_ids_that_say_nothing_are_given_in_order() -> None:
    pools: list[Nested] = [
        ("socket", {}, [("core", {"size": 3}), ("gpu", {})]),
        ("socket", {}, [("core", {}), ("gpu", {})]),
    ]
    assert scheduling(("cluster", {}, [node("a", 0, *pools)]))["children"] == [
        {"ranks": "0", "topo": {"socket": [{"cores": "0-2", "gpus": "0"}, {"cores": "3", "gpus": "1"}]}}
    ]
    twice: list[Nested] = [("socket", {}, cores(0, 2)), ("socket", {}, cores(0, 2))]
    assert scheduling(("cluster", {}, [node("a", 0, *twice)]))["children"] == [
        {"ranks": "0", "topo": {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]}}
    ]


def test_what_is_no_tree_is_named_and_the_rest_is_used(caplog: pytest.LogCaptureFixture) -> None:
    made = graph(("cluster", {"name": "c"}, [("rack", {"id": 0}, [node("a", 0)]), ("rack", {"id": 1}, [node("b", 1)])]))
    index = {vertex["metadata"]["paths"]["containment"]: vertex["id"] for vertex in made["nodes"]}
    made["nodes"].append({"id": "pdu", "metadata": {"type": "pdu", "name": "pdu0"}})
    power = {"subsystem": "power", "relationship": "supplies"}
    made["edges"] += [
        {"source": "pdu", "target": index["/c/rack0"], "metadata": power},
        {"source": "pdu", "target": index["/c/rack1"], "metadata": power},
        # A container that the path of what it contains does not name.
        {"source": index["/c/rack1"], "target": index["/c/rack0/a"], "metadata": {"subsystem": "containment"}},
        # The same as before, upwards and in the older form.
        {"source": index["/c/rack0/a"], "target": index["/c/rack0"], "metadata": {"name": {"containment": "in"}}},
        {"source": index["/c/rack1/b"], "target": index["/c/rack1"], "metadata": {"subsystem": "containment"}},
    ]
    with caplog.at_level(logging.WARNING):
        assert scheduling(made)["groups"] == {"rack": [{"ranks": "0"}, {"ranks": "1"}]}
    assert [record.getMessage() for record in caplog.records] == [
        'graph.edges: 2 edges of the subsystem "power": a second hierarchy, left out',
        "graph.edges: /c/rack0/a: in two containers, kept in one",
        "graph: pdu0: not in the tree of the nodes, left out",
    ]


def test_what_is_down_in_the_graph_is_named(caplog: pytest.LogCaptureFixture) -> None:
    down = ("ssd", {"size": 616, "unit": "GiB", "status": 1, "name": "old"})
    root = ("cluster", {"name": "c"}, [("rack", {"id": 0}, [SSD, down, node("a", 0), node("b", 1, status=1)])])
    with caplog.at_level(logging.WARNING):
        assert scheduling(root)["groups"] == {"rack": [{"ranks": "0-1", "ssd": 616}]}
    assert "/c/rack0/old: down in the graph, left out" in caplog.text
    assert "/c/rack0/b: down in the graph, which R does not say: mark it down" in caplog.text


def R_with(root: Nested, ranks: str, hosts: str, ids: str = "0-1") -> Json:
    lite = [{"rank": ranks, "children": {"core": ids}}]
    execution = {"R_lite": lite, "nodelist": [hosts], "starttime": 0, "expiration": 0}
    return {"version": 1, "execution": execution, "scheduling": {"graph": graph(root)}}


def test_R_with_a_graph_has_its_tree(caplog: pytest.LogCaptureFixture) -> None:
    machine = read_R(R_with(RABBITS, "0-4", "el[0-3],el201"))
    assert list(machine.ranks) == [0, 1, 2, 3]
    assert list(machine.hosts) == ["el0", "el1", "el2", "el3"]
    assert [(group.level, list(machine.ids_of(group.members))) for group in machine.groups] == [
        ("chassis", [1]),
        ("chassis", [2, 3]),
    ]
    assert "ranks 4" in caplog.text


def test_a_sub_instance_numbers_its_ranks_and_cores_anew() -> None:
    sub: Nested = (
        "cluster",
        {},
        [("rack", {"id": 7}, [node("a", 12, *cores(4, 2))]), ("rack", {}, [node("b", 30, *cores(8, 2))])],
    )
    machine = read_R(R_with(sub, "0-1", "a,b"))
    assert [list(machine.ids_of(group.members)) for group in machine.groups] == [[0], [1]]
    assert {kind.cores for kind in machine.types} == {3}


def test_a_graph_without_ranks_is_matched_by_its_hosts() -> None:
    unranked: Nested = ("cluster", {}, [("rack", {}, [node("b", -1)]), ("rack", {}, [node("a", -1)])])
    for ranks, hosts, racks in (("0-1", "a,b", [[1], [0]]), ("0", "a", [[0]]), ("5-6", "x,y", [[5], [6]])):
        machine = read_R(R_with(unranked, ranks, hosts))
        assert [list(machine.ids_of(group.members)) for group in machine.groups] == racks, hosts


def broken(change: Callable[[Json], object]) -> Json:
    made = graph(("cluster", {}, [("rack", {}, [node("a", 0), node("b", 1)])]))
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("nodes"), "graph.nodes: missing"),
        (lambda g: g["nodes"].__setitem__(0, 7), "graph.nodes[0]: not an object"),
        (lambda g: g["nodes"][1].pop("id"), "graph.nodes[1].id: null is no string"),
        (lambda g: g["nodes"][1].update(id="0"), 'graph.nodes[1].id: "0" is that of graph.nodes[0] as well'),
        (lambda g: g["nodes"][1].pop("metadata"), "graph.nodes[1].metadata: missing"),
        (lambda g: g["nodes"][1]["metadata"].update(type="slot"), 'graph.nodes[1].metadata.type: "slot" is no type'),
        (lambda g: g["nodes"][1]["metadata"].update(type="a\x1b"), 'graph.nodes[1].metadata.type: "a\\x1b" is no type'),
        (lambda g: g["nodes"][2]["metadata"].update(rank=0.5), "graph.nodes[2].metadata.rank: 0.5 is no whole number"),
        (lambda g: g["nodes"][2]["metadata"].update(rank=1), 'graph: "a" and "b" are both rank 1'),
        (lambda g: g["nodes"][2]["metadata"].update(name="b"), 'graph: "b": no name for a host'),
        (lambda g: g["nodes"][2]["metadata"].update(name="a[0-9]"), 'graph: "a[0-9]": no name for a host'),
        (lambda g: g["edges"].append({"source": "0"}), "graph.edges[7]: its source and target"),
        (lambda g: g["edges"].append({"source": "0", "target": "99"}), "graph.edges[7]: its source and target"),
        (lambda g: [one["metadata"].update(type="rack") for one in g["nodes"]], "graph: no vertex of type node"),
    ],
)
def test_what_is_no_graph_is_refused_with_its_place(change: Callable[[Json], object], message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        graph_R(broken(change), "graph")


def test_a_circle_and_two_units_are_refused() -> None:
    made = graph(("cluster", {}, [("rack", {}, [node("a", 0)]), ("rack", {}, [])]), paths=False)
    rack = [vertex["id"] for vertex in made["nodes"] if vertex["metadata"]["type"] == "rack"]
    made["edges"] = [edge for edge in made["edges"] if edge["target"] != rack[1]]
    made["nodes"].append({"id": "row", "metadata": {"type": "row"}})
    made["edges"] += [{"source": "row", "target": rack[1]}, {"source": rack[1], "target": "row"}]
    with pytest.raises(ValueError, match=r'^graph.nodes\[5\]: "rack" contains itself'):
        graph_R(made, "graph")
    power = [("power", {"size": 4, "unit": "kW"}), ("power", {"size": 4, "unit": "W"})]
    with pytest.raises(ValueError, match=r'^graph: "power" in "kW", and in "W"'):
        graph_R(graph(("cluster", {}, [*power, node("a", 0)])), "graph")


# What Fluxion's own tests ask of such graphs, and what comes of it there: the same, but that it takes whole SSDs.


def placed(pool: Pool, shape: str) -> str:
    try:
        allocation = pool.alloc(len(pool.jobs), Request.of(parse_resources(parse_shape(shape))))
    except InfeasibleRequest:
        return "never"
    except InsufficientResources:
        return "not now"
    return pool.machine.ids_text(allocation.nodes)


def test_slots_with_more_than_one_share_of_an_SSD() -> None:
    decoy = ("chassis", {"id": 0}, [SSD] * 4)
    root = (
        "cluster",
        {"name": "mini"},
        [decoy, ("chassis", {"id": 1}, [*(node(f"n{n}", n) for n in range(4)), *[SSD] * 4])],
    )
    share = "slot=2/[node{x}/core=1;ssd=%d]"
    pool = Pool(read_R(graph_R(graph(root), "graph")))
    assert [placed(pool, share % 101), placed(pool, share % 101), placed(pool, share % 101)] == [
        "0-1",
        "2-3",
        "not now",
    ]
    pool = Pool(read_R(graph_R(graph(root), "graph")))
    assert [placed(pool, share % 700), placed(pool, share % 3000)] == ["0-1", "never"]


RECIPE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- two racks of two nodes, a storage unit for all -->
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="root" for="node" attr.name="root" attr.type="int"><default>0</default></key>
  <key id="size" for="node" attr.name="size" attr.type="long"><default>1</default></key>
  <key id="multi_scale" for="edge" attr.name="multi_scale" attr.type="int"><default>1</default></key>
  <key id="gen_method" for="edge" attr.name="gen_method" attr.type="string"><default>MULTIPLY</default></key>
  <graph id="g" edgedefault="directed">
    <node id="cluster"><data key="root">1</data><data key="type">cluster</data><data key="basename">g</data></node>
    <node id="unit"><data key="type">unit</data></node>
    <node id="ssd"><data key="type">ssd</data><data key="size">512</data></node>
    <node id="rack"><data key="type">rack</data><data key="basename">rack</data></node>
    <node id="node"><data key="type">node</data><data key="basename">node</data></node>
    <node id="socket"><data key="type">socket</data></node>
    <node id="core"><data key="type">core</data></node>
    <node id="memory"><data key="type">memory</data><data key="size">32</data><data key="unit">GB</data></node>
    <edge source="cluster" target="rack"><data key="multi_scale">2</data></edge>
    <edge source="cluster" target="unit"></edge>
    <edge source="unit" target="ssd"><data key="multi_scale">16</data></edge>
    <edge source="rack" target="node"><data key="multi_scale">2</data><data key="id_start">10</data></edge>
    <edge source="node" target="socket"><data key="multi_scale">2</data></edge>
    <edge source="socket" target="core"><data key="multi_scale">3</data></edge>
    <edge source="socket" target="memory"><data key="multi_scale">4</data></edge>
    <edge source="rack" target="core"><data key="gen_method">ASSOCIATE_IN</data></edge>
  </graph>
</graphml>"""


def test_a_recipe_is_carried_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        R = graph_R(grug_graph(RECIPE), "graph")
    domains = [{"cores": "0-2", "memory": 128}, {"cores": "3-5", "memory": 128}]
    assert R["scheduling"] == {
        "children": [{"ranks": "0-3", "topo": {"socket": domains}}],
        "groups": {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}], "ssd": 8192},
    }
    assert R["execution"]["nodelist"] == ["node10,node11,node12,node13"]
    assert "GRUG: 1 edges of" in caplog.text
    read_R(json.dumps(R))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("<graphml", "<html", 'GRUG: "html" instead of graphml'),
        ("</graphml>", "", "GRUG: no element found at line"),
        ('target="unit"', 'target="x"', 'GRUG: line 18: an edge between "cluster" and "x"'),
        (">16<", ">a lot<", 'GRUG: line 19: multi_scale: "a lot" is no number'),
        (">16<", ">99999999<", "GRUG: line 19: more than 1048576 vertices"),
        ('<data key="root">1</data>', "", "GRUG: 0 roots"),
        ('source="unit" target="ssd"', 'source="node" target="rack"', "GRUG: "),
        ('<?xml version="1.0" encoding="UTF-8"?>', "<!DOCTYPE g [<!ENTITY a 'b'>]>", "GRUG: an entity declaration"),
        ("UTF-8", "rot13", 'GRUG: the encoding "rot13"'),
    ],
)
def test_what_is_no_recipe_is_refused(before: str, after: str, message: str) -> None:
    assert before in RECIPE
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        grug_graph(RECIPE.replace(before, after).encode())
