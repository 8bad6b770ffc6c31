"""Jobs of which a pool is told, as after a reload: the classes of their nodes are kept up only when they are needed.

By the hundred thousand, jobs come before anything is decided, many to a node. What is free of a node, and so whether a
job may hold what it says, is always known; the state that the node is in takes longer to find than all else, and only
the last one is ever asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ...grammar.collecting import uncollected
from .domain_state import DomainState, arrange
from .holdings import NodeFree, plus
from .node_classes import bits, mask_of, moved
from .pool_state import Changes, Job, PoolState

Late = dict[int, NodeFree]
"""Positions that are in the wrong class, each with what was free of it when it came into that."""


def told(changes: Changes, state: PoolState, jobid: int, job: Job, late: Late) -> PoolState:
    """Return the state in which a job holds what it says, but for the classes.

    Parameters
    ----------
    late
        The positions are added to it. That does no harm where the state is not used.
    """
    with state.touched.mutate() as touched:
        for held in job.holdings:
            for _, before, nodes in changes.alike(state, held.packed):
                after = NodeFree(before.cores & ~held.cores, before.gpus & ~held.gpus, plus(before.used, held.used))
                if before != after:
                    for position in bits(nodes):
                        late.setdefault(position, before)
                        touched[position] = after
        new_touched = touched.finish()
    used = state.group_used
    for group, name, amount in job.group_used:
        used = used.set((group, name), used.get((group, name), 0) + amount)
    jobs = state.jobs.set(jobid, job)
    return PoolState(new_touched, state.classes, state.up, jobs, used, state.generation)


def settled(changes: Changes, state: PoolState, late: Mapping[int, NodeFree]) -> tuple[PoolState, list[DomainState]]:
    """Return the same state with all nodes in their classes, and the states that nodes came into."""
    alike: dict[tuple[int, NodeFree, NodeFree], list[int]] = defaultdict(list)
    up = mask_of(late) & state.up
    for position in bits(up):
        alike[changes.machine.type_of[position], late[position], changes.free_of(state, position)].append(position)
    entered: list[DomainState] = []
    with uncollected(), state.classes.mutate() as classes:
        for (number, before, after), positions in alike.items():
            if before != after:
                node_type = changes.machine.types[number]
                old = arrange(node_type, before.cores, before.gpus, before.used).state
                new = arrange(node_type, after.cores, after.gpus, after.used).state
                moved(classes, old, new, mask_of(positions))
                entered.append(new)
        new_classes = classes.finish()
    after_all = PoolState(state.touched, new_classes, state.up, state.jobs, state.group_used, state.generation)
    return after_all, entered
