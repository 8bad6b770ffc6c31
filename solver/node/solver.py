"""The best that nodes in one state can do for a bundle, solved once for each state and remembered.

The ways to solve it, cheapest first: equal slots go to `equal_slots`, slots of several sizes are dealt along domains
(`dealing`), or stay whole with what they take beside cores (`mixed_packing`), a whole node is what it is. All else, and
all states whose ids matter, go to the node's CP-SAT model (`model`). Each of these is exact, or says by its lower bound
that it is not; so which of them answers changes the time, not the value. An answer that was cut off by the time limit
is remembered for who may spend no more on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...grammar.memory import Memory, PairMemory
from ..cpsat.budget import Budget, CutOff
from ..demand.demand import Bundle, FlatSlots, Kind, SlotSet, Want
from ..demand.group_amounts import split_outside, total_outside
from ..policy.scale import Scale
from ..state.domain_state import DomainState
from .constructed_solution import constructed_solution, construction_steps, of_the_node, with_amounts
from .counted_solution import counted_solution
from .dealt_solution import dealt_solution, one_slot_solution
from .derived import as_part, is_plain_part, with_outside
from .equal_slots import REMEMBERED, EqualSlots, slots_bundle
from .lower_bounds import lacks, lower_bound
from .mixed_packing import MixedSlots
from .packing import SlotShape
from .plan import NodePlan, NodeSolution, Share, SlotPlan
from .pricing import price_of_wholes

SOLUTION_STEPS = 50
"""What a solution that was not known costs beside what is counted where it is found."""

CUT_OFF = 1000
"""Searches that were cut off and are remembered: for who may spend no more work, they would come to the same."""

TABLES = 0.3
"""The part of what is left that tables of slots of several shapes may take: the rest is for the search."""


class NodeSolver:
    """The best solutions of node states, remembered.

    Parameters
    ----------
    scale
        The policy on the machine.
    levels
        The machine's levels below the node, coarsest first.
    by_model
        Whether every bundle goes to the node's model: for states with marks.

    Attributes
    ----------
    solves
        How often the node's model was asked.
    inexact
        Whether any solution was not proven since this was last set to False.
    """

    def __init__(self, scale: Scale, levels: Sequence[str], *, by_model: bool = False) -> None:
        self.scale = scale
        self.solves = 0
        self.inexact = False
        self._equal = EqualSlots(scale, self._search)
        self._mixed_slots = MixedSlots(scale)
        self._by_model = by_model
        self._levels = levels
        self._inside: NodeSolver | None = None
        self._affinity_first = scale.affinity_first(levels)
        self._counts = bool(scale.components) and not by_model
        self._solutions: PairMemory[Bundle, DomainState, NodeSolution | None] = PairMemory(REMEMBERED)
        self._constructed: tuple[object, NodeSolution | None] | None = None
        self._cut_off: Memory[tuple[DomainState, Bundle, bool | None], tuple[float, NodeSolution]] = Memory(CUT_OFF)

    def best(self, state: DomainState, bundle: Bundle, budget: Budget) -> NodeSolution | None:
        """Return the best solution, or None where the node cannot give the bundle.

        Raises
        ------
        CutOff
            When the work was used up before either was known.
        """
        known = self._solutions.at(bundle).get(state, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        budget.charge(SOLUTION_STEPS)
        solution = self._make(state, bundle, budget, budget.part(TABLES))
        if solution is None or solution.final:
            self._solutions.enter(bundle, state, solution)
        elif not solution.proven:
            self.inexact = True
        return solution

    def at_hand(self, state: DomainState, bundle: Bundle, budget: Budget) -> NodeSolution | None:
        """Return a solution that takes no search, or None where the node cannot give the bundle.

        It is the best where that is known. Else its bound is below its cost, and `best` may find a better one. What it
        takes is spent, and it comes also where nothing is left.

        Raises
        ------
        CutOff
            When nothing is at hand.
        """
        known = self._solutions.at(bundle).get(state, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        return self._make(state, bundle, budget.at_most(0), budget.part(TABLES))

    def without_search(self, state: DomainState, bundle: Bundle, budget: Budget) -> NodeSolution | int | None:
        """Return the best solution, or None, where that is known without a search; else what it costs at least.

        Raises
        ------
        CutOff
            When the work was used up.
        """
        flat = bundle.flat
        if state in self._solutions.at(bundle) or bundle.whole or not self.scale.components:
            return self.best(state, bundle, budget)
        if flat is not None:
            shape = SlotShape.of(flat)
            if shape.capacity(state) < flat.count:
                return None
            whole = self._equal.whole(state, shape, flat.count) if self._affinity_first and not self._by_model else None
            if whole == flat.count:
                return self.best(state, bundle, budget)
        elif lacks(state, bundle):
            return None
        return lower_bound(self.scale, state, bundle)

    @property
    def compares_whole(self) -> bool:
        """Whether equal slots that cross no border are better than any others on a node."""
        return self._affinity_first and not self._by_model and bool(self.scale.components)

    def whole_costs(self, state: DomainState, flat: FlatSlots, limit: int) -> Sequence[int] | None:
        """Return what 0, 1, 2, ... times some equal slots cost, up to a limit and as far as all stay whole.

        Where `compares_whole` holds they are better than any other placement. None where that is not known.
        """
        costs = self._equal.whole_costs(state, SlotShape.of(flat), limit * flat.count)
        return costs if costs is None or flat.count == 1 else costs[:: flat.count]

    def untorn(self, state: DomainState, unit: Bundle, limit: int) -> int | None:
        """Return how many of a unit, up to a limit, a node gives without tearing one; None where that is not known.

        It is known only where no placement is better that tears any.
        """
        flat = unit.flat
        if flat is None or flat.count != 1 or self._by_model or not self._affinity_first or not self.scale.cross:
            return None
        return self._equal.whole(state, SlotShape.of(flat), limit)

    def is_feasible(self, state: DomainState, bundle: Bundle, budget: Budget) -> bool:
        """Tell whether a node can give the bundle by itself, with as little search as possible.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        slots = bundle.slots or (Bundle(bundle.wants).slots if _only_slots(bundle) else ())
        if slots and not self._by_model and not bundle.beside:
            asked: Counter[str] = Counter()
            for some in slots:
                for name, amount in some.needs:
                    asked[name] += some.count * amount
            if asked["core"] > state.free_cores or asked["gpu"] > state.free_gpus:
                return False
            if bundle.whole and not state.can_be_whole:
                return False
            listed = {"core", "gpu", *(name for domain in state.flat for name, _, _ in domain.amounts)}
            if any(amount > state.all_free(name) for name, amount in asked.items() if name in listed):
                return False
            if asked.keys() <= listed:
                return True
        if state not in self._solutions.at(bundle):
            budget.charge(construction_steps(state, bundle))
            if constructed_solution(self.scale, state, bundle) is not None:
                return True
        solution = self.best(state, bundle, budget)
        return solution is not None and not solution.outside

    def _make(self, state: DomainState, bundle: Bundle, budget: Budget, tables: Budget) -> NodeSolution | None:
        """Solve a bundle with a budget for searches, and one for tables."""
        flat = bundle.flat
        derived = None if flat is not None else self._derived(state, bundle, budget)
        if derived is not None:
            return derived[0]
        if self._by_model:
            return self._solve(state, bundle, budget)
        if flat is not None:
            shape = SlotShape.of(flat)
            if shape.capacity(state) < flat.count:
                return None
            if not self.scale.components:
                return NodeSolution(0, 0, lambda: _lowest_plan(flat))
            if self._affinity_first:
                return self._equal.solution(state, flat, budget)
        elif bundle.slots and self._affinity_first:
            solution = dealt_solution(self.scale, state, bundle, tables) if budget.left else None
            solution = solution or self._mixed(state, bundle, tables)
            if solution is not None:
                return solution
            if len(bundle.slots) == 1 and of_the_node(state, bundle.slots[0]):
                return self._with_amounts(state, bundle.slots[0], budget)
        elif not bundle.slot_part and not bundle.beside and _only_slots(bundle):
            return self._slots_in_whole(state, bundle, budget)
        elif (
            bundle.whole
            and not bundle.beside
            and bundle.ids is None
            and all(want.kind in (Kind.CORE, Kind.GPU, Kind.AMOUNT) for want in bundle.wants)
        ):
            return self._whole_node(state, bundle)
        return self._solve(state, bundle, budget)

    def _mixed(self, state: DomainState, bundle: Bundle, tables: Budget) -> NodeSolution | None:
        """Return the best solution where all slots can be whole and the node lists all that they ask for."""
        listed = {"core", "gpu", *(name for domain in state.flat for name, _, _ in domain.amounts)}
        if any(name not in listed for slots in bundle.slots for name, _ in slots.needs):
            return None
        return self._mixed_slots.solution(state, bundle.slots, tables)

    def _with_amounts(self, state: DomainState, slots: SlotSet, budget: Budget) -> NodeSolution | None:
        """Return the best solution of equal slots that take amounts of the node's own beside cores and GPUs."""
        amounts = tuple((name, amount) for name, amount in slots.needs if name not in ("core", "gpu"))
        if any(slots.count * amount > state.own_free(name) for name, amount in amounts):
            return None
        cores = dict(slots.needs).get("core", 0)
        bundle = slots_bundle(SlotShape(cores, slots.gpus, not slots.gpus), slots.count, slots.label)
        solution = self.best(state, bundle, budget)
        if solution is None:
            return None
        return NodeSolution(
            solution.cost, solution.bound, lambda: with_amounts(solution.plan, amounts), final=solution.final
        )

    def _solve(
        self, state: DomainState, bundle: Bundle, budget: Budget, *, shielded: bool | None = None
    ) -> NodeSolution | None:
        """Search for the best, from what is constructed on, which stands wherever the search ends without a better."""
        if lacks(state, bundle):
            return None
        if bundle.flat is not None and self.scale.components and not self._by_model:
            found = one_slot_solution(self.scale, state, bundle.flat, budget, shielded)
            if found is None and self._affinity_first:
                found = dealt_solution(self.scale, state, bundle, budget, shielded)
            if found is not None:
                return found
        known = self._construct(state, bundle, budget, shielded)
        if known is not None and known.proven and self.scale.components:
            return known
        try:
            return self._model(state, bundle, budget, shielded, known)
        except CutOff:
            if known is None:
                raise
            return known

    def _construct(
        self, state: DomainState, bundle: Bundle, budget: Budget, shielded: bool | None
    ) -> NodeSolution | None:
        """Return what is constructed, which is asked for again where a search from it on ends without a proof."""
        counts = self._counts and bundle.flat is not None and budget.left > 0
        key = (state, bundle, shielded, counts)
        if self._constructed is None or self._constructed[0] != key:
            budget.charge(construction_steps(state, bundle))
            found = constructed_solution(self.scale, state, bundle, shielded)
            if found is not None and not found.proven and counts:
                assert bundle.flat is not None
                found = counted_solution(self.scale, state, bundle.flat, found, budget, shielded)
            self._constructed = key, found
        return self._constructed[1]

    def _model(
        self, state: DomainState, bundle: Bundle, budget: Budget, shielded: bool | None, known: NodeSolution | None
    ) -> NodeSolution | None:
        if not budget.left:
            raise CutOff
        key, work = (state, bundle, shielded), budget.left
        before = self._cut_off.get(key)
        if before is not None and work <= before[0] and (known is None or before[1].cost <= known.cost):
            return before[1]
        from .model.search import search  # here, since it loads CP-SAT: most pools never need it

        self.solves += 1
        found = search(state, bundle, self.scale, known, budget, shielded=shielded)
        # One that ended with most of its work left was not cut off: CP-SAT failed, and may not do so again.
        if found is not None and not found.final and not budget.is_late and budget.left < work / 2:
            self._cut_off[key] = work, found
        return found

    def _search(self, domain: DomainState, bundle: Bundle, budget: Budget, shielded: bool) -> NodeSolution | None:
        return self._solve(domain, bundle, budget, shielded=shielded)

    def _whole_node(self, state: DomainState, bundle: Bundle) -> NodeSolution | None:
        asked = bundle
        bundle, outside = split_outside(state, asked)
        if not (state.can_be_whole and _has(state, bundle.wants)):
            return None
        held = [domain for domain in state.flat if domain.cores or domain.gpus]
        cost = sum(self.scale.touch(domain) for domain in held) + self._partial(state) + _all_room(self.scale, state)
        if bundle.slot:
            for level, unit in self.scale.cross.items():
                touched = sum(1 for domain in held if domain.level == level)
                cost += unit * (touched if bundle.slot_part else max(0, touched - 1))
            cost += price_of_wholes(self.scale, state)
            if not (state.gpus or bundle.gpus_elsewhere):
                cost += sum(self.scale.core_touch(domain) for domain in held if domain.own_cores)
        taken = SlotPlan(bundle.slot, wholes=(0,), outside=outside.get(bundle.slot, ()))
        plan = NodePlan((taken,)) if bundle.slot else NodePlan((), taken)
        return NodeSolution(cost, cost, lambda: plan, total_outside(asked, outside))

    def _slots_in_whole(self, state: DomainState, bundle: Bundle, budget: Budget) -> NodeSolution | None:
        """Return the best placement of slots in a node that the job takes whole."""
        if not state.can_be_whole:
            return None
        if self._inside is None:
            self._inside = NodeSolver(self.scale.of_slots(), self._levels)
        inner = self._inside.best(state, Bundle(bundle.wants), budget)
        if inner is None:
            return None
        touch = sum(self.scale.touch(domain) for domain in state.flat if domain.cores or domain.gpus)
        touch += self._partial(state) + _all_room(self.scale, state)
        held = SlotPlan("", wholes=(0,), outside=inner.plan.held.outside)
        return NodeSolution(
            inner.cost + touch,
            inner.bound + touch,
            lambda: inner.plan._replace(held=held),
            inner.outside,
            final=inner.final,
        )

    def _derived(self, state: DomainState, bundle: Bundle, budget: Budget) -> tuple[NodeSolution | None] | None:
        """Return the best solution where it follows from that of another bundle; None where it does not."""
        inner, outside = split_outside(state, bundle)
        if outside and all({"core", "gpu"} & dict(some.needs).keys() for some in inner.slots):
            return (with_outside(self.best(state, inner, budget), bundle, outside),)
        if self._affinity_first and not self._by_model and is_plain_part(self.scale, state, bundle):
            return (as_part(self.best(state, Bundle(bundle.wants, slot=bundle.slot), budget), self.scale),)
        return None

    def _partial(self, state: DomainState) -> int:
        """Return what it costs that the node is asked for whole: something where R lists only a part of it."""
        return 0 if state.whole else self.scale.partial


def _all_room(scale: Scale, state: DomainState) -> int:
    """Return what it costs that all of a node is taken, which has to be free, of the room for other jobs."""
    return sum(scale.lost_room(domain, domain.cores, domain.gpus) for domain in state.flat) if scale.rooms else 0


_UNKNOWN = NodeSolution(0, 0, None)


def _only_slots(bundle: Bundle) -> bool:
    """Tell whether the node's vertex has slots below it, none of which names a domain, and nothing else."""
    return bundle.whole and not bundle.slot and bool(bundle.wants) and bool(Bundle(bundle.wants).slots)


def _has(state: DomainState, wants: Sequence[Want]) -> bool:
    """Tell whether a whole node has at least what the vertices below it say, one beside the other."""
    asked: Counter[str] = Counter()
    for want in wants:
        asked[want.type] += want.count
    there = Counter({"core": state.cores, "gpu": state.gpus})
    for domain in state.flat:
        for name, total, _ in domain.amounts:
            there[name] += total
    return all(there[name] >= count for name, count in asked.items())


def _lowest_plan(flat: FlatSlots) -> NodePlan:
    slot = SlotPlan(flat.label, (Share(0, flat.cores, flat.gpus),))
    return NodePlan((slot,) * flat.count, lowest=True)
