"""A small site with all that the use cases of RFC 14 name: three clusters of unlike nodes, racks, switches.

====== ========= =========================================================================== =======================
level  ranks     node                                                                        groups
====== ========= =========================================================================== =======================
slim   0-15      2 sockets of 8 cores and 32 GiB; ib10g                                      cluster 0, racks 0-1,
                                                                                             switches 0-3
wide   16-31     2 sockets of 20 cores, 1 gpu and 64 GiB                                     cluster 1, racks 2-3,
                                                                                             switches 4-7
fat    32-35     2 sockets of 2 numa of 16 cores, 1 gpu and 64 GiB                           cluster 2, rack 4,
                                                                                             switch 8
====== ========= =========================================================================== =======================

Ranks 24-27 have the property amd-mi50.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def node(sockets: int, cores: int, *, memory: int = 0, gpus: int = 0, numas: int = 0, **own: int) -> Json:
    """Return the RFC 49 `topo` of a node.

    Parameters
    ----------
    sockets
        How many.
    cores, memory, gpus
        Of each innermost domain: of a socket, or, where there are any, of a numa domain.
    numas
        In each socket; 0 for none.
    own
        What the node itself lists.
    """
    leaves = []
    for number in range(sockets * max(1, numas)):
        leaf: Json = {"cores": _range(number * cores, cores)}
        if gpus:
            leaf["gpus"] = _range(number * gpus, gpus)
        if memory:
            leaf["memory"] = memory
        leaves.append(leaf)
    if numas:
        leaves = [{"numa": leaves[first : first + numas]} for first in range(0, len(leaves), numas)]
    return {**own, "socket": leaves}


def site(parts: Sequence[tuple[int, Json]], groups: Json | None = None, properties: Json | None = None) -> Json:
    """Return the R of a machine.

    Parameters
    ----------
    parts
        How many nodes there are of each `topo`, ranks ascending.
    groups
        `scheduling.groups`.
    properties
        `execution.properties`.
    """
    lite, children = [], []
    first = 0
    for count, topo in parts:
        ranks = _range(first, count)
        listed = {"core": _range(0, _count(topo, "cores"))}
        if _count(topo, "gpus"):
            listed["gpu"] = _range(0, _count(topo, "gpus"))
        lite.append({"rank": ranks, "children": listed})
        children.append({"ranks": ranks, "topo": topo})
        first += count
    execution = {"R_lite": lite, "nodelist": [f"n[{_range(0, first)}]"], "starttime": 0.0, "expiration": 0.0}
    if properties:
        execution["properties"] = properties
    scheduling: Json = {"writer": "exactfit.adapters.flux", "children": children}
    if groups:
        scheduling["groups"] = groups
    return {"version": 1, "execution": execution, "scheduling": scheduling}


def switches(first: int, last: int) -> list[Json]:
    """Return switches of four nodes each."""
    return [{"ranks": _range(rank, 4)} for rank in range(first, last, 4)]


def _range(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def _count(topo: Json, key: str) -> int:
    """Return how many cores or gpus a tree lists, whose leaves are alike."""
    sockets = topo["socket"]
    leaves = [leaf for socket in sockets for leaf in socket.get("numa", [socket])]
    last = leaves[-1].get(key, "")
    return int(last.rpartition("-")[2]) + 1 if last else 0


SLIM = node(2, 8, memory=32, ib10g=1)
WIDE = node(2, 20, memory=64, gpus=1)
FAT = node(2, 16, memory=64, gpus=1, numas=2)

THREE_CLUSTERS = site(
    [(16, SLIM), (16, WIDE), (4, FAT)],
    {
        "cluster": [
            {"rack": [{"switch": switches(0, 8)}, {"switch": switches(8, 16)}]},
            {"rack": [{"switch": switches(16, 24)}, {"switch": switches(24, 32)}]},
            {"rack": [{"switch": switches(32, 36)}]},
        ]
    },
    {"amd-mi50": "24-27"},
)
