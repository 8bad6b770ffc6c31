"""Which modules of the four layers import which: by file, by room, and on which floor a room stands."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("grammar", "topology", "solver", "adapters")


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
