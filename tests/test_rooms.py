"""Imports point down: between the rooms of the solver, between those of the adapters, and between files anywhere."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rooms import circle_of, files, floors_of, imports, rooms_of

SOLVER: Mapping[str, frozenset[str]] = {
    room: frozenset(below.split())
    for room, below in {
        "errors": "",
        "cpsat": "",
        "checker": "",
        "state": "",
        "policy": "state",
        "options": "policy",
        "demand": "errors options policy state",
        "node": "cpsat demand policy state",
        "machine": "cpsat demand node policy state",
        "placement": "cpsat demand machine node policy state",
        "knowledge": "cpsat demand errors machine node options policy state",
        "allocator": "cpsat demand errors knowledge options placement state",
        "explain": "allocator cpsat demand errors knowledge machine state",
        "joint": "allocator cpsat demand errors knowledge state",
        "pool": "allocator explain knowledge options",
    }.items()
}
"""Which rooms of the solver each of them imports: what is listed is what there is, no less and no more."""

FLOORS, ARROWS = 10, 53
"""How high the house may be, and how many arrows between rooms a reader may have to know. Fewer is better."""


SCREEN = 60
"""Lines."""


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle_of(imports()) == []


def test_the_rooms_of_the_solver_import_those_that_are_listed() -> None:
    assert {room: sorted(below) for room, below in rooms_of("solver").items()} == {
        room: sorted(below) for room, below in SOLVER.items()
    }


def test_the_house_is_not_too_high_and_not_too_tangled() -> None:
    rooms = rooms_of("solver")
    floors = floors_of(rooms)
    assert max(floors.values()) <= FLOORS
    assert sum(map(len, rooms.values())) <= ARROWS
    assert [room for room, floor in floors.items() if floor == max(floors.values())] == ["pool"]


def test_no_rooms_of_the_adapters_import_each_other_in_a_circle() -> None:
    assert circle_of(rooms_of("adapters")) == []


def test_an_arrow_up_and_a_circle_are_seen() -> None:
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert floors_of({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}
    # What only a function imports, and what is there for type checkers alone, are arrows as well.
    assert "solver.explain.reasons" in imports()["solver.pool"]
    assert "solver.node.plan" in imports()["solver.node.solver"]


def test_no_function_of_the_product_is_longer_than_a_screen() -> None:
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path in files().values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= SCREEN
    ]
    assert found == []
