"""Groups in pictures: what each has and has left, as frames or as a map, at 80 columns and on paper."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exactfit.adapters.drawing.blocks import Box, Gauge
from exactfit.adapters.drawing.file import draw_file
from exactfit.adapters.drawing.groups import amounts_taken
from exactfit.adapters.drawing.picture import lay_out
from exactfit.adapters.drawing.scene import HELD_BEFORE, Scene, Tenant, holdings, make_scene
from exactfit.adapters.drawing.terminal import draw_terminal
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.line import line_R
from exactfit.topology.rset import read_R

ROWS = "row:2 rack:2(power=30) node:6 core:4 gpu:1"


def held(rank: str, core: str) -> dict[str, Any]:
    return {"execution": {"R_lite": [{"rank": rank, "children": {"core": core}}]}}


def scene_of(line: str, *jobs: tuple[int, dict[str, Any]], down: str = "", **more: Any) -> Scene:
    machine = read_R(line_R(line))
    found = [holding for tenant, R in jobs for holding in holdings(machine, tenant, R)]
    tenants = [Tenant(tenant, "a job") for tenant, _ in jobs if tenant]
    return make_scene("m", machine, found, machine.mask_of(IdSet.parse(down)), tenants, **more)


def some() -> Scene:
    jobs = ((HELD_BEFORE, held("0", "0-3")), (1, held("1-2", "0-3")), (1, held("3", "0")), (2, held("3-4", "1-2")))
    return scene_of(ROWS, *jobs, down="6-11", used={(1, "power"): Fraction(12)})


def plain(scene: Scene, width: int = 80) -> list[str]:
    return [line.plain for line in draw_terminal(scene, width)]


def test_a_rack_is_a_frame_with_what_it_has_and_has_left() -> None:
    assert plain(some())[:11] == [
        "row 0  12 nodes, 1 idle, 6 down; 7 of 48 cores, 6 of 12 gpus free",
        "  rack 0  6 nodes, 1 idle; 7 of 24 cores, 6 gpus free; power: 18 of 30 left",
        "    [#11*2·]",
        "  rack 1  6 nodes, 0 idle, 6 down; 0 of 24 cores, 0 of 6 gpus free; power: 30 left",
        "    [//////]",
        "row 1  12 nodes; 48 cores, 12 gpus free",
        "  rack 2  6 nodes; 24 cores, 6 gpus free; power: 30 left",
        "    [······]",
        "  rack 3  6 nodes; 24 cores, 6 gpus free; power: 30 left",
        "    [······]",
        "[nodes] of one group   · idle   * several jobs   # busy before   / down   number or letter: the job on it",
    ]


def test_an_idle_machine_has_no_groups_in_the_terminal() -> None:
    assert plain(scene_of(ROWS))[0].startswith("ranks 0-23")
    assert plain(scene_of("node:4 core:2", (1, held("0", "0"))))[0].startswith("rank 0")


def test_marks_are_as_wide_as_there_is_room_for() -> None:
    lines = plain(scene_of("rack node:100 core:1", (1, held("0-99", "0"))), 40)
    frame = lines[1 : [line.startswith("[nodes]") for line in lines].index(True)]
    assert frame == ["  [" + "1" * 36 + "]"] * 2 + ["  [" + "1" * 28 + "]"]


def test_many_racks_are_a_map() -> None:
    jobs = [(1, held("0-99", "0-3")), (1, held("100-149", "0-1")), (1, held("150", "0"))]
    used = {(number + 1, "ssd"): Fraction(number) for number in range(101)}
    lines = plain(scene_of("row:1 rack:700(ssd=100) node:2 core:4", *jobs, down="1398-1399", used=used))
    tens = " ".join(["·" * 10] * 6)
    assert lines[:3] == [
        "row 0  1400 nodes, 1247 idle, 2 down; 5091 of 5600 cores free",
        "rack (all 700): cores free",
        "  0 ########## ########## ########## ########## ########## 5555555555",
    ]
    assert lines[3] == " 60 5555555555 55555" + "8···· " + tens[:43]
    assert "rack (all 700): ssd left" in lines
    row = lines[lines.index("rack (all 700): ssd left") + 1]
    assert row.startswith("  0 ·999999999 ")
    assert max(map(len, lines)) <= 80
    assert lines[13].endswith("·········/")
    assert any(line.startswith("of each rack: · all") for line in lines)


def boxes(scene: Scene) -> tuple[list[Box], list[Gauge]]:
    picture = lay_out(scene)
    return list(picture.boxes), list(picture.gauges)


@pytest.mark.parametrize("scene", [some(), scene_of("row:2 rack:350(ssd=9) node:2 core:4", (1, held("0-99", "0")))])
def test_on_paper_frames_stand_in_one_another_and_nothing_overlaps(scene: Scene) -> None:
    found, gauges = boxes(scene)
    for one, other in combinations([box for box in found if box.depth == 0], 2):
        assert not overlap(one, other)
    assert gauges
    innermost = [box for box in found if box.label.startswith("rack")]
    for gauge in gauges:
        around = [box for box in innermost if overlap(gauge, box)]
        assert len(around) == 1
        assert around[0].x <= gauge.x
        assert gauge.x + gauge.width <= around[0].x + around[0].width + 1e-9
        assert gauge.y + gauge.height <= around[0].y + around[0].height + 1e-9
    assert len({(gauge.x, gauge.y) for gauge in gauges}) == len(gauges)


def overlap(one: Box | Gauge, other: Box | Gauge) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def test_a_node_is_filled_by_who_holds_how_much_of_it() -> None:
    _, gauges = boxes(some())
    assert len(gauges) == 24
    assert [gauge.shares for gauge in gauges[:6]] == [
        ((HELD_BEFORE, 1.0),),
        ((1, 1.0),),
        ((1, 1.0),),
        ((1, 0.25), (2, 0.5)),
        ((2, 0.5),),
        (),
    ]
    assert [gauge.label for gauge in gauges[:6]] == ["", "1", "1", "", "2", ""]
    assert [gauge.down for gauge in gauges[6:13]] == [True] * 6 + [False]


def test_a_file_says_what_a_rack_has_left(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    draw_file(some(), path)
    text = " | ".join(ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext())
    for part in ("row 0", "rack 3", "6 nodes, 1 idle", "7 of 24 cores, 6 gpus free", "power: 18 of 30 left"):
        assert part in text


def test_what_jobs_took_of_a_rack_is_read_from_their_R() -> None:
    pool = Pool(read_R(line_R(ROWS)))
    request = Request.of(parse_resources(parse_shape("slot=2/[power=7;node/core=2]")))
    R = pool.alloc(1, request).to_dict()
    assert sum(amounts_taken(pool.machine, [R]).values()) == 14
    assert amounts_taken(pool.machine, [held("0", "0"), {"execution": {"R_lite": "?"}}]) == {}
