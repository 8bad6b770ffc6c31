"""What hwloc says of machines that Flux's encoder has no words for, or loses: public machines, and forms of others."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from exactfit.topology.describe import hwloc_R
from exactfit.topology.hwloc import hwloc_node, read_hwloc
from exactfit.topology.rset import read_R

Json = dict[str, Any]
DATA = Path(__file__).parent / "data"
PUBLIC = DATA / "hwloc"


def public(name: str) -> str:
    return (PUBLIC / f"{name}.xml").read_text()


# -- format 3 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["16-2gr2gr2n2c+misc", "nvidiaDGX2", "power8gpudistances"])
def test_format_3_says_what_format_2_says(name: str) -> None:
    new, old = hwloc_node(public(f"{name}.v3")), hwloc_node(public(f"{name}.v2"))
    assert new.topo == old.topo
    assert (new.cores, new.gpus, new.core_cpus, new.host) == (old.cores, old.gpus, old.core_cpus, old.host)
    assert new.gpu_devices == old.gpu_devices


def test_machines_of_format_3() -> None:
    assert read_hwloc(public("power8gpudistances.v3")) == {
        "socket": [{"cores": "0-3", "gpus": "0-1", "memory": 63}, {"cores": "4-7", "gpus": "2-3", "memory": 63}]
    }
    assert read_hwloc(public("cxlmem+dax.v3")) == {"cores": "0-3", "memory": 2}
    # DDR and HBM of each half of the packages, and memory behind CXL that is near all of the machine.
    assert read_hwloc(public("heteromem.v3")) == {
        "socket": [
            {"numa": [{"cores": "0-3", "memory": 1}, {"cores": "0-3", "memory": 1}]},
            {"numa": [{"cores": "4-7", "memory": 1}, {"cores": "4-7", "memory": 1}]},
        ],
        "memory": 1,
    }


def test_a_dma_engine_of_format_3_is_no_gpu_and_a_gpu_is_no_dma_engine() -> None:
    """The number that is a GPU in format 3 is a DMA engine in format 2."""
    for form, kept in (("2.0", ""), ("3.0", "0")):
        device = f'<object type="OSDev" name="rsmi0" subtype="RSMI" osdev_type="4">{backend("RSMI")}</object>'
        xml = node(pci("0000:03:00.0", "1200 [1002:74a0]", device)).replace('"2.0"', f'"{form}"')
        assert read_hwloc(xml).get("gpus", "") == kept


@pytest.mark.parametrize("form", ["4.0", "17"])
def test_formats_to_come_are_refused_with_what_to_do(form: str) -> None:
    with pytest.raises(
        ValueError, match=r"format \d+ is not supported; `lstopo --of xml --export-xml-flags v2` writes"
    ):
        read_hwloc(node().replace('"2.0"', f'"{form}"'))


def test_what_format_3_may_still_get_is_refused_with_what_to_do() -> None:
    xml = node('<object type="Chiplet"/>').replace('"2.0"', '"3.0"')
    with pytest.raises(ValueError, match=r"'Chiplet' \(`lstopo --of xml --export-xml-flags v2` writes"):
        read_hwloc(xml)


# -- memory ---------------------------------------------------------------------------------------------------------


def sets(cpus: int, nodes: int) -> str:
    words = [f"0x{cpus >> 32 * part & 0xFFFFFFFF:08x}" for part in range((cpus.bit_length() + 31) // 32)]
    text = ",".join(reversed(words))
    return f'cpuset="{text}" complete_cpuset="{text}" nodeset="{nodes:#x}" complete_nodeset="{nodes:#x}"'


def cores(first: int, last: int) -> str:
    return "".join(
        f'<object type="Core" {sets(1 << i, 1)}><object type="PU" os_index="{i}" {sets(1 << i, 1)}/></object>'
        for i in range(first, last + 1)
    )


def numa(number: int, cpus: int, gib: int, subtype: str = "") -> str:
    named = f' subtype="{subtype}"' if subtype else ""
    return f'<object type="NUMANode" os_index="{number}" {sets(cpus, 1 << number)} local_memory="{gib << 30}"{named}/>'


def machine(cpus: int, inside: str) -> str:
    return f'<topology version="2.0"><object type="Machine" {sets(cpus, 0xFFFF)}>{inside}</object></topology>'


def box(kind: str, number: int, cpus: int, inside: str) -> str:
    return f'<object type="{kind}" os_index="{number}" {sets(cpus, 0xFFFF)}>{inside}</object>'


def test_memory_of_gpus_and_non_volatile_memory_are_no_memory_of_a_numa(caplog: pytest.LogCaptureFixture) -> None:
    """A node of two Grace Hopper, each with 480 GiB beside its cores and 96 in its GPU, and one with Optane."""
    grace = machine(
        0b1111,
        box("Package", 0, 0b0011, numa(0, 0b0011, 480) + numa(2, 0b0011, 96, "GPUMemory") + cores(0, 1))
        + box("Package", 1, 0b1100, numa(1, 0b1100, 480) + numa(3, 0b1100, 96, "GPUMemory") + cores(2, 3)),
    )
    assert read_hwloc(grace) == {"socket": [{"cores": "0-1", "memory": 480}, {"cores": "2-3", "memory": 480}]}
    assert "192 GiB of GPUMemory are no memory of a numa" in caplog.text
    caplog.clear()
    optane = machine(0b11, numa(0, 0b11, 96) + numa(1, 0b11, 768, "NVM") + numa(2, 0b11, 10, "CXL-NVM") + cores(0, 1))
    assert read_hwloc(optane) == {"cores": "0-1", "memory": 96}
    assert "768 GiB of NVM" in caplog.text
    assert "10 GiB of CXL-NVM" in caplog.text
    caplog.clear()
    # What cores compute in is theirs, whatever it is made of.
    assert read_hwloc(optane.replace("NVM", "DRAM"))["numa"][1]["memory"] == 768
    assert not caplog.text


def test_memory_around_domains_that_have_their_own_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """A package with HBM in each half, and DDR that is near all of it, which is no numa beside them."""
    halves = box("Group", 0, 0b0011, numa(1, 0b0011, 16, "HBM") + cores(0, 1)) + box(
        "Group", 1, 0b1100, numa(2, 0b1100, 16, "HBM") + cores(2, 3)
    )
    whole = machine(0b11111, box("Package", 0, 0b1111, numa(0, 0b1111, 128) + halves)
                    + box("Package", 1, 0b10000, numa(3, 0b10000, 64) + cores(4, 4)))  # fmt: skip
    assert read_hwloc(whole) == {
        "socket": [
            {"numa": [{"cores": "0-1", "memory": 16}, {"cores": "2-3", "memory": 16}], "memory": 128},
            {"cores": "4", "memory": 64},
        ]
    }
    assert "128 GiB are near several domains" in caplog.text
    node_type = read_R(hwloc_R(whole)).types[0]
    assert sum(domain.memory or 0 for domain in node_type.domains) == 224
    # Without Groups, where NUMA nodes hang at caches.
    caches = [box("L3Cache", i, 3 << 2 * i, numa(1 + i, 3 << 2 * i, 16) + cores(2 * i, 2 * i + 1)) for i in (0, 1)]
    flat = machine(0b1111, numa(0, 0b1111, 128) + "".join(caches))
    assert read_hwloc(flat) == {
        "numa": [{"cores": "0-1", "memory": 16}, {"cores": "2-3", "memory": 16}],
        "memory": 128,
    }


# -- Groups ---------------------------------------------------------------------------------------------------------


def test_groups_of_numa_nodes_do_not_cost_their_level(caplog: pytest.LogCaptureFixture) -> None:
    assert read_R(hwloc_R(public("16-2gr2gr2n2c+misc.v2"))).levels == ("Group1", "Group", "numa")
    assert "a Group around domains of level numa is called Group" in caplog.text
    assert "overlap" not in caplog.text


def test_an_arm_machine_of_128_cores_has_its_4_numa(caplog: pytest.LogCaptureFixture) -> None:
    """Two packages of two NUMA nodes that hwloc puts into a Group by their distances."""

    def quarter(i: int) -> str:
        cpus = (2**32 - 1) << 32 * i
        return box("Group", i, cpus, numa(i, cpus, 128) + cores(32 * i, 32 * i + 31))

    half = 2**64 - 1
    pairs = [box("Group", 8 + i, half << 64 * i, quarter(2 * i) + quarter(2 * i + 1)) for i in range(2)]
    node_type = read_R(hwloc_R(machine(2**128 - 1, "".join(pairs)))).types[0]
    assert node_type.levels == ("Group", "numa")
    assert [domain.cores.bit_count() for domain in node_type.by_level["numa"]] == [32] * 4
    assert [domain.memory for domain in node_type.by_level["numa"]] == [128] * 4
    assert "overlap" not in caplog.text


# -- GPUs -----------------------------------------------------------------------------------------------------------


def backend(name: str, **more: str) -> str:
    infos = {"Backend": name, **more}
    return "".join(f'<info name="{key}" value="{value}"/>' for key, value in infos.items())


def pci(bus: str, kind: str, inside: str = "") -> str:
    return f'<object type="PCIDev" pci_busid="{bus}" pci_type="{kind} [0000:0000] 00">{inside}</object>'


def osdev(name: str, inside: str, below: str = "") -> str:
    return f'<object type="OSDev" name="{name}" osdev_type="5">{inside}{below}</object>'


def node(*devices: str) -> str:
    return machine(0b11, numa(0, 0b11, 4) + cores(0, 1) + "".join(devices))


def ze(name: str, below: str = "", kind: str = "GPU") -> str:
    return osdev(name, backend("LevelZero", LevelZeroDeviceType=kind, LevelZeroUUID=f"{name}-id"), below)


MAX_1550 = "0380 [8086:0bd5]"


def test_a_card_of_intel_is_one_gpu_however_many_tiles_it_shows() -> None:
    """Two GPUs Max 1550, with their tiles below them, beside one another, and not shown at all."""
    tiles = [
        ze(f"ze{i}", osdev(f"ze{i}.0", backend("LevelZero")) + osdev(f"ze{i}.1", backend("LevelZero"))) for i in (0, 1)
    ]
    flat = [ze(f"ze{2 * i}") + ze(f"ze{2 * i + 1}") for i in (0, 1)]
    cards = [ze(f"ze{i}") for i in (0, 1)]
    for first, second in (tiles, flat, cards):
        read = hwloc_node(node(pci("0000:18:00.0", MAX_1550, first), pci("0000:3a:00.0", MAX_1550, second)))
        assert read.topo["gpus"] == "0-1"
        assert [gpu.bus for gpu in read.gpu_devices] == ["0000:18:00.0", "0000:3a:00.0"]
        assert [gpu.uuid for gpu in read.gpu_devices] == [
            "ze0-id",
            "ze2-id" if (first, second) == tuple(flat) else "ze1-id",
        ]
    # OpenCL and Level Zero see the same card; what is no GPU is none.
    both = node(pci("0000:18:00.0", MAX_1550, osdev("opencl0d0", backend("OpenCL")) + ze("ze0")))
    assert read_hwloc(both)["gpus"] == "0"
    assert "gpus" not in read_hwloc(node(pci("0000:00:0b.0", "1200 [8086:7d1d]", ze("ze0", kind="VPU"))))
    # Where the file has no PCI devices above them, names tell.
    alone = node(pci("0000:00:00.0", "0200 [8086:0000]"), ze("ze0"), osdev("ze0.0", backend("LevelZero")), ze("ze1"))
    assert read_hwloc(alone)["gpus"] == "0-1"


@pytest.mark.parametrize(
    ("kind", "vendor", "library"),
    [
        ("0302 [10de:20b0]", "NVIDIA", "NVML or CUDA"),
        ("0300 [10DE:1db6]", "NVIDIA", "NVML or CUDA"),
        ("1200 [1002:74a0]", "AMD", "ROCm SMI"),
        ("0380 [1002:738c]", "AMD", "ROCm SMI"),
        (MAX_1550, "Intel", "Level Zero"),
    ],
)
def test_gpus_that_no_backend_describes_are_named(
    kind: str, vendor: str, library: str, caplog: pytest.LogCaptureFixture
) -> None:
    xml = node(*(pci(f"0000:{bus:02x}:00.0", kind) for bus in (1, 2, 3, 4)))
    assert "gpus" not in read_hwloc(xml)
    buses = "0000:01:00.0, 0000:02:00.0, 0000:03:00.0, 0000:04:00.0"
    assert f"4 GPUs of {vendor} ({buses}) are not counted: lstopo wrote the file without {library}" in caplog.text


@pytest.mark.parametrize(
    "device",
    [
        pci("0000:01:00.0", "0302 [10de:20b0]", osdev("nvml0", backend("NVML"))),
        pci("0000:01:00.0", "0680 [10de:1af1]"),  # an NVSwitch
        pci("0000:01:00.0", "0300 [1a03:2000]"),  # the console of a server
        pci("0000:01:00.0", "0300 [1002:515e]"),
        pci("0000:01:00.0", "0200 [8086:1593]"),
        pci("0000:01:00.0", "1200 [8086:7d1d]"),  # Intel's NPU
        pci("0000:01:00.0", ""),
        pci("0000:01:00.0", "03"),
    ],
)
def test_what_is_described_or_no_gpu_is_not_named(device: str, caplog: pytest.LogCaptureFixture) -> None:
    read_hwloc(node(device))
    assert not caplog.text


def test_gpus_of_a_public_machine_are_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_hwloc(public("24em64t-2n6c2t-pci.v2"))
    assert "3 GPUs of NVIDIA (0000:06:00.0, 0000:14:00.0, 0000:11:00.0) are not counted" in caplog.text


def test_many_are_named_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    read_hwloc(node(*(pci(f"0000:{bus:02x}:00.0", "0302 [10de:20b0]") for bus in range(1, 200))))
    assert "199 GPUs of NVIDIA" in caplog.text
    assert "and 191 more) are not counted" in caplog.text


# -- Flux's encoder -------------------------------------------------------------------------------------------------

ENCODE = """
import json, sys
from _flux._rhwloc_treepool import ffi, lib
for path in sys.argv[1:]:
    made = lib.rhwloc_treepool_topo_to_json(open(path, "rb").read(), ffi.new("flux_error_t *"))
    print(ffi.string(made).decode() if made != ffi.NULL else "null")
"""
DIFFERENT = {"16-2gr2gr2n2c+misc.v2"}


def test_trees_are_those_of_fluxs_encoder() -> None:
    """On all files of the tests that it can read, but for what is different on purpose."""
    if shutil.which("flux") is None:
        pytest.skip("there is no flux command on the PATH")
    paths = [path for path in sorted(DATA.rglob("*.xml")) if ".v3" not in path.name]
    done = subprocess.run(
        ["flux", "python", "-c", ENCODE, *map(str, paths)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"this Flux has no encoder of trees: {done.stderr.strip().splitlines()[-1]}")
    theirs = dict(zip((path.stem for path in paths), map(json.loads, done.stdout.splitlines()), strict=True))
    assert {path.stem for path in paths if read_hwloc(path.read_bytes()) != theirs[path.stem]} == DIFFERENT
