"""The hwloc XML of a node that stands on this machine's own CPUs, with as many GPUs as a test likes."""

from __future__ import annotations

import os
from pathlib import Path


def write_node(path: Path, gpus_per_socket: int = 0, sockets: int = 2) -> Path:
    """Write the node: the CPUs that this process may use, dealt to sockets in order, GPUs at the sockets.

    Parameters
    ----------
    gpus_per_socket
        NVIDIA GPUs without ids of their own, so that their numbers stand for them.
    """
    cpus = sorted(os.sched_getaffinity(0))
    share = -(-len(cpus) // sockets)
    parts, everything, gpu = [], sum(1 << cpu for cpu in cpus), 0
    dealt = [cpus[first : first + share] for first in range(0, len(cpus), share)]
    for number, mine in enumerate(dealt):
        cpuset = _set(sum(1 << cpu for cpu in mine))
        inside = [_element("NUMANode", number, f'{cpuset} nodeset="{1 << number:#x}" local_memory="1073741824"')]
        inside += [_element("Core", cpu, _set(1 << cpu), _element("PU", cpu, _set(1 << cpu))) for cpu in mine]
        if gpus_per_socket:
            devices = []
            for _ in range(gpus_per_socket):
                device = (
                    f'<object type="OSDev" name="cuda{gpu}" osdev_type="5"><info name="Backend" value="CUDA"/></object>'
                )
                bus = f'pci_busid="0000:{gpu + 1:02x}:00.0" pci_type="0302 [10de:2330] [10de:16c1] a1"'
                devices.append(f'<object type="PCIDev" {bus}>{device}</object>')
                gpu += 1
            bridge = f'bridge_type="0-1" depth="0" bridge_pci="0000:[{number:02x}-{number:02x}]"'
            inside.append(f'<object type="Bridge" {bridge}>{"".join(devices)}</object>')
        parts.append(_element("Package", number, f'{cpuset} nodeset="{1 << number:#x}"', *inside))
    nodes = f'nodeset="{(1 << len(dealt)) - 1:#x}"'
    machine = _element("Machine", 0, f"{_set(everything)} {nodes}", *parts)
    path.write_text(f'<?xml version="1.0"?>\n<topology version="2.0">{machine}</topology>\n')
    return path


def _set(cpus: int) -> str:
    return f'cpuset="{cpus:#x}" complete_cpuset="{cpus:#x}"'


def _element(kind: str, number: int, attributes: str, *inside: str) -> str:
    return f'<object type="{kind}" os_index="{number}" {attributes}>{"".join(inside)}</object>'
