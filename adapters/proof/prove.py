"""Term by term: whether anything is better than a placement, by what a request and a term mean."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ...grammar.constraint import ALWAYS, Constraint
from ...grammar.jobspec import Vertex
from ...topology.machine import Machine
from .formulation import Formulation, add
from .instances import BeyondError, Instance, Reading, expand, idsets_of
from .places import Places
from .program import Outcome, Program
from .terms import Worth
from .written import write

Value = int | tuple[int, ...]


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


@dataclass(frozen=True)
class Question:
    """A request on a machine in a state.

    Attributes
    ----------
    machine, vertices
        Where, and what is asked for.
    constraint, running, down
        What nodes must be, the R of jobs that hold something, and a bitmask of positions.
    slot_exclusive
        The option of the pool.
    """

    machine: Machine
    vertices: Sequence[Vertex]
    constraint: Constraint = ALWAYS
    running: Sequence[Mapping[str, Any]] = ()
    down: int = 0
    slot_exclusive: str = "shared"

    def formulation(self, counts: Mapping[str, int]) -> Formulation:
        """Return the placements of the request with some counts.

        Raises
        ------
        BeyondError
            For a form that there are no words for.
        """
        roots = expand(self.vertices, counts, Reading.of(self.machine, self.slot_exclusive))
        places = Places(self.machine, self.running, self.down, self.constraint)
        return Formulation(places, roots, idsets_of(self.vertices))


def fits(question: Question, counts: Mapping[str, int], seconds: float) -> bool | None:
    """Return whether a request can be placed with some counts; None where that was not found out in time.

    Raises
    ------
    BeyondError
        For a form that there are no words for.
    """
    program = question.formulation(counts).program
    outcome = program.minimise({}, seconds).outcome
    if outcome is Outcome.INFEASIBLE:
        outcome = program.minimise({}, seconds, presolve=False).outcome
    return {Outcome.OPTIMAL: True, Outcome.INFEASIBLE: False, Outcome.CUT_OFF: None}[outcome]


def prove(question: Question, counts: Mapping[str, int], terms: Mapping[str, Value], seconds: float) -> Proof:
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
    """
    until = time.monotonic() + seconds
    opinions: dict[str, Opinion] = {}
    try:
        if "size" in terms:
            opinions["size"], larger = _size(question, counts, until)
            if opinions["size"] is Opinion.BETTER:
                return Proof(opinions, larger)
        formulation = question.formulation(counts)
        worth = Worth(formulation)
        for name, value in terms.items():
            if name == "size":
                continue
            proof = _term(formulation, worth, name, value, until, opinions)
            if proof is not None:
                return proof
    except BeyondError as beyond:
        left = [name for name in terms if name not in opinions]
        return Proof({**opinions, **dict.fromkeys(left, Opinion.BEYOND)}, said=str(beyond))
    return Proof(opinions)


def _term(
    formulation: Formulation, worth: Worth, name: str, value: Value, until: float, opinions: dict[str, Opinion]
) -> Proof | None:
    """Note what is thought of a term, and return the end where there is better."""
    assert isinstance(value, int)
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


def _size(question: Question, counts: Mapping[str, int], until: float) -> tuple[Opinion, Mapping[str, Any] | None]:
    """Say whether a count could be larger, those before it being what they are."""
    opinion = Opinion.PROVEN
    for larger in larger_counts(question, counts):
        formulation = question.formulation(larger)
        solved = formulation.program.minimise({}, until - time.monotonic())
        if solved.outcome is Outcome.INFEASIBLE:
            solved = formulation.program.minimise({}, until - time.monotonic(), presolve=False)
        if solved.outcome is Outcome.OPTIMAL:
            return Opinion.BETTER, write(formulation, solved.values)
        if solved.outcome is Outcome.CUT_OFF:
            opinion = Opinion.UNKNOWN
    return opinion, None


def larger_counts(question: Question, counts: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Go through counts of which one is the next larger, those before it are what they are, and the others the least.

    If none of these can be placed, no larger size can: whatever holds more of a thing also holds fewer.
    """
    fixed: dict[str, int] = {}
    for vertex in _walk(question.vertices):
        if not vertex.count.is_fixed:
            larger = _next(vertex, counts[vertex.path])
            if larger is not None and larger <= _most(question):
                yield {**fixed, vertex.path: larger}
            fixed[vertex.path] = counts[vertex.path]


def _most(question: Question) -> int:
    """Return how many of anything there can be: each takes a core, a GPU or a place."""
    types = [question.machine.type_at(position) for position in range(question.machine.size)]
    return sum(kind.cores.bit_count() + kind.gpus.bit_count() + len(kind.domains) for kind in types) + len(
        question.machine.groups
    )


def _next(vertex: Vertex, count: int) -> int | None:
    """Return the next larger admissible count."""
    bound = count + 1
    while bound < 2**40:
        found = vertex.count.largest(bound)
        if found is not None and found > count:
            while (lower := vertex.count.largest(found - 1)) is not None and lower > count:
                found = lower
            return found
        bound *= 2
    return None


def _walk(vertices: Iterable[Vertex]) -> Iterable[Vertex]:
    for vertex in vertices:
        yield vertex
        yield from _walk(vertex.children)


__all__ = ["BeyondError", "Instance", "Opinion", "Proof", "Question", "fits", "prove"]
