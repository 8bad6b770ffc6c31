"""Slurm's topologies as groups. The first examples are the machines of Slurm's topology guide and manual pages."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import pytest

from exactfit.grammar.hostlist import Hostlist
from exactfit.topology.groups import write_groups
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R
from exactfit.topology.slurm_groups import with_slurm_topology
from exactfit.topology.slurm_hosts import parse_slurm_hosts
from exactfit.topology.slurm_topology import SlurmTopology, read_topology_conf, read_topology_yaml

Json = dict[str, Any]


def machine(hosts: str, **scheduling: Json) -> Machine:
    """Return a machine of bare nodes, rank 0 being the first host."""
    last = len(Hostlist.parse(hosts)) - 1
    lite = [{"rank": f"0-{last}" if last else "0", "children": {"core": "0-3"}}]
    R: Json = {"version": 1, "execution": {"R_lite": lite, "nodelist": [hosts], "starttime": 0, "expiration": 0}}
    return read_R({**R, "scheduling": scheduling} if scheduling else R)


def groups(hosts: str, topology: SlurmTopology) -> Json:
    made = with_slurm_topology(machine(hosts), topology)
    return write_groups(made.groups, made.all, made.ids_of)


def ranks(*texts: str) -> list[Json]:
    return [{"ranks": text} for text in texts]


TREE = """
# Three leaf switches, and one above.
SwitchName=s0 Nodes=dev[0-5]
SwitchName=s1 Nodes=dev[6-11]    # the second rack
switchname=s2 nodes=dev[12-17] LinkSpeed=900

SwitchName=s3 \\
    Switches=s[0-2]
"""


def test_switches_above_switches_are_a_level_of_their_own() -> None:
    assert groups("dev[0-17]", read_topology_conf(TREE)) == {"switch2": [{"switch": ranks("0-5", "6-11", "12-17")}]}


def test_three_tiers() -> None:
    text = "".join(f"SwitchName=s{n} Nodes=tux[{2 * n}-{2 * n + 1}]\n" for n in range(4))
    text += "SwitchName=s4 Switches=s[0-1]\nSwitchName=s5 Switches=s[2-3]\nSwitchName=s6 Switches=s[4-5]"
    halves = [{"switch": ranks("0-1", "2-3")}, {"switch": ranks("4-5", "6-7")}]
    assert groups("tux[0-7]", read_topology_conf(text)) == {"switch3": [{"switch2": halves}]}


def test_spines_that_are_above_the_same_leaves_are_one() -> None:
    text = "".join(f"SwitchName=s{n} Nodes=tux[{4 * n}-{4 * n + 3}]\n" for n in range(4))
    text += "".join(f"SwitchName=s{n} Switches=s[0-3] LinkSpeed=1800\n" for n in range(4, 8))
    leaves = ranks("0-3", "4-7", "8-11", "12-15")
    assert groups("tux[0-15]", read_topology_conf(text)) == {"switch2": [{"switch": leaves}]}


def test_a_switch_has_the_tier_above_its_highest_child() -> None:
    text = "SwitchName=a Nodes=n0\nSwitchName=b Nodes=n1\nSwitchName=c Switches=b\nSwitchName=d Switches=a,c"
    assert groups("n[0-1]", read_topology_conf(text)) == {
        "switch3": [{"switch": ranks("0"), "switch2": [{"switch": ranks("1")}]}]
    }


def test_two_fabrics_stand_beside_each_other() -> None:
    text = "SwitchName=a Nodes=n[0-1]\nSwitchName=b Nodes=n[2-3]\nSwitchName=c Switches=a"
    assert groups("n[0-3]", read_topology_conf(text)) == {"switch2": [{"switch": ranks("0-1")}], "switch": ranks("2-3")}


def test_blocks_and_as_many_of_them_as_the_sizes_say() -> None:
    text = "".join(f"BlockName=block{n + 1} Nodes=node[{32 * n + 1}-{32 * n + 32}]\n" for n in range(4))
    base = ranks("0-31", "32-63", "64-95", "96-127")
    assert groups("node[1-128]", read_topology_conf(text + "BlockSizes=30,120")) == {"block2": [{"block": base}]}
    assert groups("node[1-128]", read_topology_conf(text + "BlockSizes=30,60,120")) == {
        "block3": [{"block2": [{"block": base[:2]}, {"block": base[2:]}]}]
    }
    assert groups("node[1-128]", read_topology_conf(text)) == {"block": base}


def test_blocks_left_over_are_a_larger_block_only_when_there_are_enough() -> None:
    text = "".join(f"BlockName=b{n} Nodes=n{n}\n" for n in range(7))
    found = groups("n[0-6]", read_topology_conf(text + "BlockSizes=1,2,4"))
    assert [list(group) for group in found["block3"]] == [["block2"], ["block2", "block"]]
    assert found["block3"][1] == {"block2": [{"block": ranks("4", "5")}], "block": ranks("6")}
    four = "".join(f"BlockName=b{n} Nodes=n{n}\n" for n in range(5))
    assert groups("n[0-4]", read_topology_conf(four + "BlockSizes=1,4")) == {
        "block2": [{"block": ranks("0", "1", "2", "3")}],
        "block": ranks("4"),
    }


YAML = [
    {
        "topology": "topo1",
        "cluster_default": False,
        "block": {
            "block_sizes": [4, 16],
            "blocks": [{"block": f"b{n}", "nodes": f"node[{4 * n + 1:02}-{4 * n + 4:02}]"} for n in range(4)],
        },
    },
    {
        "topology": "topo2",
        "cluster_default": True,
        "tree": {
            "switches": [
                {"switch": "sw_root", "children": "s[1-2]"},
                {"switch": "s1", "nodes": "node[01-08]"},
                {"switch": "s2", "nodes": "node[09-16]"},
            ]
        },
    },
    {"topology": "topo3", "cluster_default": False, "flat": True},
]


def test_topology_yaml_has_several_topologies_and_a_default() -> None:
    tree = {"switch2": [{"switch": ranks("0-7", "8-15")}]}
    assert groups("node[01-16]", read_topology_yaml(YAML)) == tree
    assert groups("node[01-16]", read_topology_yaml(YAML, "topo2")) == tree
    blocks = {"block2": [{"block": ranks("0-3", "4-7", "8-11", "12-15")}]}
    assert groups("node[01-16]", read_topology_yaml(YAML, "topo1")) == blocks
    # Without a default the first one counts.
    assert groups("node[01-16]", read_topology_yaml([YAML[0], YAML[2]])) == blocks


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("r[1-2]n[01-03],a,b[1,3]", "r1n[01-03],r2n[01-03],a,b[1,3]"),
        ("x[0-1]y[0-1]z[0-1]-ib", "x0y0z[0-1]-ib,x0y1z[0-1]-ib,x1y0z[0-1]-ib,x1y1z[0-1]-ib"),
        ("", ""),
    ],
)
def test_hostlists_with_several_brackets(text: str, hosts: str) -> None:
    assert parse_slurm_hosts(text) == Hostlist.parse(hosts)


def test_ranks_are_those_of_the_hosts_in_whatever_order() -> None:
    text = "SwitchName=a Nodes=n[4-5],x1\nSwitchName=b Nodes=n[0-3]"
    found = groups("x1,n5,n4,n[0-3]", read_topology_conf(text))
    assert found == {"switch": ranks("0-2", "3-6")}


def test_hosts_that_one_side_lacks_are_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = groups("n[0-9]", read_topology_conf("SwitchName=a Nodes=n[0-1]\nSwitchName=b Nodes=n[1000-2000],n5"))
    assert found == {"switch": ranks("0-1", "5")}
    assert "n1000, n1001, n1002, n1003, n1004 and others: hosts of the topology that the machine lacks" in caplog.text
    assert "n2, n3, n4, n6, n7 and others: hosts that stand on no switch and in no block" in caplog.text


def test_a_host_on_two_switches_stands_on_none_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    text = "SwitchName=a Nodes=n[0-4]\nSwitchName=b Nodes=n[4-6]\nSwitchName=c Switches=a,b"
    with caplog.at_level(logging.WARNING):
        found = groups("n[0-6]", read_topology_conf(text))
    assert found == {"switch2": [{"switch": ranks("0-3", "5-6"), "ranks": "4"}]}
    assert [record.getMessage() for record in caplog.records] == [
        "n4: hosts on two of the level switch, and so on none of them"
    ]


def test_blocks_may_share_a_host_as_well(caplog: pytest.LogCaptureFixture) -> None:
    text = "".join(f"BlockName=b{n} Nodes=n[{2 * n}-{2 * n + 2}]\n" for n in range(4))
    with caplog.at_level(logging.WARNING):
        found = groups("n[0-8]", read_topology_conf(text + "BlockSizes=1,2"))
    # n4 is in two of block2 as well; n2 and n6 are each in one.
    inner = [{"block": ranks("0-1", "3"), "ranks": "2"}, {"block": ranks("5", "7-8"), "ranks": "6"}]
    assert found == {"block2": inner}
    assert "n2, n4, n6: hosts on two of the level block," in caplog.text
    assert "n4: hosts on two of the level block2," in caplog.text


def test_a_tier_that_is_no_partition_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    dragonfly = "SwitchName=a Nodes=n0\nSwitchName=b Nodes=n1\nSwitchName=c Switches=a\nSwitchName=d Switches=a,b"
    with caplog.at_level(logging.WARNING):
        assert groups("n[0-1]", read_topology_conf(dragonfly)) == {"switch": ranks("0", "1")}
    assert "switch2: some share a part of their hosts only" in caplog.text


def test_included_files_stand_where_the_line_is() -> None:
    files = {
        "leaves.conf": "SwitchName=s0 Nodes=n0\nInclude more/leaf # the second\nSwitchName=s2 Nodes=n2",
        "more/leaf": "SwitchName=s1 Nodes=n1",
    }
    text = "include leaves.conf\nSwitchName=top Switches=s[0-2]\n"
    read = read_topology_conf(text, files.__getitem__)
    assert [(unit.name, unit.place) for unit in read.switches] == [
        ("s0", "leaves.conf, line 1"),
        ("s1", "more/leaf, line 1"),
        ("s2", "leaves.conf, line 3"),
        ("top", "line 2"),
    ]
    assert groups("n[0-2]", read) == {"switch2": [{"switch": ranks("0", "1", "2")}]}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "SwitchName=s Colour=red"}, 'a, line 1: "colour" does not go with switchname'),
        ({"a": "\nSwitchName=s Nodes=a[0-"}, "a, line 2: RFC 29 hostlist"),
        ({"a": "\nwhat is this"}, "a, Slurm configuration: "),
        ({"a": "include a"}, "a, line 1: more than 1000 files, or 10 inside one another"),
        ({"a": "include b\n" * 2000, "b": "#"}, "a, line 1000: more than 1000 files"),
    ],
)
def test_what_is_wrong_in_an_included_file_is_said_with_its_name(files: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        read_topology_conf("include a", files.__getitem__)


def test_a_text_that_includes_reads_no_file_of_itself() -> None:
    with pytest.raises(ValueError, match=r"^line 2: an include, which is followed from a file alone"):
        read_topology_conf("SwitchName=a Nodes=n0\ninclude /etc/passwd")


# What NVIDIA's topograph writes for Slurm, in the forms of its own tests: comments with the fabric's names, several
# roots, blocks of no nodes that keep a place, sizes that it infers.
TOPOGRAPH_BLOCKS = """# block001=B1
BlockName=block001 Nodes=node[104-106]
# block002=B2
BlockName=block002 Nodes=node[201-202,205]
BlockName=block003
# block004=B4
BlockName=block004 Nodes=node[301-303]
BlockSizes=3,6
"""
TOPOGRAPH_TREE = """# switch.3.1=hpcislandid-1
SwitchName=switch.3.1 Switches=switch.2.[1-2]
# switch.2.1=network-block-1
SwitchName=switch.2.1 Switches=switch.1.1
# switch.2.2=network-block-2
SwitchName=switch.2.2 Switches=switch.1.2
# switch.1.1=local-block-1
SwitchName=switch.1.1 Nodes=node-[1-2]
# switch.1.2=local-block-2
SwitchName=switch.1.2 Nodes=node-[3-4]
"""


def test_what_topograph_writes() -> None:
    hosts = "node[104-106,201-202,205,301-303]"
    inner = [{"block": ranks("0-2", "3-5")}]
    # The third block is empty, so that the last stands in a larger one that has no more than it.
    assert groups(hosts, read_topology_conf(TOPOGRAPH_BLOCKS)) == {"block2": [*inner, {"block": ranks("6-8")}]}
    tiers = {"switch3": [{"switch2": [{"switch": ranks("0-1")}, {"switch": ranks("2-3")}]}]}
    assert groups("node-[1-4]", read_topology_conf(TOPOGRAPH_TREE)) == tiers
    skeleton = {"block_sizes": [2], "blocks": [{"block": "b1", "nodes": "n[1-2]"}, {"block": "b2"}]}
    yaml = [{"topology": "t1", "cluster_default": True, "block": skeleton}, {"topology": "t2", "flat": True}]
    assert groups("n[1-2]", read_topology_yaml(yaml)) == {"block": ranks("0-1")}


def test_the_groups_can_be_asked_for_by_level_and_number() -> None:
    made = with_slurm_topology(machine("dev[0-17]"), read_topology_conf(TREE))
    assert made.group_levels == ("switch2", "switch")
    assert [(group.level, group.number) for group in made.groups] == [
        ("switch2", 0),
        ("switch", 0),
        ("switch", 1),
        ("switch", 2),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file: no switch and no block"),
        ("\n\nSwitchName=s0 Nodes=a[0-", "line 3: RFC 29 hostlist"),
        ("SwitchName=s0 Nodes=a[5-1]", "line 1: RFC 29 hostlist: range '5-1' does not ascend"),
        ("SwitchName=a Nodes=n0 Switches=b", 'line 1: switch "a" has both nodes and switches below it'),
        ("SwitchName=a Nodes=n0\nSwitchName=b Switches=a,c", 'line 2: switch "b" is above "c", which is not there'),
        ("SwitchName=a Switches=a", 'line 1: switch "a" stands above itself'),
        ("SwitchName=a Switches=b\nSwitchName=b Switches=a", 'line 1: switch "a" stands above itself'),
        ("SwitchName=a Nodes=n0\n\nSwitchName=a Nodes=n1", 'line 3: "a" is there already, at line 1'),
        ("SwitchName=a Nodes=n0 Nodes=n1", "line 1: nodes is given twice"),
        ("SwitchName=a Nodes=n0 Colour=red", 'line 1: "colour" does not go with switchname'),
        ("NodeName=n0", 'line 1: "nodename": expected SwitchName, BlockName or BlockSizes'),
        ("Nodes=n0 SwitchName=a", 'line 1: "nodes": expected SwitchName, BlockName or BlockSizes'),
        ("SwitchName=a Nodes=n0\nBlockName=b Nodes=n1", "line 2: blocks beside switches"),
        ("BlockName=a Nodes=n0\nBlockSizes=4,12", "line 2: block size 12: not above 4, or not 4 times a power of two"),
        ("BlockName=a Nodes=n0\nBlockSizes=8,4", "line 2: block size 4"),
        ("BlockName=a Nodes=n0\nBlockSizes=0", 'line 2: block size "0" is no number of nodes'),
        ("BlockName=a Nodes=n0\nBlockSizes=x", 'line 2: block size "x" is no number of nodes'),
        ("RingName=a Nodes=n0", "line 1: a ring is no group of nodes"),
        ("TorusName=a Nodes=n0", "line 1: a torus is no group of nodes"),
        ("SwitchName=a Nodes=q[0-3]", "the machine has none of the hosts"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        with_slurm_topology(machine("n[0-3]"), read_topology_conf(text))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "topology.yaml: expected a list"),
        ([], "topology.yaml: no topology"),
        ([3], "[0]: expected a mapping, not 3"),
        ([{"topology": "a"}], "[0]: expected one of tree and block, found neither"),
        ([{"topology": "a", "flat": True}], "[0].flat: has no groups of nodes"),
        ([{"topology": "a", "tree": {}}], "[0].tree.switches: expected a list, not null"),
        (
            [{"topology": "a", "tree": {"switches": [{"switch": "s", "node": "n0"}]}}],
            "[0].tree.switches[0]: unknown key",
        ),
        ([{"tree": {"switches": [{"switch": "s", "nodes": ["n0"]}]}}], "[0].tree.switches[0].nodes: expected a name"),
        ([{"tree": {"switches": [{"nodes": "n0"}]}}], "[0].tree.switches[0]: no name"),
        ([{"tree": {"switches": [{"switch": "s", "nodes": "n["}]}}], "[0].tree.switches[0]: RFC 29"),
        ([{"block": {"block_sizes": [True], "blocks": []}}], "[0].block.block_sizes: block size true"),
        ([{"block": {"block_sizes": 4, "blocks": []}}], "[0].block.block_sizes: expected a list"),
    ],
)
def test_what_is_wrong_in_yaml_is_said_with_its_place(value: object, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        read_topology_yaml(value)


def test_a_topology_that_is_not_there() -> None:
    with pytest.raises(ValueError, match='no topology "x"; there are "topo1", "topo2", "topo3"'):
        read_topology_yaml(YAML, "x")


def test_groups_and_levels_of_the_machine_are_kept() -> None:
    with pytest.raises(ValueError, match="groups of its own"):
        with_slurm_topology(machine("dev[0-17]", groups={"rack": ranks("0-17")}), read_topology_conf(TREE))
    topo = {"switch": [{"cores": "0-3"}]}
    with pytest.raises(ValueError, match="a level switch or block below the node"):
        with_slurm_topology(
            machine("dev[0-17]", children=[{"ranks": "0-17", "topo": topo}]),  # type: ignore[arg-type]
            read_topology_conf(TREE),
        )


@pytest.mark.parametrize(
    "text",
    [
        "SwitchName=a Nodes=x[0-99999999999]",
        "SwitchName=a Nodes=x[1-9999]y[1-9999]z[1-2]",
        "SwitchName=a Switches=s[0-16000000]",
        "SwitchName=a Nodes=" + "[" * 100_000,
        "".join(f"SwitchName=s{n} Switches=s{n + 1}\n" for n in range(3000)) + "SwitchName=s3000 Nodes=n0",
        "SwitchName=a Nodes=" + "x[1]" * 100_000,
    ],
)
def test_hostile_topologies_are_refused_soon(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r"^(line [0-9]+: |the machine has none)") as refused:
        with_slurm_topology(machine("n[0-3]"), read_topology_conf(text))
    assert len(str(refused.value)) < 400
    assert time.process_time() - start < 60


def test_ten_thousand_switches_are_read_in_seconds() -> None:
    text = "".join(f"SwitchName=s{n} Nodes=n[{10 * n}-{10 * n + 9}]\n" for n in range(5000))
    text += "".join(f"SwitchName=t{n} Switches=s[{50 * n}-{50 * n + 49}]\n" for n in range(100))
    start = time.process_time()
    made = with_slurm_topology(machine("n[0-49999]"), read_topology_conf(text))
    assert len(made.groups) == 5100
    assert time.process_time() - start < 60
