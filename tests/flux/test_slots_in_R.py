"""Slots in R: those of a node in ascending order of what they hold, as those expect it who deal out ids in order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.grammar.idset import IdSet


@pytest.mark.parametrize("seed", range(8))
def test_slots_of_a_node_ascend(cluster: Any, alloc: Any, seed: int) -> None:
    """On nodes of which other jobs hold random cores, so that slots are torn and domains are taken in any order."""
    draw = random.Random(seed)
    pool = ExactPool(cluster(1))
    for jobid in range(1, 17):
        alloc(pool, jobid, "slot=1/core=1")
    for jobid in draw.sample(range(1, 17), 12):
        pool.free(jobid)
    R = alloc(
        pool, 99, draw.choice(["slot=4/core=3", "slot=6/core=2", "slot=2/[core=5;gpu=1]", "slot=3/core=4"])
    ).to_dict()
    (node,) = R["scheduling"]["placement"]
    firsts = [IdSet.parse(slot["cores"]).first for slot in node["slots"]]
    assert len(firsts) > 1
    assert firsts == sorted(firsts)


def test_slots_without_cores_come_last_in_the_order_of_their_gpus(cluster: Any, alloc: Any) -> None:
    R = alloc(ExactPool(cluster(1)), 1, "node=1/[slot=2{gpus}/gpu=1;slot=2{cores}/core=2]").to_dict()
    (node,) = R["scheduling"]["placement"]
    assert [slot["label"] for slot in node["slots"]] == ["cores", "cores", "gpus", "gpus"]
    assert [slot.get("gpus") for slot in node["slots"]][2:] == sorted(slot["gpus"] for slot in node["slots"][2:])
