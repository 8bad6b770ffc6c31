"""A request with its counts, one object for each thing that it asks for: nothing is counted, everything is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ...topology.machine import Machine
from .places import MEASURED, NODE, in_units


class BeyondError(Exception):
    """The second opinion has no words for this form of request."""


@dataclass(eq=False, slots=True)
class Instance:
    """One slot, one place, or so many cores or GPUs that a request asks for.

    Attributes
    ----------
    vertex
        From where it comes.
    kind
        ``slot``, ``outer`` (a slot with slots inside), ``place``, ``core``, ``gpu`` or ``amount``.
    level
        Of a place.
    whole
        Whether the place is asked for whole.
    parent
        What it is in.
    number
        Of cores or GPUs; of an amount in whole units.
    children
        What is in it.
    sibling
        Its number among those of its vertex and parent.
    """

    vertex: Vertex
    kind: str
    level: str = ""
    whole: bool = False
    parent: Instance | None = None
    number: int = 1
    children: list[Instance] = field(default_factory=list)
    sibling: int = 0

    def walk(self) -> Iterator[Instance]:
        """Go through it and all that is in it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def above(self) -> Iterator[Instance]:
        """Go through what it is in, the nearest first."""
        around = self.parent
        while around is not None:
            yield around
            around = around.parent

    def holder(self) -> Instance | None:
        """Return the innermost place that it is in, of those that a place of the machine is assigned to."""
        return next((one for one in self.above() if one.kind == "place"), None)

    def slot_or_outer(self) -> Instance | None:
        """Return the nearest slot that it is in, with tasks or around other slots."""
        return next((one for one in self.above() if one.kind in ("slot", "outer")), None)

    def slot(self) -> Instance | None:
        """Return the slot of tasks that it is in, or is."""
        return next((one for one in (self, *self.above()) if one.kind == "slot"), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the names of a request are on a machine, and how they are read.

    Attributes
    ----------
    groups, levels
        Names of levels above and below the node.
    amounts
        Names of what is counted and has no ids, of nodes and domains alone.
    rfc14
        Whether domains in slots are exclusive where nothing is said.
    """

    groups: frozenset[str]
    levels: frozenset[str]
    amounts: frozenset[str]
    rfc14: bool

    @classmethod
    def of(cls, machine: Machine, slot_exclusive: str) -> Reading:
        """Return that of a machine."""
        return cls(
            frozenset(machine.group_levels),
            frozenset(machine.levels),
            frozenset(MEASURED | set(machine.amounts)) - {name for one in machine.groups for name, _ in one.resources},
            slot_exclusive == "rfc14",
        )

    def kind(self, vertex: Vertex) -> str:
        """Return what a vertex asks for.

        Raises
        ------
        BeyondError
            For amounts of groups, omitted levels and unknown types.
        """
        if vertex.type == "slot":
            return "outer" if _has(vertex, {"slot"}) else "slot"
        if vertex.type in ("core", "gpu"):
            if vertex.children:
                raise BeyondError(f"a {vertex.type} with something inside")
            return vertex.type
        if vertex.type == NODE or vertex.type in self.groups | self.levels:
            return "place"
        if vertex.type in self.amounts and not vertex.children:
            return "amount"
        raise BeyondError(f"{vertex.type}: neither cores, GPUs, a level nor an amount of its nodes")

    def is_whole(self, vertex: Vertex, in_slot: bool, bare: bool) -> bool:
        """Return whether a place is asked for whole.

        Parameters
        ----------
        vertex
            The place.
        in_slot
            Whether it is in a slot.
        bare
            Whether that slot asks for no core and no GPU anywhere.
        """
        if vertex.exclusive is not None:
            if not vertex.exclusive and not vertex.children:
                raise BeyondError(f"{vertex.type}: nothing is asked of it")
            return vertex.exclusive
        innermost = bare and not _has(vertex, {NODE} | self.groups | self.levels)
        return not vertex.children or innermost or (in_slot and self.rfc14)


def _has(vertex: Vertex, types: set[str] | frozenset[str]) -> bool:
    return any(child.type in types or _has(child, types) for child in vertex.children)


def expand(vertices: Sequence[Vertex], counts: Mapping[str, int], reading: Reading) -> list[Instance]:
    """Return the instances of a request, outermost first.

    Parameters
    ----------
    vertices
        The request.
    counts
        The count of each vertex by its path; fixed ones may be left out.
    reading
        What names mean.
    """

    def count(vertex: Vertex) -> int:
        return counts.get(vertex.path, vertex.count.min)

    def make(vertex: Vertex, parent: Instance | None, in_slot: bool, bare: bool) -> list[Instance]:
        kind = reading.kind(vertex)
        if kind in ("core", "gpu"):
            return [Instance(vertex, kind, parent=parent, number=count(vertex))]
        if kind == "amount":
            return [Instance(vertex, kind, parent=parent, number=_units(vertex, count(vertex)))]
        if kind in ("slot", "outer"):
            in_slot, bare = True, not _has(vertex, {"core", "gpu"})
        whole = kind == "place" and reading.is_whole(vertex, in_slot, bare)
        made = []
        for sibling in range(count(vertex)):
            one = Instance(vertex, kind, vertex.type if kind == "place" else "", whole, parent, sibling=sibling)
            for child in vertex.children:
                one.children += make(child, one, in_slot, bare)
            made.append(one)
        return made

    return [one for vertex in vertices for one in make(vertex, None, False, False)]


def _units(vertex: Vertex, count: int) -> int:
    return in_units(vertex.type, gib(count, vertex.unit) if vertex.type in MEASURED else Fraction(count))


def idsets_of(vertices: Sequence[Vertex]) -> list[tuple[str, IdSet]]:
    """Return the `id` sets of cores and GPUs in a request."""
    found = []
    for vertex in vertices:
        if vertex.type in ("core", "gpu") and vertex.id is not None:
            found.append((vertex.type, vertex.id))
        found += idsets_of(vertex.children)
    return found
