"""Which core belongs to which slot, and that a torn slot is seen as torn, without colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exactfit.adapters.drawing.file import draw_file
from exactfit.adapters.drawing.picture import lay_out
from exactfit.adapters.drawing.scene import Scene, Tenant, holdings, make_scene
from exactfit.adapters.drawing.terminal import draw_terminal
from exactfit.grammar.idset import IdSet, text_mask
from exactfit.topology.rset import read_R

TOPO = {"numa": [{"cores": "0-5", "gpus": "0"}, {"cores": "6-11", "gpus": "1"}]}
Slot = dict[str, Any]


def scene_of(*jobs: list[tuple[str, list[Slot]]]) -> Scene:
    """Two nodes of two numa; each job is a list of ranks with the slots there."""
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-1", "children": {"core": "0-11", "gpu": "0-1"}}]},
        "scheduling": {"children": [{"ranks": "0-1", "topo": TOPO}]},
    }
    machine = read_R(R)
    held = []
    for number, job in enumerate(jobs, start=1):
        lite = []
        for ranks, slots in job:
            ids = {}
            for kind in ("core", "gpu"):
                mask = 0
                for slot in slots:
                    mask |= text_mask(slot.get(f"{kind}s", ""))
                if mask:
                    ids[kind] = str(IdSet.from_mask(mask))
            lite.append({"rank": ranks, "children": ids})
        placement = [{"ranks": ranks, "slots": [{"label": "task", **slot} for slot in slots]} for ranks, slots in job]
        held += holdings(machine, number, {"execution": {"R_lite": lite}, "scheduling": {"placement": placement}})
    return make_scene("m", machine, held, 0, [Tenant(number, "") for number in range(1, len(jobs) + 1)])


def rows(scene: Scene, width: int = 80) -> list[str]:
    """The rows of cells and of slots, without captions and key."""
    return [line.plain for line in draw_terminal(scene, width) if line.plain.startswith("  ")]


TORN: list[Slot] = [{"cores": "0-3"}, {"cores": "4-7"}, {"cores": "8-11"}]


def test_each_cell_has_the_letter_of_its_slot_below_it_and_a_torn_slot_a_capital() -> None:
    assert rows(scene_of([("0", TORN)])) == [
        "  [111111|·] [111111|·]",
        "   aaaaBB     BBcccc",
    ]


def test_the_key_says_what_the_letters_are_only_where_there_are_any() -> None:
    whole = draw_terminal(scene_of([("0", [{"cores": "0-5"}])]), 80)[-1].plain
    apart = draw_terminal(scene_of([("0", TORN[::2])]), 80)[-1].plain
    torn = draw_terminal(scene_of([("0", TORN)]), 80)[-1].plain
    assert "slots" not in whole
    assert "below: its slots" in apart
    assert "torn" not in apart
    assert "capital: a torn slot" in torn


def test_gpus_have_letters_too_and_jobs_start_anew() -> None:
    first: list[Slot] = [{"cores": "0-1", "gpus": "0"}, {"cores": "6-7", "gpus": "1"}]
    second: list[Slot] = [{"cores": "2-3"}, {"cores": "4-5"}]
    assert rows(scene_of([("0", first)], [("0", second)])) == [
        "  [112222|1] [11····|1]",
        "   aaaabb a   bb     b",
    ]


def test_a_slot_whose_gpu_stands_elsewhere_is_torn() -> None:
    assert rows(scene_of([("0", [{"cores": "0-1", "gpus": "1"}])])) == [
        "  [11····|·] [······|1]",
        "   AA                A",
    ]


@pytest.mark.parametrize(
    "slots",
    [
        [{"cores": "0-3"}],
        [{"cores": str(core)} for core in range(12)],
        [{"cores": "0-11", "gpus": "0-1"}],
        [{"cores": "0-6"}],
    ],
    ids=["one slot", "a core each", "a whole node", "larger than a numa"],
)
def test_where_there_is_nothing_to_tell_there_are_no_letters(slots: list[Slot]) -> None:
    assert len(rows(scene_of([("0", slots)]))) == 1


def test_slots_are_folded_with_their_cells() -> None:
    found = rows(scene_of([("0", TORN)]), 24)
    assert found == ["  [111111|·] [111111|·]", "   aaaaBB     BBcccc"]
    narrow = rows(scene_of([("0", TORN)]), 10)
    assert narrow == found, "a drawing is never narrower than 24"


def test_nodes_that_differ_in_slots_alone_are_apart() -> None:
    scene = scene_of([("0", [{"cores": "0-2"}, {"cores": "3-5"}]), ("1", [{"cores": "0-1"}, {"cores": "2-5"}])])
    assert [state.ranks for state in scene.states] == ["0", "1"]


def test_the_cells_of_a_slot_are_one_shape() -> None:
    cells = [cell for cell in lay_out(scene_of([("0", TORN)])).cells if not cell.gpu]
    first = {cell.number: cell for cell in cells[:12]}
    assert [first[n].slot for n in range(12)] == list("aaaaBBBBcccc")
    assert first[0].joined >= {"right"}
    for number, cell in first.items():
        for side, step in (("right", 1), ("left", -1)):
            if side in cell.joined:
                assert first[number + step].slot == cell.slot
    free = [cell for cell in cells[12:] if cell.tenant is None]
    assert free
    assert all(not cell.joined for cell in free)


def test_every_run_of_cells_of_one_job_is_labelled() -> None:
    """Without colour, two jobs by turns would look like one."""
    scene = scene_of([("0", [{"cores": "0-1"}])], [("0", [{"cores": "2"}])], [("0", [{"cores": "6"}])])
    first = [cell for cell in lay_out(scene).cells if not cell.gpu][:12]
    assert [cell.number for cell in first if cell.first and cell.tenant] == [0, 2, 6]
    machine = scene.states[0].machine
    turns = [
        holding
        for tenant, core in ((1, "0,3-4"), (2, "1-2,5"))
        for holding in holdings(machine, tenant, {"execution": {"R_lite": [{"rank": "0", "children": {"core": core}}]}})
    ]
    cells = lay_out(make_scene("m", machine, turns)).cells
    assert [cell.number for cell in cells if cell.first and cell.tenant and not cell.gpu] == [0, 1, 3, 5]


def test_a_picture_names_each_slot_in_each_domain(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.svg"
    draw_file(scene_of([("0", TORN)]), path)
    texts = [text.strip() for text in ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext()]
    assert [texts.count(name) for name in ("1a", "1B", "1c")] == [1, 2, 1]
    assert "capital, bold red line: a torn slot" in texts


def test_slots_that_stand_on_several_nodes_are_known_by_their_letters_on_each() -> None:
    pieces: list[Slot] = [{"slot": number, "cores": core} for number, core in ((0, "0"), (1, "6"))]
    assert rows(scene_of([("0-1", pieces)])) == ["  [1·····|·] [1·····|·]", "   a          b"]
    apart = rows(scene_of([("0", [{"slot": 5, "cores": "0-1"}]), ("1", [{"slot": 7, "cores": "0-1"}])]))
    assert apart == ["  [11····|·] [······|·]", "   aa", "  [11····|·] [······|·]", "   bb"]
    assert len(rows(scene_of([("0-1", [{"slot": 0, "cores": "0-1"}])]))) == 1, "a single one needs no letter"


def test_a_slot_over_more_racks_than_it_needs_is_torn() -> None:
    racks = {"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}]}
    R = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-3", "children": {"core": "0-1"}}]},
        "scheduling": {"groups": racks},
    }
    machine = read_R(R)

    def drawn(ranks: str) -> list[str]:
        job = {
            "execution": {"R_lite": [{"rank": ranks, "children": {"core": "0-1"}}]},
            "scheduling": {"placement": [{"ranks": ranks, "slots": [{"label": "task", "slot": 0, "cores": "0-1"}]}]},
        }
        # The last are those of the nodes; the frames of the racks stand before them.
        return rows(make_scene("m", machine, holdings(machine, 1, job), 0, [Tenant(1, "")]))[2:]

    assert drawn("0-1") == ["  [11]"]
    assert drawn("1-2") == ["  [11]", "   AA", "  [11]", "   AA"]
    assert drawn("0-2") == ["  [11]", "  [11]"]
