"""Slots of one resource as runs along domains (`run_tree`): a flow of small integers, whose relaxation is tight.

What a run has at hand between two domains is a slot that has begun and the units that it still needs. In a domain it
ends that slot, takes others whole, begins the next with what is left, or ends. So a run is a path over nodes (domain,
units left) and (branch, slot, units missing), and all runs together are a flow; what goes round is a run as well, whose
last slot is its first. Equal domains of a branch are one kind with a capacity. It says all that the policy's terms want
to know: what is touched is what is entered, and a level is crossed where a run turns round in a branch above it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...cpsat.budget import Budget, CutOff
from ...cpsat.lexicographic import Expression
from ...cpsat.loading import new_model
from ..run_tree import Branch, Leaf

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

MOST_ARCS = 20_000
"""Larger flows are not searched."""

ARC_STEPS = 5
"""Steps that it takes to make an arc."""

FRESH = -1
"""The type that was last taken whole of a domain of which nothing is taken yet."""


class State(NamedTuple):
    """Where a run is.

    Attributes
    ----------
    what
        "leaf", in a domain; "out" or "in", on the way out of one and into another below a branch; "start" or "end".
    number
        Of the kind of domain, or of the branch.
    first, second
        In a domain the units left and the last type that was taken whole; else the type of the slot that has begun,
        and the units that it misses.
    """

    what: str
    number: int
    first: int
    second: int


START = State("start", 0, 0, 0)
END = State("end", 0, 0, 0)


@dataclass(frozen=True)
class Arc:
    """A step of a run.

    Attributes
    ----------
    tail, head
        From where to where.
    flow
        How often runs take it.
    units
        What it takes: of the domain that it enters, or that the run is in.
    enters, completes, turns
        The number of the kind of domain that it enters, the type of slot that it completes, the number of the branch in
        which it turns round; -1 for none.
    """

    tail: State
    head: State
    flow: cp_model.IntVar
    units: int = 0
    enters: int = -1
    completes: int = -1
    turns: int = -1


class RunFlow:
    """The flow of all runs through a tree.

    Parameters
    ----------
    root
        The tree.
    sizes, counts
        Units of a slot of each type, and how many of them there must be.
    sparing
        Whether runs may leave units of the domains that they go through: where it is good to touch more of them.
    budget
        What it takes to make it is spent.

    Raises
    ------
    CutOff
        When it is too large.
    """

    def __init__(
        self, root: Branch, sizes: Sequence[int], counts: Sequence[int], *, sparing: bool, budget: Budget
    ) -> None:
        self.model = new_model()
        self.branches = root.walk()
        self.leaves: list[tuple[int, Leaf]] = [(n, leaf) for n, b in enumerate(self.branches) for leaf in b.leaves]
        self.arcs: list[Arc] = []
        self.out_of: dict[State, list[Arc]] = defaultdict(list)
        self._into: dict[State, list[Arc]] = defaultdict(list)
        self._numbers = {branch.place: number for number, branch in enumerate(self.branches)}
        self._parents = {inner.place: n for n, branch in enumerate(self.branches) for inner in branch.branches}
        self._most = sum(len(leaf.places) for _, leaf in self.leaves)
        self._sizes, self._counts, self._sparing = sizes, counts, sparing
        self._make_arcs(budget)
        # In one order everywhere, which a set would not have.
        for state in dict.fromkeys((*self._into, *self.out_of)):
            if state in (START, END):
                continue
            self.model.add(_sum(self._into[state]) == _sum(self.out_of[state]))
        for number, (_, leaf) in enumerate(self.leaves):
            self.model.add(self.entered(number) <= len(leaf.places))
        for kind, count in enumerate(counts):
            self.model.add(_sum(arc for arc in self.arcs if arc.completes == kind) == count)

    def entered(self, leaf: int) -> Expression:
        """Return how many domains of a kind are touched."""
        return _sum(arc for arc in self.arcs if arc.enters == leaf)

    def crossed(self, level: str) -> Expression:
        """Return how often runs cross a level."""
        above = {n for n, branch in enumerate(self.branches) if level in branch.below}
        return _sum(arc for arc in self.arcs if arc.turns in above)

    def _make_arcs(self, budget: Budget) -> None:
        for number, (_, leaf) in enumerate(self.leaves):
            self._add(START, State("leaf", number, leaf.free, FRESH), enters=number)
        pending = [arc.head for arc in self.arcs]
        known = {*pending, END}
        while pending:
            state = pending.pop()
            self._leave(state)
            budget.spend(ARC_STEPS * len(self.out_of[state]))
            if len(self.arcs) > MOST_ARCS:
                raise CutOff
            for arc in self.out_of[state]:
                if arc.head not in known:
                    known.add(arc.head)
                    pending.append(arc.head)

    def _leave(self, state: State) -> None:
        """Add the arcs that leave a state."""
        if state.what == "leaf":
            self._in_domain(state)
        elif state.what == "out":
            self._add(state, state._replace(what="in"), turns=state.number)
            parent = self._parents.get(self.branches[state.number].place)
            if parent is not None and not self.branches[parent].holds_nodes:
                self._add(state, state._replace(number=parent))
        else:
            self._into_branch(state)

    def _in_domain(self, state: State) -> None:
        _, number, left, last = state
        if last != FRESH:
            self._add(state, END)
        if self._sparing and left > 1:
            self._add(state, State("leaf", number, left - 1, last))
        for kind, size in enumerate(self._sizes):
            if size <= left and kind >= last:
                self._add(state, State("leaf", number, left - size, kind), units=size, completes=kind)
            elif size > left > 0:
                self._add(state, State("out", self.leaves[number][0], kind, size - left), units=left)

    def _into_branch(self, state: State) -> None:
        _, number, kind, missing = state
        for inner in self.branches[number].branches:
            self._add(state, state._replace(number=self._numbers[inner.place]))
        for leaf, (branch, some) in enumerate(self.leaves):
            if branch != number:
                continue
            if missing <= some.free:
                ended = State("leaf", leaf, some.free - missing, 0)
                self._add(state, ended, units=missing, enters=leaf, completes=kind)
            most = min(some.free, missing - 1)
            for units in range(1 if self._sparing else some.free, most + 1):
                self._add(state, State("out", number, kind, missing - units), units=units, enters=leaf)

    def _add(
        self, tail: State, head: State, *, units: int = 0, enters: int = -1, completes: int = -1, turns: int = -1
    ) -> None:
        most = len(self.leaves[enters][1].places) if enters >= 0 else self._most
        if completes >= 0:
            most = self._counts[completes] if enters < 0 else min(most, self._counts[completes])
        arc = Arc(tail, head, self.model.new_int_var(0, most, ""), units, enters, completes, turns)
        self.arcs.append(arc)
        self.out_of[tail].append(arc)
        self._into[head].append(arc)


def _sum(arcs: Iterable[Arc]) -> Expression:
    return sum(arc.flow for arc in arcs)
