"""Network cards of hwloc XML: which there are, where they stand, and that slots have them beside their GPUs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.hwloc import hwloc_node, read_hwloc
from exactfit.topology.machine import Machine

from .test_hwloc_machines import box, cores, machine, numa

Json = dict[str, Any]
DATA = Path(__file__).parent / "data"
TIOGA = DATA / "mpibind" / "eas-tioga.xml"
"""Four numa with two GCDs of MI250X and a Slingshot card each, and an Ethernet port for managing it."""

NETWORK, OPENFABRICS = 2, 3
MELLANOX, INTEL, CRAY, AMAZON = "0207 [15b3:101b]", "0200 [8086:1521]", "0200 [17db:0501]", "0200 [1d0f:efa0]"


def osdev(name: str, kind: int, **infos: str) -> str:
    told = "".join(f'<info name="{key}" value="{value}"/>' for key, value in infos.items())
    return f'<object type="OSDev" name="{name}" osdev_type="{kind}">{told}</object>'


def pci(bus: str, kind: str, *inside: str) -> str:
    return f'<object type="PCIDev" pci_busid="{bus}" pci_type="{kind} [0000:0000] 00">{"".join(inside)}</object>'


def bridge(*inside: str, host: bool = False) -> str:
    kind = 'bridge_type="0-1"' if host else 'bridge_type="1-1" pci_busid="0000:00:01.0" pci_type="0604 [1022:1483]"'
    return f'<object type="Bridge" {kind} bridge_pci="0000:[00-ff]">{"".join(inside)}</object>'


def node(*devices: str) -> str:
    return machine(0b11, numa(0, 0b11, 4) + cores(0, 1) + bridge(*devices, host=True))


def mlx(bus: str, number: int, state: str = "4") -> str:
    names = osdev(f"ib{number}", NETWORK), osdev(f"mlx5_{number}", OPENFABRICS, Port1State=state)
    return pci(bus, MELLANOX, *names)


@pytest.mark.parametrize(
    ("devices", "names"),
    [
        # A function that shows two devices.
        ([bridge(mlx("0000:01:00.0", 0))], ["ib0/mlx5_0"]),
        # Two ports of a card, of which one need not have a link.
        ([bridge(mlx("0000:01:00.0", 0), mlx("0000:01:00.1", 1, "1"))], ["ib0/mlx5_0/ib1/mlx5_1"]),
        ([mlx("0000:01:00.0", 0) + mlx("0000:01:00.1", 1)], ["ib0/mlx5_0/ib1/mlx5_1"]),
        # Virtual functions, which have numbers of other devices on the card's bus.
        (
            [bridge(mlx("0000:01:00.0", 0), mlx("0000:01:02.1", 1), mlx("0000:02:00.0", 2))],
            ["ib0/mlx5_0/ib1/mlx5_1/ib2/mlx5_2"],
        ),
        # Two cards, each in its slot; or where no bridge is kept, two devices.
        ([bridge(mlx("0000:01:00.0", 0)), bridge(mlx("0000:02:00.0", 1))], ["ib0/mlx5_0", "ib1/mlx5_1"]),
        ([mlx("0000:01:00.0", 0), mlx("0000:02:00.0", 1)], ["ib0/mlx5_0", "ib1/mlx5_1"]),
        # Ethernet that manages the node, beside what computes.
        ([bridge(pci("0000:01:00.0", INTEL, osdev("eth0", NETWORK)))], []),
        ([bridge(pci("0000:01:00.0", CRAY, osdev("hsn0", NETWORK)))], ["hsn0"]),
        ([bridge(pci("0000:01:00.0", AMAZON, osdev("rdmap0s0", OPENFABRICS)))], ["rdmap0s0"]),
        ([bridge(pci("0000:01:00.0", "0208 [8086:24f0]", osdev("hfi1_0", OPENFABRICS)))], ["hfi1_0"]),
        # RDMA in software is no card.
        ([osdev("rxe0", OPENFABRICS)], []),
    ],
)
def test_a_card_is_one_however_many_devices_it_shows(devices: list[str], names: list[str]) -> None:
    for form in ("2.0", "3.0"):
        xml = node(*devices).replace('version="2.0"', f'version="{form}"')
        if form == "3.0":
            xml = xml.replace(f'osdev_type="{NETWORK}"', 'osdev_type="16"')
            xml = xml.replace(f'osdev_type="{OPENFABRICS}"', 'osdev_type="32"')
        found = hwloc_node(xml, nics=True)
        assert ["/".join(card.names) for card in found.nics] == names
        assert found.topo.get("nic", 0) == len(names)
        assert all(card.cores == 0b11 for card in found.nics)
        assert "nic" not in read_hwloc(xml)


def test_slingshot_is_told_by_its_subtype_too() -> None:
    xml = node(bridge(pci("0000:01:00.0", INTEL, osdev("hsn0", NETWORK))))
    assert read_hwloc(xml.replace('name="hsn0"', 'name="hsn0" subtype="Slingshot"'), nics=True)["nic"] == 1


def test_cards_without_a_link_are_named(caplog: pytest.LogCaptureFixture) -> None:
    xml = node(bridge(mlx("0000:01:00.0", 0)), bridge(mlx("0000:02:00.0", 1, "1")))
    assert read_hwloc(xml) == {"cores": "0-1", "memory": 4}
    assert not caplog.text
    assert read_hwloc(xml, nics=True)["nic"] == 1
    assert "network cards without a link are not counted: ib1/mlx5_1" in caplog.text


def test_a_card_stands_in_the_innermost_domain_that_it_hangs_below() -> None:
    def package(number: int, cpus: int, first: int, *devices: str) -> str:
        inside = numa(number, cpus, 4) + cores(first, first + 1) + bridge(*devices, host=True)
        return box("Package", number, cpus, inside)

    first = package(0, 0b0011, 0, bridge(mlx("0000:01:00.0", 0)), bridge(mlx("0000:02:00.0", 1)))
    xml = machine(0b1111, first + package(1, 0b1100, 2) + bridge(bridge(mlx("0000:81:00.0", 2)), host=True))
    assert read_hwloc(xml, nics=True) == {
        "socket": [{"cores": "0-1", "memory": 4, "nic": 2}, {"cores": "2-3", "memory": 4}],
        "nic": 1,
    }


@pytest.mark.parametrize(
    ("file", "listed"),
    [
        ("mpibind/eas-tioga", [1, 1, 1, 1]),
        ("v2-snc-nvidia", [0, 1, 0, 1]),
        # ConnectX-2 beside two ports of Gigabit Ethernet.
        ("hwloc/24em64t-2n6c2t-pci.v2", [1, 0]),
        ("hwloc/nvidiaDGX2.v2", [0, 0]),
        ("hwloc/nvidiaDGX2.v3", [0, 0]),
    ],
)
def test_machines(file: str, listed: list[int]) -> None:
    xml = (DATA / f"{file}.xml").read_bytes()
    (kind,) = Machine.from_hwloc(xml, nics=True).types
    leaves = [domain for domain in kind.domains if not domain.children]
    assert [dict(domain.resources).get("nic", 0) for domain in leaves] == listed
    without = hwloc_node(xml)
    assert "nic" not in str(without.topo)
    assert without.nics == ()


def test_slots_have_their_card_beside_their_gpu_and_hold_it() -> None:
    there = Machine.from_hwloc(TIOGA, nodes=2, nics=True)
    pool = Pool(there)
    vertices = parse_resources(parse_shape("slot=4/[core=14;gpu;nic]"))
    R = pool.alloc(1, Request.of(vertices)).to_dict()
    assert R["execution"]["R_lite"][0]["rank"] == "0"
    terms = R["scheduling"]["certificate"]["terms"]
    assert (terms["affinity.numa"], R["scheduling"]["certificate"]["status"]) == (0, "OPTIMAL")
    assert [slot["nic"] for slot in R["scheduling"]["placement"][0]["slots"]] == [1, 1, 1, 1]
    assert Checker(there).judge(vertices, R).legal
    # No card of that node is left, though GPUs are; a reloaded scheduler knows.
    again = Pool(there)
    again.register_alloc(1, R)
    for one in (pool, again):
        assert one.alloc(2, "slot=4/[core;gpu;nic]").to_dict()["execution"]["R_lite"][0]["rank"] == "1"
        with pytest.raises(InsufficientResources):
            one.alloc(3, "slot/[core;gpu;nic]")
        assert one.alloc(3, "slot/[core;gpu]").to_dict()["execution"]["R_lite"][0]["rank"] == "0"
        one.free(1)
        one.alloc(4, "slot=4/[gpu;nic]")


def test_a_card_from_another_domain_is_said_and_costs_affinity() -> None:
    there = Machine.from_hwloc(TIOGA, nics=True)
    pool = Pool(there)
    R = pool.alloc(1, "slot=5/[core=8;gpu=1]").to_dict()
    assert R["scheduling"]["certificate"]["terms"]["affinity.numa"] == 0
    R = pool.alloc(2, "slot/[core;gpu=1;nic=2]").to_dict()
    (slot,) = R["scheduling"]["placement"][0]["slots"]
    assert (slot["nic"], sum(slot["domains"]["nic"].values()), len(slot["domains"]["nic"])) == (2, 2, 2)
    assert R["scheduling"]["certificate"]["terms"]["affinity.numa"] == 1
