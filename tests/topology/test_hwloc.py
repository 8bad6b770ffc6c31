"""hwloc XML to RFC 49 trees: those that Flux's encoder, linked with hwloc 2.9, makes of the same files."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from exactfit.grammar.idset import mask_text
from exactfit.topology.describe import describe_R, hwloc_R, machine_from_topo
from exactfit.topology.hwloc import hwloc_node, read_hwloc
from exactfit.topology.hwloc_xml import bitmap_or
from exactfit.topology.rset import read_R

Json = dict[str, Any]
DATA = Path(__file__).parent / "data"

TREES: list[tuple[str, Json]] = [
    (
        "v2-snc-nvidia",  # cuda, nvml and OpenCL devices of two GPUs: each counts once
        {
            "socket": [
                {"numa": [{"cores": "0-2", "memory": 64}, {"cores": "3-5", "gpus": "0", "memory": 64}]},
                {"numa": [{"cores": "6-8", "memory": 64}, {"cores": "9-11", "gpus": "1", "memory": 64}]},
            ]
        },
    ),
    (
        "v1-gpu-memory",  # a NUMANode around each Socket groups nothing; those without CPUs are no level
        {
            "socket": [
                {"cores": "0-1", "gpus": "0-1", "memory": 127},
                {"cores": "2-3", "gpus": "2-3", "memory": 127},
            ]
        },
    ),
    (
        "v1-numa-in-socket",
        {
            "socket": [
                {"numa": [{"cores": "0-1", "memory": 8}, {"cores": "2-3", "memory": 8}]},
                {"numa": [{"cores": "4-5", "memory": 8}, {"cores": "6-7", "memory": 8}]},
            ]
        },
    ),
    (
        "v2-ddr-hbm",
        {
            "socket": [
                {"numa": [{"cores": "0-1", "gpus": "0", "memory": 64}, {"cores": "0-1", "gpus": "0", "memory": 16}]},
                {"numa": [{"cores": "2-3", "gpus": "1", "memory": 64}, {"cores": "2-3", "gpus": "1", "memory": 16}]},
            ]
        },
    ),
    (
        "v2-amd-partitions",  # several devices of one backend on one PCI device are so many gpus
        {
            "socket": [
                {"cores": "0-1", "gpus": "0-2", "memory": 125},
                {"cores": "2-3", "gpus": "3-5", "memory": 125},
            ]
        },
    ),
    (
        "v2-numa-above-socket",  # a numa domain with two sockets has its memory at the node
        {
            "numa": [
                {"socket": [{"cores": "0-1"}, {"cores": "2-3"}], "gpus": "0"},
                {"socket": [{"cores": "4-5"}, {"cores": "6-7"}], "gpus": "1"},
            ],
            "memory": 64,
        },
    ),
    ("v2-flat", {"cores": "0-3", "gpus": "0", "memory": 15}),
    ("v2-cgroup", {"socket": [{"cores": "0", "memory": 32}, {"cores": "1-3", "memory": 32}]}),
    (
        "v2-dies",  # the gpu of a socket is near no die
        {
            "socket": [
                {"Die": [{"cores": "0-1"}, {"cores": "2-3"}], "gpus": "0"},
                {"Die": [{"cores": "4-5"}, {"cores": "6-7"}], "gpus": "1"},
            ],
            "memory": 64,
        },
    ),
]


@pytest.mark.parametrize(("name", "topo"), TREES, ids=[name for name, _ in TREES])
def test_tree(name: str, topo: Json) -> None:
    path = DATA / f"{name}.xml"
    assert read_hwloc(path.read_bytes()) == topo
    assert read_hwloc(path.read_text()) == topo


def test_every_fixture_is_tested() -> None:
    assert {path.stem for path in DATA.glob("*.xml")} == {name for name, _ in TREES}


def test_node() -> None:
    node = hwloc_node((DATA / "v2-snc-nvidia.xml").read_bytes())
    assert (mask_text(node.cores), mask_text(node.gpus), node.host) == ("0-11", "0-1", "snc1")


def test_r_of_hwloc() -> None:
    xml = (DATA / "v2-ddr-hbm.xml").read_bytes()
    R = hwloc_R(xml, 3, "n[1-3]")
    assert R["execution"]["R_lite"] == [{"rank": "0-2", "children": {"core": "0-3", "gpu": "0-1"}}]
    machine = read_R(R)
    assert list(machine.hosts) == ["n1", "n2", "n3"]
    # DDR and HBM of a die are one domain with the sum of their memory.
    assert [d.memory for d in machine.types[0].by_level["numa"]] == [80, 80]
    assert list(read_R(hwloc_R((DATA / "v2-snc-nvidia.xml").read_bytes())).hosts) == ["snc1"]
    assert list(read_R(hwloc_R(xml)).hosts) == ["node0"]
    with pytest.raises(ValueError, match="2 host names for 3 nodes"):
        hwloc_R(xml, 3, "n[1-2]")


def test_machines_that_are_described() -> None:
    machine = machine_from_topo({"numa": [{"cores": "0-1"}, {"cores": "2-3"}]}, 4)
    assert (machine.size, machine.levels, machine.host(3)) == (4, ("numa",), "node3")
    for nodes in (0, -1, 2**40):
        with pytest.raises(ValueError, match="nodes"):
            describe_R({}, nodes)


@pytest.mark.skipif(shutil.which("lstopo") is None, reason="hwloc is not installed")
@pytest.mark.parametrize("flags", [[], ["--export-xml-flags", "1"]], ids=["v2", "v1"])
@pytest.mark.parametrize(
    ("machine", "topo"),
    [
        ("pack:2 core:4 pu:2", {"socket": [{"cores": "0-3"}, {"cores": "4-7"}], "memory": 1}),
        (
            "pack:2 numa:2 core:2 pu:1",
            {
                "socket": [
                    {"numa": [{"cores": "0-1", "memory": 1}, {"cores": "2-3", "memory": 1}]},
                    {"numa": [{"cores": "4-5", "memory": 1}, {"cores": "6-7", "memory": 1}]},
                ]
            },
        ),
        (
            "group:2 [numa(memory=2147483648)] pack:2 l3:1 core:2 pu:1",
            {
                "numa": [
                    {"socket": [{"cores": "0-1"}, {"cores": "2-3"}]},
                    {"socket": [{"cores": "4-5"}, {"cores": "6-7"}]},
                ],
                "memory": 4,
            },
        ),
    ],
)
def test_what_lstopo_writes_today(machine: str, topo: Json, flags: list[str]) -> None:
    command = ["lstopo", "-i", machine, "--of", "xml", *flags]
    assert read_hwloc(subprocess.run(command, capture_output=True, check=True).stdout) == topo


@pytest.mark.skipif(shutil.which("lstopo") is None, reason="hwloc is not installed")
def test_this_machine() -> None:
    xml = subprocess.run(["lstopo", "--of", "xml"], capture_output=True, check=True).stdout
    machine = read_R(hwloc_R(xml))
    assert machine.types[0].cores
    assert machine.types[0].domains[0].whole


BITMAPS = [
    ("0x0", 0),
    ("0x000000ff", 0xFF),
    ("0x00000001,0x00000000", 1 << 32),
    ("0xf0000000,,0x00000101", 0xF0000000 << 64 | 0x101),
    ("0xf...f", -1),
    ("0xf...f,0x00000000", -1 << 32),
    ("", 0),
]


@pytest.mark.parametrize(("text", "mask"), BITMAPS)
def test_bitmaps(text: str, mask: int) -> None:
    assert bitmap_or(text, 7) == mask
    assert bitmap_or(None, 7) == 7


def topology(inside: str, attributes: str = 'version="2.0"', before: str = "") -> str:
    return f'<?xml version="1.0"?>\n{before}<topology {attributes}>{inside}</topology>'


SETS = 'cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1"'
NUMA = f'<object type="NUMANode" os_index="0" {SETS} local_memory="5"/>'
BOMB = '<!DOCTYPE topology [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'

WRONG = [
    ("", "no element found at line 1"),
    ("hello", "syntax error at line 1, column 1"),
    ("<topology>", "no element found at line 1"),
    ("<html/>", "html instead of topology"),
    (topology(""), "no object in it"),
    (topology('<object type="Machine"/>'), "Machine without a cpuset at line 2"),
    (topology(f'<object type="Machine" {SETS}/>'), "no NUMANode in it"),
    (topology(f'<object type="Machine" {SETS}>{NUMA}</object>'), "no Core in it"),
    (topology(f'<object type="Machine" {SETS}/><object type="Machine" {SETS}/>'), "a second machine"),
    (topology(f'<object type="Toaster" {SETS}/>'), "unknown object type 'Toaster'"),
    (topology('<object type="Machine" cpuset="0xg"/>'), "cpuset: '0xg' is no bitmap"),
    (topology('<object type="Machine" cpuset="0x0"/>', ""), "the machine has no PU"),
    (topology("", 'version="4.0"') .replace("></", f'><object type="Machine" {SETS}/></'), "format 4 is not supported"),
    (topology("", before=BOMB), "an entity declaration at line 2"),
    (topology("&x;"), "undefined entity"),
    (
        topology(f'<object type="Machine" {SETS}><object type="NUMANode" {SETS} local_memory="x"/>'
                 f'<object type="Core" {SETS}/></object>'),
        "local_memory 'x' is no number",
    ),
    (topology(f'<object type="Machine" {SETS}><object type="Bridge"><object type="Core" {SETS}/></object></object>'),
     "Core inside Bridge"),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "message"), WRONG)
def test_what_is_wrong_is_named(xml: str, message: str) -> None:
    with pytest.raises(ValueError, match="hwloc XML: ") as caught:
        read_hwloc(xml)
    assert message in str(caught.value)


HOSTILE = {
    "deep": topology(f'<object type="Group" {SETS}>' * 50_000),
    "wide": topology(f'<object type="Machine" {SETS}>' + NUMA * 70_000 + "</object>"),
    "kinds": topology(
        f'<object type="Machine" {SETS}>{NUMA}'
        + "".join(f'<object type="Group" kind="{i}" {SETS}/>' for i in range(60_000))
        + "</object>"
    ),
    "long": topology(f'<object type="Machine" {SETS}>{NUMA}' + " " * 2**24 + "</object>"),
    "domains": topology(
        f'<object type="Machine" {SETS}>{NUMA * 5000}' + f'<object type="Core" {SETS}/>' * 30_000 + "</object>"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_soon(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="hwloc XML: "):
        read_hwloc(HOSTILE[name])
    assert time.process_time() - start < 30
