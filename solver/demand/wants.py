"""From vertices below the node, with counts, to wants: what one node must give.

A slot that holds slots is dissolved here: what it holds, so many times, stands where it stood. What stands beside the
inner slots is the job's and in none of its slots, which the innermost ones are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ...grammar.jobspec import Vertex
from ...grammar.unit import gib
from ..errors import InfeasibleRequest
from ..state.domain_state import MEASURED, MIB_PER_GIB
from .demand import Kind, Want
from .resolve import Resolver, takes


@dataclass(frozen=True)
class Around:
    """What a vertex stands in.

    Attributes
    ----------
    slot
        The label of the innermost slot; empty where there is none, and in a slot that holds slots.
    in_slot
        Whether there is any slot around.
    bare
        Whether that slot asks for no core and no GPU anywhere, and so takes its innermost domains whole.
    """

    slot: str = ""
    in_slot: bool = False
    bare: bool = False


NOWHERE = Around()
"""Around what stands in no slot."""


def in_slot(slot: Vertex) -> Around:
    """Return what stands around the children of a slot."""
    return Around("" if slot.holds_slots else slot.label or "", True, not takes(slot))


class WantBuilder:
    """Makes wants of vertices.

    Parameters
    ----------
    counts
        What was chosen for the vertices that leave a choice, by path.
    """

    def __init__(self, resolver: Resolver, counts: Mapping[str, int]) -> None:
        self.resolver = resolver
        self._counts = counts

    def count(self, vertex: Vertex) -> int:
        """Return the count of a vertex."""
        return self._counts.get(vertex.path, vertex.count.min)

    def wants(self, vertices: Iterable[Vertex], around: Around) -> tuple[Want, ...]:
        """Return vertices below the node with their counts, slots that hold slots dissolved."""
        found: list[Want] = []
        for vertex in vertices:
            if vertex.holds_slots:
                self.check_slot(vertex)
                times = self.count(vertex)
                inside = self.wants(vertex.children, in_slot(vertex))
                found += (replace(want, count=want.count * times) for want in inside)
            else:
                found.append(self.want(vertex, around))
        return tuple(found)

    def want(self, vertex: Vertex, around: Around) -> Want:
        """Return a vertex below the node, which is no slot that holds slots, with its count."""
        count, name = self.count(vertex), vertex.type
        if name in ("node", "slot") or name in self.resolver.groups:
            if around.slot or name != "slot":
                raise InfeasibleRequest(f"{vertex.path}: a {name} does not stand inside what is around it")
            self.check_slot(vertex)
            wants = self.wants(vertex.children, in_slot(vertex))
            return Want(Kind.SLOT, name, count, label=vertex.label or "", wants=wants, path=vertex.path)
        if name in ("core", "gpu"):
            kind = Kind.CORE if name == "core" else Kind.GPU
            _childless(vertex)
            return Want(kind, name, count, ids=vertex.id, path=vertex.path)
        if name in self.resolver.amounts:
            _childless(vertex)
            if vertex.id is not None:
                raise InfeasibleRequest(f"{vertex.path}: {name} has no ids")
            return Want(Kind.AMOUNT, name, self.amount(vertex), path=vertex.path)
        whole = self.whole(vertex, around)
        wants = self.wants(vertex.children, around)
        return Want(Kind.DOMAIN, name, count, whole, ids=vertex.id, wants=wants, path=vertex.path)

    def amount(self, vertex: Vertex) -> int:
        """Return how much a vertex asks for: MiB of memory and storage."""
        count = self.count(vertex)
        if vertex.type in MEASURED:
            return math.ceil(count * gib(1, vertex.unit) * MIB_PER_GIB)
        return count

    def whole(self, vertex: Vertex, around: Around) -> bool:
        """Tell whether a vertex takes its domain whole.

        Raises
        ------
        InfeasibleRequest
            When it asks for nothing at all.
        """
        whole = self.resolver.takes_whole(vertex, in_slot=around.in_slot, bare=around.bare)
        if not whole and not vertex.children:
            raise InfeasibleRequest(f"{vertex.path}: exclusive is false and nothing stands below: it asks for nothing")
        return whole

    def check_slot(self, slot: Vertex) -> None:
        """Refuse a slot that names ids, and one that asks for nothing that a task could run on."""
        if slot.id is not None:
            raise InfeasibleRequest(f"{slot.path}: a slot has no ids")
        resolver = self.resolver
        below = (vertex for child in slot.children for vertex in child.walk() if resolver.is_domain(vertex))
        if not takes(slot) and not any(resolver.takes_whole(v, in_slot=True, bare=True) for v in below):
            beside = next((v.path for v in slot.walk() if v.type in resolver.amounts), "")
            where = f" beside {beside}" if beside else ""
            raise InfeasibleRequest(
                f"{slot.path}: asks for no core, no gpu and no whole domain: add core=1{where}, or a domain ({{x}})"
            )


def _childless(vertex: Vertex) -> None:
    if vertex.children:
        below = vertex.children[0]
        raise InfeasibleRequest(f"{below.path}: no {below.type} stands inside a {vertex.type}")
