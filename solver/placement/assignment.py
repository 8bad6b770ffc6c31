"""From counts in normal form to ids on a real node: the lowest free ids of each domain.

The normal form has the domains of a node in a fixed order, and `arrange` says which domain of the node stands at which
place. All nodes that are free alike get the same ids, so a plan is carried out once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...grammar.memory import Memory
from ...topology.tree import Domain, NodeType
from ..node.plan import NodePlan, NodeSolution, Share, SlotPlan
from ..state.domain_state import Used, amounts_of, arrange
from ..state.holdings import NodeFree, NodeHolding, SlotHolding
from ..state.node_classes import Packed, lowest

REMEMBERED = 2000
"""Plans that are remembered with what they give on a node: jobs like those that were there come again."""

NOWHERE = Packed(0, 0)


class _Node:
    """One node while a plan is carried out on it."""

    def __init__(self, node_type: NodeType, free: NodeFree) -> None:
        self.domains = node_type.domains
        self.order = arrange(node_type, free.cores, free.gpus, free.used).order
        self.cores = free.cores
        self.gpus = free.gpus
        self.taken: dict[tuple[int, str], int] = {}

    def take(self, plan: SlotPlan, *, anywhere: bool = False) -> tuple[int, int, Used]:
        """Take what a slot is to have; return its cores, GPUs and amounts."""
        cores = gpus = 0
        if len(plan.shares) == 1 and not plan.wholes and not plan.shares[0].amounts:
            share = plan.shares[0]
            domain = self.domains[self.order[share.place]]
            cores = lowest(self.cores & (domain.cores if anywhere else domain.own_cores), share.cores)
            gpus = lowest(self.gpus & (domain.gpus if anywhere else domain.own_gpus), share.gpus)
            self.cores ^= cores
            self.gpus ^= gpus
            return cores, gpus, ()
        used: dict[tuple[int, str], int] = {}
        for place in plan.wholes:
            whole = self.domains[self.order[place]]
            cores |= whole.cores
            gpus |= whole.gpus
            used.update(self._all_amounts(whole))
        for share in plan.shares:
            domain = self.domains[self.order[share.place]]
            cores |= lowest(self.cores & ~cores & (domain.cores if anywhere else domain.own_cores), share.cores)
            gpus |= lowest(self.gpus & ~gpus & (domain.gpus if anywhere else domain.own_gpus), share.gpus)
            self._add_amounts(used, domain, share)
        self.cores &= ~cores
        self.gpus &= ~gpus
        self.taken.update({key: max(amount, self.taken.get(key, 0)) for key, amount in used.items()})
        return cores, gpus, tuple((index, name, amount) for (index, name), amount in sorted(used.items()))

    def beyond(self, plan: SlotPlan, cores: int, gpus: int) -> tuple[int, ...]:
        """Return the domains that give amounts to a slot and none of its cores and GPUs, in them or below."""
        giving = (self.domains[self.order[share.place]] for share in plan.shares if share.amounts)
        return tuple(sorted(domain.index for domain in giving if not (domain.cores & cores or domain.gpus & gpus)))

    def _all_amounts(self, whole: Domain) -> dict[tuple[int, str], int]:
        inside = _inside(self.domains, whole.index)
        return {(domain.index, name): total for domain in inside for name, total in amounts_of(domain)}

    @staticmethod
    def _add_amounts(used: dict[tuple[int, str], int], domain: Domain, share: Share) -> None:
        for name, amount in share.amounts:
            used[domain.index, name] = used.get((domain.index, name), 0) + amount


def _inside(domains: Sequence[Domain], index: int) -> list[Domain]:
    """Return a domain and all below it."""
    inside = [domains[index]]
    for domain in inside:
        inside.extend(domains[child] for child in domain.children)
    return inside


def _lowest_ids(slot: SlotHolding) -> tuple[bool, int, int]:
    """Return the bits of a slot's lowest core and GPU, to sort by; slots without cores come last."""
    return slot.cores == 0, slot.cores & -slot.cores, slot.gpus & -slot.gpus


def assign(
    node_type: NodeType, free: NodeFree, solution: NodeSolution, nodes: int, *, slot_part: str = ""
) -> NodeHolding:
    """Carry out a solution's plan on nodes that are free alike.

    Parameters
    ----------
    nodes
        Bitmask of positions.
    slot_part
        The label of the slot that has other nodes too; empty for none.
    """
    key = (id(node_type), free, id(solution), slot_part)
    known = _known.get(key)
    if known is None:
        known = _known[key] = (node_type, solution, _carried_out(node_type, free, solution.plan, slot_part))
    return NodeHolding(Packed.of(nodes), *known[2][1:])


_known: Memory[tuple[int, NodeFree, int, str], tuple[NodeType, NodeSolution, NodeHolding]] = Memory(REMEMBERED)
"""What plans give, on no nodes yet: by the identity of the type and the solution, which are kept with it."""


def _carried_out(node_type: NodeType, free: NodeFree, plan: NodePlan, slot_part: str) -> NodeHolding:
    """Return what a plan gives on a node that is free so; of nodes nothing is said."""
    node = _Node(node_type, free)
    slots: list[SlotHolding] = []
    all_cores = all_gpus = 0
    total: dict[tuple[int, str], int] = {}
    for slot in plan.slots:
        cores, gpus, used = node.take(slot, anywhere=plan.lowest)
        whole = not slot_part or slot.label != slot_part
        beyond = node.beyond(slot, cores, gpus) if used else ()
        slots.append(SlotHolding(slot.label, cores, gpus, used, slot.outside, whole, beyond))
        all_cores |= cores
        all_gpus |= gpus
        for index, name, amount in used:
            total[index, name] = total.get((index, name), 0) + amount
    # As those read them who deal out ids in order; plans have them as they were found.
    slots.sort(key=_lowest_ids)
    if not (total or plan.held.shares or plan.held.wholes):
        return NodeHolding(NOWHERE, all_cores, all_gpus, slots=tuple(slots), outside=plan.held.outside)
    cores, gpus, used = node.take(plan.held)
    inside = {d.index for place in plan.held.wholes for d in _inside(node_type.domains, node.order[place])}
    for index, name, amount in used:
        before = total.get((index, name), 0)
        total[index, name] = max(before, amount) if index in inside else before + amount
    there = {(d.index, name): most for d in node_type.domains for name, most in amounts_of(d)} if total else {}
    amounts = tuple((index, name, min(n, there[index, name])) for (index, name), n in sorted(total.items()))
    rest = tuple(part for part in used if part[0] not in inside)  # What is whole goes without saying.
    return NodeHolding(NOWHERE, all_cores | cores, all_gpus | gpus, amounts, tuple(slots), rest, plan.held.outside)
