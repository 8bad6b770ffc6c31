"""What one node gives to a bundle: which slot takes how much of which domain, with cost and lower bound.

A plan speaks of places in the normal form of a node (`DomainState.flat`) and of counts, so one plan serves every
node in that state. `placement.assignment` turns it into ids. Plans are made when they are first read, as most
solutions are compared by their cost alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Share(NamedTuple):
    """So many cores, GPUs and units of amounts that a domain lists itself.

    Attributes
    ----------
    place
        Index in ``DomainState.flat``.
    cores, gpus
        Counts.
    amounts
        (resource, MiB or units), sorted.
    """

    place: int
    cores: int = 0
    gpus: int = 0
    amounts: tuple[tuple[str, int], ...] = ()


class SlotPlan(NamedTuple):
    """One slot, or the part of a slot that stands on this node.

    Attributes
    ----------
    label
        The slot's; empty for what the job holds outside of its slots.
    shares
        What it takes of domains, by place.
    wholes
        Places of the domains that it takes whole.
    outside
        Amounts that it takes of a group above the node: (resource, amount).
    """

    label: str
    shares: tuple[Share, ...] = ()
    wholes: tuple[int, ...] = ()
    outside: tuple[tuple[str, int], ...] = ()


class NodePlan(NamedTuple):
    """What one node gives.

    Attributes
    ----------
    slots
        In the order of their lowest places.
    held
        What the job holds outside of its slots; whole domains here contain what slots inside them take.
    lowest
        Whether slots take the node's lowest free ids, wherever they stand: their shares then say how many, at place 0.
    """

    slots: tuple[SlotPlan, ...]
    held: SlotPlan = SlotPlan("")
    lowest: bool = False


class NodeSolution:
    """The best that nodes in one state can do for a bundle.

    Parameters
    ----------
    cost
        The policy's terms on this node, as a joint integer.
    bound
        What no placement beats; the cost itself, when the search was not cut off.
    make_plan
        Says how; asked once, and only for solutions that are taken. None of a kind that has a `plan` of its own.
    outside
        Amounts that the bundle asks for and that the node lists nowhere: they come from a group above, as
        (resource, amount).
    final
        Whether more time would not give another plan, be it one that is as good.
    """

    __slots__ = ("_make_plan", "_plan", "bound", "cost", "final", "outside")

    def __init__(
        self,
        cost: int,
        bound: int,
        make_plan: Callable[[], NodePlan] | None,
        outside: tuple[tuple[str, int], ...] = (),
        *,
        final: bool = True,
    ) -> None:
        self.cost = cost
        self.final = final
        self.bound = bound
        self.outside = outside
        self._make_plan = make_plan
        self._plan: NodePlan | None = None

    @property
    def plan(self) -> NodePlan:
        """What each such node gives."""
        if self._plan is None:
            assert self._make_plan is not None, "a kind of solution that is made without says its plan itself"
            self._plan, self._make_plan = self._make_plan(), None
        return self._plan

    def joined(self, other: NodeSolution) -> NodeSolution:
        """Return the better of two solutions of the same, this one where they are as good, with what both prove."""
        better = self if self.cost <= other.cost else other
        bound = min(better.cost, max(self.bound, other.bound))
        return NodeSolution(better.cost, bound, lambda: better.plan, better.outside, final=better.final)

    @property
    def proven(self) -> bool:
        """Whether no placement on such a node is better."""
        return self.cost == self.bound
