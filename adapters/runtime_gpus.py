"""GPUs as the programs see them: by their vendor's own numbers and UUIDs, which are no ids of R.

R's ids count GPUs in hwloc's order, the order of the bus. ROCm numbers them otherwise on many machines (on Corona's
nodes id 0 of R is number 2 of ROCm), and CUDA may, so that whoever tells a program of its GPUs has to translate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..grammar.idset import text_mask

if TYPE_CHECKING:
    # Who only sets a worker's variables has no use for the topology.
    from ..topology.hwloc_gpus import HwlocGpu

NVIDIA, AMD, INTEL, ANY = "nvidia", "amd", "intel", ""

_VENDORS: Final = {"CUDA": NVIDIA, "NVML": NVIDIA, "RSMI": AMD, "LevelZero": INTEL}


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU.

    Parameters
    ----------
    key
        The same for all processes on the machine.
    vendor
        Whose library finds it; empty when that is not known.
    token
        What stands for it in the vendor's variable.
    index
        Its number among those of its vendor.
    cpus
        Bitmask of the operating system's CPUs near it; 0 when that is not known.
    """

    key: str
    vendor: str
    token: str
    index: int
    cpus: int = 0


def system_gpus(root: Path = Path("/")) -> list[Gpu]:
    """Return the GPUs whose drivers are loaded, as these say.

    Parameters
    ----------
    root
        Where `proc` and `sys` are.
    """
    return [*_nvidia(root), *_amd(root)]


def _nvidia(root: Path) -> list[Gpu]:
    found = []
    for index, folder in enumerate(sorted((root / "proc/driver/nvidia/gpus").glob("*"))):
        told = re.search(r"GPU UUID:\s*(GPU-[0-9a-fA-F-]+)", _text(folder / "information"))
        found.append(Gpu(folder.name, NVIDIA, told[1] if told else str(index), index, _near(root, folder.name)))
    return found


def _amd(root: Path) -> list[Gpu]:
    found: list[Gpu] = []
    nodes = (root / "sys/class/kfd/kfd/topology/nodes").glob("*")
    for folder in sorted(nodes, key=lambda path: int(path.name) if path.name.isdecimal() else -1):
        if _text(folder / "gpu_id").strip() in ("", "0"):
            continue
        lines = (line.split() for line in _text(folder / "properties").splitlines())
        told = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}
        place = told.get("location_id", 0)
        bus = f"{told.get('domain', 0):04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 7:x}"
        unique = told.get("unique_id", 0)
        index = len(found)
        found.append(Gpu(bus, AMD, f"GPU-{unique:016x}" if unique else str(index), index, _near(root, bus)))
    return _distinct(found)


def hwloc_gpus(devices: Sequence[HwlocGpu], cpus: Sequence[int], system: Iterable[Gpu] = ()) -> list[Gpu]:
    """Return the GPUs that an hwloc XML file lists.

    Parameters
    ----------
    cpus
        For each device, the bitmask of the CPUs of the domain that it stands in.
    system
        What the drivers say of the same machine, which know ids that hwloc may not.
    """
    by_bus = {gpu.key: gpu for gpu in system}
    found = []
    for number, (device, near) in enumerate(zip(devices, cpus, strict=True)):
        same = by_bus.get(device.bus or "")
        if same is not None:
            found.append(replace(same, cpus=near))
            continue
        digits = re.search(r"[0-9]+$", device.name)
        index = int(digits[0]) if digits else number
        vendor = vendor_of(device)
        token = uuid_of(device) or str(index)
        found.append(Gpu(device.bus or f"{vendor}:{index}", vendor, token, index, near))
    return _distinct(found)


def vendor_of(device: HwlocGpu) -> str:
    """Return whose library found a device; empty for OpenCL, which finds all vendors'."""
    return _VENDORS.get(device.backend, ANY)


def uuid_of(device: HwlocGpu) -> str | None:
    """Return a device's UUID as its vendor's variable takes it, None where hwloc has none or zeros, as of MI300A."""
    uuid = device.uuid
    if uuid is None or not uuid.strip("0"):
        return None
    return f"GPU-{uuid}" if device.backend == "RSMI" and not uuid.startswith("GPU-") else uuid


def _distinct(gpus: list[Gpu]) -> list[Gpu]:
    """Return GPUs with numbers in the keys of those that share a PCI address: partitions of one device."""
    keys = [gpu.key for gpu in gpus]
    return [
        gpu if keys.count(gpu.key) == 1 else replace(gpu, key=f"{gpu.key}/{keys[:i].count(gpu.key)}")
        for i, gpu in enumerate(gpus)
    ]


def _near(root: Path, bus: str) -> int:
    text = _text(root / "sys/bus/pci/devices" / bus / "local_cpulist").strip()
    try:
        return text_mask(text)
    except ValueError:
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def numbers_of(devices: Sequence[HwlocGpu]) -> tuple[str, ...]:
    """Return by what each GPU of a node is known to programs: its number, where no two have the same, else its UUID.

    Where neither tells them apart, all have their place in hwloc's order, from 0.
    """
    gpus = hwloc_gpus(devices, [0] * len(devices))
    for names in ([str(gpu.index) for gpu in gpus], [gpu.token for gpu in gpus]):
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(map(str, range(len(gpus))))
