"""Jobs of many shapes for small machines: every one is drawn anew, so that hardly any decision was made before."""

from __future__ import annotations

import random

CORES, GPUS, SLOTS, NODES = 120, 8, 16, 4
"""The most that is drawn of each; a node of RFC 49's cluster A has so many cores and GPUs."""

SIZES = (1, 2, 4, 8, 15, 16, 30, 60, 120)
"""Cores of a slot that people like; half of the slots have one of them."""


def draw(ways: random.Random, ranks: int) -> str:
    """Return the shape of a job that an idle machine of so many nodes has room for, as RFC 46 has it.

    Half of the slots have no GPU. A job names its nodes or leaves it open where its slots stand.
    """
    while True:
        cores = ways.choice(SIZES) if ways.random() < 0.5 else ways.randint(1, CORES)
        gpus = ways.randint(1, GPUS) if ways.random() < 0.5 else 0
        slots, nodes = ways.randint(1, SLOTS), ways.randint(1, min(NODES, ranks))
        on_a_node = min(CORES // cores, GPUS // gpus if gpus else CORES)
        named = ways.random() < 0.5
        if slots <= (on_a_node if named else on_a_node * nodes):
            slot = f"slot={slots}/[core={cores};gpu={gpus}]" if gpus else f"slot={slots}/core={cores}"
            return f"node={nodes}/{slot}" if named else slot
