"""Parts of the checker on their own: places that list memory and the like, and the choice between ways to see slots."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.solver.checker.choice import distinct
from exactfit.solver.checker.cover import TooLongError, Way
from exactfit.solver.checker.ground import ROOT, Ground, Place
from exactfit.topology.rset import read_R

NODE: Place = (0, 0)
SOCKET, OTHER = (0, 1), (0, 2)
"""Domains of node 0, in pre-order."""

ROW, RACK = (-1, 0), (-1, 1)
EVERYWHERE = 0b111


@pytest.fixture
def ground() -> Ground:
    """Two nodes with memory in their sockets in a rack with storage, a third in another; the row has licences."""
    topo = {"nic": 1, "socket": [{"cores": "0-1", "memory": 8}, {"cores": "2-3", "memory": 8}]}
    racks = [{"ranks": "0-1", "storage": 100}, {"ranks": "2"}]
    R: dict[str, Any] = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0-2", "children": {"core": "0-3"}}], "nodelist": ["n[0-2]"]},
        "scheduling": {
            "children": [{"ranks": "0-2", "topo": topo}],
            "groups": {"row": [{"licence": 5, "rack": racks}]},
        },
    }
    return Ground(read_R(R))


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        # Where it stands.
        ("licence", ROW, {ROW}),
        ("storage", RACK, {RACK}),
        ("nic", NODE, {NODE}),
        # Inside.
        ("memory", NODE, {SOCKET, OTHER}),
        ("memory", (-1, 2), {(2, 1), (2, 2)}),
        ("storage", ROW, {RACK}),
        ("nic", ROOT, {(0, 0), (1, 0), (2, 0)}),
        # Above.
        ("nic", SOCKET, {NODE}),
        ("storage", SOCKET, {RACK}),
        ("licence", NODE, {ROW}),
        ("licence", RACK, {ROW}),
        # Nowhere.
        ("storage", (2, 0), set()),
        ("gold", NODE, set()),
        ("gold", ROOT, set()),
    ],
)
def test_an_amount_comes_from_the_place_or_inside_it_or_the_nearest_above(
    ground: Ground, name: str, at: Place, expected: set[Place]
) -> None:
    assert ground.sources(name, at, (), EVERYWHERE) == expected


def test_nodes_that_are_not_usable_give_nothing(ground: Ground) -> None:
    assert ground.sources("nic", ROOT, (), 0b101) == {(0, 0), (2, 0)}


def test_an_amount_of_a_slot_comes_from_where_its_cores_are(ground: Ground) -> None:
    assert ground.sources("memory", NODE, [SOCKET], EVERYWHERE) == {SOCKET}
    assert ground.sources("storage", NODE, [SOCKET, OTHER], EVERYWHERE) == {RACK}


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (ROOT, ROOT, True),
        (ROOT, NODE, True),
        (NODE, ROOT, False),
        (ROW, RACK, True),
        (RACK, ROW, False),
        (RACK, (1, 2), True),
        (RACK, (2, 0), False),
        (NODE, (1, 0), False),
        (SOCKET, OTHER, False),
        (NODE, OTHER, True),
    ],
)
def test_places_contain_one_another(ground: Ground, outer: Place, inner: Place, expected: bool) -> None:
    assert ground.contains(outer, inner) == expected


def test_places_have_names_for_messages(ground: Ground) -> None:
    assert [ground.say(place) for place in (ROOT, ROW, RACK, (2, 0), OTHER)] == [
        "the machine",
        "row 0",
        "rack 0",
        "rank 2",
        "socket 1 of rank 0",
    ]


def ways(*sets: tuple[Place, ...]) -> list[Way]:
    return [Way(used=frozenset(places)) for places in sets]


def test_no_place_stands_for_two_vertices() -> None:
    choices = [ways((SOCKET,), (OTHER,)), ways((SOCKET,), (OTHER,)), ways((NODE,))]
    found = [[way.used for way in chosen] for chosen in distinct(choices, frozenset())]
    assert found == [[{SOCKET}, {OTHER}, {NODE}], [{OTHER}, {SOCKET}, {NODE}]]


def test_a_place_that_is_used_already_is_not_chosen() -> None:
    choices = [ways((SOCKET,), (OTHER,))]
    assert [chosen[0].used for chosen in distinct(choices, frozenset({SOCKET}))] == [{OTHER}]
    assert list(distinct([ways((SOCKET,))], frozenset({SOCKET}))) == []
    assert list(distinct([ways((SOCKET,)), ways((SOCKET,))], frozenset())) == []


@pytest.mark.parametrize("slots", [201, 30], ids=["too many slots", "too many steps"])
def test_too_many_possibilities_are_not_gone_through(slots: int) -> None:
    # Fewer places than slots: only trying all would show that there is no way.
    places: list[Place] = [(position, 0) for position in range(20)]
    with pytest.raises(TooLongError):
        list(distinct([ways(*((place,) for place in places))] * slots, frozenset()))
