"""A variable of the machine's model: how many nodes of a cell follow a pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cells import Cell
from .patterns import Pattern

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


@dataclass(frozen=True)
class Count:
    """How many nodes of a cell follow a pattern."""

    cell: Cell
    pattern: Pattern
    nodes: cp_model.IntVar
