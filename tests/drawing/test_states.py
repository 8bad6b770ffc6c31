"""Nodes in equal states are one, whatever was said of them and in what order, at a cost that is linear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from exactfit.adapters.drawing.picture import lay_out
from exactfit.adapters.drawing.scene import HELD_BEFORE, Holding, Scene, Tenant, holdings, make_scene
from exactfit.adapters.drawing.terminal import draw_terminal
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

STATES = 119


def machine_of(nodes: int, **scheduling: Any) -> Machine:
    return read_R(
        {
            "version": 1,
            "execution": {
                "R_lite": [{"rank": f"0-{nodes - 1}" if nodes > 1 else "0", "children": {"core": "0-119"}}],
                "nodelist": [f"n[0-{nodes - 1}]"],
            },
            **({"scheduling": scheduling} if scheduling else {}),
        }
    )


def in_use(machine: Machine) -> list[Holding]:
    """Every node has an entry of its own, in one of so many states."""
    entries = [{"rank": str(rank), "children": {"core": f"0-{1 + rank % STATES}"}} for rank in range(machine.size)]
    return holdings(machine, HELD_BEFORE, {"execution": {"R_lite": entries}})


def test_a_state_is_drawn_once_on_however_many_nodes_and_entries() -> None:
    machine = machine_of(10_000)
    scene = make_scene("m", machine, in_use(machine))
    assert len(scene.states) == STATES
    lines = [line.plain for line in draw_terminal(scene, 80)]
    assert sum(line.startswith("ranks") for line in lines) == STATES
    assert len(lines) < 2 * STATES


def test_states_that_come_about_in_different_ways_are_one() -> None:
    machine = machine_of(4)

    def held(rank: str, core: str) -> list[Holding]:
        return holdings(machine, 1, {"execution": {"R_lite": [{"rank": rank, "children": {"core": core}}]}})

    together = held("0", "0-3")
    apart = [*held("1", "0-1"), *held("1", "2-3")]
    backwards = [*held("2", "2-3"), *held("2", "0-1")]
    assert [state.ranks for state in make_scene("m", machine, [*together, *apart, *backwards]).states] == ["0-2", "3"]


def test_an_entry_that_holds_nothing_makes_no_state() -> None:
    machine = machine_of(3)
    empty = holdings(machine, 1, {"execution": {"R_lite": [{"rank": "1", "children": {}}]}})
    assert [state.ranks for state in make_scene("m", machine, empty).states] == ["0-2"]


def test_of_two_that_hold_one_thing_the_later_one_is_shown() -> None:
    machine = machine_of(1)
    both = [
        holding
        for tenant, core in ((1, "0-3"), (2, "2-5"))
        for holding in holdings(machine, tenant, {"execution": {"R_lite": [{"rank": "0", "children": {"core": core}}]}})
    ]
    assert make_scene("m", machine, both).states[0].cores == {0: 1, 1: 1, 2: 2, 3: 2, 4: 2, 5: 2}


def test_twice_the_entries_are_twice_the_work() -> None:
    """Steps are counted, not seconds; what a scene of four times the nodes costs is near four times as much."""
    small, large = (work(scene_of_all, machine_of(nodes)) for nodes in (200, 800))
    assert large < 4.4 * small


def test_nodes_that_all_differ_are_no_more_work_each() -> None:
    small, large = (work(scene_of_apart, machine_of(nodes)) for nodes in (150, 600))
    assert large < 4.4 * small


def test_racks_are_no_more_work_each() -> None:
    small, large = (
        work(scene_of_all, machine_of(nodes, groups={"rack": racks(nodes, 10), "row": racks(nodes, 100)}))
        for nodes in (200, 800)
    )
    assert large < 4.4 * small


def racks(nodes: int, size: int) -> list[dict[str, str]]:
    return [{"ranks": f"{first}-{first + size - 1}"} for first in range(0, nodes, size)]


def scene_of_all(machine: Machine) -> None:
    draw_terminal(make_scene("m", machine, in_use(machine), machine.all & 0b1010, ()), 80)


def scene_of_apart(machine: Machine) -> None:
    held = [
        holding
        for rank in range(machine.size)
        for holding in holdings(
            machine, rank + 1, {"execution": {"R_lite": [{"rank": str(rank), "children": {"core": "0"}}]}}
        )
    ]
    draw_terminal(make_scene("m", machine, held, 0, [Tenant(1, "")]), 80)


def work(run: Callable[[Machine], None], machine: Machine) -> int:
    """Return how many lines of code a run goes through."""
    steps = 0

    def trace(_frame: FrameType, event: str, _value: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(machine)
    finally:
        sys.settrace(before)
    return steps


def many(nodes: int) -> Scene:
    machine = machine_of(nodes)
    R = [{"execution": {"R_lite": [{"rank": str(n), "children": {"core": "0"}}]}} for n in range(nodes)]
    held = [holding for n in range(nodes) for holding in holdings(machine, n + 1, R[n])]
    return make_scene("m", machine, held, 0, [Tenant(n + 1, "") for n in range(nodes)])


@pytest.mark.parametrize(("nodes", "named", "rest"), [(200, 200, None), (1000, 200, 800)])
def test_states_that_all_differ_are_named_up_to_a_number_and_counted(nodes: int, named: int, rest: int | None) -> None:
    lines = [line.plain for line in draw_terminal(many(nodes), 80)]
    assert sum(line.startswith("rank ") for line in lines) == named
    assert [line for line in lines if "more node states" in line] == (
        [f"(and {rest} more node states)"] if rest else []
    )
    assert f"(the cores of 40 node states are drawn, of {nodes})" in lines
    assert "+ any job after 61" in lines[-1]


def test_states_with_jobs_are_drawn_before_those_that_were_busy_before() -> None:
    """The job that stands on the last node is seen, though there is no room for all."""
    machine = machine_of(300)
    before = [
        holding
        for rank in range(299)
        for holding in holdings(
            machine,
            HELD_BEFORE,
            {"execution": {"R_lite": [{"rank": str(rank), "children": {"core": f"0-{1 + rank % 119}"}}]}},
        )
    ]
    job = holdings(machine, 1, {"execution": {"R_lite": [{"rank": "299", "children": {"core": "7"}}]}})
    scene = make_scene("m", machine, [*before, *job], 0, [Tenant(1, "")])
    lines = [line.plain for line in draw_terminal(scene, 200)]
    assert "#######1" not in "".join(lines)
    assert any(line.startswith("  [·······1") for line in lines)
    assert any(cell.tenant == 1 for cell in lay_out(scene).cells)


def test_many_ranks_are_counted() -> None:
    machine = machine_of(400)
    odd = ",".join(str(rank) for rank in range(1, 400, 2))
    held = holdings(machine, 1, {"execution": {"R_lite": [{"rank": odd, "children": {"core": "0"}}]}})
    assert "… (200 nodes) · " in make_scene("m", machine, held).states[1].caption


def test_a_legend_in_the_terminal_is_no_longer_than_the_drawing() -> None:
    machine = machine_of(1)
    tenants = [Tenant(number, f"job {number}") for number in range(1, 101)]
    lines = [line.plain for line in draw_terminal(make_scene("m", machine, (), 0, tenants), 80, legend=True)]
    assert sum(": " not in line and "job" in line for line in lines) == 12
    assert lines[-1] == "(and 89 more jobs)"
