"""A request on a machine in a state, and the counts that it could have had instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.constraint import ALWAYS, Constraint
from ...grammar.jobspec import Vertex
from ...topology.machine import Machine
from .formulation import Formulation
from .instances import Reading, expand, idsets_of
from .places import MEASURED, Places
from .program import Solver

Value = int | tuple[int, ...]
"""Of a term: a number; of the size the counts."""


@dataclass(frozen=True)
class Question:
    """A request on a machine in a state.

    Attributes
    ----------
    machine, vertices
        Where, and what is asked for.
    constraint, running, down
        What nodes must be, the R of jobs that hold something, and a bitmask of positions.
    slot_exclusive
        The option of the pool.
    solver
        Who is asked what counting does not say.
    """

    machine: Machine
    vertices: Sequence[Vertex]
    constraint: Constraint = ALWAYS
    running: Sequence[Mapping[str, Any]] = ()
    down: int = 0
    slot_exclusive: str = "shared"
    solver: Solver = Solver.HIGHS

    def formulation(self, counts: Mapping[str, int]) -> Formulation:
        """Return the placements of the request with some counts.

        Raises
        ------
        BeyondError
            For a form that there are no words for.
        """
        roots = expand(self.vertices, counts, Reading.of(self.machine, self.slot_exclusive))
        places = Places(self.machine, self.running, self.down, self.constraint)
        return Formulation(places, roots, idsets_of(self.vertices), self.solver)


def larger_counts(question: Question, counts: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Go through counts of which one is the next larger, those before it are what they are, and the others the least.

    If none of these can be placed, no larger size can: whatever holds more of a thing also holds fewer.
    """
    fixed: dict[str, int] = {}
    for vertex in _walk(question.vertices):
        if not vertex.count.is_fixed:
            larger = _next(vertex, counts[vertex.path])
            # Of amounts there may be any number.
            many = vertex.type in question.machine.amounts | MEASURED
            if larger is not None and (many or larger <= _most(question)):
                yield {**fixed, vertex.path: larger}
            fixed[vertex.path] = counts[vertex.path]


def _most(question: Question) -> int:
    """Return how many of anything there can be: each takes a core, a GPU or a place."""
    types = [question.machine.type_at(position) for position in range(question.machine.size)]
    return sum(kind.cores.bit_count() + kind.gpus.bit_count() + len(kind.domains) for kind in types) + len(
        question.machine.groups
    )


def _next(vertex: Vertex, count: int) -> int | None:
    """Return the next larger admissible count."""
    bound = count + 1
    while bound < 2**40:
        found = vertex.count.largest(bound)
        if found is not None and found > count:
            while (lower := vertex.count.largest(found - 1)) is not None and lower > count:
                found = lower
            return found
        bound *= 2
    return None


def _walk(vertices: Iterable[Vertex]) -> Iterable[Vertex]:
    for vertex in vertices:
        yield vertex
        yield from _walk(vertex.children)
