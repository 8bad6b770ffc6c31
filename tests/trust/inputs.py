"""What the state machine is fed with: the small lopsided machines of `strategies`, and real ones by name.

The real ones are too large for trying all placements, so on them a refusal is not compared with anything but what the
shapes of `ROOMY` promise.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import clusters
from exactfit.adapters.audit import strategies
from exactfit.topology.presets import preset

Json = dict[str, Any]


def machine(ranks: str, cores: str, gpus: str = "", topo: Json | None = None, **scheduling: Any) -> Json:
    """Return the R of some equal nodes."""
    listed = {"core": cores, **({"gpu": gpus} if gpus else {})}
    execution: Json = {
        "R_lite": [{"rank": ranks, "children": listed}],
        "nodelist": [f"n[{ranks}]"],
        "starttime": 0,
        "expiration": 0,
    }
    R: Json = {"version": 1, "execution": execution}
    if topo is not None:
        children = [{"ranks": ranks, "topo": topo}]
        R["scheduling"] = {"writer": "exactfit.adapters.flux", "children": children, **scheduling}
    return R


GPU_ON_SOME_NUMA = {
    "numa": [{"cores": "0-2", "gpus": "0-1"}, {"cores": "3-5"}, {"cores": "6-8"}, {"cores": "9", "gpus": "2"}]
}
GPU_AT_SOCKET = {
    "socket": [
        {"gpus": "0-1", "numa": [{"cores": "0-1", "memory": 4}, {"cores": "2-4", "memory": 4}]},
        {"gpus": "2", "numa": [{"cores": "5-6", "memory": 4}, {"cores": "7", "memory": 4}]},
    ]
}
THREE_LEVELS = {
    "socket": [
        {"numa": [{"l3": [{"cores": "0-1"}, {"cores": "2-3"}]}, {"gpus": "0", "l3": [{"cores": "4-5"}]}]},
        {"numa": [{"l3": [{"cores": "6"}, {"cores": "7-8"}]}]},
    ]
}
RACKS = {
    "rack": [
        {"ranks": "0", "storage": 3, "licence": 1},
        {"ranks": "1-2", "storage": 4},
    ]
}

NAMED: dict[str, Json] = {
    "RFC 49 cluster A": preset("rfc49-a:2"),
    "RFC 49 cluster B": preset("rfc49-b:3"),
    "2 x 22 cores and 4 GPUs": preset("sierra:2"),
    "GPUs on some numa": machine("0-1", "0-9", "0-2", GPU_ON_SOME_NUMA),
    "GPUs at the socket": machine("0-1", "0-7", "0-2", GPU_AT_SOCKET),
    "no topology": machine("0-2", "0-3", "0"),
    "three levels": machine("4-5", "0-8", "0", THREE_LEVELS),
    "racks with storage": machine("0-2", "0-5", "0", {"socket": [{"cores": "0-2"}, {"cores": "3-5"}]}, groups=RACKS),
    "three clusters": clusters.THREE_CLUSTERS,
}

ROOMY = (
    "slot=1/core=1",
    "slot=1/core=2",
    "slot=1/[core=1;gpu=1]",
    "slot=3/core=7",
    "slot=12/core=10",
    "node=2/slot=2/core=9",
    "slot=2/[core=7;gpu=1]",
    "slot=1/node",
    "slot=1/socket{x}",
    "node{x}/slot=1/core=2",
    "node=1-3/slot=2-9:2/core=3",
    "socket=1-4/slot=1/core=2",
    "[slot=1{a}/core=3;slot=2{b}/[core=1;gpu=1]]",
)
"""Shapes with counts that the draws of `strategies` never reach."""


def machines() -> st.SearchStrategy[Json]:
    """Draw the R of a machine."""
    named = st.sampled_from(sorted(NAMED)).map(NAMED.__getitem__)
    return st.one_of(strategies.machines(), strategies.machines(simple=True), named)
