"""A node as Corona's nodes are: two packages of four MI50, which ROCm does not number in the order of the bus.

Which GPU has which address, number and id is what lstopo says of corona263, a machine of Lawrence Livermore National
Laboratory, in the test data of flux-core; cores are fewer.
"""

from __future__ import annotations

GPUS = (
    ("0000:03:00.0", 2, "9aa0304172df8896"),
    ("0000:27:00.0", 3, "eb6c214172df888f"),
    ("0000:43:00.0", 1, "cb88208172edb14d"),
    ("0000:63:00.0", 0, "3b72598172e626c4"),
    ("0000:83:00.0", 6, "6986496172e17d3a"),
    ("0000:a3:00.0", 7, "6fe2214172e626c3"),
    ("0000:c3:00.0", 5, "d06230a172e620ce"),
    ("0000:e3:00.0", 4, "122c188172e6212f"),
)
"""PCI address, number for ROCm, id; in hwloc's order, which is R's."""

NUMBERS = [number for _, number, _ in GPUS]


def corona_xml(*, uuids: bool = True) -> str:
    """Return what lstopo of hwloc 2 writes of such a node, with four cores in each package."""
    packages = "".join(_package(i, GPUS[4 * i : 4 * i + 4], uuids=uuids) for i in (0, 1))
    return f'<topology version="2.0"><object type="Machine" {_sets(0xFF, 3)}>{packages}</object></topology>'


def _package(number: int, gpus: tuple[tuple[str, int, str], ...], *, uuids: bool) -> str:
    cpus, nodes = 0xF << 4 * number, 1 << number
    memory = f'<object type="NUMANode" os_index="{number}" {_sets(cpus, nodes)} local_memory="{125 << 30}"/>'
    cores = "".join(
        f'<object type="Core" {_sets(1 << i, nodes)}><object type="PU" os_index="{i}" {_sets(1 << i, nodes)}/></object>'
        for i in range(4 * number, 4 * number + 4)
    )
    devices = "".join(_gpu(bus, n, uuid if uuids else "0" * 16) for bus, n, uuid in gpus)
    return f'<object type="Package" os_index="{number}" {_sets(cpus, nodes)}>{memory}{cores}{devices}</object>'


def _gpu(bus: str, number: int, uuid: str) -> str:
    infos = {"Backend": "RSMI", "GPUVendor": "AMD", "GPUModel": "Arcturus", "AMDUUID": uuid}
    told = "".join(f'<info name="{name}" value="{value}"/>' for name, value in infos.items())
    device = f'<object type="OSDev" name="rsmi{number}" subtype="RSMI" osdev_type="1">{told}</object>'
    return f'<object type="PCIDev" pci_busid="{bus}" pci_type="0380 [1002:66a1] [1002:0834] 02">{device}</object>'


def _sets(cpus: int, nodes: int) -> str:
    return f'cpuset="{cpus:#x}" complete_cpuset="{cpus:#x}" nodeset="{nodes:#x}" complete_nodeset="{nodes:#x}"'
