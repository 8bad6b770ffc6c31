"""The machine under this process: its tree, the CPUs of each core and the GPUs, as far as the process may use them."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...grammar.idset import mask_text, text_mask
from ...topology.describe import describe_R
from ...topology.hwloc import hwloc_node
from ...topology.machine import Machine
from ...topology.masks import positions_of
from ...topology.rset import read_R
from ..runtime_gpus import INTEL, Gpu, hwloc_gpus, system_gpus
from .gpus import visible
from .members import named
from .sysfs import Topo, read_sysfs

_LSTOPO: Final = ("lstopo-no-graphics", "lstopo")
_LSTOPO_SECONDS: Final = 60.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ThisMachine:
    """One node, and what its ids are to the operating system.

    Parameters
    ----------
    machine
        The node, cut to what this process may use.
    core_cpus
        By core id, the bitmask of the CPUs in the core.
    gpus
        By gpu id, the GPU.
    """

    machine: Machine
    core_cpus: tuple[int, ...]
    gpus: tuple[Gpu, ...]

    @property
    def cores(self) -> int:
        """Bitmask of the ids of the cores."""
        return self.machine.types[0].cores

    def cpus_of(self, cores: int) -> int:
        """Return the CPUs of cores, both as bitmasks."""
        cpus = 0
        for core in positions_of(cores):
            cpus |= self.core_cpus[core]
        return cpus

    def cores_on(self, cpus: int) -> int:
        """Return the cores that have one of some CPUs, both as bitmasks."""
        return sum(1 << core for core in positions_of(self.cores) if self.core_cpus[core] & cpus)


def usable_cpus() -> int:
    """Return the bitmask of the CPUs that this process may run on: its own, its batch job's or its container's.

    Raises
    ------
    RuntimeError
        The operating system cannot tell.
    """
    if not hasattr(os, "sched_getaffinity"):
        raise RuntimeError("pinning workers to cores needs Linux")
    return sum(1 << cpu for cpu in os.sched_getaffinity(0))


def this_machine(
    topology: str | None = None, environment: Mapping[str, str] | None = None, root: Path = Path("/")
) -> ThisMachine:
    """Read the machine: by lstopo, or where it is not, from Linux itself.

    Parameters
    ----------
    topology
        A file of hwloc XML to read in the place of lstopo's.
    environment
        Says which GPUs are visible; the process's own by default.
    root
        Where `proc` and `sys` are.

    Raises
    ------
    RuntimeError
        The file cannot be read, or has none of the CPUs that this process may use.
    """
    cpus = usable_cpus()
    system = system_gpus(root)
    if topology is not None:
        try:
            topo, core_cpus, gpus = _from_hwloc(Path(topology).read_bytes(), system)
        except (OSError, ValueError) as error:
            raise RuntimeError(f"topology {named(topology)}: {error}") from None
    else:
        topo, core_cpus, gpus = _from_lstopo(system) or (*read_sysfs(root, cpus), system)
    # Of other vendors' GPUs no variable that is set here tells a worker.
    dealt = [gpu for gpu in gpus or system if gpu.vendor != INTEL]
    seen = visible(dealt, os.environ if environment is None else environment)
    here = [core & cpus for core in core_cpus]
    cores = sum(1 << core for core, inside in enumerate(here) if inside)
    if not cores:
        raise RuntimeError(f"the topology has no core on the CPUs that this process may use ({mask_text(cpus)})")
    placed = _with_gpus(topo, core_cpus, seen)
    R = describe_R(placed, cores=cores, gpus=(1 << len(seen)) - 1)
    return ThisMachine(read_R(R), tuple(here), tuple(seen))


def _from_lstopo(system: Sequence[Gpu]) -> tuple[Topo, list[int], list[Gpu]] | None:
    program = next(filter(None, map(shutil.which, _LSTOPO)), None)
    if program is None:
        return None
    try:
        made = subprocess.run([program, "--of", "xml"], capture_output=True, check=True, timeout=_LSTOPO_SECONDS)
        return _from_hwloc(made.stdout, system)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        _logger.warning("%s is of no use (%s); the topology is read from /sys", program, error)
        return None


def _from_hwloc(xml: bytes, system: Sequence[Gpu]) -> tuple[Topo, list[int], list[Gpu]]:
    node = hwloc_node(xml)
    near = [0] * len(node.gpu_devices)
    for domain, cpus in _domains(node.topo, node.core_cpus):
        for gpu in positions_of(text_mask(domain.get("gpus", ""))):
            near[gpu] = cpus
    return node.topo, list(node.core_cpus), hwloc_gpus(node.gpu_devices, near, system)


def _with_gpus(topo: Topo, core_cpus: Sequence[int], gpus: Sequence[Gpu]) -> Topo:
    """Return the tree with these GPUs, each in the innermost domain that has all the CPUs near it."""
    topo = copy.deepcopy(topo)
    domains = list(_domains(topo, core_cpus))
    for domain, _ in domains:
        domain.pop("gpus", None)
    everywhere = domains[-1][1]
    for number, gpu in enumerate(gpus):
        near = gpu.cpus & everywhere
        # Inner domains come before those around them.
        home = next((domain for domain, cpus in domains if near and not near & ~cpus), topo)
        home["gpus"] = mask_text(text_mask(home.get("gpus", "")) | 1 << number)
    return topo


def _domains(topo: Topo, core_cpus: Sequence[int]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the domains with the bitmasks of their CPUs, inner ones before those around them."""
    cpus = 0
    for core in positions_of(text_mask(topo.get("cores", ""))):
        cpus |= core_cpus[core]
    for value in topo.values():
        if isinstance(value, list):
            for inner in value:
                for domain, inside in _domains(inner, core_cpus):
                    yield domain, inside
                    cpus |= inside
    yield topo, cpus
