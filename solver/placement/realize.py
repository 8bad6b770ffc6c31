"""From a decision on classes to who holds what on real nodes.

A decision says which nodes follow which plan; here each plan is carried out on them, groups give their amounts, parts
of slots of several nodes get their slot's number, and the bounds of the decision become the certificate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from ...topology.machine import Machine
from ...topology.tree import NodeType
from ..demand.demand import Demand
from ..machine.model.cells import GroupTree
from ..machine.model.patterns import flatten
from ..machine.model.slots import slot_numbers
from ..machine.selection import Decision
from ..policy.scale import Scale
from ..state.domain_state import amounts_of
from ..state.holdings import NodeFree, NodeHolding
from ..state.node_classes import Packed, bits
from ..state.pool_state import Changes, Job, PoolState
from .allocation import Allocation
from .assignment import assign
from .certificate import bounded, proven
from .values import Values

GroupHeld = tuple[tuple[int, str, int], ...]
"""Amounts of groups' own: (group index, resource, amount)."""


def allocation_of(
    machine: Machine,
    changes: Changes,
    tree: GroupTree,
    scale: Scale,
    state: PoolState,
    demand: Demand,
    decision: Decision,
    types: Sequence[NodeType],
) -> Allocation:
    """Give real nodes what a decision gives to classes.

    Parameters
    ----------
    machine, changes, tree, scale
        The machine; what is free of its nodes; its groups with what they list; the policy on it.
    state
        In which the decision was made.
    types
        By type number, whose domains the plans of the decision mean.
    """
    single = demand.single
    slot_parts = single is None or single.bundle.slot_part
    hosts = flatten(demand.root)[1] if slot_parts else []
    holdings: list[NodeHolding] = []
    for pick in decision.picks:
        slot_part = hosts[pick.host].demand.bundle.part_label if hosts and pick.host is not None else ""
        for number, free, nodes in changes.alike(state, Packed.of(pick.nodes)):
            holdings.append(assign(types[number], free, pick.solution, nodes, slot_part=slot_part))
    group_held, group_used = decision.group_held, Counter[tuple[int, str]]()
    if tree.free:
        holdings, group_held = _beside(machine, tree, holdings, group_held)
        for group, name, amount in group_held:
            group_used.update({(layer, name): amount for layer in tree.layers(group, name)})
        group_used += _outside(machine, tree, holdings)
    numbers = decision.numbers
    if numbers is None:
        numbers = slot_numbers(demand, decision.picks, tree, scale) if slot_parts else {}
    # A choice that the machine's model did not make touches one group of each level: its node's.
    groups = {} if decision.modelled else dict.fromkeys(scale.group_names, 1)
    if decision.cost == decision.bound and not decision.most_sizes:
        proof = proven(scale, demand.sizes, decision.cost, groups)
    else:
        partials = scale.partials(decision.cost)
        values = Values(machine, partial(_free_of, changes, state), holdings, numbers, partials).of(scale)
        proof = bounded(demand.sizes, decision.most_sizes, values, {**scale.values(decision.bound), **groups})
    return Allocation(
        machine,
        tuple(holdings),
        demand.nslots,
        proof,
        _listed(group_used),
        group_held,
        numbers=numbers,
        expiration=machine.expiration,
    )


def parted(machine: Machine, tree: GroupTree, job: Job, nodes: int) -> tuple[Job, Job]:
    """Return what a job holds on some nodes, with what these have of groups above, and all else that it holds."""
    there = tuple(h._replace(packed=Packed.of(h.nodes & nodes)) for h in job.holdings if h.nodes & nodes)
    rest = tuple(h._replace(packed=Packed.of(h.nodes & ~nodes)) for h in job.holdings if h.nodes & ~nodes)
    if not job.group_used:
        return job._replace(holdings=there), job._replace(holdings=rest)
    used = Counter({(group, name): amount for group, name, amount in job.group_used})
    above = used & _outside(machine, tree, there)
    return (
        job._replace(holdings=there, group_used=_listed(above)),
        job._replace(holdings=rest, group_used=_listed(used - above)),
    )


def _listed(used: Mapping[tuple[int, str], int]) -> tuple[tuple[int, str, int], ...]:
    return tuple((group, name, amount) for (group, name), amount in sorted(used.items()))


def _outside(machine: Machine, tree: GroupTree, holdings: Sequence[NodeHolding]) -> Counter[tuple[int, str]]:
    """Return what nodes take of groups' own amounts: by group index and resource."""
    total: Counter[tuple[int, str]] = Counter()
    for holding in holdings:
        wanted = [*holding.outside, *(part for slot in holding.slots for part in slot.outside)]
        if wanted:
            for position in bits(holding.nodes):
                for name, amount in wanted:
                    for layer in tree.layers(machine.group_of[position], name):
                        total[layer, name] += amount
    return total


def _beside(
    machine: Machine, tree: GroupTree, holdings: Sequence[NodeHolding], held: GroupHeld
) -> tuple[list[NodeHolding], GroupHeld]:
    """Hold of the groups themselves what nodes take of these beside something of the same name of their own.

    An R that said it with the node would be read as the node's.
    """
    total: Counter[tuple[int, str]] = Counter()
    for group, name, amount in held:
        total[group, name] += amount
    kept = []
    for holding in holdings:
        wanted = [*holding.outside, *(part for slot in holding.slots for part in slot.outside)]
        lowest = (holding.nodes & -holding.nodes).bit_length() - 1
        own = {name for d in machine.type_at(lowest).domains for name, _ in amounts_of(d)} if wanted else set()
        twice = {name for name, _ in wanted} & own
        if twice:
            for name, amount in wanted:
                for position in bits(holding.nodes) if name in twice else ():
                    total[tree.layers(machine.group_of[position], name)[0], name] += amount
            slots = tuple(slot._replace(outside=_others(slot.outside, twice)) for slot in holding.slots)
            holding = holding._replace(slots=slots, outside=_others(holding.outside, twice))
        kept.append(holding)
    return kept, _listed(total)


def _others(amounts: tuple[tuple[str, int], ...], names: set[str]) -> tuple[tuple[str, int], ...]:
    return tuple((name, amount) for name, amount in amounts if name not in names)


def _free_of(changes: Changes, state: PoolState, holding: NodeHolding) -> NodeFree:
    """Return what was free of nodes that hold the same, which were alike."""
    return next(free for _, free, _ in changes.alike(state, holding.packed))
