"""How GPUs are joined, read from hwloc XML: measured bandwidths, switches, latencies of numas, the PCI bus."""

from __future__ import annotations

from pathlib import Path

import pytest

from exactfit.topology.describe import hwloc_R
from exactfit.topology.hwloc import hwloc_node
from exactfit.topology.rset import read_R

DATA = Path(__file__).parent / "data" / "hwloc"


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_nvlink_of_a_power8_joins_two_pairs(version: str) -> None:
    xml = (DATA / f"power8gpudistances.{version}.xml").read_bytes()
    assert hwloc_node(xml).links == ((0, 40000, 0, 0), (40000, 0, 0, 0), (0, 0, 0, 40000), (0, 0, 40000, 0))
    R = hwloc_R(xml, 3)
    assert [entry["ranks"] for entry in R["scheduling"]["exactfit"]["links"]] == ["0-2"]
    # Four of the six pairs are joined by nothing, which is one step less.
    assert read_R(R).types[0].links == ((0, 2, 1), (0, 3, 1), (1, 2, 1), (1, 3, 1))


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_switches_of_a_dgx2_join_all_alike_and_r_says_nothing(version: str) -> None:
    xml = (DATA / f"nvidiaDGX2.{version}.xml").read_bytes()
    assert hwloc_node(xml).links is None
    assert "exactfit" not in hwloc_R(xml)["scheduling"]


def node(gpus: str, distances: str = "") -> str:
    """Return a node of two packages of two cores with a numa each, the devices in the second's brackets apart."""
    first, second = gpus.split("|")
    packages = "".join(
        f'<object type="Package" os_index="{n}" cpuset="0x{3 << 2 * n:x}" gp_index="{10 + n}">'
        f'<object type="NUMANode" os_index="{n}" cpuset="0x{3 << 2 * n:x}" nodeset="0x{1 << n:x}" gp_index="{20 + n}"'
        ' local_memory="8589934592"/>'
        + "".join(
            f'<object type="Core" os_index="{c}" cpuset="0x{1 << c:x}" gp_index="{30 + c}">'
            f'<object type="PU" os_index="{c}" cpuset="0x{1 << c:x}" gp_index="{40 + c}"/></object>'
            for c in (2 * n, 2 * n + 1)
        )
        + devices
        + "</object>"
        for n, devices in enumerate((first, second))
    )
    return (
        '<?xml version="1.0"?><topology version="2.0"><object type="Machine" os_index="0" cpuset="0xf" nodeset="0x3"'
        f' gp_index="1">{packages}</object>{distances}</topology>'
    )


def host(*switches: tuple[int, ...]) -> str:
    """Return a host bridge with a PCI switch for each tuple of GPU numbers."""
    inner = "".join(
        f'<object type="Bridge" gp_index="{100 + some[0]}" bridge_type="1-1">'
        + "".join(
            f'<object type="PCIDev" gp_index="{200 + gpu}" pci_busid="0000:{gpu:02x}:00.0"'
            ' pci_type="0302 [10de:20b0] [10de:1463] a1">'
            f'<object type="OSDev" gp_index="{300 + gpu}" name="nvml{gpu}" osdev_type="1">'
            '<info name="Backend" value="NVML"/></object></object>'
            for gpu in some
        )
        + "</object>"
        for some in switches
    )
    return f'<object type="Bridge" gp_index="{400 + switches[0][0]}" bridge_type="0-1">{inner}</object>'


def matrix(name: str, kind: str, indexes: str, values: str) -> str:
    count = len(indexes.split())
    return (
        f'<distances2 type="{kind}" nbobjs="{count}" kind="5" name="{name}" indexing="os">'
        f'<indexes length="9">{indexes}</indexes><u64values length="9">{values}</u64values></distances2>'
    )


def test_gpus_behind_one_pci_switch_are_nearest_then_those_of_a_package() -> None:
    links = hwloc_node(node(f"{host((0, 1), (2,))}|{host((3,))}")).links
    assert links is not None
    assert links[0][1] > links[0][2] == links[1][2] > links[0][3] == links[2][3]
    farther = matrix("NUMALatency", "NUMANode", "0 1", "10 200 200 10")
    nearer = matrix("NUMALatency", "NUMANode", "0 1", "10 11 11 10")
    gaps = []
    for distances in (farther, nearer):
        links = hwloc_node(node(f"{host((0, 1), (2,))}|{host((3,))}", distances)).links
        assert links is not None
        gaps.append(links[0][2] - links[0][3])
    assert gaps == [190, 1]


def test_gpus_that_are_all_as_near_say_nothing() -> None:
    assert hwloc_node(node(f"{host((0, 1, 2, 3))}|")).links is None
    assert hwloc_node(node(f"{host((0,), (1,), (2,))}|")).links is None
    assert hwloc_node(node(f"{host((0,))}|{host((1,))}")).links is None  # of two, one pair is the best there is


def test_a_vendors_matrix_counts_before_the_bus() -> None:
    values = "0 1 9 1 1 0 1 9 9 1 0 1 1 9 1 0"
    measured = (
        '<distances2 type="OSDev" nbobjs="4" kind="18" name="XGMIBandwidth" indexing="gp">'
        f'<indexes length="1">300 301 302 303</indexes><u64values length="1">{values}</u64values></distances2>'
    )
    links = hwloc_node(node(f"{host((0, 1))}|{host((2, 3))}", measured)).links
    assert links == ((0, 1, 9, 1), (1, 0, 1, 9), (9, 1, 0, 1), (1, 9, 1, 0))


@pytest.mark.parametrize("values", ["1 2 3", "x y z w", "", "1 2 3 " + "9" * 30])
def test_a_matrix_that_is_none_is_passed_over_or_refused(values: str) -> None:
    xml = node(f"{host((0, 1), (2,))}|", matrix("NVLinkBandwidth", "OSDev", "300 301", values))
    if (values.replace(" ", "").isdecimal() and len(values) < 20) or not values:
        assert hwloc_node(xml).links is not None
    else:
        with pytest.raises(ValueError, match="hwloc XML: a distance that is no number"):
            hwloc_node(xml)
