"""A request on a machine: which counts are still to be chosen, and the demand that each choice makes.

What the machine can never be asked for is refused here (`InfeasibleRequest`), with the vertex' name.
"""

from __future__ import annotations

from ...grammar.jobspec import Vertex
from ...grammar.memory import Memory
from ..errors import InfeasibleRequest
from .builder import build_demand
from .demand import Demand
from .resolve import Resolver

MOST_SLOT_TYPES = 64
MOST_VERTICES = 1000
"""Requests of more are refused: the search would not end, whatever the time limit."""

DEMANDS = 1000
"""Choices of counts whose demands are remembered."""


class Problem:
    """A request on a machine.

    Parameters
    ----------
    resolver
        Knows what types mean on the machine.
    vertices
        The outermost ones.

    Attributes
    ----------
    choices
        The vertices that leave a choice of count, in pre-order.
    stated
        The vertices, by names of levels that the machine has.
    """

    def __init__(self, resolver: Resolver, vertices: tuple[Vertex, ...]) -> None:
        self._resolver = resolver
        self.stated = self._resolver.stated(vertices)
        self._vertices = self._resolver.known(self.stated)
        self._check_size()
        self.choices = tuple(self._resolver.choices(self._vertices))
        self._demands: Memory[tuple[int, ...], Demand] = Memory(DEMANDS)

    def _check_size(self) -> None:
        every = [below for vertex in self._vertices for below in vertex.walk()]
        slots = sum(1 for vertex in every if vertex.is_slot)
        if slots > MOST_SLOT_TYPES:
            raise InfeasibleRequest(
                f"{slots} slot types in one request: at most {MOST_SLOT_TYPES} are decided together"
            )
        if len(every) > MOST_VERTICES:
            raise InfeasibleRequest(f"{len(every)} vertices in one request: at most {MOST_VERTICES} are decided")

    @property
    def least(self) -> tuple[int, ...]:
        """The smallest admissible counts."""
        return tuple(choice.vertex.count.min for choice in self.choices)

    def demand(self, sizes: tuple[int, ...]) -> Demand:
        """Return the request with these counts chosen."""
        demand = self._demands.get(sizes)
        if demand is None:
            counts = {c.vertex.path: size for c, size in zip(self.choices, sizes, strict=True)}
            demand = self._demands[sizes] = build_demand(self._resolver, self._vertices, counts, sizes)
        return demand
