"""RFC 49 `topo` objects to node trees."""

from __future__ import annotations

import json
import logging
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.idset import mask_text
from exactfit.topology.nesting import order_levels
from exactfit.topology.topo import topo_tree
from exactfit.topology.tree import Domain, NodeType, node_type

Json = dict[str, Any]


def whole(topo: Json) -> NodeType:
    tree = topo_tree(topo)
    return node_type(tree, tree.domains[0].cores, tree.domains[0].gpus)


def shape(kind: NodeType) -> list[str]:
    """One line per domain: depth, level and number, its own ids and amounts."""
    lines = []
    depth = {-1: -1}
    for d in kind.domains:
        depth[d.index] = depth[d.parent] + 1
        own = [
            f"cores={mask_text(d.own_cores)}" if d.own_cores else "",
            f"gpus={mask_text(d.own_gpus)}" if d.own_gpus else "",
        ]
        amounts = [("memory", d.memory), ("storage", d.storage), *d.resources]
        own += [f"{name}={amount}" for name, amount in amounts if amount is not None]
        lines.append(" ".join(["." * depth[d.index] + f"{d.level}{d.number}", *filter(None, own)]))
    return lines


TREES: list[tuple[str, Json, list[str]]] = [
    ("nothing said", {}, ["node0"]),
    ("flat", {"cores": "0-3", "gpus": "0", "memory": 8}, ["node0 cores=0-3 gpus=0 memory=8"]),
    (
        "two levels",
        {"socket": [{"numa": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3", "memory": 4}]}, {"cores": "4-5"}]},
        ["node0", ".socket0", "..numa0 cores=0-1 gpus=0", "..numa1 cores=2-3 memory=4", ".socket1 cores=4-5"],
    ),
    (
        "resources above the leaves stay where they are listed",
        {"gpus": "9", "socket": [{"gpus": "0", "ib10g": 1, "numa": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "2"}]},
        ["node0 gpus=9", ".socket0 gpus=0 ib10g=1", "..numa0 cores=0", "..numa1 cores=1", ".socket1 cores=2"],
    ),
    (
        "storage as RFC 49 has it, and as a number",
        {
            "storage": [{"path": "/a", "capacity": 2, "unit": "TiB"}, {"path": "/b", "capacity": 0.5}],
            "numa": [{"cores": "0", "storage": 7}, {"cores": "1"}],
        },
        ["node0 storage=4097/2", ".numa0 cores=0 storage=7", ".numa1 cores=1"],
    ),
    (
        "DDR and HBM of a die are one domain",
        {
            "numa": [
                {"cores": "0-1", "gpus": "0", "memory": 64},
                {"cores": "0-1", "gpus": "0", "memory": 16},
                {"cores": "2"},
            ]
        },
        ["node0", ".numa0 cores=0-1 gpus=0 memory=80", ".numa1 cores=2"],
    ),
    (
        "domains without cores are told apart by their gpus",
        {"tile": [{"gpus": "0"}, {"gpus": "1"}], "cores": "0"},
        ["node0 cores=0", ".tile0 gpus=0", ".tile1 gpus=1"],
    ),
    (
        "levels side by side are nested by what they contain",
        {"numa": [{"cores": "0"}, {"cores": "1"}, {"cores": "2-3"}], "socket": [{"cores": "0-1"}, {"cores": "2-3"}]},
        ["node0", ".socket0", "..numa0 cores=0", "..numa1 cores=1", ".socket1", "..numa2 cores=2-3"],
    ),
    (
        "an alias of a level",
        {"apu": [{"cores": "0"}, {"cores": "1"}], "socket": [{"cores": "0", "memory": 1}, {"cores": "1", "memory": 2}]},
        ["node0", ".apu0", "..socket0 cores=0 memory=1", ".apu1", "..socket1 cores=1 memory=2"],
    ),
    ("memory far from all cores", {"cores": "0", "cxl": [{"memory": 512}, {}]}, ["node0 cores=0", ".cxl0 memory=512"]),
    ("empty arrays", {"cores": "0", "socket": [], "storage": []}, ["node0 cores=0 storage=0"]),
]


@pytest.mark.parametrize(("topo", "expected"), [row[1:] for row in TREES], ids=[row[0] for row in TREES])
def test_tree(topo: Json, expected: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert shape(whole(topo)) == expected
    assert not caplog.records


LEFT_OUT: list[tuple[str, Json, str, list[str]]] = [
    (
        "domains of one level overlap in part",
        {"numa": [{"cores": "0-2", "memory": 1}, {"cores": "2-3", "memory": 2}], "gpus": "0"},
        "numa",
        ["node0 cores=0-3 gpus=0 memory=3"],
    ),
    (
        "a level inside itself",
        {"Group": [{"Group": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "2"}]},
        "Group",
        ["node0 cores=0-2"],
    ),
    (
        "two levels cross: the one named later goes",
        {"socket": [{"cores": "0-1"}, {"cores": "2-3"}], "slice": [{"cores": "0,2", "fpga": 1}, {"cores": "1,3"}]},
        "slice",
        ["node0 fpga=1", ".socket0 cores=0-1", ".socket1 cores=2-3"],
    ),
    (
        "what stands in the level that goes stays",
        {"half": [{"numa": [{"cores": "0"}, {"cores": "1"}]}, {"cores": "1-2"}]},
        "half",
        ["node0 cores=2", ".numa0 cores=0", ".numa1 cores=1"],
    ),
    (
        "one gpu in two domains",
        {"numa": [{"cores": "0", "gpus": "0"}, {"cores": "1", "gpus": "0"}]},
        "numa",
        ["node0 cores=0-1 gpus=0"],
    ),
]


@pytest.mark.parametrize(("topo", "level", "expected"), [row[1:] for row in LEFT_OUT], ids=[row[0] for row in LEFT_OUT])
def test_level_that_overlaps_is_left_out_with_a_warning(
    topo: Json, level: str, expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert shape(whole(json.loads(json.dumps(topo)))) == expected
    assert len(caplog.records) <= 1
    assert all(level in record.getMessage() for record in caplog.records)


WRONG: list[tuple[object, str]] = [
    ([], "topo: an array, not an object"),
    (None, "topo: null, not an object"),
    ({"cores": 3}, "topo.cores: not an idset string"),
    ({"cores": "0-x"}, "topo.cores: "),
    ({"cores": "70000"}, "topo.cores: an id above 65535"),
    ({"cores": "9" * 40}, "topo.cores: "),
    ({"core": "0-3"}, "topo.core: a string, not a number"),
    ({"socket": [{"numa": [{"cores": "0"}, 7]}]}, "topo.socket[0].numa[1]: a number, not an object"),
    ({"socket": [{"memory": -1}]}, "topo.socket[0].memory: not between 0 and 2^63 - 1"),
    ({"memory": 1.0001}, "topo.memory: 1.0001 is no whole number of MiB"),
    ({"ssd": 1.5}, "topo.ssd: 1.5 is not an integer"),
    ({"memory": True}, "topo.memory: a boolean, not a number"),
    ({"memory": float("nan")}, "topo.memory: not between"),
    ({"memory": 10**40}, "topo.memory: not between"),
    ({"storage": [3]}, "topo.storage[0]: a number, not an object"),
    ({"storage": [{"path": "/"}]}, "topo.storage[0]: no capacity"),
    ({"storage": [{"capacity": 1, "unit": "furlong"}]}, "topo.storage[0].unit: "),
    ({"storage": [{"capacity": 1, "unit": 5}]}, "topo.storage[0].unit: a number, not a string"),
    ({"node": [{"cores": "0"}]}, "topo.node: a level cannot have this name"),
    ({"slot": [{"cores": "0"}]}, "topo.slot: a level cannot have this name"),
    ({"ranks": "0"}, "topo.ranks: not allowed here"),
    ({"fpga": {"id": "0"}}, "topo.fpga: an object, not a number"),
    ({"fpga": None}, "topo.fpga: null, not a number"),
]


@pytest.mark.parametrize(("topo", "message"), WRONG)
def test_what_is_wrong_is_named(topo: object, message: str) -> None:
    with pytest.raises(ValueError, match="topo") as caught:
        topo_tree(topo)
    assert str(caught.value).startswith(message)


def test_nesting_is_bounded() -> None:
    topo: Json = {"cores": "0"}
    for _ in range(50_000):
        topo = {"l": [topo]}
    with pytest.raises(ValueError, match="more than 64 levels"):
        topo_tree(topo)
    with pytest.raises(ValueError, match="more than 4096 domains"):
        topo_tree({"l": [{}] * 5000})


def test_equal_objects_share_their_tree() -> None:
    assert topo_tree({"numa": [{"cores": "0"}]}) is topo_tree({"numa": [{"cores": "0"}]})
    with pytest.raises(FrozenInstanceError):
        topo_tree({"numa": [{"cores": "0"}]}).levels = ()  # type: ignore[misc]  # that it is refused is the point


def test_only_what_r_lite_lists_exists() -> None:
    tree = topo_tree(
        {
            "socket": [{"numa": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3"}]}, {"cores": "4-7"}, {"memory": 1}],
            "gpus": "1",
        }
    )
    kind = node_type(tree, 0b1_0000_0111, 0b10)
    assert shape(kind) == [
        "node0 cores=8 gpus=1",  # no domain lists core 8
        ".socket0",
        "..numa0 cores=0-1",
        "..numa1 cores=2",
        ".socket2 memory=1",
    ]
    # numa 0 lacks its gpu, numa 1 a core
    assert [d.whole for d in kind.domains] == [False, False, False, False, True]
    assert kind.levels == ("socket", "numa")


def test_a_part_that_is_whole() -> None:
    kind = node_type(topo_tree({"numa": [{"cores": "0-1"}, {"cores": "2-3"}]}), 0b1100, 0)
    assert shape(kind) == ["node0", ".numa1 cores=2-3"]
    assert [d.whole for d in kind.domains] == [False, True]


def test_kinds_are_equal_for_what_is_alike() -> None:
    kind = whole(
        {
            "socket": [
                {"numa": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3"}]},
                {"numa": [{"cores": "4-5"}, {"cores": "6-7", "gpus": "1"}]},  # the same in another order
                {"numa": [{"cores": "8-9"}, {"cores": "10-11"}]},
            ]
        }
    )
    sockets = [kind.kinds[d.index] for d in kind.by_level["socket"]]
    assert sockets[0] == sockets[1] != sockets[2]
    numas = [kind.kinds[d.index] for d in kind.by_level["numa"]]
    assert numas[0] == numas[3]
    assert len(set(numas)) == 2


def test_graph_and_innermost_domains() -> None:
    kind = whole({"socket": [{"numa": [{"cores": "0", "gpus": "0"}, {"cores": "1"}]}, {"cores": "2"}], "memory": 4})
    assert nx.is_arborescence(kind.graph)
    assert kind.graph.nodes[0]["memory"] == 4
    assert kind.graph.nodes[2]["own_gpus"] == "0"
    cores, gpus = kind.innermost
    assert {core: kind.domains[i].level for core, i in cores.items()} == {0: "numa", 1: "numa", 2: "socket"}
    assert gpus == {0: 2}
    assert (kind.cores, kind.gpus) == (0b111, 0b1)


def test_equal_types_are_equal() -> None:
    one = whole({"numa": [{"cores": "0"}, {"cores": "1"}]})
    other = whole({"numa": [{"cores": "0", "memory": 0}, {"cores": "1"}]})
    assert one == whole({"numa": [{"cores": "0"}, {"cores": "1"}]})
    assert hash(one) == hash(whole({"numa": [{"cores": "0"}, {"cores": "1"}]}))
    assert one != other


names = st.sampled_from(["socket", "numa", "l3", "apu"])
leaves = st.fixed_dictionaries(
    {},
    optional={
        "cores": st.sampled_from(["0", "1", "0-1", "2-3", "0-3", "1-2", "5,7"]),
        "gpus": st.sampled_from(["0", "1", "0-1"]),
        "memory": st.integers(0, 9),
    },
)
topos = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda own, levels: {**own, **levels}, leaves, st.dictionaries(names, st.lists(inner, max_size=3), max_size=2)
    ),
    max_leaves=12,
)


def listed(topo: Json, key: str) -> list[str | int]:
    found = [topo[key]] if key in topo else []
    for value in topo.values():
        for inner in value if isinstance(value, list) else ():
            found += listed(inner, key)
    return found


@given(topos)
def test_whatever_is_listed_comes_out_as_partitions(topo: Json) -> None:
    kind = whole(topo)
    domains = kind.domains
    assert sum(d.memory or 0 for d in domains) == sum(int(m) for m in listed(topo, "memory")), "no memory gets lost"
    for level in kind.levels:
        at: tuple[Domain, ...] = kind.by_level[level]
        assert sum(d.cores.bit_count() for d in at) == sum(d.cores for d in at).bit_count(), "cores are in one domain"
        assert sum(d.gpus.bit_count() for d in at) == sum(d.gpus for d in at).bit_count(), "gpus are in one domain"
    for d in domains:
        inner = [domains[c] for c in d.children]
        assert all(c.parent == d.index and c.cores & ~d.cores == 0 and c.gpus & ~d.gpus == 0 for c in inner)
        assert d.cores == d.own_cores | sum(c.cores for c in inner)
        assert d.gpus == d.own_gpus | sum(c.gpus for c in inner)
        assert d.whole
        assert d.index <= min(d.children, default=d.index)
    order = {level: i for i, level in enumerate(kind.levels)}
    assert set(order) == {d.level for d in domains[1:]}
    assert nx.is_arborescence(kind.graph)


def test_amounts_are_exact() -> None:
    kind = whole({"storage": [{"capacity": 0.1, "unit": "GiB"}]})
    assert kind.domains[0].storage == Fraction(1, 10)


LEVELS = st.sampled_from("abcdef")


@given(st.lists(LEVELS, max_size=8), st.lists(st.tuples(LEVELS, LEVELS), max_size=8))
def test_levels_are_in_the_first_order_that_has_the_coarser_ones_first(
    names: list[str], pairs: list[tuple[str, str]]
) -> None:
    pairs = [pair for pair in pairs if set(pair) <= set(names)]
    graph: nx.DiGraph[str] = nx.DiGraph([pair for pair in pairs if pair[0] != pair[1]])
    graph.add_nodes_from(names)
    if nx.is_directed_acyclic_graph(graph):
        expected = tuple(nx.lexicographical_topological_sort(graph, key=names.index))
    else:
        expected = tuple(dict.fromkeys(names))
    assert order_levels(names, pairs) == expected
