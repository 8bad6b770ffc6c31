"""The best placement of equal slots of cores and GPUs on a node, or in a part of one, with little search.

Slots that can stay whole in the innermost domains are shared out by `packing`, which is exact. Where some have to be
torn, they are torn in the smallest domain that must tear them: the best of each child for each number of slots is
found the same way, and the numbers are shared out. In the domain itself `tearing` makes a placement and a lower bound;
only where these differ does the node's model search. Every answer is remembered by state, shape and number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...grammar.memory import Memory, PairMemory
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Bundle, FlatSlots, Kind, Want
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .lower_bounds import bound_of_slots
from .one_slot import best_of_one
from .packing import SlotShape, WholeSlots, below, combine
from .plan import NodePlan, NodeSolution, Share, SlotPlan
from .pricing import Shares, lineage
from .tearing import TornSlots, own_shares, shares_apart

Search = Callable[[DomainState, Bundle, Budget, bool], "NodeSolution | None"]
"""The node's model: of a domain, slots in it, and whether they count as GPU-less; raises CutOff."""


REMEMBERED = 100_000
"""Answers that each memory keeps."""

TORN_REMEMBERED = 500
"""Domains with slots to be torn of which the ways to tear them are kept: they are large, and serve other numbers of
the same slots."""


_Taken: TypeAlias = tuple[int, int, int, tuple[tuple[str, int], ...]]
"""The fields of a share."""


class SlotsSolution:
    """The best placement of so many equal slots in a domain.

    Attributes
    ----------
    cost, bound
        As a solution's.
    choice
        How many slots each child takes; None where slots are torn between children.
    torn
        The fields of the shares of the slots of a domain that known them, places counted from the domain.
    parts
        What each child gives, where slots are torn in some; where all stay whole it is found again by asking.
    final
        Whether more time would not give another placement.
    """

    __slots__ = ("bound", "choice", "cost", "final", "parts", "torn")

    def __init__(
        self,
        cost: int,
        bound: int,
        choice: tuple[int, ...] | None,
        torn: tuple[Shares, ...] | None = None,
        *,
        parts: tuple[SlotsSolution, ...] = (),
        final: bool = True,
    ) -> None:
        self.cost = cost
        self.bound = bound
        self.choice = choice
        # Plain tuples of numbers are no garbage to collect.
        self.torn: tuple[tuple[_Taken, ...], ...] | None = None
        if torn is not None:
            self.torn = tuple([tuple([(s.place, s.cores, s.gpus, s.amounts) for s in slot]) for slot in torn])
        self.parts = parts
        self.final = final

    @property
    def is_whole(self) -> bool:
        """Whether all slots stay whole, so that asking finds it again at once."""
        return self.torn is None and not self.parts


class EqualSlots:
    """Finds and remembers the best placements of equal slots.

    Parameters
    ----------
    scale
        The policy, for which `Scale.affinity_first` holds.
    search
        What is asked where nothing else is a proof.
    """

    def __init__(self, scale: Scale, search: Search) -> None:
        self._scale = scale
        self._search = search
        self._whole_slots = WholeSlots(scale)
        self._bests: PairMemory[tuple[SlotShape, int], DomainState, SlotsSolution] = PairMemory(REMEMBERED)
        self._known_torn: Memory[tuple[DomainState, SlotShape], TornSlots] = Memory(TORN_REMEMBERED)

    def whole(self, state: DomainState, shape: SlotShape, limit: int) -> int | None:
        """Return how many slots, up to a limit, can stay whole; None where the node's own resources allow no split."""
        split = self._whole_slots.split(state, shape, limit)
        return None if split is None else min(limit, len(split.costs) - 1)

    def whole_costs(self, state: DomainState, shape: SlotShape, limit: int) -> Sequence[int] | None:
        """Return what 0, 1, 2, ... slots cost, up to a limit at least and as far as all can stay whole.

        None where that is not known, since the node's own resources allow no split.
        """
        split = self._whole_slots.split(state, shape, limit)
        return None if split is None else split.costs

    def best(self, domain: DomainState, shape: SlotShape, count: int, budget: Budget) -> SlotsSolution:
        """Return the best placement of slots that the domain holds when they may be torn."""
        key = (shape, count)
        best = self._bests.at(key).get(domain)
        if best is None:
            best = self._all_whole(domain, shape, count)
            if best is not None:
                return best
            best = self._torn(domain, shape, count, budget)
            if best.final:
                self._bests.enter(key, domain, best)
        return best

    def _all_whole(self, domain: DomainState, shape: SlotShape, count: int) -> SlotsSolution | None:
        """Return the best placement where all slots can stay whole; the split that it is read off is remembered."""
        split = self._whole_slots.split(domain, shape, count)
        if split is None or len(split.costs) <= count:
            return None
        return SlotsSolution(split.costs[count], split.costs[count], split.choice(count))

    def _torn(self, domain: DomainState, shape: SlotShape, count: int, budget: Budget) -> SlotsSolution:
        """Tear slots in the children where they suffice, else in the domain itself."""
        sub = below(domain, shape)
        parts = sub is not None and sub.apart and not shape.apart and bool(self._scale.shares)
        if parts and sub is not None and not _is_even(domain, sub):
            sub = None  # how far the two stand apart is no matter of the domain alone
        if sub is not None and sum(sub.capacity(child) for child in domain.children) >= count:
            return self._in_children(domain, shape, sub, count, budget)
        if count == 1 and shape.cores and shape.gpus and self._scale.shares:
            best = self._one(domain, shape, budget)
            if best is not None:
                return best
        torn = self._torn_slots(domain, shape).best(count)
        apart = count * shares_apart(self._scale, domain, shape)
        bound = torn.cost
        if torn.bound != torn.cost:
            bound = bound_of_slots(self._scale, domain, count, shape.cores, shape.gpus) + apart
        if torn.bound is not None:
            bound = max(bound, torn.bound)
        if torn.cost == bound:
            return SlotsSolution(bound, bound, None, torn.slots)
        try:
            solution = self._search(domain, slots_bundle(shape, count), budget, shape.shielded)
        except CutOff:
            return SlotsSolution(torn.cost, bound, None, torn.slots, final=False)
        if solution is None:
            raise RuntimeError(f"{count} slots of {shape} do not fit into {domain}, which has room for them")
        slots = tuple(slot.shares for slot in solution.plan.slots)
        cost = solution.cost + apart
        return SlotsSolution(cost, max(bound, solution.bound + apart), None, slots, final=solution.final)

    def _one(self, domain: DomainState, shape: SlotShape, budget: Budget) -> SlotsSolution | None:
        try:
            one = best_of_one(self._scale, domain, shape, budget)
        except CutOff:
            return None
        return None if one is None else SlotsSolution(one[0], one[0], None, (one[1],))

    def _in_children(
        self, domain: DomainState, shape: SlotShape, sub: SlotShape, count: int, budget: Budget
    ) -> SlotsSolution:
        """Share slots out among children that suffice.

        Of what a child does for a number of slots a lower bound is enough, until the best way to share out takes it;
        then it is found, and only where it is not proven it is searched for.
        """
        parts = _Parts(self, domain.children, sub, count)
        searched: set[tuple[int, int]] = set()
        no_search = budget.at_most(0)
        while True:
            bounds, choices = combine(parts.bounds, count)
            if any(parts.find(i, n, no_search) for i, n in enumerate(choices[count])):
                continue
            pending = (
                (i, n) for i, n in enumerate(choices[count]) if not parts.known[i, n].final and (i, n) not in searched
            )
            found = next(pending, None)
            if found is None:
                break
            searched.add(found)
            parts.enter(*found, self.best(domain.children[found[0]], sub, found[1], budget))
        touch = self._scale.touch(domain)
        if shape.shielded and sub.cores != shape.cores:
            touch += self._scale.core_touch(domain)
        touch += count * own_shares(self._scale, domain, shape)
        touch += self._scale.lost_room(domain, count * shape.cores, count * shape.gpus)
        choice, cost = choices[count], bounds[count]
        if any(parts.known[i, n].cost != parts.known[i, n].bound for i, n in enumerate(choice)):
            costs, choices = combine(parts.costs(no_search), count)
            choice, cost = choices[count], costs[count]
        taken = tuple([parts.known[i, n] for i, n in enumerate(choice)])
        final = all(part.final for part in taken) and cost == bounds[count]
        return SlotsSolution(cost + touch, bounds[count] + touch, choice, parts=taken, final=final)

    def least(self, domain: DomainState, shape: SlotShape, count: int) -> SlotsSolution | int:
        """Return the best placement where it is known or all slots can stay whole; else what it costs at least."""
        known = self._bests.at((shape, count)).get(domain) or self._all_whole(domain, shape, count)
        if known is not None:
            return known
        bound = bound_of_slots(self._scale, domain, count, shape.cores, shape.gpus)
        return bound + count * shares_apart(self._scale, domain, shape)

    def _torn_slots(self, domain: DomainState, shape: SlotShape) -> TornSlots:
        known = self._known_torn.get((domain, shape))
        if known is None:
            known = self._known_torn[domain, shape] = TornSlots(self._scale, domain, shape)
        return known

    def solution(self, state: DomainState, flat: FlatSlots, budget: Budget) -> NodeSolution:
        """Return the best that a node does for slots that it has room for when they may be torn."""
        return _OfSlots(self, state, flat, self.best(state, SlotShape.of(flat), flat.count, budget))

    def plan(self, state: DomainState, flat: FlatSlots, best: SlotsSolution | None) -> NodePlan:
        """Return how a node gives the best placement of slots that it has room for; None is one of whole slots."""
        shape = SlotShape.of(flat)
        best = best or self._all_whole(state, shape, flat.count)
        assert best is not None, "all stay whole"
        shares = self._shares(state, 0, shape, flat.count, best)
        return NodePlan(tuple([SlotPlan(flat.label, slot) for slot in shares]))

    def _shares(
        self, domain: DomainState, place: int, shape: SlotShape, count: int, best: SlotsSolution
    ) -> list[Shares]:
        """Return what each of so many slots takes of a domain that stands at a place."""
        if not count:
            return []
        if best.torn is not None:
            return [
                tuple([Share(place + at, cores, gpus, more) for at, cores, gpus, more in slot]) for slot in best.torn
            ]
        sub = below(domain, shape)
        assert sub is not None
        assert best.choice is not None
        slots: list[Shares] = []
        at = place + 1
        for i, (child, n) in enumerate(zip(domain.children, best.choice, strict=True)):
            if n:
                part = best.parts[i] if best.parts else self._all_whole(child, sub, n)
                assert part is not None, "a part of what is whole is whole"
                slots += self._shares(child, at, sub, n, part)
            at += len(child.flat)
        own = Share(place, shape.cores - sub.cores, shape.gpus - sub.gpus)
        if own.cores or own.gpus:
            slots = [(own, *slot) for slot in slots or [()] * count]
        return slots


class _Parts:
    """What the children of a domain do for 0, 1, 2, ... slots: found where it is asked for, and bounded elsewhere.

    Attributes
    ----------
    bounds
        For each child, what so many slots cost at least; more than anything where there is no room for the others.
    known
        By child and number what was found.
    """

    def __init__(self, slots: EqualSlots, children: Sequence[DomainState], shape: SlotShape, count: int) -> None:
        self._slots = slots
        self._children = children
        self._shape = shape
        self.known: dict[tuple[int, int], SlotsSolution] = {}
        most = [min(count, shape.capacity(child)) for child in children]
        self._spare = spare = sum(most) - count
        self.bounds = [
            [_NEVER if n < top - spare else self._least(i, n) for n in range(top + 1)] for i, top in enumerate(most)
        ]

    def _least(self, child: int, number: int) -> int:
        if not number:
            self.known[child, 0] = _NOTHING
            return 0
        found = self._slots.least(self._children[child], self._shape, number)
        if isinstance(found, int):
            return found
        self.known[child, number] = found
        return found.bound

    def enter(self, child: int, number: int, found: SlotsSolution) -> None:
        """Note what a child does for so many slots."""
        self.known[child, number] = found
        self.bounds[child][number] = found.bound

    def find(self, child: int, number: int, budget: Budget) -> bool:
        """Find out what a child does for so many slots; tell whether that raised its bound."""
        if (child, number) in self.known:
            return False
        before = self.bounds[child][number]
        self.enter(child, number, self._slots.best(self._children[child], self._shape, number, budget))
        return self.bounds[child][number] > before

    def costs(self, budget: Budget) -> list[list[int]]:
        """Return for each child what its best placements of so many slots cost, all of which are found now."""
        costs = []
        for i, table in enumerate(self.bounds):
            row = []
            for n, bound in enumerate(table):
                if bound != _NEVER:
                    self.find(i, n, budget)
                row.append(_NEVER if bound == _NEVER else self.known[i, n].cost)
            costs.append(row)
        return costs


class _OfSlots(NodeSolution):
    """The best that a node does for equal slots, of which it holds what its plan is made of.

    Most plans are never read, and those that are take more room than that.
    """

    __slots__ = ("_best", "_equal", "_flat", "_state")

    def __init__(self, equal: EqualSlots, state: DomainState, flat: FlatSlots, best: SlotsSolution) -> None:
        super().__init__(best.cost, best.bound, None, final=best.final)
        self._equal = equal
        self._state = state
        self._flat = flat
        self._best = None if best.is_whole else best

    @property
    def plan(self) -> NodePlan:
        """What each such node gives."""
        return self._equal.plan(self._state, self._flat, self._best)


def _is_even(domain: DomainState, shape: SlotShape) -> bool:
    """Tell whether all that slots take in a domain stands in domains of the same levels."""
    paths = {
        tuple(domain.flat[at].level for at in path)
        for path, inner in zip(lineage(domain), domain.flat, strict=True)
        if (shape.cores and inner.own_free_cores) or (shape.gpus and inner.own_free_gpus)
    }
    return len(paths) <= 1


_NOTHING = SlotsSolution(0, 0, ())

_NEVER = 1 << 1 << 14
"""What costs more than anything."""


def slots_bundle(shape: SlotShape, count: int, label: str = "slot") -> Bundle:
    """Return so many slots as what a domain must give."""
    wants = [Want(Kind.CORE, "core", shape.cores)] if shape.cores else []
    if shape.gpus:
        wants.append(Want(Kind.GPU, "gpu", shape.gpus))
    return Bundle((Want(Kind.SLOT, "slot", count, label=label, wants=tuple(wants)),))
