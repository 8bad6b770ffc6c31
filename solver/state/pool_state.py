"""What a pool knows of the present: what is free, what is up, who holds what. A value; changes make a new one.

The maps are persistent: a new state shares nearly all with the old one, so that copies and undone changes cost
nothing, and nothing is half changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import immutables

from ...grammar.bits import lowest_bit
from ...grammar.collecting import uncollected
from ...topology.machine import Machine
from .domain_state import DomainState, arrange
from .holdings import NodeFree, NodeHolding, minus, plus
from .node_classes import Classes, Packed, bits, mask_of, moved

MANY = 16
"""Jobs from which it is quicker to let them end node by node than one after the other."""


class Job(NamedTuple):
    """A job that holds resources.

    Attributes
    ----------
    end_time
        Seconds since the epoch; 0 when it has no end.
    holdings
        What it holds, no node twice.
    group_used
        What it holds of groups' own amounts: (group index, resource, amount).
    """

    end_time: float
    holdings: tuple[NodeHolding, ...]
    group_used: tuple[tuple[int, str, int], ...] = ()

    @property
    def nodes(self) -> int:
        """Bitmask of the positions on which it holds anything."""
        nodes = 0
        for holding in self.holdings:
            nodes |= holding.nodes
        return nodes


class PoolState(NamedTuple):
    """The present of a pool.

    Attributes
    ----------
    touched
        What is free of the nodes of which something is held; the others are all free.
    classes
        The nodes that are up, by state.
    up
        Bitmask of the positions that are up.
    jobs
        By job id.
    group_used
        What jobs hold of groups' own amounts.
    generation
        Goes up with every change.
    """

    touched: immutables.Map[int, NodeFree]
    classes: Classes
    up: int
    jobs: immutables.Map[int, Job]
    group_used: immutables.Map[tuple[int, str], int]
    generation: int = 0


def _lowest_position(alike: tuple[int, NodeFree, int]) -> int:
    return lowest_bit(alike[2]).bit_length()


class Changes:
    """Makes new states of one machine from old ones.

    Parameters
    ----------
    machine
        Whose nodes they are.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._everyone = machine.all
        self._idle = tuple(NodeFree(node_type.cores, node_type.gpus) for node_type in machine.types)
        with uncollected():
            self._idle_states = tuple(
                arrange(node_type, free.cores, free.gpus).state
                for node_type, free in zip(machine.types, self._idle, strict=True)
            )

    def initial(self) -> PoolState:
        """Return the state in which all is free and up."""
        return PoolState(
            immutables.Map(), self.idle_classes(self.machine.all), self.machine.all, immutables.Map(), immutables.Map()
        )

    def idle_classes(self, nodes: int) -> Classes:
        """Return the classes of some nodes when all is free."""
        found: dict[DomainState, int] = {}
        for mask, state in zip(self.machine.type_masks, self._idle_states, strict=True):
            if mask & nodes:
                found[state] = found.get(state, 0) | (mask & nodes)
        return immutables.Map(found)

    def free_of(self, state: PoolState, position: int) -> NodeFree:
        """Return what is free of a node."""
        return state.touched.get(position) or self._idle[self.machine.type_of[position]]

    def alike(self, state: PoolState, packed: Packed) -> list[tuple[int, NodeFree, int]]:
        """Group nodes that are free alike: (type, what is free, bitmask), in the order of their lowest positions."""
        nodes = packed.mask
        if packed.bits == 1:
            number = self.machine.type_of[packed.first]
            return [(number, state.touched.get(packed.first) or self._idle[number], nodes)]
        found: dict[tuple[int, NodeFree], int] = defaultdict(int)
        untouched = nodes
        touched = state.touched
        if len(touched) < nodes.bit_count():
            nodes &= mask_of(touched)
        for position in bits(nodes):
            free = touched.get(position)
            if free is not None:
                found[self.machine.type_of[position], free] |= 1 << position
                untouched ^= 1 << position
        for number, mask in enumerate(self.machine.type_masks if untouched else ()):
            if mask & untouched:
                found[number, self._idle[number]] |= mask & untouched
        alike = [(number, free, mask) for (number, free), mask in found.items()]
        if len(alike) > 1:
            alike.sort(key=_lowest_position)
        return alike

    def take(self, state: PoolState, holdings: Iterable[NodeHolding]) -> tuple[PoolState, list[DomainState]]:
        """Return the state after some nodes gave what is to be held, and the states that nodes came into."""
        changes = [
            (number, before, NodeFree(before.cores & ~h.cores, before.gpus & ~h.gpus, plus(before.used, h.used)), nodes)
            for h in holdings
            for number, before, nodes in self.alike(state, h.packed)
        ]
        return self._moved(state, changes)

    def give(self, state: PoolState, holdings: Iterable[NodeHolding]) -> tuple[PoolState, list[DomainState]]:
        """Return the state after some nodes got back what was held, and the states that nodes came into."""
        changes = []
        for h in holdings:
            for number, before, nodes in self.alike(state, h.packed):
                node_type = self.machine.types[number]
                cores = before.cores | (h.cores & node_type.cores)
                gpus = before.gpus | (h.gpus & node_type.gpus)
                changes.append((number, before, NodeFree(cores, gpus, minus(before.used, h.used)), nodes))
        return self._moved(state, changes)

    def _moved(
        self, state: PoolState, changes: list[tuple[int, NodeFree, NodeFree, int]]
    ) -> tuple[PoolState, list[DomainState]]:
        entered: list[DomainState] = []
        with state.touched.mutate() as touched, state.classes.mutate() as classes:
            for number, before, after, nodes in changes:
                if before == after:
                    continue
                node_type = self.machine.types[number]
                up = nodes & state.up
                if up:
                    old = arrange(node_type, before.cores, before.gpus, before.used).state
                    new = arrange(node_type, after.cores, after.gpus, after.used).state
                    moved(classes, old, new, up)
                    entered.append(new)
                if after == self._idle[number]:
                    for position in bits(nodes):
                        touched.pop(position)
                else:
                    for position in bits(nodes):
                        touched[position] = after
            new_touched, new_classes = touched.finish(), classes.finish()
        # `replace` takes twice as long, and this is done for every job that comes or goes.
        after_all = PoolState(new_touched, new_classes, state.up, state.jobs, state.group_used, state.generation)
        return after_all, entered

    def started(self, state: PoolState, jobid: int, job: Job) -> tuple[PoolState, list[DomainState]]:
        """Return the state in which a job holds what it got, and the states that nodes came into."""
        state, entered = self.take(state, job.holdings)
        used = state.group_used
        for group, name, amount in job.group_used:
            used = used.set((group, name), used.get((group, name), 0) + amount)
        jobs = state.jobs.set(jobid, job)
        return PoolState(state.touched, state.classes, state.up, jobs, used, state.generation), entered

    def returned(
        self, state: PoolState, jobid: int, back: Job, left: Job | None
    ) -> tuple[PoolState, list[DomainState]]:
        """Return the state after a job gave back a part; without one that is left, all, and it is forgotten."""
        state, entered = self.give(state, back.holdings)
        used = state.group_used
        for group, name, amount in back.group_used:
            rest = used[group, name] - amount
            used = used.set((group, name), rest) if rest else used.delete((group, name))
        jobs = state.jobs.delete(jobid) if left is None else state.jobs.set(jobid, left)
        return PoolState(state.touched, state.classes, state.up, jobs, used, state.generation), entered

    def ended(self, state: PoolState, jobs: Iterable[int]) -> PoolState:
        """Return the state after jobs have ended; those that hold nothing are passed over."""
        over = [jobid for jobid in jobs if jobid in state.jobs]
        if len(over) >= MANY:
            return self._ended_at_once(state, over)
        for jobid in over:
            state, _ = self.returned(state, jobid, state.jobs[jobid], None)
        return state

    def _ended_at_once(self, state: PoolState, over: Sequence[int]) -> PoolState:
        """Do the same node by node: one that many of the jobs share comes into its last state alone."""
        after: dict[int, NodeFree] = {}
        used = state.group_used
        known = state.jobs
        for jobid in over:
            job = state.jobs[jobid]
            known = known.delete(jobid)
            for h in job.holdings:
                for position in bits(h.nodes):
                    free = after.get(position) or self.free_of(state, position)
                    whole = self._idle[self.machine.type_of[position]]
                    cores, gpus = free.cores | (h.cores & whole.cores), free.gpus | (h.gpus & whole.gpus)
                    after[position] = NodeFree(cores, gpus, minus(free.used, h.used))
            for group, name, amount in job.group_used:
                rest = used[group, name] - amount
                used = used.set((group, name), rest) if rest else used.delete((group, name))
        alike: dict[tuple[int, NodeFree, NodeFree], int] = defaultdict(int)
        for position, free in after.items():
            alike[self.machine.type_of[position], self.free_of(state, position), free] |= 1 << position
        state, _ = self._moved(state, [(*key, nodes) for key, nodes in alike.items()])
        return state._replace(jobs=known, group_used=used)

    def mark(self, state: PoolState, nodes: int, *, up: bool) -> tuple[PoolState, list[DomainState]]:
        """Return the state after nodes came up or went down, and the states that nodes came into."""
        there = nodes & state.up
        change = (nodes & self._everyone) ^ there if up else there
        entered: list[DomainState] = []
        with state.classes.mutate() as classes:
            for number, free, mask in self.alike(state, Packed.of(change)):
                held = arrange(self.machine.types[number], free.cores, free.gpus, free.used).state
                moved(classes, None if up else held, held if up else None, mask)
                if up:
                    entered.append(held)
            new_classes = classes.finish()
        return state._replace(classes=new_classes, up=state.up ^ change), entered
