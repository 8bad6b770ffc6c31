"""Requests that name ids: symmetry classes cut finer, so that they tell the ids apart that matter.

States know counts, not ids. For a request whose vertices carry RFC 14 ``id``, the domains, and the cores and GPUs of a
domain, are marked with the idsets that they match; things are equal then that have equal marks. Cores that a domain
lists itself become unnamed domains inside it, one for each combination of marks, so that all that counts domains goes
on to count them. The states of all nodes that are up are made anew for each decision; every bundle goes to the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import immutables

from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex
from ...topology.machine import Machine
from ...topology.tree import Domain, NodeType
from ..node.rankings import Rankings
from ..node.solver import NodeSolver
from ..policy.scale import Scale
from ..state.domain_state import UNNAMED, DomainState, MarkedType, arrange, mark
from ..state.joined import gpu_mark, links_mark
from ..state.node_classes import Classes, Packed
from ..state.pool_state import Changes, PoolState
from .decide import Decider

Named = tuple[tuple[str, IdSet], ...]
"""The idsets of a request: (vertex type, ids)."""


def idsets_of(vertices: Sequence[Vertex]) -> Named:
    """Return the idsets that the vertices name, group vertices' included, each once."""
    found = {(below.type, below.id): None for vertex in vertices for below in vertex.walk() if below.id is not None}
    return tuple(found)


def takes_several_gpus(vertices: Sequence[Vertex], machine: Machine, *, rfc14: bool) -> bool:
    """Tell whether a slot may take more than one GPU: so many, or with domains that it takes whole.

    Parameters
    ----------
    rfc14
        Whether slots take domains whole unless they say otherwise.
    """
    fixed = {"slot", "core", *machine.amounts}
    slots = (below for vertex in vertices for below in vertex.walk() if below.is_slot and not below.holds_slots)
    for slot in slots:
        inside = [below for child in slot.children for below in child.walk()]
        gpus = [below for below in inside if below.type == "gpu"]
        if len(gpus) > 1 or any(not (below.count.is_fixed and below.count.min == 1) for below in gpus):
            return True
        domains = [below for below in inside if below.type not in fixed and below.type != "gpu"]
        if domains and (gpus or rfc14 or any(d.exclusive or not d.children for d in domains)):
            return True
    return False


class View:
    """A machine's states as one kind of request has to see them.

    Attributes
    ----------
    types
        By type number, what ids are assigned from.
    decider
        Decides on these states.
    """

    def __init__(self, machine: Machine, scale: Scale, named: Named, *, linked: bool = False) -> None:
        self._machine = machine
        self._named = named
        self.types = tuple(mark_type(node_type, named, linked=linked) for node_type in machine.types)
        self._nodes = [(ids, machine.mask_of(ids)) for name, ids in named if name == "node"]
        self.rankings = Rankings(NodeSolver(scale, machine.levels, by_model=True), machine.types)
        self.decider = Decider(machine, self.rankings)

    def classes(self, changes: Changes, state: PoolState) -> Classes:
        """Return the nodes that are up, by marked state."""
        found: dict[DomainState, int] = {}
        for number, free, nodes in changes.alike(state, Packed.of(state.up)):
            for marked, part in self._split(number, nodes):
                here = arrange(marked, free.cores, free.gpus, free.used).state
                found[here] = found.get(here, 0) | part
        return immutables.Map(found)

    def _split(self, number: int, nodes: int) -> Iterator[tuple[MarkedType, int]]:
        """Yield the nodes of a type by the node idsets that they match."""
        parts: list[tuple[tuple[str, ...], int]] = [((), nodes)]
        for ids, mask in self._nodes:
            parts = [
                (marks, part)
                for before, all_of in parts
                for marks, part in (((*before, mark("node", ids)), all_of & mask), (before, all_of & ~mask))
                if part
            ]
        for marks, part in parts:
            node_type = self.types[number]
            own = node_type.marks
            yield (replace(node_type, marks=((*marks, *own[0]), *own[1:])) if marks else node_type), part


def mark_type(node_type: NodeType, named: Named, *, linked: bool = False) -> MarkedType:
    """Return a node type that tells apart what the idsets tell apart; its domains keep their places.

    Parameters
    ----------
    linked
        Whether each GPU is told apart, where they are not all joined alike.
    """
    linked = linked and bool(node_type.links)
    domains = list(node_type.domains)
    marks = [
        tuple(mark(name, ids) for name, ids in named if name == domain.level != "node" and domain.number in ids)
        for domain in node_type.domains
    ]
    for domain in node_type.domains:
        parts = [*_parts(domain.own_cores, "core", named), *_parts(domain.own_gpus, "gpu", named)]
        if linked:
            parts = [one for part in parts for one in _each_gpu(part)]
        if len(parts) <= (domain.own_cores > 0) + (domain.own_gpus > 0) and not any(part.marks for part in parts):
            continue
        children = []
        for part in parts:
            children.append(len(domains))
            domains.append(_unnamed(domain, len(domains), part))
            marks.append(part.marks)
        index = domain.index
        domains[index] = domain._replace(own_cores=0, own_gpus=0, children=(*domain.children, *children))
    if linked:
        marks[0] = (*marks[0], links_mark(node_type.links))
    return MarkedType(tuple(domains), node_type.levels, node_type.links, tuple(marks))


@dataclass(frozen=True)
class _Part:
    """Ids of a kind that match the same idsets."""

    kind: str
    ids: int
    marks: tuple[str, ...]


def _each_gpu(part: _Part) -> Iterator[_Part]:
    """Yield the GPUs of a part one by one, each marked with its id; cores as they are."""
    if part.kind != "gpu":
        yield part
        return
    for number in IdSet.from_mask(part.ids):
        yield _Part("gpu", 1 << number, (*part.marks, gpu_mark(number)))


def _parts(ids: int, kind: str, named: Named) -> list[_Part]:
    parts = [_Part(kind, ids, ())] if ids else []
    for name, matching in named:
        if name == kind:
            mask = (matching & IdSet.from_mask(ids)).mask()
            split: list[_Part] = []
            for part in parts:
                for some, marks in (
                    (part.ids & mask, (*part.marks, mark(kind, matching))),
                    (part.ids & ~mask, part.marks),
                ):
                    if some:
                        split.append(_Part(kind, some, marks))
            parts = split
    return parts


def _unnamed(domain: Domain, index: int, part: _Part) -> Domain:
    cores = part.ids if part.kind == "core" else 0
    gpus = part.ids if part.kind == "gpu" else 0
    return Domain(
        level=UNNAMED,
        index=index,
        number=0,
        parent=domain.index,
        children=(),
        cores=cores,
        gpus=gpus,
        own_cores=cores,
        own_gpus=gpus,
        memory=None,
        storage=None,
        resources=(),
        whole=False,
    )
