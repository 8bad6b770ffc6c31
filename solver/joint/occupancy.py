"""Where jobs of a batch stand, as counts on nodes and domains, and what that is worth in the policy's terms.

The model's solution and a placement one by one are both read as such counts, so that they can be compared, and the
better is the incumbent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...topology.machine import Machine
from .room import Node
from .wants import Want


@dataclass(frozen=True, slots=True)
class Occupied:
    """What a job has of one node.

    Attributes
    ----------
    node
        Which.
    slots
        How many.
    inside
        How many of them stand in each of the node's domains; those in a domain stand in the ones around it as well.
    """

    node: Node
    slots: int
    inside: tuple[int, ...]

    def only_in(self, place: int) -> int:
        """Return how many slots stand in a domain (-1: the node) and in none below it."""
        below = sum(self.inside[at] for at, domain in enumerate(self.node.domains) if domain.parent == place)
        return (self.slots if place < 0 else self.inside[place]) - below


Occupancy = Mapping[int, tuple[Occupied, ...]]
"""By job id."""


def terms_of(machine: Machine) -> tuple[str, ...]:
    """Return the names of a batch's terms, the first compared first."""
    return (
        "weight",
        "partial",
        *(f"affinity.{level}" for level in machine.levels),
        "spread.node",
        "intact.node",
        "fit.node",
    )


def value_of(
    machine: Machine, occupancy: Occupancy, wants: Mapping[int, Want], weights: Mapping[int, int]
) -> tuple[int, ...]:
    """Return the value of each term."""
    everything = [(wants[job], occupied) for job, some in occupancy.items() for occupied in some]
    torn = []
    for level in machine.levels:
        count = 0
        for want, occupied in everything:
            here = [at for at, domain in enumerate(occupied.node.domains) if domain.level == level]
            if here and not want.whole:
                count += occupied.slots - sum(occupied.inside[at] for at in here)
        torn.append(count)
    partial = sum(_partly(want, occupied) for want, occupied in everything)
    nodes = {occupied.node.position: occupied.node for _, occupied in everything}
    return (
        sum(weights[job] for job in occupancy),
        partial,
        *torn,
        len(everything),
        sum(node.is_idle for node in nodes.values()),
        sum(node.cores.bit_count() for node in nodes.values()),
    )


def _partly(want: Want, occupied: Occupied) -> int:
    """Return how many domains a job has whole on a node of which R lists only a part."""
    node = occupied.node
    if want.whole:
        return int(not node.type.domains[0].whole)
    domains = enumerate(node.domains) if want.fills else ()
    return sum(occupied.inside[at] for at, domain in domains if domain.level == want.level and not domain.whole)
