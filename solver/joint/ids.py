"""From counts to ids: the lowest free ids, first of the innermost domains, what is torn from where most is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...topology.machine import Machine
from ...topology.rset import write_R
from ..state.node_classes import lowest
from .occupancy import Occupied
from .room import Node
from .wants import Want

if TYPE_CHECKING:
    from .batch import Batch

Slot = tuple[int, int]
"""Core mask, gpu mask."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a job holds of one node.

    Attributes
    ----------
    position
        Of the node.
    cores, gpus
        Bitmasks of all it holds.
    slots
        Of each slot.
    """

    position: int
    cores: int
    gpus: int
    slots: tuple[Slot, ...]


class _Left:
    """What is left of a node while jobs are given ids."""

    def __init__(self, node: Node) -> None:
        self.free = [node.cores, node.gpus]
        self._domains = node.domains
        insides = {domain.parent for domain in node.domains}
        self._innermost = [d for place, d in enumerate(node.domains) if place not in insides]

    def take(self, place: int, want: Want) -> Slot:
        """Take a slot that stands in a domain (-1: anywhere in the node), out of as few innermost ones as is easy."""
        if want.fills and place >= 0:
            cores, gpus = self._domains[place].cores, self._domains[place].gpus
            self.free = [self.free[0] & ~cores, self.free[1] & ~gpus]
            return cores, gpus
        return self._some(0, place, want.cores), self._some(1, place, want.gpus)

    def _some(self, kind: int, place: int, need: int) -> int:
        found = 0
        # Where a domain's level lists none, they come from the next around it.
        while place >= 0 and not (self._domains[place].has_gpus if kind else self._domains[place].has_cores):
            place = self._domains[place].parent
        while need:
            inside = self.free[kind] & self._mask(place, kind)
            best = max((inside & mask for mask in self._piles(kind)), key=int.bit_count, default=0) or inside
            some = lowest(best, need)
            if not some:
                raise RuntimeError(f"a batch gives more of a node than there is: {need} are missing")
            found |= some
            need -= some.bit_count()
            self.free[kind] &= ~some
        return found

    def _mask(self, place: int, kind: int) -> int:
        if place < 0:
            return -1
        return self._domains[place].gpus if kind else self._domains[place].cores

    def _piles(self, kind: int) -> list[int]:
        return [domain.gpus if kind else domain.cores for domain in self._innermost]


def holdings(
    occupancy: Mapping[int, Sequence[Occupied]], wants: Mapping[int, Want]
) -> tuple[dict[int, list[Held]], dict[int, Node]]:
    """Return what each job holds, and what is then left of the nodes, by position.

    Parameters
    ----------
    stands
        Of one batch, in which counts fit together.
    wants
        Of its jobs.
    """
    left: dict[int, _Left] = {}
    nodes: dict[int, Node] = {}
    slots: dict[tuple[int, int], list[Slot]] = {}
    everything = [(job, occupied) for job, some in occupancy.items() for occupied in some]
    for _, occupied in everything:
        nodes[occupied.node.position] = occupied.node
        left.setdefault(occupied.node.position, _Left(occupied.node))
    # What stands in a small domain is served first: the model has counted on it.
    for depth in range(max((len(occupied.node.domains) for _, occupied in everything), default=0) - 1, -2, -1):
        for job, occupied in everything:
            if depth < len(occupied.node.domains):
                mine = slots.setdefault((job, occupied.node.position), [])
                count = occupied.only_in(depth)
                mine += [left[occupied.node.position].take(depth, wants[job]) for _ in range(count)]
    found: dict[int, list[Held]] = {}
    for (job, position), mine in slots.items():
        cores = gpus = 0
        for slot in mine:
            cores, gpus = cores | slot[0], gpus | slot[1]
        if wants[job].whole:
            cores, gpus = nodes[position].type.cores, nodes[position].type.gpus
            left[position].free = [0, 0]
            mine = [(cores, gpus)] if wants[job].fills else mine
        found.setdefault(job, []).append(Held(position, cores, gpus, tuple(mine)))
    return found, {at: replace(nodes[at], cores=here.free[0], gpus=here.free[1]) for at, here in left.items()}


def batch_R(machine: Machine, batch: Batch, wants: Mapping[int, Want]) -> dict[int, dict[str, Any]]:
    """Return the R (RFC 20) of each job of a batch that was placed, by id."""
    held, _ = holdings(batch.occupancy, wants)
    certificate = {"status": batch.status.name, "terms": dict(batch.terms), "bound": dict(batch.bounds), "joint": True}
    return {job: _job_R(machine, parts, wants[job].label, certificate) for job, parts in held.items()}


def _job_R(machine: Machine, parts: Sequence[Held], label: str, certificate: Mapping[str, Any]) -> dict[str, Any]:
    from ...grammar.idset import mask_text

    alike: dict[tuple[int, int, tuple[Slot, ...]], int] = {}
    for part in parts:
        key = (part.cores, part.gpus, part.slots)
        alike[key] = alike.get(key, 0) | 1 << part.position
    placement = []
    for (_, _, slots), nodes in alike.items():
        entries = []
        for cores, gpus in slots:
            ids = {"cores": mask_text(cores) if cores else "", "gpus": mask_text(gpus) if gpus else ""}
            entries.append({"label": label, **{name: text for name, text in ids.items() if text}})
        placement.append({"ranks": str(machine.ids_of(nodes)), "slots": entries})
    return write_R(
        machine,
        [(nodes, cores, gpus) for (cores, gpus, _), nodes in alike.items()],
        nslots=sum(len(part.slots) for part in parts),
        scheduling_extra={"placement": placement, "certificate": dict(certificate)},
        cut_ids=True,
    )
