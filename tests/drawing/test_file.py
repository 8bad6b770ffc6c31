"""Pictures in files: that they parse, say what they must, fit on the page, and come out the same every time."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.color import Color, ColorSystem

from exactfit.adapters.drawing.file import check_target, draw_file
from exactfit.adapters.drawing.palette import (
    COLOURS,
    DOWN,
    FREE,
    HELD,
    LATER,
    LATER_MARK,
    MOST_JOBS,
    ink_on,
    job_colour,
    job_mark,
)
from exactfit.adapters.drawing.picture import Picture, lay_out
from exactfit.adapters.drawing.scene import HELD_BEFORE, Scene, Tenant, holdings, make_scene
from exactfit.grammar.idset import IdSet
from exactfit.topology.rset import read_R

pytest.importorskip("matplotlib")

TOPO = {
    "socket": [
        {"numa": [{"cores": f"{4 * i}-{4 * i + 3}", "gpus": str(i)} for i in (2 * s, 2 * s + 1)]} for s in (0, 1)
    ]
}


@pytest.fixture
def scene() -> Scene:
    machine = read_R(
        {
            "version": 1,
            "execution": {
                "R_lite": [{"rank": "0-9", "children": {"core": "0-15", "gpu": "0-3"}}],
                "nodelist": ["n[0-9]"],
            },
            "scheduling": {"children": [{"ranks": "0-9", "topo": TOPO}]},
        }
    )
    held = [
        *holdings(machine, 1, {"execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0-5", "gpu": "0"}}]}}),
        *holdings(machine, 2, {"execution": {"R_lite": [{"rank": "1", "children": {"core": "8-11"}}]}}),
        *holdings(machine, HELD_BEFORE, {"execution": {"R_lite": [{"rank": "2", "children": {"core": "0-15"}}]}}),
    ]
    tenants = [Tenant(1, "slot=2/[core=6;gpu=1] for $5 & <more>"), Tenant(2, "x" * 300)]
    return make_scene("the machine", machine, held, machine.mask_of(IdSet.parse("8-9")), tenants)


def test_an_svg_says_in_words_what_it_shows(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "picture.svg"
    draw_file(scene, path)
    text = " | ".join(ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext())
    for part in (
        "the machine",
        "rank 0 · n0",
        "rank 2 · n2",
        "ranks 3-7 · n[3-7]",
        "ranks 8-9 · n[8-9]",
        "idle: each 16 cores, 4 gpus",
        "socket 1",
        "numa 3",
        "g0:1",
        "slot=2/[core=6;gpu=1] for $5 & <more>",
        "busy before",
        "down",
    ):
        assert part in text
    assert "x" * 100 not in text


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_same_scene_gives_the_same_bytes(scene: Scene, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    draw_file(scene, first)
    draw_file(scene, second)
    assert first.read_bytes() == second.read_bytes()


def test_every_core_and_gpu_has_a_cell_in_its_box(scene: Scene) -> None:
    picture = lay_out(scene)
    assert len(picture.cells) == len(scene.states) * (16 + 4)
    innermost = [box for box in picture.boxes if box.label.startswith("numa")]
    for cell in picture.cells:
        around = [box for box in innermost if inside(box.x, box.y, box.width, box.height, cell.x, cell.y)]
        assert len(around) == 1
        (box,) = around
        assert inside(box.x, box.y, box.width, box.height, cell.x + cell.width, cell.y + cell.height)


def test_boxes_of_one_depth_do_not_overlap_and_stay_on_the_page(scene: Scene) -> None:
    picture = lay_out(scene)
    for box in picture.boxes:
        assert inside(0, 0, picture.width, picture.height, box.x + box.width, box.y + box.height)
    assert overlaps(picture) == []


def overlaps(picture: Picture) -> list[tuple[str, str]]:
    return [
        (a.label, b.label)
        for a, b in combinations(picture.boxes, 2)
        if a.depth == b.depth
        and a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    ]


def inside(x: float, y: float, width: float, height: float, a: float, b: float) -> bool:
    slack = 1e-9
    return x - slack <= a <= x + width + slack and y - slack <= b <= y + height + slack


def test_states_beyond_a_page_are_counted(tmp_path: Path) -> None:
    machine = read_R({"version": 1, "execution": {"R_lite": [{"rank": "0-99", "children": {"core": "0-1"}}]}})
    held = [
        holding
        for rank in range(60)
        for holding in holdings(
            machine, rank + 1, {"execution": {"R_lite": [{"rank": str(rank), "children": {"core": "0"}}]}}
        )
    ]
    scene = make_scene("m", machine, held)
    assert lay_out(scene).left_out == 61 - 48
    path = tmp_path / "picture.svg"
    draw_file(scene, path)
    assert "13 more node states are not drawn" in path.read_text(encoding="utf-8")


def test_a_legend_is_no_longer_than_the_machine(tmp_path: Path) -> None:
    machine = read_R({"version": 1, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-1"}}]}})
    tenants = [Tenant(number, f"job {number} of many, with a name as long as names are") for number in range(1, 201)]
    path = tmp_path / "picture.svg"
    draw_file(make_scene("m", machine, (), 0, tenants), path)
    texts = [text.strip() for text in ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext()]
    named = sum("of many" in text for text in texts)
    assert 5 <= named <= 12
    assert f"and {200 - named} more jobs" in texts


def test_several_scenes_stand_one_below_the_other(scene: Scene, tmp_path: Path) -> None:
    one, three = tmp_path / "one.svg", tmp_path / "three.svg"
    draw_file(scene, one)
    draw_file([scene, replace(scene, title="second"), replace(scene, title="third")], three)
    text = three.read_text(encoding="utf-8")
    assert [text.count(f">{title}<") for title in ("the machine", "second", "third")] == [1, 1, 1]
    heights = [float(ElementTree.parse(path).getroot().attrib["height"].rstrip("pt")) for path in (one, three)]
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.1)


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "no/such/folder/picture.png"])
def test_targets_that_cannot_be_drawn_into_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"picture"):
        check_target(tmp_path / name)


def test_jobs_are_told_apart_without_colour() -> None:
    assert len({job_mark(job) for job in range(1, 62)}) == 61
    assert len(set(COLOURS)) == len(COLOURS)


def test_no_two_jobs_of_a_picture_have_the_same_colour_or_mark() -> None:
    """Nor that of something else; those for which there is none left share one, which says so."""
    own = range(1, MOST_JOBS + 1)
    others = [HELD, FREE, DOWN, LATER]
    assert len({job_colour(job) for job in own} | set(others)) == MOST_JOBS + len(others)
    assert {job_colour(job) for job in (MOST_JOBS + 1, 10_000)} == {LATER}
    assert {job_mark(job) for job in (MOST_JOBS + 1, 10_000)} == {LATER_MARK}
    assert LATER_MARK not in map(job_mark, own)


def test_colours_stay_apart_on_terminals_of_256() -> None:
    assert len({Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).number for colour in COLOURS}) == len(COLOURS)


def test_ink_reads_on_every_colour() -> None:
    for colour in COLOURS:
        ink = 0.0 if ink_on(colour) == "#000000" else 1.0
        # 4.5 is what WCAG 2 asks of text.
        assert contrast(colour, ink) >= 4.5


def contrast(colour: str, other: float) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return float((max(light, other) + 0.05) / (min(light, other) + 0.05))
