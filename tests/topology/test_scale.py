"""Large and hostile R: time and memory follow the text and the node types."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest

from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R, write_R

Json = dict[str, Any]
RANKS = 100_000


def by_rank(R: Json) -> Json:
    """The same R with an entry per rank."""
    (entry,) = R["execution"]["R_lite"]
    lite = [{"rank": str(rank), "children": dict(entry["children"])} for rank in range(RANKS)]
    return {**R, "execution": {**R["execution"], "R_lite": lite}}


def seconds(R: str | Json) -> tuple[float, Machine]:
    start = time.process_time()
    machine = read_R(R)
    return time.process_time() - start, machine


def test_100_000_ranks_in_one_entry() -> None:
    took, machine = seconds(json.dumps(preset(f"rfc49-a:{RANKS}")))
    assert machine.size == RANKS
    assert took < 30


def test_100_000_entries_take_little_more_than_their_json() -> None:
    text = json.dumps(by_rank(preset(f"rfc49-a:{RANKS}")))
    start = time.process_time()
    json.loads(text)
    parsing = time.process_time() - start
    took, machine = seconds(text)
    assert len(machine.types) == 1
    assert list(machine.ranks)[-1] == RANKS - 1
    assert took < 40 * parsing + 30


def test_a_tree_per_rank_is_read_once() -> None:
    R = preset(f"rfc49-a:{RANKS // 10}")
    topo = R["scheduling"]["children"][0]["topo"]
    entries = [{"ranks": str(rank), "topo": json.loads(json.dumps(topo))} for rank in range(RANKS // 10)]
    R["scheduling"]["children"] = entries
    took, machine = seconds(R)
    assert len(machine.types) == len(machine.topologies) == 1
    assert took < 60


def test_memory_grows_with_types() -> None:
    R = preset(f"rfc49-a:{RANKS}")
    read_R(R)
    tracemalloc.start()
    machine = read_R(R)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert machine.size == RANKS
    assert peak < 2_000_000


def test_jobs_are_cheap_on_a_large_machine() -> None:
    R = preset(f"rfc49-a:{RANKS}")
    R["scheduling"]["groups"] = {"rack": [{"ranks": f"{i}-{i + 99}"} for i in range(0, RANKS, 100)]}
    machine = read_R(R)
    mask = 0b1111 << RANKS - 50
    machine.cut(mask)
    start = time.process_time()
    job = write_R(machine, [(mask, 0xFF, 1)], nslots=1)
    part = machine.cut(mask)
    again = read_R(job)
    assert time.process_time() - start < 30
    assert again.ranks == part.ranks
    assert job["scheduling"]["groups"] == {"rack": [{"ranks": f"{RANKS - 50}-{RANKS - 47}"}]}


def test_ranks_with_gaps() -> None:
    R = preset("rfc49-a:2")
    ranks = ",".join(str(rank) for rank in range(0, RANKS, 2))
    R["execution"]["R_lite"][0]["rank"] = ranks
    R["scheduling"]["children"][0]["ranks"] = ranks
    del R["execution"]["nodelist"]
    took, machine = seconds(R)
    assert took < 60
    assert machine.size == RANKS // 2
    start = time.process_time()
    part = machine.cut(sum(1 << i for i in range(0, 1000, 3)) << 10_000)
    assert write_R(machine, [(machine.all, 1, 0)])["execution"]["R_lite"][0]["rank"] == ranks
    assert time.process_time() - start < 30
    assert part.ranks[1] == 20_006


def hostile(**execution: object) -> Json:
    R = preset("rfc49-a:2")
    R["execution"].update(execution)
    return R


def nested(key: str) -> object:
    value: object = {"cores": "0"}
    for _ in range(100_000):
        value = {key: [value]}
    return value


HOSTILE: dict[str, object] = {
    "all ranks there are": hostile(R_lite=[{"rank": "0-2147483647", "children": {"core": "0"}}]),
    "wide masks": hostile(R_lite=[{"rank": "0", "children": {"core": "16777215"}}]),
    "more hosts than ranks": hostile(nodelist=["a[0-9999999]"]),
    "endless hosts": hostile(nodelist=["a[0-99999999999999999999]"]),
    "long ids": hostile(R_lite=[{"rank": "1" * 1_000_000, "children": {"core": "0"}}]),
    "long numbers": '{"version": 1, "execution": {"R_lite": [], "expiration": ' + "9" * 100_000 + "}}",
    "deep topo": {**preset("rfc49-a"), "scheduling": {"children": [{"ranks": "0-15", "topo": nested("l")}]}},
    "deep groups": {**preset("rfc49-a"), "scheduling": {"groups": nested("l")}},
    "deep text": '{"version":' * 100_000,
    "many domains": {
        **preset("rfc49-a"),
        "scheduling": {"children": [{"ranks": "0", "topo": {"l": [{"cores": "0"}] * 100_000}}]},
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_r_is_refused_soon(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r"R|execution|scheduling"):
        read_R(HOSTILE[name])  # type: ignore[arg-type]
    assert time.process_time() - start < 30


def test_levels_that_cross_everywhere_are_bounded() -> None:
    crossing = {f"l{n}": [{"cores": f"{i},{i + n}"} for i in range(0, 500, 2 * n) if n] for n in range(1, 30)}
    start = time.process_time()
    read_R({**preset("rfc49-a"), "scheduling": {"children": [{"ranks": "0-15", "topo": crossing}]}})
    assert time.process_time() - start < 30
