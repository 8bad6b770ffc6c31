"""Term by term: whether anything is better than a placement, by what a request and a term mean."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .formulation import Formulation, add
from .instances import BeyondError, Instance
from .program import Outcome, Program
from .question import Question, Value, larger_counts
from .tables import counted, impossible_by_counting
from .terms import Worth
from .written import write


class Opinion(Enum):
    """What is thought of a value of a term."""

    PROVEN = "proven"
    BETTER = "there is better"
    UNKNOWN = "not found out in time"
    BEYOND = "beyond the second opinion"
    IMPOSSIBLE = "no placement has these values"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is thought of a placement.

    Attributes
    ----------
    opinions
        By term, in the policy's order, as far as it came: after a term of which there is better, none is asked about.
    better
        The R of a placement that is better, where one was found.
    value
        Its value of the first term in which it is better.
    said
        What is beyond it, in words.
    """

    opinions: Mapping[str, Opinion]
    better: Mapping[str, Any] | None = None
    value: Value | None = None
    said: str = ""

    @property
    def holds(self) -> bool:
        """Whether every term is proven."""
        return all(opinion is Opinion.PROVEN for opinion in self.opinions.values())


def fits(question: Question, counts: Mapping[str, int], seconds: float, counting: bool = True) -> bool | None:
    """Return whether a request can be placed with some counts; None where that was not found out in time.

    Without `counting` the solver is asked also where counting proves that it cannot.

    Raises
    ------
    BeyondError
        For a form that there are no words for.
    """
    if counting and impossible_by_counting(question, counts):
        return False
    program = question.formulation(counts).program
    outcome = program.minimise({}, seconds).outcome
    if outcome is Outcome.INFEASIBLE:
        outcome = program.minimise({}, seconds, presolve=False).outcome
    return {Outcome.OPTIMAL: True, Outcome.INFEASIBLE: False, Outcome.CUT_OFF: None}[outcome]


def prove(
    question: Question, counts: Mapping[str, int], terms: Mapping[str, Value], seconds: float, counting: bool = True
) -> Proof:
    """Say whether any placement is better than one of these counts and values.

    Parameters
    ----------
    question
        What was asked.
    counts
        The counts of the placement, by the path of their vertices.
    terms
        The values of its terms in the order in which they are compared; `size` first, and without `ids`.
    seconds
        How long it may take.
    counting
        Whether what counting proves is not asked of the solver.
    """
    until = time.monotonic() + seconds
    opinions: dict[str, Opinion] = {}
    try:
        if "size" in terms:
            opinions["size"], larger = _size(question, counts, until, counting)
            if opinions["size"] is Opinion.BETTER:
                return Proof(opinions, larger)
        values = {name: value for name, value in terms.items() if isinstance(value, int)}
        proven = counted(question, counts, values) if counting else 0
        opinions |= dict.fromkeys(list(values)[:proven], Opinion.PROVEN)
        if proven < len(values):
            formulation = question.formulation(counts)
            worth = Worth(formulation)
            for place, (name, value) in enumerate(values.items()):
                if place < proven:
                    formulation.program.at_most(worth.of(name), value)
                    continue
                proof = _term(formulation, worth, name, value, until, opinions)
                if proof is not None:
                    return proof
    except BeyondError as beyond:
        left = [name for name in terms if name not in opinions]
        return Proof({**opinions, **dict.fromkeys(left, Opinion.BEYOND)}, said=str(beyond))
    return Proof(opinions)


def _term(
    formulation: Formulation, worth: Worth, name: str, value: int, until: float, opinions: dict[str, Opinion]
) -> Proof | None:
    """Note what is thought of a term, and return the end where there is better."""
    program: Program = formulation.program
    sum_ = worth.of(name)
    if value == 0 and all(factor >= 0 for factor in sum_.values()):
        opinions[name] = Opinion.PROVEN
    else:
        solved = program.minimise(sum_, until - time.monotonic())
        if solved.outcome is Outcome.INFEASIBLE or (solved.bound is not None and solved.bound > value):
            solved = program.minimise(sum_, until - time.monotonic(), presolve=False)
        if solved.outcome is Outcome.INFEASIBLE:
            opinions[name] = Opinion.IMPOSSIBLE
            return Proof(opinions)
        if solved.value is not None and solved.value < value:
            opinions[name] = Opinion.BETTER
            return Proof(opinions, write(formulation, solved.values), solved.value)
        proven = solved.bound is not None and solved.bound >= value
        opinions[name] = Opinion.PROVEN if proven else Opinion.UNKNOWN
        if proven and solved.bound is not None and solved.bound > value:
            opinions[name] = Opinion.IMPOSSIBLE
            return Proof(opinions)
    if sum_:
        program.at_most(add({}, sum_), value)
    return None


def _size(
    question: Question, counts: Mapping[str, int], until: float, counting: bool
) -> tuple[Opinion, Mapping[str, Any] | None]:
    """Say whether a count could be larger, those before it being what they are."""
    opinion = Opinion.PROVEN
    for larger in larger_counts(question, counts):
        if counting and impossible_by_counting(question, larger):
            continue
        formulation = question.formulation(larger)
        solved = formulation.program.minimise({}, until - time.monotonic())
        if solved.outcome is Outcome.INFEASIBLE:
            solved = formulation.program.minimise({}, until - time.monotonic(), presolve=False)
        if solved.outcome is Outcome.OPTIMAL:
            return Opinion.BETTER, write(formulation, solved.values)
        if solved.outcome is Outcome.CUT_OFF:
            opinion = Opinion.UNKNOWN
    return opinion, None


__all__ = ["BeyondError", "Instance", "Opinion", "Proof", "Question", "fits", "prove"]
