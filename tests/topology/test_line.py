"""Machines made from a line, beside what the line says."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from exactfit.grammar.idset import mask_text
from exactfit.topology.line import line_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def test_the_line_of_a_preset_is_the_preset() -> None:
    ours = read_R(line_R("socket:2 numa:4 core:15 gpu:1", 16))
    theirs = read_R(preset("rfc49-a"))
    assert (ours.size, ours.levels, ours.type_masks) == (theirs.size, theirs.levels, theirs.type_masks)
    for level in ours.levels:
        pairs = zip(ours.types[0].by_level[level], theirs.types[0].by_level[level], strict=True)
        assert all((a.cores, a.gpus, a.number) == (b.cores, b.gpus, b.number) for a, b in pairs)


@pytest.mark.parametrize(
    ("text", "nodes", "size", "cores", "gpus", "levels"),
    [
        ("core:4", None, 1, "0-3", "", ()),
        ("socket:2 numa:4 core:16 gpu:1", 64, 64, "0-127", "0-7", ("socket", "numa")),
        ("socket:2 gpu:4 numa:4 core:2", None, 1, "0-15", "0-7", ("socket", "numa")),
        ("gpu:3 socket:2 core:2", None, 1, "0-3", "0-2", ("socket",)),
        ("node:5 core", None, 5, "0", "", ()),
        ("rack:2 node:3 socket core:2", None, 6, "0-1", "", ("socket",)),
    ],
)
def test_sizes(text: str, nodes: int | None, size: int, cores: str, gpus: str, levels: tuple[str, ...]) -> None:
    machine = read_R(line_R(text, nodes))
    (kind,) = machine.types
    assert (machine.size, mask_text(kind.cores), mask_text(kind.gpus), machine.levels) == (size, cores, gpus, levels)
    assert all(domain.whole for domain in kind.domains)


def test_gpus_further_out_than_cores_belong_to_no_domain_inside() -> None:
    machine = read_R(line_R("socket:2 gpu:4 numa:4 core:2"))
    assert [mask_text(d.gpus) for d in machine.types[0].by_level["socket"]] == ["0-3", "4-7"]
    assert {d.gpus for d in machine.types[0].by_level["numa"]} == {0}


def test_amounts() -> None:
    machine = read_R(line_R("node:2(storage=0.5TiB,license=3) numa:2(memory=128) core:2"))
    node, *_ = machine.types[0].domains
    assert (node.storage, dict(node.resources)) == (Fraction(512), {"license": 3})
    assert [d.memory for d in machine.types[0].by_level["numa"]] == [128, 128]


def test_groups_of_groups() -> None:
    machine = read_R(line_R("row:2 rack:2(storage=10) node:3 core:2"))
    assert machine.group_levels == ("row", "rack")
    told = [(g.level, g.number, str(machine.ids_of(g.members)), dict(g.resources)) for g in machine.groups]
    ten = {"storage": Fraction(10)}
    assert told == [
        ("row", 0, "0-5", {}),
        ("rack", 0, "0-2", ten),
        ("rack", 1, "3-5", ten),
        ("row", 1, "6-11", {}),
        ("rack", 2, "6-8", ten),
        ("rack", 3, "9-11", ten),
    ]


def test_hosts_may_say_how_many_nodes_there_are() -> None:
    machine = read_R(line_R("core:2", hosts="a,b[1-2]"))
    assert [machine.host(n) for n in range(machine.size)] == ["a", "b1", "b2"]
    assert read_R(line_R("node:2 core", hosts="x,y")).size == 2


@pytest.mark.parametrize(
    ("text", "nodes", "hosts", "says"),
    [
        ("node:2 core", 2, None, "the line itself says how many nodes"),
        ("rack:2 node core", 2, None, "the line itself says how many nodes"),
        ("core", 2, "a", "1 host names for 2 nodes"),
        ("node:3 core", None, "a,b", "2 host names for 3 nodes"),
        ("core", None, "a,a", "given twice"),
        ("socket:4000 numa:4 core:1", None, None, "20000 domains in a node"),
        ("socket:4096 core:1", None, None, "4096 domains in a node"),
        ("core:65537", None, None, "65537 cores in a node"),
        ("socket:2 core gpu:40000", None, None, "80000 gpus in a node"),
        ("rack:70000 node core", None, None, "more than 65536 groups"),
        ("rack:4 node:4000000 core", None, None, "16000000 nodes: more than"),
        (" ".join(f"a{n}" for n in range(70)) + " core", None, None, "more than 64 levels"),
        ("numa(storage=999999999999EB) core", None, None, "not between 0 and 2^63 - 1"),
    ],
)
def test_refuses(text: str, nodes: int | None, hosts: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        line_R(text, nodes, hosts)


def test_the_largest_node_that_may_be() -> None:
    machine = read_R(line_R("a:15 b:272 core:16", 3))
    assert len(machine.types[0].domains) == 1 + 15 + 15 * 272
