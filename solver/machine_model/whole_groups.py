"""Groups that are taken whole: every node of the group, all free."""

from __future__ import annotations

from ..demand import Bundle, GroupDemand
from ..lexicographic import Budget
from ..offers import Offers
from ..selection import Field, Pick
from .cells import GroupTree


class WholeGroups:
    """What it costs to take a group whole, where that is possible."""

    def __init__(self, field: Field, tree: GroupTree, offers: Offers, budget: Budget) -> None:
        self._field = field
        self._tree = tree
        self._offers = offers
        self._budget = budget
        self._known: dict[tuple[int, str], list[Pick] | None] = {}

    def picks(self, group: int, demand: GroupDemand) -> list[Pick] | None:
        """Return all nodes of a group as picks; None when one of them is not wholly free, not up or not eligible."""
        key = (group, demand.slot)
        if key not in self._known:
            self._known[key] = self._picks(self._tree.groups[group].members, demand)
        return self._known[key]

    def _picks(self, members: int, demand: GroupDemand) -> list[Pick] | None:
        bundle = Bundle((), whole=True, slot=demand.slot, piece=bool(demand.slot) and members.bit_count() > 1)
        picks: list[Pick] = []
        for state, nodes in self._field.live():
            if nodes & members:
                offer = self._offers.offer(state, bundle, self._budget)
                if offer is None:
                    return None
                picks.append(Pick(nodes & members, offer))
        return picks if sum(pick.nodes.bit_count() for pick in picks) == members.bit_count() else None

    def cost(self, group: int, demand: GroupDemand) -> int | None:
        """Return the joint integer of taking a group whole; None when it cannot be."""
        picks = self.picks(group, demand)
        return None if picks is None else sum(pick.offer.cost * pick.nodes.bit_count() for pick in picks)
