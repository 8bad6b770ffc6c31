"""What became of requests whose search was long: asked again, they are answered at once.

A placement is remembered for the state in which it was found. That a request was refused, or that its search was cut
off, holds in every state in which no more is free: it is forgotten by nothing but what can help, such as jobs that end
and nodes that come up, and only where these are nodes that the request may have. A search that was cut off is done
again for whoever may spend more work on it than was spent before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import immutables

from ...topology.tree import NodeType
from ..cpsat.budget import STEPS, Budget, CutOff, KnownCutOff
from ..demand.demand import Demand
from ..demand.request import Request, Shape
from ..state.holdings import NodeFree
from ..state.pool_state import PoolState
from .selection import Decision

Found = tuple[Demand, Decision, tuple[NodeType, ...]]
"""The demand with the counts chosen, its placement, and the types whose domains the plans mean."""

WORTH_STEPS = 1000
"""Steps of work from which an answer is remembered: to look for one that took less takes as long."""

REQUESTS = 1000
"""Requests of which answers are remembered; then the one that was answered first is forgotten."""

LEAST_WORK = 0.05
"""Seconds of work by which what was cut off is improved at a time, if it was given less before."""

MUCH = 0.25
"""The part of its work that a search has spent, at least, when it is that which cut it off."""

STATES = 8
"""Answers that are remembered of each."""

_NONE: immutables.Map[Any, Any] = immutables.Map()


class Question(NamedTuple):
    """What is asked.

    Attributes
    ----------
    request
        Of a job.
    state
        Of the pool.
    nodes
        Bitmask of the positions that the request may have, whether up or down.
    """

    request: Request
    state: PoolState
    nodes: int


class Answer(NamedTuple):
    """What became of a request.

    Attributes
    ----------
    question
        What was asked.
    found
        The placement; None where there is none, or none was found.
    work
        Seconds of work that the search might take.
    is_final
        Whether it came to its end, so that more work changes nothing.
    """

    question: Question
    found: Found | None
    work: float
    is_final: bool

    def holds(self, state: PoolState, work: float) -> bool:
        """Tell whether it is the answer in a state too, for who may spend so much work on it."""
        if work > self.work and not self.is_final:
            return False
        asked = self.question
        return _is_same(state, asked.state) if self.found is not None else has_no_more(state, asked.state, asked.nodes)


class Answers:
    """Remembers answers, of so many requests and so many of each; copies of a pool share it."""

    def __init__(self) -> None:
        self._of: dict[tuple[Shape, int], list[Answer]] = {}

    def placement(self, question: Question, budget: Budget, search: Callable[[Budget], Found | None]) -> Found | None:
        """Return the placement that is known, or that a search finds; None where there is none.

        Raises
        ------
        CutOff
            When the work was used up before that was known; `KnownCutOff` where that was so before.
        """
        known = self._recall(question, budget.left)
        if known is not None:
            return known.found
        work, before = budget.left, budget.spent
        try:
            found = search(budget)
        except CutOff:
            if _is_worth_it(budget, before, work, is_final=False):
                self._note(Answer(question, None, work, is_final=False))
            raise
        ended = is_final(found)
        if _is_worth_it(budget, before, work, is_final=ended):
            self._note(Answer(question, found, work, ended))
        return found

    def fits(self, question: Question, budget: Budget, search: Callable[[Budget], bool]) -> bool:
        """Tell whether there is a placement, as is known or as a search finds.

        Raises
        ------
        CutOff
            When the work was used up before that was known.
        """
        known = self._recall(question, budget.left)
        if known is not None:
            return known.found is not None
        work, before = budget.left, budget.spent
        try:
            fits = search(budget)
        except CutOff:
            if _is_worth_it(budget, before, work, is_final=False):
                self._note(Answer(question, None, work, is_final=False))
            raise
        if not fits and _is_worth_it(budget, before, work, is_final=True):
            self._note(Answer(question, None, work, is_final=True))
        return fits

    def improve(
        self, state: PoolState, budget: Budget, search: Callable[[Request, PoolState, Budget], Found | None]
    ) -> bool:
        """Go on with what was cut off in a state, what was given the least work first, with twice as much each time.

        Returns
        -------
        bool
            Whether anything is left that more work may help.
        """
        while (answer := min(self._open(state), key=_work, default=None)) is not None:
            part = budget.at_most(max(LEAST_WORK, 2 * answer.work))
            work = part.left
            if work <= answer.work:
                return True
            question = answer.question._replace(state=state)
            try:
                found, ended = search(question.request, state, part), True
            except CutOff:
                found, ended = None, False
            if budget.is_late:
                return True
            if not (ended and is_final(found)):
                found = better_of(found, answer.found)
                ended = found is not None
            self._note(Answer(question, found, work, ended and is_final(found)))
        return False

    def _recall(self, question: Question, work: float) -> Answer | None:
        """Return the answer for who may spend so much work; None where it is not known.

        Raises
        ------
        KnownCutOff
            When the answer is that the search was cut off.
        """
        known = self._of.get((question.request.shape, question.nodes)) if self._of else None
        if known is None:
            return None
        answer = next((answer for answer in reversed(known) if answer.holds(question.state, work)), None)
        if answer is not None and answer.found is None and not answer.is_final:
            raise KnownCutOff
        return answer

    def _note(self, answer: Answer) -> None:
        """Remember an answer in the place of all that it says as well; of its state what is free and up, and no job."""
        question = answer.question
        key = question.request.shape, question.nodes
        answer = answer._replace(question=question._replace(state=question.state._replace(classes=_NONE, jobs=_NONE)))
        known = self._of.pop(key, [])
        kept = [other for other in known if not _replaces(answer, other)]
        if len(self._of) >= REQUESTS:
            del self._of[next(iter(self._of))]
        self._of[key] = [*kept[-STATES + 1 :], answer]

    def _open(self, state: PoolState) -> list[Answer]:
        """Return what was cut off and is the answer in a state."""
        every = (answer for known in self._of.values() for answer in known if not answer.is_final)
        return [answer for answer in every if answer.holds(state, 0.0)]


def _is_worth_it(budget: Budget, before: float, work: float, *, is_final: bool) -> bool:
    """Tell whether how a search ended is to be remembered: if it took long, and would end so again.

    What the clock ended, or something else that left most of the work, may come further another time.

    Parameters
    ----------
    before
        What was spent of the budget before it.
    work
        What it might spend.
    """
    spent = budget.spent - before
    is_enough = spent * STEPS >= WORTH_STEPS if is_final else spent >= MUCH * work
    return is_enough and not budget.is_late


def _work(answer: Answer) -> float:
    return answer.work


def is_final(found: Found | None) -> bool:
    """Tell whether a placement is proven to be the best; or, for None, that there is none."""
    return found is None or (found[1].cost == found[1].bound and not found[1].most_sizes)


def better_of(one: Found | None, other: Found | None) -> Found | None:
    """Return the better of two placements of a request in the same state, with the tighter of their bounds."""
    if one is None or other is None:
        return one or other
    if one[1].modelled != other[1].modelled:
        return other  # their costs do not count the same
    best = min(one, other, key=_worth)
    bound = max(found[1].bound for found in (one, other) if found[0].sizes == best[0].sizes)
    mosts = [one[1].most_sizes, other[1].most_sizes]
    most = min(mosts) if all(mosts) else ()
    return best[0], best[1]._replace(bound=bound, most_sizes=() if most == best[0].sizes else most), best[2]


def _worth(found: Found) -> tuple[list[int], int]:
    return [-size for size in found[0].sizes], found[1].cost


def _replaces(new: Answer, old: Answer) -> bool:
    """Tell whether an answer says all that another one does, or has come further in the same state."""
    if new.found is None and old.found is None:
        return (new.is_final or new.work >= old.work) and has_no_more(
            old.question.state, new.question.state, new.question.nodes
        )
    return _is_same(new.question.state, old.question.state)


def _is_same(one: PoolState, other: PoolState) -> bool:
    """Tell whether the same is free and up."""
    if one.touched is other.touched and one.up == other.up and one.group_used is other.group_used:
        return True
    return one.up == other.up and one.touched == other.touched and one.group_used == other.group_used


def has_no_more(less: PoolState, more: PoolState, nodes: int) -> bool:
    """Tell whether nothing of some nodes, and of the groups, is free in one state that is not free in another one."""
    if less.up & nodes & ~more.up or not _uses_all(less.group_used, more.group_used):
        return False
    if less.touched is more.touched:
        return True
    nodes &= less.up
    for position, free in more.touched.items():
        if nodes >> position & 1:
            here = less.touched.get(position)
            if here is None or (here is not free and not _is_part(here, free)):
                return False
    return True


def _uses_all(more: Mapping[tuple[int, str], int], less: Mapping[tuple[int, str], int]) -> bool:
    return more is less or all(more.get(key, 0) >= amount for key, amount in less.items())


def _is_part(less: NodeFree, more: NodeFree) -> bool:
    """Tell whether all that is free of a node in one state is free in another."""
    if less.cores & ~more.cores or less.gpus & ~more.gpus:
        return False
    used = {(index, name): amount for index, name, amount in less.used}
    return all(used.get((index, name), 0) >= amount for index, name, amount in more.used)
