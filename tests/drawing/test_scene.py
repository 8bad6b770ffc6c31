"""What a scene says of a machine: which nodes are one picture, who holds what."""

from __future__ import annotations

import time
from typing import Any

from exactfit.adapters.drawing.scene import HELD_BEFORE, Holding, holdings, make_scene
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R


def bare(nodes: int, **scheduling: Any) -> Machine:
    """Nodes of four cores, named n0, n1, ..."""
    return read_R(
        {
            "version": 1,
            "execution": {
                "R_lite": [{"rank": f"0-{nodes - 1}", "children": {"core": "0-3"}}],
                "nodelist": [f"n[0-{nodes - 1}]"],
                "starttime": 0,
                "expiration": 0,
            },
            **({"scheduling": scheduling} if scheduling else {}),
        }
    )


def on(machine: Machine, tenant: int, rank: str, core: str) -> list[Holding]:
    return holdings(machine, tenant, {"execution": {"R_lite": [{"rank": rank, "children": {"core": core}}]}})


def test_nodes_in_equal_states_are_one() -> None:
    machine = bare(100)
    scene = make_scene("m", machine, [*on(machine, 1, "0-2", "0-3"), *on(machine, 2, "2-3", "0-1")])
    assert [(state.caption, state.summary) for state in scene.states] == [
        ("ranks 0-1 · n[0-1]", "each 0 of 4 cores free"),
        ("rank 2 · n2", "0 of 4 cores free"),
        ("rank 3 · n3", "2 of 4 cores free"),
        ("ranks 4-99 · n[4-99]", "idle: each 4 cores"),
    ]


def test_down_nodes_are_apart_and_say_whether_jobs_are_on_them() -> None:
    machine = bare(4)
    scene = make_scene("m", machine, on(machine, 1, "3", "0"), down=0b1010)
    assert [(state.ranks, state.summary) for state in scene.states] == [
        ("0,2", "idle: each 4 cores"),
        ("1", "down"),
        ("3", "down, with jobs"),
    ]


def test_tenants_by_id() -> None:
    machine = bare(2)
    scene = make_scene("m", machine, [*on(machine, HELD_BEFORE, "0", "0"), *on(machine, 7, "0", "2-3")])
    assert scene.states[0].cores == {0: HELD_BEFORE, 2: 7, 3: 7}
    assert scene.held_before


def test_busy_nodes_are_told_apart_by_group_and_idle_ones_are_not() -> None:
    machine = bare(6, groups={"rack": [{"ranks": "0-2"}, {"ranks": "3-5"}]})
    scene = make_scene("m", machine, on(machine, 1, "1-4", "0"))
    assert [(state.ranks, state.groups) for state in scene.states] == [
        ("0,5", ""),
        ("1-2", "rack 0"),
        ("3-4", "rack 1"),
    ]


def test_ranks_need_not_start_at_zero_nor_hosts_have_names() -> None:
    machine = read_R({"version": 1, "execution": {"R_lite": [{"rank": "7,9", "children": {"core": "2-3"}}]}})
    scene = make_scene("m", machine, on(machine, 1, "9", "3"))
    assert [state.caption for state in scene.states] == ["rank 7", "rank 9"]


def test_the_size_of_the_machine_costs_next_to_nothing() -> None:
    machine = bare(100_000)
    held = [holding for i in range(50) for holding in on(machine, i + 1, f"{1000 * i}-{1000 * i + 999}", "0-1")]
    start = time.process_time()
    scene = make_scene("m", machine, held)
    assert time.process_time() - start < 30
    assert len(scene.states) == 51


def test_captions_stay_short() -> None:
    machine = bare(1000)
    odd = ",".join(str(rank) for rank in range(1, 1000, 2))
    scene = make_scene("m", machine, on(machine, 1, odd, "0"))
    assert all(len(state.caption) < 120 for state in scene.states)
    assert scene.states[1].caption.startswith("ranks 1,3,5,7,")
    assert len(scene.states[1].ranks) > 1000
