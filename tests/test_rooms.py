"""Imports point down: between the rooms of the solver, between those of the adapters, and between files anywhere."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("grammar", "topology", "solver", "adapters")

SOLVER: Mapping[str, frozenset[str]] = {
    room: frozenset(below.split())
    for room, below in {
        "errors": "",
        "cpsat": "",
        "checker": "",
        "state": "",
        "policy": "state",
        "options": "policy",
        "demand": "errors options state",
        "node": "cpsat demand policy state",
        "machine": "cpsat demand node policy state",
        "placement": "cpsat demand machine node policy state",
        "knowledge": "cpsat demand errors machine node options policy state",
        "allocator": "cpsat demand errors knowledge options placement state",
        "explain": "allocator cpsat demand errors knowledge machine state",
        "joint": "allocator cpsat demand errors placement state",
        "pool": "allocator explain knowledge options",
    }.items()
}
"""Which rooms of the solver each of them imports: what is listed is what there is, no less and no more."""

FLOORS, ARROWS = 10, 52
"""How high the house is, and how many arrows between rooms a reader has to know. Fewer is better."""


def name_of(path: Path) -> str:
    """Return a module's dotted name below exactfit."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def files() -> Mapping[str, Path]:
    """Return all modules of the four layers by name."""
    return {name_of(path): path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))}


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Return for each module those that it imports: on top, in functions, and for type checkers alone."""
    return {name: frozenset(_imports(name, path)) - {name} for name, path in files().items()}


def _imports(name: str, path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parent.relative_to(ROOT).parts
            base = [*folder[: len(folder) + 1 - node.level], *(node.module or "").split(".")]
            module = ".".join(part for part in base if part)
            for alias in node.names:
                found.add(f"{module}.{alias.name}" if f"{module}.{alias.name}" in files() else module)
    assert found <= files().keys(), f"{name} imports {found - files().keys()}"
    return found


def room_of(module: str) -> str:
    """Return the room of a module: the folder or the file right below its layer; "" for the layer's own door."""
    return [*module.split("."), ""][1]


def rooms_of(layer: str) -> dict[str, set[str]]:
    """Return for each room of a layer the others of it that its files import."""
    found: dict[str, set[str]] = {}
    for name, below in imports().items():
        if name.startswith(f"{layer}."):  # not the door, which only says where things are
            inside = {room_of(other) for other in below if other.startswith(f"{layer}.")}
            found.setdefault(room_of(name), set()).update(inside - {room_of(name)})
    return found


def floors_of(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """Return on which floor each room stands, one above the highest that it imports.

    Raises
    ------
    CycleError
        Where rooms import each other.
    """
    floors: dict[str, int] = {}
    for room in TopologicalSorter(graph).static_order():
        floors[room] = 1 + max((floors[below] for below in graph[room]), default=0)
    return floors


def circle_of(graph: Mapping[str, frozenset[str]] | Mapping[str, set[str]]) -> list[str]:
    """Return a circle of a graph, empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle_of(imports()) == []


def test_the_rooms_of_the_solver_import_those_that_are_listed() -> None:
    assert {room: sorted(below) for room, below in rooms_of("solver").items()} == {
        room: sorted(below) for room, below in SOLVER.items()
    }


def test_the_house_is_no_higher_and_no_more_tangled_than_it_was() -> None:
    rooms = rooms_of("solver")
    floors = floors_of(rooms)
    assert max(floors.values()) == FLOORS
    assert sum(map(len, rooms.values())) == ARROWS
    assert {room for room, floor in floors.items() if floor == FLOORS} == {"pool"}


def test_no_rooms_of_the_adapters_import_each_other_in_a_circle() -> None:
    assert circle_of(rooms_of("adapters")) == []


def test_an_arrow_up_and_a_circle_are_seen() -> None:
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert floors_of({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": 3, "b": 2, "c": 1}
    # What only a function imports, and what is there for type checkers alone, are arrows as well.
    assert "solver.explain.reasons" in imports()["solver.pool"]
    assert "solver.node.plan" in imports()["solver.node.solver"]
