"""Drawings in the terminal, as text: what one sees without colour."""

from __future__ import annotations

from typing import Any

from exactfit.adapters.drawing.scene import HELD_BEFORE, Scene, Tenant, holdings, make_scene
from exactfit.adapters.drawing.terminal import draw_terminal
from exactfit.topology.rset import read_R

TWO_SOCKETS = {"socket": [{"cores": "0-3", "gpus": "0"}, {"cores": "4-7", "gpus": "1"}]}
DEEP = {
    "gpus": "0",
    "socket": [
        {"numa": [{"cores": "0-1"}, {"cores": "2-3"}]},
        {"numa": [{"cores": "4-5"}, {"cores": "6-7"}], "gpus": "1"},
    ],
}


def scene_of(topo: dict[str, Any], *held: tuple[int, str, dict[str, str]], down: int = 0, ranks: str = "0") -> Scene:
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": ranks, "children": {"core": "0-7", "gpu": "0-1"}}]},
        "scheduling": {"children": [{"ranks": ranks, "topo": topo}]},
    }
    machine = read_R(R)
    taken = [
        holding
        for tenant, rank, children in held
        for holding in holdings(machine, tenant, {"execution": {"R_lite": [{"rank": rank, "children": children}]}})
    ]
    tenants = [Tenant(tenant, "") for tenant in dict.fromkeys(tenant for tenant, _, _ in held) if tenant]
    return make_scene("m", machine, taken, down, tenants)


def lines(scene: Scene, width: int = 80, *, idle_trees: bool = False) -> list[str]:
    return [line.plain for line in draw_terminal(scene, width, idle_trees=idle_trees)]


def test_cores_then_gpus_of_each_innermost_domain() -> None:
    assert lines(scene_of(TWO_SOCKETS, (1, "0", {"core": "0-2", "gpu": "1"}), (HELD_BEFORE, "0", {"core": "7"}))) == [
        "rank 0  4 of 8 cores, 1 of 2 gpus free",
        "  [111·|·] [···#|1]",
        "[cores|gpus] of one socket   · free   # busy before   number or letter: the job",
    ]


def test_what_stands_above_the_leaves_has_brackets_of_its_own() -> None:
    assert lines(scene_of(DEEP, (1, "0", {"core": "0-7", "gpu": "0-1"})))[:-1] == [
        "rank 0  0 of 8 cores, 0 of 2 gpus free",
        "  [|1]",
        "  socket 0 [11] [11]",
        "  socket 1 [|1] [11] [11]",
    ]


def test_idle_and_down_nodes_are_a_line() -> None:
    scene = scene_of(TWO_SOCKETS, (1, "0", {"core": "0"}), down=0b1000, ranks="0-3")
    assert [line for line in lines(scene) if line.startswith("rank")] == [
        "rank 0  7 of 8 cores, 2 of 2 gpus free",
        "ranks 1-2  idle: each 8 cores, 2 gpus",
        "rank 3  down",
    ]


def test_idle_nodes_can_be_drawn() -> None:
    assert lines(scene_of(TWO_SOCKETS), idle_trees=True)[1] == "  [····|·] [····|·]"


def test_free_cores_of_a_down_node_with_jobs_are_marked() -> None:
    assert lines(scene_of(TWO_SOCKETS, (1, "0", {"core": "0"}), down=1))[1] == "  [1///|/] [////|/]"


def test_narrow_terminals_wrap_between_and_within_domains() -> None:
    scene = scene_of(TWO_SOCKETS, (1, "0", {"core": "0-7"}))
    assert lines(scene, 24)[1] == "  [1111|·] [1111|·]"
    wide = {"cores": "0-7"}
    assert all(len(line) <= 40 for line in lines(scene_of(wide, (1, "0", {"core": "0-7"})), 40)[1:-1])


def test_jobs_beyond_nine_are_letters() -> None:
    assert lines(scene_of(TWO_SOCKETS, (10, "0", {"core": "0"}), (36, "0", {"core": "1"})))[1].startswith("  [aA··")


def test_many_states_are_not_all_drawn() -> None:
    held = [(rank + 1, str(rank), {"core": "0"}) for rank in range(50)]
    text = lines(scene_of(TWO_SOCKETS, *held, ranks="0-49"))
    assert "(the cores of 40 node states are drawn, of 50)" in text
    assert sum(line.startswith("rank") for line in text) == 50
