"""A batch placed greedily, one job after the other: the incumbent with which the joint search starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...topology.rset import write_R
from ..allocator import Allocator
from ..cpsat.budget import Budget
from ..errors import InfeasibleRequest, InsufficientResources
from ..state.holdings import NodeHolding
from ..state.node_classes import bits, mask_of
from .occupancy import Occupancy, Occupied
from .room import Inner, Node, rooms
from .wants import BatchJob, Want

_FIRST, _HIDDEN = -2, -1
"""Ids of jobs in the trial, that no real job has."""

JOB_STEPS = 500
"""What it costs to place a job, beside what its decision counts."""


def one_by_one(
    pool: Allocator, jobs: Sequence[BatchJob], wants: Mapping[int, Want], nodes: Sequence[Node], budget: Budget
) -> Occupancy:
    """Return where jobs stand that are placed in the order of their weights, those that do not fit passed over.

    Parameters
    ----------
    pool
        Which stays as it is.
    jobs, wants
        The batch.
    nodes
        Those that may be used.
    budget
        When it is used up no further job is tried.
    """
    here = {node.position: node for node in nodes}
    trial = _cut(pool, here)
    found: dict[int, tuple[Occupied, ...]] = {}
    for job in sorted(jobs, key=lambda job: -job.weight):
        if not budget.left:
            break
        budget.charge(JOB_STEPS)
        decision = budget.at_most(pool.options.time_limit)
        try:
            allocation = trial.alloc(_FIRST - len(found), job.request, budget=decision)
        except (InsufficientResources, InfeasibleRequest):
            continue
        found[job.id] = _occupied(allocation.holdings, wants[job.id], here)
    return found


def _cut(pool: Allocator, here: Mapping[int, Node]) -> Allocator:
    """Return a copy of a pool in which no more is free than these nodes have."""
    trial = pool.copy()
    trial.mark_down(pool.up_mask & ~mask_of(here))
    hidden = []
    for node in rooms(pool):
        kept = here.get(node.position)
        if kept is not None and (kept.cores, kept.gpus) != (node.cores, node.gpus):
            hidden.append((1 << node.position, node.cores & ~kept.cores, node.gpus & ~kept.gpus))
    if hidden:
        trial.register_alloc(_HIDDEN, write_R(pool.machine, hidden))
    return trial


def _occupied(holdings: Sequence[NodeHolding], want: Want, here: Mapping[int, Node]) -> tuple[Occupied, ...]:
    found = []
    for holding in holdings:
        for position in bits(holding.nodes):
            node = here[position]
            slots = [(slot.cores, slot.gpus) for slot in holding.slots]
            inside = tuple(
                0 if want.whole else sum(_is_in(domain, cores, gpus) for cores, gpus in slots)
                for domain in node.domains
            )
            found.append(Occupied(node, want.slots if want.hosts else len(slots), inside))
    return tuple(found)


def _is_in(domain: Inner, cores: int, gpus: int) -> bool:
    """Tell whether a slot has of a domain, or of one inside it, all that domains of its level have."""
    touches = bool(domain.cores & cores if domain.has_cores and cores else domain.gpus & gpus)
    return (
        touches and not (domain.has_cores and cores & ~domain.cores) and not (domain.has_gpus and gpus & ~domain.gpus)
    )
