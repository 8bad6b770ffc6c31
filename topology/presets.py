"""Machines to try things on: the two clusters of RFC 49, an El Capitan node and a Sierra node."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .describe import describe_R
from .rset_read import MAX_RANKS

Topo = dict[str, Any]


def _rfc49_a() -> Topo:
    """Two Xeon sockets with four numa domains each, 15 cores and an NVIDIA GPU per domain."""
    numas = [{"cores": f"{15 * n}-{15 * n + 14}", "gpus": str(n)} for n in range(8)]
    return {
        "storage": [{"path": "/mnt/nvme", "capacity": 2, "unit": "TiB"}],
        "socket": [{"numa": numas[:4]}, {"numa": numas[4:]}],
    }


def _apus(*memory: int) -> list[Topo]:
    """MI300A packages of 24 cores and one GPU in SPX mode, with what the firmware leaves of the memory in GiB."""
    return [{"cores": f"{24 * n}-{24 * n + 23}", "gpus": str(n), "memory": gib} for n, gib in enumerate(memory)]


def _rfc49_b() -> Topo:
    """Four MI300A packages and a burst buffer."""
    return {
        "storage": [{"path": "/l/ssd", "capacity": 200, "unit": "GiB"}],
        "socket": _apus(125, 126, 126, 126),
    }


def _mi300a() -> Topo:
    """Four MI300A packages, as hwloc shows a node of El Capitan's kind."""
    return {"socket": _apus(124, 125, 125, 125)}


def _sierra() -> Topo:
    """Two POWER9 sockets of 22 cores with two V100 each."""
    return {
        "socket": [
            {"cores": "0-21", "gpus": "0-1", "memory": 127},
            {"cores": "22-43", "gpus": "2-3", "memory": 127},
        ]
    }


PRESETS: dict[str, tuple[Callable[[], Topo], int]] = {
    "rfc49-a": (_rfc49_a, 16),
    "rfc49-b": (_rfc49_b, 1152),
    "mi300a": (_mi300a, 1),
    "sierra": (_sierra, 1),
}
"""Name to (the RFC 49 `topo` of a node, the usual number of nodes)."""


def preset(name: str) -> dict[str, Any]:
    """Return the R of a machine by its name, `rfc49-a`, or with a number of nodes, `rfc49-a:4`.

    Raises
    ------
    ValueError
        There is no such machine, or the number is none.
    """
    base, colon, count = name.partition(":")
    if base not in PRESETS:
        raise ValueError(f"no preset {base[:40]!r}; there are {', '.join(PRESETS)}")
    topo, nodes = PRESETS[base]
    if colon:
        nodes = int(count) if re.fullmatch("[0-9]{1,8}", count) else 0
        if not 1 <= nodes <= MAX_RANKS:
            raise ValueError(f"preset {base}: expected a number of nodes from 1 to {MAX_RANKS}, not {count[:40]!r}")
    return describe_R(topo(), nodes)
