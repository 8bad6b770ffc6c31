"""The state of a pool on another machine: ranks, and what jobs hold on them, found again where they are there.

Positions change, ranks do not. What jobs hold is taken anew from an idle machine, which costs what there is to hold.
"""

from __future__ import annotations

from collections import Counter

import immutables

from ...grammar.bits import lowest_bit
from ...topology.machine import Machine
from .holdings import NodeHolding
from .node_classes import Packed
from .pool_state import Changes, Job, PoolState


def on_machine(changes: Changes, state: PoolState, old: Machine) -> PoolState:
    """Return the state of a pool of another machine on this one; jobs hold nothing of what only the other has.

    Parameters
    ----------
    changes
        Of this machine, whose states they make.
    state, old
        Of the other one.
    """
    machine = changes.machine

    def here(nodes: int) -> int:
        return machine.mask_of(old.ids_of(nodes))

    def group_here(index: int) -> int:
        """Return the group that has what is left of a group's nodes, -1 where nothing is left."""
        nodes = here(old.groups[index].members)
        group = machine.group_of[lowest_bit(nodes).bit_length() - 1] if nodes else -1
        while group >= 0 and machine.groups[group].level != old.groups[index].level:
            group = machine.groups[group].parent
        return group

    fresh = changes.initial()
    jobs: dict[int, Job] = {}
    for jobid, job in state.jobs.items():
        kept = tuple(h._replace(packed=Packed.of(here(h.nodes))) for h in job.holdings)
        used = [(group_here(group), name, amount) for group, name, amount in job.group_used]
        left = tuple(item for item in used if item[0] >= 0)
        jobs[jobid] = job._replace(holdings=tuple(h for h in kept if h.nodes), group_used=left)
    holdings: list[NodeHolding] = [h for job in jobs.values() for h in job.holdings]
    fresh, _ = changes.mark(fresh, machine.all & ~here(state.up), up=False)
    for holding in holdings:
        fresh, _ = changes.take(fresh, [holding])
    total = Counter[tuple[int, str]]()
    for job in jobs.values():
        for group, name, amount in job.group_used:
            total[group, name] += amount
    return fresh._replace(jobs=immutables.Map(jobs), group_used=immutables.Map(total), generation=state.generation)
