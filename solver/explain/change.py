"""A change that makes a request fit: a value that says what is different afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from ...grammar.constraint import ALWAYS, Constraint
from ...grammar.jobspec import Vertex
from ..allocator import Allocator
from ..demand.request import Request, shape_of

AnyAllocator = TypeVar("AnyAllocator", bound=Allocator)


class Kind(Enum):
    """What is changed."""

    FEWER = "fewer"
    """A vertex asks for less."""
    SHARED = "shared"
    """A domain need not be taken whole."""
    OPEN = "open"
    """A vertex goes, what stands inside may stand anywhere in what is around it."""
    ANY = "any-id"
    """Any id will do."""
    DROP = "drop"
    """A vertex goes."""
    TERM = "constraint"
    """A term of the constraint goes."""
    UP = "up"
    """Ranks come up."""
    END = "end"
    """Jobs end."""


@dataclass(frozen=True)
class Change:
    """Something that makes a request fit.

    Attributes
    ----------
    kind
        What is changed above all.
    price
        Between 0 and 1, how much is given up; the cheapest are proposed first. A count that is lowered costs its
        share; a change of several things costs more than one of a single thing.
    now
        Whether the request fits then at once; if not, on the idle machine.
    path, asked, left
        The vertex, its count and what is left of it.
    also
        Counts of other vertices that are lowered with it: (path, asked, left).
    terms
        The terms that go.
    up
        Bitmask of the positions that come up.
    jobs, time
        The jobs that end, and the last of their ends: seconds since the epoch, 0 when one has none.
    vertices, constraint
        The request after the change.
    """

    kind: Kind
    price: float
    now: bool = True
    path: str = ""
    asked: int = 0
    left: int = 0
    also: tuple[tuple[str, int, int], ...] = ()
    terms: tuple[Constraint, ...] = ()
    up: int = 0
    jobs: tuple[int, ...] = ()
    time: float = 0.0
    vertices: tuple[Vertex, ...] = ()
    constraint: Constraint = ALWAYS

    def apply(self, pool: AnyAllocator, request: Request) -> tuple[AnyAllocator, Request]:
        """Return a pool and a request after the change."""
        changed = pool.copy()
        for jobid in self.jobs:
            changed.free(jobid)
        if self.up:
            changed.mark_up(self.up)
        return changed, replace(request, shape=shape_of(self.vertices), constraint=self.constraint)
