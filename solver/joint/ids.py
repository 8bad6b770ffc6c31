"""From counts to ids: the lowest free ids of each domain first, what crosses domains from where most is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...topology.machine import Machine
from ...topology.rset import write_R
from ..node_classes import lowest
from .batch import Batch, Stand
from .room import Node
from .wants import Want

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
        self.cores, self.gpus = node.cores, node.gpus
        self.leaves = [list(leaf) for leaf in node.leaves]

    def from_leaf(self, leaf: int, want: Want) -> Slot:
        """Take a slot out of one innermost domain."""
        cores, gpus = self.leaves[leaf]
        return self._take(lowest(cores, want.cores), lowest(gpus, want.gpus))

    def from_anywhere(self, want: Want) -> Slot:
        """Take a slot out of as few innermost domains as a greedy choice finds."""
        found = [0, 0]
        for kind, need in enumerate((want.cores, want.gpus)):
            while need:
                best = max(self.leaves, key=lambda leaf: leaf[kind].bit_count())
                some = lowest(best[kind], need)
                found[kind] |= some
                need -= some.bit_count()
                self._take(some if kind == 0 else 0, some if kind else 0)
        return found[0], found[1]

    def _take(self, cores: int, gpus: int) -> Slot:
        self.cores &= ~cores
        self.gpus &= ~gpus
        for leaf in self.leaves:
            leaf[0] &= ~cores
            leaf[1] &= ~gpus
        return cores, gpus


def holdings(
    stands: Mapping[int, Sequence[Stand]], wants: Mapping[int, Want]
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
    everything = [(job, stand) for job, some in stands.items() for stand in some]
    for job, stand in everything:
        position = stand.node.position
        nodes[position] = stand.node
        here = left.setdefault(position, _Left(stand.node))
        mine = slots.setdefault((job, position), [])
        for leaf, count in enumerate(stand.leaves):
            mine += [here.from_leaf(leaf, wants[job]) for _ in range(count)]
    # What stays in one domain is served first: the model has counted on it.
    for job, stand in everything:
        mine = slots[job, stand.node.position]
        here = left[stand.node.position]
        mine += [here.from_anywhere(wants[job]) for _ in range(stand.slots - len(mine))]
    found: dict[int, list[Held]] = {}
    for (job, position), mine in slots.items():
        cores = gpus = 0
        for slot in mine:
            cores, gpus = cores | slot[0], gpus | slot[1]
        if wants[job].whole:
            cores, gpus = nodes[position].type.cores, nodes[position].type.gpus
            left[position].cores = left[position].gpus = 0
            mine = mine if wants[job].cores or wants[job].gpus else [(cores, gpus)]
        found.setdefault(job, []).append(Held(position, cores, gpus, tuple(mine)))
    return found, {position: _rest(nodes[position], here) for position, here in left.items()}


def _rest(node: Node, left: _Left) -> Node:
    leaves = tuple((cores & left.cores, gpus & left.gpus) for cores, gpus in left.leaves)
    return replace(node, cores=left.cores, gpus=left.gpus, leaves=leaves)


def batch_R(machine: Machine, batch: Batch, wants: Mapping[int, Want]) -> dict[int, dict[str, Any]]:
    """Return the R (RFC 20) of each job of a batch that was placed, by id."""
    held, _ = holdings(batch.stands, wants)
    certificate = {"status": batch.status.name, "terms": dict(batch.terms), "bound": dict(batch.bounds), "joint": True}
    return {job: _job_R(machine, pieces, wants[job].label, certificate) for job, pieces in held.items()}


def _job_R(machine: Machine, pieces: Sequence[Held], label: str, certificate: Mapping[str, Any]) -> dict[str, Any]:
    from ...grammar.idset import mask_text

    alike: dict[tuple[int, int, tuple[Slot, ...]], int] = {}
    for piece in pieces:
        key = (piece.cores, piece.gpus, piece.slots)
        alike[key] = alike.get(key, 0) | 1 << piece.position
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
        nslots=sum(len(piece.slots) for piece in pieces),
        scheduling_extra={"placement": placement, "certificate": dict(certificate)},
    )
