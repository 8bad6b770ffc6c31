"""What one node of a state can do for a request, as in cutting stock: at most one node vertex, and any loose units.

Each pattern is one bundle, so its best plan and cost come from the node's solver. In a group that is taken whole every
node is taken whole, by what stands below the group's vertex or, as its *fill*, for the group alone. What stands there
is then the least that the node must have, or what slots inside take of it. There is a solve for each state and
combination of units that fits on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...cpsat.budget import Budget, CutOff
from ...demand.demand import Bundle, GroupDemand, HostDemand, Kind, Want
from ...node.plan import NodeSolution
from ...node.slot_parts import other_parts
from ...node.solver import NodeSolver
from ...state.domain_state import DomainState

PATTERN_STEPS = 20
"""What a pattern costs beside what its node's best takes."""


@dataclass(frozen=True)
class Placed:
    """A host demand, and the group demand that it stands below.

    Attributes
    ----------
    number
        Place among all host demands of the request.
    demand
        What is asked.
    parent
        Number of the group demand; 0 is the root.
    slot
        The label of the slot of several nodes of which these are; empty when there is none.
    whole
        Number of the nearest group demand around it that is taken whole.
    implied
        Whether the nodes are taken whole for `whole` alone: they are not asked for whole themselves.
    is_fill
        Whether these are the nodes that `whole` takes for itself, however many there are.
    """

    number: int
    demand: HostDemand
    parent: int
    slot: str = ""
    whole: int | None = None
    implied: bool = False
    is_fill: bool = False


@dataclass(frozen=True)
class Pattern:
    """What a node does.

    Attributes
    ----------
    host
        Number of the node vertex that it stands for, or None.
    units
        (number of a loose demand, units), as far as above zero.
    solution
        The best way.
    whole
        Number of the group demand that takes the node whole, if one does.
    """

    host: int | None
    units: tuple[tuple[int, int], ...]
    solution: NodeSolution
    whole: int | None = None


def flatten(root: GroupDemand) -> tuple[list[tuple[GroupDemand, int]], list[Placed]]:
    """Return all group demands with the number of the one above, and all host demands."""
    groups: list[tuple[GroupDemand, int]] = [(root, 0)]
    hosts: list[Placed] = []
    for number, (group, _) in enumerate(groups):
        groups.extend((below, number) for below in group.groups)
        whole = _whole_around(groups, number)
        for host in group.hosts:
            slot = host.bundle.slot if host.bundle.slot_part else ""
            implied = whole is not None and not host.loose and not host.bundle.whole
            if whole is not None and not host.loose:
                host = replace(host, bundle=_in_whole(host.bundle, groups[whole][0].slot))
            hosts.append(Placed(len(hosts), host, number, slot, whole, implied))
        if group.whole:
            fill = HostDemand(Bundle((), whole=True, slot=group.slot, slot_part=bool(group.slot)), 0)
            hosts.append(Placed(len(hosts), fill, number, group.slot, number, implied=True, is_fill=True))
    return groups, hosts


def _whole_around(groups: Sequence[tuple[GroupDemand, int]], number: int) -> int | None:
    while number and not groups[number][0].whole:
        number = groups[number][1]
    return number or None


def _in_whole(bundle: Bundle, slot: str) -> Bundle:
    """Return what a node must give in a group that is taken whole.

    Parameters
    ----------
    slot
        The label of the slot that takes the group; empty when the job does.
    """
    if bundle.whole:
        return bundle
    wants = bundle.wants
    if bundle.slot and bundle.slot != slot:
        wants = (Want(Kind.SLOT, "slot", 1, label=bundle.slot, wants=wants),)
    return bundle.but(wants=wants, whole=True, slot=slot, slot_part=bundle.slot_part or bool(slot))


class PatternLister:
    """Lists what nodes can do for a request.

    Parameters
    ----------
    hosts
        All host demands.
    limits
        For each of them, how many nodes or units the request has in all.
    share
        Of what is left of the budget, how much the search of one pattern may take.

    Attributes
    ----------
    incomplete
        Whether anything was left out, as its search was cut off before it was known whether a node can do it.
    """

    def __init__(
        self,
        hosts: Sequence[Placed],
        limits: Sequence[int],
        node_solver: NodeSolver,
        budget: Budget,
        share: float = 1.0,
    ) -> None:
        self.incomplete = False
        self._share = share
        self._hosts = hosts
        self._limits = limits
        self._node_solver = node_solver
        self._budget = budget
        self._contexts: dict[int | None, tuple[list[Placed], list[Placed]]] = {None: ([], [])}
        for placed in hosts:
            distinct, loose = self._contexts.setdefault(placed.whole, ([], []))
            (loose if placed.demand.loose else distinct).append(placed)

    def of(self, state: DomainState) -> list[Pattern]:
        """Return all that a node of a state can do, but for what is not known (`incomplete`)."""
        patterns: list[Pattern] = []
        for whole, (distinct, loose) in self._contexts.items():
            for host in (*distinct, None) if whole is None else distinct:
                self._extend(state, host, loose, (), patterns)
        return patterns

    def _extend(
        self,
        state: DomainState,
        host: Placed | None,
        loose: Sequence[Placed],
        units: tuple[tuple[int, int], ...],
        found: list[Pattern],
    ) -> bool:
        """Add the patterns that go on from some units; tell whether the units alone fit."""
        if loose:
            number = loose[0].number
            for count in range(min(self._limits[number], state.room) + 1):
                more = (*units, (number, count)) if count else units
                if not self._extend(state, host, loose[1:], more, found):
                    return count > 0
            return True
        if host is None and not units:
            return True
        self._budget.spend(PATTERN_STEPS)
        bundle = self._bundle(host, units)
        try:
            solution = None if bundle is None else self._node_solver.best(state, bundle, self._budget.part(self._share))
        except CutOff:
            self.incomplete = self._node_solver.inexact = True
            return False
        if bundle is not None and solution is not None:
            number_of_host, whole = (None, None) if host is None else (host.number, host.whole)
            solutions = [solution, *other_parts(state, bundle, solution, self._node_solver, self._budget)]
            found += [Pattern(number_of_host, units, one, whole) for one in solutions]
        return solution is not None

    def _bundle(self, host: Placed | None, units: tuple[tuple[int, int], ...]) -> Bundle | None:
        """Return what a node must give; None where that cannot be on one node."""
        loose = [(self._hosts[number].demand.bundle, count) for number, count in units]
        if host is None and len(loose) == 1:
            return loose[0][0].times(loose[0][1])
        wants = tuple(want for bundle, count in loose for want in bundle.times(count).wants)
        if host is None:
            return Bundle((), beside=wants)
        bundle = host.demand.bundle
        if not wants:
            return bundle
        if host.whole is None:
            return bundle.but(beside=wants)
        if bundle.slot:
            # The slot has the group, and so the node, whole: what else it asks for is the least that must be there.
            if any(want.label != bundle.slot or want.count > 1 for want in wants):
                return None
            wants = tuple(below for want in wants for below in want.wants)
        return bundle.but(wants=(*bundle.wants, *wants), whole=True)
