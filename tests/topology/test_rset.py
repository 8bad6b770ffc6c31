"""R in and out."""

from __future__ import annotations

import copy
import json
import logging
from fractions import Fraction
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet, mask_text
from exactfit.topology.machine import Machine
from exactfit.topology.rset import WRITER, read_R, write_R

Json = dict[str, Any]

NUMA2 = {"numa": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3", "gpus": "1"}]}
SOCKET2 = {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]}


def make(lite: list[tuple[str, str, str]], scheduling: Json | None = None, **execution: object) -> Json:
    entries = [
        {"rank": rank, "children": {name: ids for name, ids in (("core", core), ("gpu", gpu)) if ids}}
        for rank, core, gpu in lite
    ]
    R: Json = {"version": 1, "execution": {"R_lite": entries, "starttime": 0.0, "expiration": 0.0, **execution}}
    if scheduling is not None:
        R["scheduling"] = scheduling
    return R


def children(*entries: tuple[str, Json]) -> Json:
    return {"writer": "TreePool", "children": [{"ranks": ranks, "topo": topo} for ranks, topo in entries]}


def levels_at(machine: Machine) -> dict[int, tuple[str, ...]]:
    return {rank: machine.type_at(position).levels for position, rank in enumerate(machine.ranks)}


def everything(machine: Machine) -> Json:
    return write_R(machine, machine.holdings, starttime=machine.starttime, expiration=machine.expiration)


def test_all_of_rfc_20_is_read() -> None:
    R = make(
        [("19-20", "0-47", "0-7"), ("22", "0-47", "0-7"), ("21", "0-3", "")],
        nodelist=["node[186-188]", "other"],
        properties={"fast": "19,22", "+batch": "20-21", "mi50@gpu": "19"},
        nslots=32,
    )
    R["execution"]["starttime"], R["execution"]["expiration"] = 1676560542, 1676562342.5
    machine = read_R(json.dumps(R))
    assert list(machine.ranks) == [19, 20, 21, 22]
    assert list(machine.hosts) == ["node186", "node187", "node188", "other"]
    assert [(mask_text(t.cores), mask_text(t.gpus)) for t in machine.types] == [("0-47", "0-7"), ("0-3", "")]
    assert list(machine.type_of) == [0, 0, 1, 0]
    assert machine.type_masks == (0b1011, 0b0100)
    assert machine.properties == {"fast": 0b1001, "+batch": 0b0110, "mi50@gpu": 0b0001}
    assert (machine.starttime, machine.expiration, machine.nslots) == (1676560542.0, 1676562342.5, 32)
    assert machine.levels == ()
    assert machine.group_levels == ()
    assert machine.scheduling is None
    assert machine.position(21) == 2
    assert machine.mask_of(IdSet.parse("0,20-21")) == 0b0110
    assert machine.unknown(IdSet.parse("0,20-21")) == IdSet.parse("0")
    assert machine.ids_of(0b1100) == IdSet.parse("21-22")
    assert machine.host(3) == "other"
    with pytest.raises(KeyError):
        machine.position(18)


def test_facts_for_constraints() -> None:
    machine = read_R(make([("0-2", "0", ""), ("5", "0", "")], nodelist=["a[1-2],b,a1"], properties={"p": "1,5"}))
    facts = machine.facts
    assert facts.all == 0b1111
    assert facts.property("p") == 0b1010
    assert facts.property("q") == 0
    assert facts.hosts(Hostlist.parse("a1,zz")) == 0b1001  # two ranks on one host
    assert facts.ranks(IdSet.parse("2-9")) == 0b1100
    nameless = read_R(make([("3-4", "0", "")]))
    assert nameless.host(1) == "rank4"
    assert nameless.facts.hosts(Hostlist.parse("rank4")) == 0b10


def test_an_empty_r() -> None:
    machine = read_R(make([]))
    assert machine.size == machine.all == 0
    assert not machine.types
    assert not machine.type_masks
    assert everything(machine) == make([])


def test_gpus_and_cores_alone() -> None:
    R = make([("0", "", "0-1"), ("1", "", "")])
    for entry in R["execution"]["R_lite"]:
        entry["children"].setdefault("core", "")  # RFC 20 requires the key
    assert everything(read_R(R)) == R


def test_equal_nodes_share_their_type_however_they_are_written() -> None:
    same = {"numa": [{"cores": "0,1", "gpus": "0"}, {"cores": "2-3", "gpus": "1"}]}
    machine = read_R(make([("0", "0-3", "0-1"), ("1", "0,1,2,3", "0-1")], children(("0", NUMA2), ("1", same))))
    assert len(machine.types) == 1
    again = read_R(make([("7", "0-3", "0-1")], children(("7", NUMA2))))
    assert again.types[0] is machine.types[0]


def test_many_types() -> None:
    lite = [(str(rank), str(rank), "") for rank in range(300)]
    machine = read_R(make(lite))
    assert len(machine.types) == 300
    assert list(machine.type_of) == list(range(300))
    assert machine.type_masks[299] == 1 << 299
    assert everything(machine) == make(lite)


MATCHED: list[tuple[str, str, Json, dict[int, tuple[str, ...]]]] = [
    ("equal sets", "2-3", children(("2", NUMA2), ("3", SOCKET2)), {2: ("numa",), 3: ("socket",)}),
    ("a sub-instance: by order", "0-1", children(("7", SOCKET2), ("4", NUMA2)), {0: ("numa",), 1: ("socket",)}),
    (
        "order, although some ranks are equal",
        "0-1",
        children(("1", NUMA2), ("5", SOCKET2)),
        {0: ("numa",), 1: ("socket",)},
    ),
    ("not cut: equal ranks only", "1", children(("0", SOCKET2), ("1-9", NUMA2)), {1: ("numa",)}),
    ("ranks without a tree", "0-2", children(("1", NUMA2)), {0: (), 1: ("numa",), 2: ()}),
    ("ranks of elsewhere", "0-1", children(("5-9", NUMA2)), {0: (), 1: ()}),
    ("no children", "0-1", {"writer": "TreePool"}, {0: (), 1: ()}),
    ("null", "0-1", {"children": None, "groups": None}, {0: (), 1: ()}),
    ("Fluxion's own", "0-1", {"graph": {}}, {0: (), 1: ()}),
]


@pytest.mark.parametrize(
    ("ranks", "scheduling", "expected"), [row[1:] for row in MATCHED], ids=[row[0] for row in MATCHED]
)
def test_ranks_of_children_are_matched(ranks: str, scheduling: Json, expected: dict[int, tuple[str, ...]]) -> None:
    assert levels_at(read_R(make([(ranks, "0-3", "0-1")], scheduling))) == expected


def test_levels_of_all_types_are_in_one_order() -> None:
    deep = {"socket": [{"numa": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "2-3"}]}
    l3 = {"numa": [{"l3": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "2-3"}]}
    machine = read_R(make([("0-1", "0-3", "")], children(("0", l3), ("1", deep))))
    assert machine.levels == ("socket", "numa", "l3")
    upside_down = {"numa": [{"socket": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "2-3"}]}
    machine = read_R(make([("0-1", "0-3", "")], children(("0", deep), ("1", upside_down))))
    assert machine.levels == ("socket", "numa")  # what comes first decides


def test_unknown_resources_of_r_lite_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    R = make([("0", "0", "")])
    R["execution"]["R_lite"][0]["children"]["ssd"] = "0"
    with caplog.at_level(logging.WARNING):
        read_R(R)
    assert "ssd" in caplog.text


def broken(path: str, value: object) -> Json:
    """A good R in which one thing is replaced; the path is that of the error."""
    R = make(
        [("0-1", "0-3", "0-1"), ("2", "0-3", "")],
        {**children(("0-2", NUMA2)), "groups": {"rack": [{"ranks": "0-1"}, {"ranks": "2"}]}},
        nodelist=["n[0-2]"],
        properties={"p": "0"},
    )
    R = copy.deepcopy(R)
    holder: Any = R
    keys = path.split("/")
    for key in keys[:-1]:
        holder = holder[int(key) if key.isdigit() else key]
    last = int(keys[-1]) if keys[-1].isdigit() else keys[-1]
    if value is KeyError:
        del holder[last]
    else:
        holder[last] = value
    return R


WRONG: list[tuple[str, object, str]] = [
    ("version", 2, "R: version: 2 is not 1"),
    ("version", True, "R: version: True is not 1"),
    ("version", KeyError, "R: version: None is not 1"),
    ("execution", KeyError, "execution: missing"),
    ("execution", [], "execution: not an object"),
    ("execution/R_lite", KeyError, "execution.R_lite: missing"),
    ("execution/R_lite", {}, "execution.R_lite: not an array"),
    ("execution/R_lite/1", "0", "execution.R_lite[1]: not an object"),
    ("execution/R_lite/1/rank", KeyError, "execution.R_lite[1]: no 'rank'"),
    ("execution/R_lite/1/rank", 2, "execution.R_lite[1].rank: not an idset string"),
    ("execution/R_lite/1/rank", "2-", "execution.R_lite[1].rank: "),
    ("execution/R_lite/1/rank", "02", "execution.R_lite[1].rank: "),
    ("execution/R_lite/1/rank", "9" * 40, "execution.R_lite[1].rank: "),
    ("execution/R_lite/1/rank", "1-2", "execution.R_lite[1].rank: rank 1 is in execution.R_lite[0].rank as well"),
    (
        "execution/R_lite/1/rank",
        "0-2147483647",
        "execution.R_lite[1].rank: rank 0 is in execution.R_lite[0].rank as well",
    ),
    ("execution/R_lite/1/rank", "2-2147483647", "execution.R_lite: 2147483648 ranks, more than 4194304"),
    ("execution/R_lite/1/children", KeyError, "execution.R_lite[1]: no 'children'"),
    ("execution/R_lite/1/children", "x", "execution.R_lite[1].children: not an object"),
    ("execution/R_lite/1/children/core", 5, "execution.R_lite[1].children.core: not an idset string"),
    ("execution/R_lite/1/children/core", ["0"], "execution.R_lite[1].children: core and gpu have to be idset strings"),
    ("execution/R_lite/1/children/gpu", "x", "execution.R_lite[1].children.gpu: "),
    ("execution/R_lite/1/children/gpu", "99999", "execution.R_lite[1].children.gpu: an id above 65535"),
    ("execution/nodelist", "n[0-2]", "execution.nodelist: not an array"),
    ("execution/nodelist", ["n[0-3]"], "execution.nodelist: 4 hosts for 3 ranks"),
    ("execution/nodelist", ["n[0-2"], "execution.nodelist: "),
    ("execution/nodelist", ["n[0-1]", 5], "execution.nodelist[1]: not a hostlist string"),
    ("execution/properties", [], "execution.properties: not an object"),
    ("execution/properties/p", 0, "execution.properties.p: not an idset string"),
    ("execution/properties/a|b", "0", "execution.properties: 'a|b': no name for a property"),
    ("execution/starttime", "now", "execution.starttime: not a number"),
    ("execution/expiration", float("nan"), "execution.expiration: no time"),
    ("execution/expiration", 10**400, "execution.expiration: no time"),
    ("execution/nslots", 1.5, "execution.nslots: 1.5 is no number of slots"),
    ("scheduling", [], "scheduling: not an object"),
    ("scheduling/children", {}, "scheduling.children: not an array"),
    ("scheduling/children/0", 3, "scheduling.children[0]: not an object"),
    ("scheduling/children/0/ranks", KeyError, "scheduling.children[0]: no 'ranks'"),
    ("scheduling/children/0/ranks", 0, "scheduling.children[0].ranks: not an idset string"),
    ("scheduling/children/0/topo", KeyError, "scheduling.children[0]: no 'topo'"),
    ("scheduling/children/0/topo", "x", "scheduling.children[0].topo: a string, not an object"),
    ("scheduling/children/0/topo/numa/1/cores", 3, "scheduling.children[0].topo.numa[1].cores: not an idset string"),
    ("scheduling/groups", [], "scheduling.groups: an array, not an object"),
    ("scheduling/groups/rack/0", 1, "scheduling.groups.rack[0]: a number, not an object"),
    ("scheduling/groups/rack/0/ranks", 0, "scheduling.groups.rack[0].ranks: not an idset string"),
    ("scheduling/groups/rack/0/ranks", "3,1", "scheduling.groups.rack[0].ranks: "),
    ("scheduling/groups/rack/0/cores", "1", "scheduling.groups.rack[0].cores: not allowed here"),
    ("scheduling/groups/numa", [{"ranks": "0"}], "scheduling.groups: 'numa' is a level below the node as well"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_what_is_wrong_is_named(path: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"R|execution|scheduling") as caught:
        read_R(broken(path, value))
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "7", "null", '"x"', b"\xff\xfe\xff", "[1e400"]
)
def test_text_that_is_no_r(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="R: "):
        read_R(text)


def test_entries_of_children_overlap() -> None:
    with pytest.raises(
        ValueError, match=r"scheduling.children\[1\].ranks: rank 1 is in scheduling.children\[0\].ranks as well"
    ):
        read_R(make([("0-1", "0-3", "")], children(("0-1", NUMA2), ("1", SOCKET2))))


# Writing


def test_an_allocation() -> None:
    R = make(
        [("0-3", "0-3", "0-1")],
        {**children(("0-1", NUMA2), ("2-3", SOCKET2)), "graph": {"nodes": []}, "placement": "of the parent"},
        nodelist=["n[0-3]"],
        properties={"fast": "1-2", "+queue": "0-3", "slow": "0"},
    )
    machine = read_R(R)
    job = write_R(
        machine,
        [(0b0100, 0b0011, 0), (0b0010, 0b0001, 0b10), (0b1000, 0b0011, 0)],
        nslots=3,
        starttime=5.0,
        expiration=9.0,
        scheduling_extra={"placement": []},
    )
    assert job == {
        "version": 1,
        "execution": {
            "R_lite": [
                {"rank": "1", "children": {"core": "0", "gpu": "1"}},
                {"rank": "2-3", "children": {"core": "0-1"}},
            ],
            "starttime": 5.0,
            "expiration": 9.0,
            "nodelist": ["n[1-3]"],
            "nslots": 3,
            "properties": {"fast": "1-2"},
        },
        "scheduling": {
            "writer": WRITER,
            "children": [{"ranks": "1", "topo": NUMA2}, {"ranks": "2-3", "topo": SOCKET2}],
            "placement": [],
        },
    }


def test_no_scheduling_without_need() -> None:
    bare = read_R(make([("0", "0", "")], {"graph": {}}))
    assert "scheduling" not in write_R(bare, [(1, 1, 0)])
    assert write_R(bare, [(1, 1, 0)], scheduling_extra={"certificate": {}})["scheduling"] == {
        "writer": WRITER,
        "certificate": {},
    }


def test_a_node_cannot_be_held_twice() -> None:
    with pytest.raises(ValueError, match="rank 4"):
        write_R(read_R(make([("4", "0-1", "")])), [(1, 1, 0), (1, 2, 0)])


def test_a_sub_instance_finds_its_trees_and_groups_again() -> None:
    """Parent ranks 3, 5 and 8 are 0, 1 and 2 there; 5 has no tree, 8 no rack."""
    parent = read_R(
        make([("0-9", "0-3", "")], {**children(("0-3", NUMA2), ("8", SOCKET2)), "groups": {"rack": [{"ranks": "0-7"}]}})
    )
    job = write_R(parent, [(1 << 3 | 1 << 5 | 1 << 8, 0b1111, 0)])
    job["execution"]["R_lite"][0]["rank"] = "0-2"
    machine = read_R(job)
    assert levels_at(machine) == {0: ("numa",), 1: (), 2: ("socket",)}
    assert [(group.level, group.members) for group in machine.groups] == [("rack", 0b011)]
    assert everything(machine)["scheduling"]["children"] == [
        {"ranks": "0", "topo": NUMA2},
        {"ranks": "1", "topo": {}},
        {"ranks": "2", "topo": SOCKET2},
    ]


# Groups


def test_groups() -> None:
    machine = read_R(
        make(
            [("0-7", "0", "")],
            {
                "groups": {
                    "row": [
                        {"rack": [{"ranks": "0-1", "storage": 5120}, {"ranks": "2-3", "ib10g": 2}], "ranks": "4"},
                        {"ranks": "5-6", "memory": 7},
                    ]
                }
            },
        )
    )
    assert machine.group_levels == ("row", "rack")
    assert [(g.level, g.number, g.parent, g.children, g.members, g.resources) for g in machine.groups] == [
        ("row", 0, -1, (1, 2), 0b0001_1111, ()),
        ("rack", 0, 0, (), 0b0000_0011, (("storage", Fraction(5120)),)),
        ("rack", 1, 0, (), 0b0000_1100, (("ib10g", Fraction(2)),)),
        ("row", 1, -1, (), 0b0110_0000, (("memory", Fraction(7)),)),
    ]
    assert list(machine.group_of) == [1, 1, 2, 2, 0, 3, 3, -1]
    assert everything(machine)["scheduling"]["groups"] == machine.scheduling["groups"]  # type: ignore[index]
    job = write_R(machine, [(0b0001_1000, 1, 0)])
    assert job["scheduling"]["groups"] == {"row": [{"ranks": "4", "rack": [{"ranks": "3", "ib10g": 2}]}]}


def test_resources_of_the_whole_cluster() -> None:
    machine = read_R(make([("0-2", "0", "")], {"groups": {"storage": 100, "rack": [{"ranks": "0-1"}]}}))
    assert machine.group_levels == ("cluster", "rack")
    assert [(g.level, g.members, g.resources) for g in machine.groups] == [
        ("cluster", 0b111, (("storage", Fraction(100)),)),
        ("rack", 0b011, ()),
    ]
    again = read_R(everything(machine))
    assert again.groups == machine.groups
    with pytest.raises(ValueError, match="cluster"):
        read_R(make([("0", "0", "")], {"groups": {"storage": 1, "cluster": [{"ranks": "0"}]}}))


RACKS = [{"ranks": "0-1", "power": 40}, {"ranks": "2-3", "power": 40}]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        # It bounds the racks together, whose power it has beside that of the unit.
        ({"row": [{"rack": RACKS, "unit": [{"power": 10}]}]}, {"row": 90, "rack": 40}),
        ({"row": [{"rack": RACKS, "unit": [{"part": [{"power": 4}, {"power": 6}]}]}]}, {"row": 90, "rack": 40}),
        ({"row": [{"aisle": [{"rack": RACKS}], "unit": [{"power": 10}]}]}, {"row": 90, "rack": 40}),
        ({"rack": RACKS, "unit": [{"power": 10}]}, {"cluster": 90, "rack": 40}),
        ({"rack": RACKS, "row": [{"ranks": "0-3", "power": 60}], "unit": [{"power": 10}]}, {"cluster": 70, "row": 60}),
        # A group that says how much it has says it of all in it; and of another name there is nothing to bound.
        ({"row": [{"power": 60, "rack": RACKS, "unit": [{"power": 10}]}]}, {"row": 70, "rack": 40}),
        ({"row": [{"rack": RACKS, "unit": [{"ssd": 10}]}]}, {"rack": 40}),
    ],
)
def test_what_a_group_without_ranks_lists_is_beside_what_the_others_have(
    groups: Json, expected: dict[str, int]
) -> None:
    machine = read_R(make([("0-3", "0", "")], {"groups": groups}))
    found = {group.level: dict(group.resources).get("power") for group in machine.groups}
    assert {level: power for level, power in found.items() if power is not None} == {"rack": 40, **expected}
    assert read_R(everything(machine)).groups == machine.groups


def test_groups_side_by_side_and_groups_of_nobody() -> None:
    groups = {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}, {"ranks": "90", "storage": 1}], "row": [{"ranks": "0-3"}]}
    machine = read_R(make([("0-3", "0", "")], {**children(("0-3", NUMA2)), "groups": groups}))
    assert [(g.level, g.parent, g.members) for g in machine.groups] == [
        ("row", -1, 0b1111),
        ("rack", 0, 0b0011),
        ("rack", 0, 0b1100),
    ]


def test_groups_that_overlap_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    groups = {"rack": [{"ranks": "0-1"}, {"ranks": "1-2"}], "row": [{"ranks": "0-1"}]}
    with caplog.at_level(logging.WARNING):
        machine = read_R(make([("0-2", "0", "")], {"groups": groups}))
    assert machine.group_levels == ("row",)
    assert "rack" in caplog.text


def test_groups_alone_are_renumbered_by_order() -> None:
    machine = read_R(make([("0-2", "0", "")], {"groups": {"rack": [{"ranks": "10,12"}, {"ranks": "11"}]}}))
    assert [group.members for group in machine.groups] == [0b101, 0b010]


# Cutting and looking


def test_cut() -> None:
    R = make(
        [("0-3", "0-3", "0-1"), ("4-7", "0-3", "")],
        {**children(("0-5", NUMA2)), "groups": {"rack": [{"ranks": "0-3"}, {"ranks": "4-7"}]}},
        nodelist=["n[0-7]"],
        properties={"p": "0,4-5", "q": "7"},
    )
    machine = read_R(R)
    part = machine.cut(0b0011_1000)
    assert list(part.ranks) == [3, 4, 5]
    assert list(part.hosts) == ["n3", "n4", "n5"]
    assert [part.type_at(i) for i in range(3)] == [machine.type_at(i) for i in (3, 4, 5)]
    assert part.properties == {"p": 0b110}
    assert [(g.level, g.number, g.members) for g in part.groups] == [("rack", 0, 0b001), ("rack", 1, 0b110)]
    assert machine.cut(machine.all) is machine
    assert machine.cut(0).size == 0


def test_the_whole_machine_as_a_graph() -> None:
    scheduling = {**children(("0-3", NUMA2)), "groups": {"rack": [{"ranks": "0-1", "storage": 9}]}}
    machine = read_R(make([("0-3", "0-3", "0-1")], scheduling, nodelist=["n[0-3]"]))
    graph = machine.graph()
    assert nx.is_arborescence(graph)
    assert list(graph.predecessors(("node", 1))) == [("group", 0)]
    assert list(graph.predecessors(("node", 2))) == [("cluster",)]
    assert graph.nodes["node", 3] == {
        "level": "node", "number": 0, "whole": True, "own_cores": "", "own_gpus": "", "memory": None, "storage": None,
        "host": "n3",
    }  # fmt: skip
    assert graph.nodes["domain", 3, 2]["own_cores"] == "2-3"
    assert graph.nodes["group", 0]["storage"] == 9
    assert set(machine.graph(0b1000)) == {("cluster",), ("node", 3), ("domain", 3, 1), ("domain", 3, 2)}


# Properties

TOPOS = [NUMA2, SOCKET2, {"cores": "0-3"}, {}, {"numa": [{"cores": "0-1"}, {"cores": "1-2"}], "memory": 4}]
idsets = st.frozensets(st.integers(0, 12), min_size=1).map(lambda ids: str(IdSet.of(ids)))


@st.composite
def resource_sets(draw: st.DrawFn) -> Json:
    ranks = sorted(draw(st.frozensets(st.integers(0, 30), max_size=10)))
    cut = draw(st.lists(st.integers(0, len(ranks)), max_size=3).map(sorted))
    pieces = [IdSet.of(ranks[a:b]) for a, b in zip([0, *cut], [*cut, len(ranks)], strict=True)]
    lite = [(str(piece), draw(idsets), draw(st.one_of(st.just(""), idsets))) for piece in pieces if piece]
    R = make(draw(st.permutations(lite)))
    execution = R["execution"]
    if draw(st.booleans()) and ranks:
        execution["nodelist"] = [f"h[{IdSet.of(ranks)}]"]
    names = draw(st.dictionaries(st.sampled_from(["p", "q", "+r"]), idsets, max_size=3))
    if names:
        execution["properties"] = names
    scheduling: Json = {}
    if draw(st.booleans()):
        shift = draw(st.sampled_from((0, 0, 3)))
        scheduling["children"] = [
            {"ranks": str(IdSet.of(i + shift for i in piece)), "topo": draw(st.sampled_from(TOPOS))}
            for piece in pieces[draw(st.integers(0, 1)) :]
        ]
    if draw(st.booleans()):
        racks = [
            {"ranks": ids, **draw(st.sampled_from([{}, {"storage": 5}]))} for ids in draw(st.lists(idsets, max_size=3))
        ]
        scheduling["groups"] = {"rack": racks, **draw(st.sampled_from(({}, {"row": racks[:1]}, {"ib10g": 4})))}
    if scheduling:
        R["scheduling"] = scheduling
    return R


@given(resource_sets())
def test_what_is_written_is_read_as_the_same_machine(R: Json) -> None:
    machine = read_R(json.dumps(R))
    written = everything(machine)
    again = read_R(json.dumps(written))
    assert everything(again) == written
    assert again.ranks == machine.ranks
    assert again.types == machine.types
    assert list(again.type_of) == list(machine.type_of)
    assert [(g.level, g.members, g.resources) for g in again.groups] == [
        (g.level, g.members, g.resources) for g in machine.groups
    ]
    assert list(again.hosts) == list(machine.hosts)
    assert {name for name in machine.properties if machine.properties[name] and name[0] != "+"} == set(again.properties)


@given(resource_sets(), st.integers(0, 2**10 - 1))
def test_a_cut_machine_is_that_of_a_cut_r(R: Json, mask: int) -> None:
    machine = read_R(R)
    mask &= machine.all
    part = machine.cut(mask)
    held = [(has & mask, cores, gpus) for has, cores, gpus in machine.holdings]
    assert everything(part) == write_R(machine, held)
    assert [part.type_at(i) for i in range(part.size)] == [
        machine.type_at(i) for i in range(machine.size) if mask >> i & 1
    ]
