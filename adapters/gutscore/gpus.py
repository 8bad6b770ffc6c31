"""GPUs: which there are, which of them the environment lets this process see, and how a worker is told of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...grammar.idset import text_mask

if TYPE_CHECKING:
    # A worker group sets the variables below and has no use for the topology.
    from ...topology.hwloc_gpus import HwlocGpu

NVIDIA, AMD, ANY = "nvidia", "amd", ""
VARIABLES: Final = {NVIDIA: "CUDA_VISIBLE_DEVICES", AMD: "ROCR_VISIBLE_DEVICES"}
NONE_VISIBLE: Final = "-1"

_MAX_DIGITS: Final = 9

_BACKENDS = {"CUDA": NVIDIA, "NVML": NVIDIA, "RSMI": AMD}
# HIP numbers what ROCR_VISIBLE_DEVICES leaves, so that lists made for the whole machine no longer hold.
_RELATIVE_TO_ROCR = ("HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "CUDA_VISIBLE_DEVICES")


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
        vendor = _BACKENDS.get(device.backend, ANY)
        found.append(Gpu(device.bus or f"{vendor}:{index}", vendor, device.uuid or str(index), index, near))
    return _distinct(found)


def _distinct(gpus: list[Gpu]) -> list[Gpu]:
    """Return GPUs with numbers in the keys of those that share a PCI address: partitions of one device."""
    keys = [gpu.key for gpu in gpus]
    return [
        gpu if keys.count(gpu.key) == 1 else replace(gpu, key=f"{gpu.key}/{keys[:i].count(gpu.key)}")
        for i, gpu in enumerate(gpus)
    ]


def visible(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """Return the GPUs that this process may use, by the vendors' variables.

    Notes
    -----
    The variables' own words are kept for the workers: whoever set them knew how the library counts. A word for a GPU
    that was not found is a GPU without a known place, as Slurm may grant one. One that is listed twice is there once.
    """
    listed = {vendor: environment[name] for vendor, name in VARIABLES.items() if name in environment}
    if not gpus:
        vendor = ANY if len(set(listed.values())) == 1 < len(listed) else next(iter(listed), ANY)
        return _listed(vendor, [], next(iter(listed.values()), ""), None)
    found: list[Gpu] = []
    for vendor in dict.fromkeys(gpu.vendor for gpu in gpus):
        mine = [gpu for gpu in gpus if gpu.vendor == vendor]
        words = listed.get(vendor)
        found += mine if words is None else _listed(vendor, mine, words, environment.get("SLURM_JOB_GPUS"))
    return found


def _listed(vendor: str, gpus: Sequence[Gpu], words: str, machine_wide: str | None) -> list[Gpu]:
    """Return the GPUs that a variable lists.

    Parameters
    ----------
    machine_wide
        Their numbers on the machine, where the variable counts only what a job was granted.
    """
    tokens = []
    for word in words.split(","):
        # As CUDA does: what follows a word that means none is not read.
        if word.strip() in ("", NONE_VISIBLE, "NoDevFiles"):
            break
        tokens.append(word.strip())
    numbers = machine_wide.split(",") if machine_wide else []
    names = numbers if len(numbers) == len(tokens) else tokens
    found: dict[str, Gpu] = {}
    for number, (token, name) in enumerate(zip(tokens, names, strict=True)):
        same = [gpu for gpu in gpus if _means(name, gpu)]
        gpu = same[0] if same else Gpu(f"{vendor}:{_storable(name)}", vendor, token, number)
        found.setdefault(gpu.key, replace(gpu, token=token))
    return list(found.values())


def _storable(name: str) -> str:
    """Return a name that a database takes: bytes that are no UTF-8 are lone surrogates in a variable."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _means(word: str, gpu: Gpu) -> bool:
    if word.isdecimal():
        return len(word) <= _MAX_DIGITS and int(word) == gpu.index
    return len(word) > len("GPU-") and gpu.token.startswith(word)


def environment_of(gpus: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return the variables of a process that shall see some GPUs and no others; None for those to be taken away.

    Parameters
    ----------
    gpus
        Vendor and token of each.
    """
    tokens: dict[str, list[str]] = {}
    for vendor, token in gpus:
        for each in (vendor,) if vendor else VARIABLES:
            tokens.setdefault(each, []).append(token)
    change: dict[str, str | None] = {}
    if AMD in tokens:
        change = dict.fromkeys(_RELATIVE_TO_ROCR)
    for vendor, variable in VARIABLES.items():
        if vendor in tokens or not tokens:
            change[variable] = ",".join(tokens.get(vendor, ())) or NONE_VISIBLE
    if any(token.isdecimal() for token in tokens.get(NVIDIA, ())):
        change.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return change


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
