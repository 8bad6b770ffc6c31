"""A certificate that travels: machine, state, request and placement, and for each term why nothing is better.

Who reads it needs none of exactfit's solver and no solver at all. The checker says that the placement is legal and
worth what it says, and each argument is looked at with plain arithmetic:

- ``fixed``: the request leaves no count open.
- ``zero``: the value is 0, and the term is a sum of things that are never below 0.
- ``counting``: all ways to deal the slots to the domains of a node and to the nodes, as counts, are gone through (see
  `tables`), for slots that are all alike.
- ``dual``: multipliers of the rows of the formulation (see `duals`) give a bound that reaches the value.
- ``cases``: so they do in each of some cases (see `trees`), of which one holds.
- ``word``: none of these was found. The solver says so, and that is all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.constraint import ALWAYS, Constraint, parse_constraint
from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex, parse_resources
from ...solver.checker import check
from ...topology.rset import read_R
from .formulation import Formulation, add
from .instances import BeyondError
from .program import Program
from .question import Question, Value, larger_counts
from .tables import counted, impossible_by_counting
from .terms import Worth
from .trees import grown, holds

Json = dict[str, Any]
SCHEMA = "exactfit.proof/1"
ARGUED = ("dual", "cases", "word")
"""Arguments about a program; the others are seen from the value alone."""
Argue = Callable[[Program, dict[int, int], int | None], Json]
"""Makes, or checks, the argument for a sum that has to reach a value; for None that there is no solution."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of looking at a certificate.

    Attributes
    ----------
    faults
        What is wrong with it; empty when it is what it says.
    arguments
        By term: the name of the argument, which holds.
    """

    faults: tuple[str, ...]
    arguments: Mapping[str, str]

    @property
    def is_plain(self) -> bool:
        """Whether nothing rests on the solver's word."""
        return not self.faults and "word" not in self.arguments.values()


def make_certificate(case: Json, values: Mapping[str, Value], counts: Mapping[str, int], seconds: float) -> Json:
    """Return a certificate of a placement.

    Parameters
    ----------
    case
        ``R``, ``running`` (a list of R), ``down`` (ranks), ``resources`` and ``constraint`` of the request,
        ``slot_exclusive``, and ``placement``, the R that the job got.
    values
        The values of its terms in the order in which they are compared.
    counts
        The counts of its vertices, by path.
    seconds
        Of the processor, that the search for arguments may take; what is not found by then is the solver's word.
    """
    until = time.process_time() + seconds

    def argue(program: Program, objective: dict[int, int], value: int | None) -> Json:
        left = until - time.process_time()
        tree = grown(program, objective, value, left) if left > 0 else None
        if tree is None:
            return {"argument": "word"}
        return {"argument": "dual" if "multipliers" in tree else "cases", "tree": tree}

    terms = _arguments(_question(case), values, counts, argue)
    said = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {"schema": SCHEMA, **case, "counts": dict(counts), "values": said, "terms": terms}


def verify(certificate: Mapping[str, Any]) -> Verified:
    """Look at a certificate with plain code.

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        if certificate["schema"] != SCHEMA:
            raise ValueError(f"no {SCHEMA}, but {certificate['schema']!r}")
        case, counts = dict(certificate), dict(certificate["counts"])
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in certificate["values"].items()}
        question = _question(case)
        faults = _faults_of_placement(question, case, values, counts)
        said = iter(certificate["terms"])
        arguments: dict[str, str] = {}

        def look(program: Program, objective: dict[int, int], value: int | None) -> Json:
            given = next(said_parts)
            if given["argument"] != "word" and not holds(program, objective, value, given["tree"]):
                raise _NotProvenError
            return {"argument": given["argument"]}

        by_name = certificate["terms"]
        said_parts = iter([part for name in said for part in by_name[name] if part["argument"] in ARGUED])
        try:
            found = _arguments(question, values, counts, look)
        except (_NotProvenError, StopIteration):
            return Verified((*faults, "an argument does not prove what it should"), arguments)
        for name, parts in found.items():
            kinds = {part["argument"] for part in parts}
            arguments[name] = "word" if "word" in kinds else next(iter(sorted(kinds)), "fixed")
    except (KeyError, TypeError, AttributeError, ZeroDivisionError, RecursionError) as fault:
        raise ValueError(f"no certificate: {type(fault).__name__} {fault}") from None
    return Verified(faults, arguments)


class _NotProvenError(Exception):
    """An argument that does not hold."""


def _question(case: Mapping[str, Any]) -> Question:
    machine = read_R(case["R"])
    constraint: Constraint = ALWAYS if case["constraint"] is None else parse_constraint(case["constraint"])
    vertices: Sequence[Vertex] = parse_resources(list(case["resources"]))
    down = machine.mask_of(IdSet.parse(case["down"])) if case["down"] else 0
    return Question(machine, vertices, constraint, tuple(case["running"]), down, case["slot_exclusive"])


def _faults_of_placement(
    question: Question, case: Mapping[str, Any], values: Mapping[str, Value], counts: Mapping[str, int]
) -> tuple[str, ...]:
    """Say what the checker has against the placement."""
    verdict = check(
        question.machine,
        question.vertices,
        case["placement"],
        constraint=question.constraint,
        running=question.running,
        down=question.down,
        slot_exclusive=question.slot_exclusive,
    )
    if not verdict.legal:
        return verdict.violations
    wrong = [name for name, value in values.items() if _worth(verdict.terms, name) != value]
    faults = [f"{name} is worth {_worth(verdict.terms, name)}, and not {values[name]}" for name in wrong]
    other = [path for path, count in counts.items() if verdict.counts.get(path) != count]
    faults += [f"the count of {path} is not {counts[path]}" for path in other]
    return tuple(faults)


def _worth(terms: Mapping[str, Any], name: str) -> Any:
    family, _, level = name.partition(".")
    return -terms[f"fit.{level}"] if family == "worst-fit" else terms.get(name)


def _arguments(
    question: Question, values: Mapping[str, Value], counts: Mapping[str, int], argue: Argue
) -> dict[str, list[Json]]:
    """Go through the terms in their order, and return the arguments for each: none where there is nothing to argue."""
    found: dict[str, list[Json]] = {}
    numbers = {name: value for name, value in values.items() if isinstance(value, int)}
    proven = list(numbers)[: counted(question, counts, numbers)]
    terms: _Terms | None = None
    for name, value in values.items():
        try:
            if isinstance(value, tuple):
                found[name] = [_too_large(question, larger, argue) for larger in larger_counts(question, counts)]
            elif name in proven:
                found[name] = [{"argument": "counting"}]
            else:
                terms = terms or _Terms(question, counts, {other: numbers[other] for other in proven})
                found[name] = [terms.argument(name, value, argue)]
        except BeyondError:
            found[name] = [{"argument": "word"}]
    return found


def _too_large(question: Question, larger: Mapping[str, int], argue: Argue) -> Json:
    """Return the argument that larger counts cannot be placed."""
    if impossible_by_counting(question, larger):
        return {"argument": "counting"}
    return argue(question.formulation(larger).program, {}, None)


class _Terms:
    """The formulation in which each term is at most what it was said to be, once it has been argued about."""

    def __init__(self, question: Question, counts: Mapping[str, int], proven: Mapping[str, int]) -> None:
        self.formulation: Formulation = question.formulation(counts)
        self.worth = Worth(self.formulation)
        for name, value in proven.items():
            self._keep(self.worth.of(name), value)

    def argument(self, name: str, value: int, argue: Argue) -> Json:
        """Return the argument that a term is not less."""
        sum_ = self.worth.of(name)
        if value == 0 and all(factor >= 0 for factor in sum_.values()):
            made: Json = {"argument": "zero"}
        else:
            made = argue(self.formulation.program, sum_, value)
        self._keep(sum_, value)
        return made

    def _keep(self, sum_: dict[int, int], value: int) -> None:
        if sum_:
            self.formulation.program.at_most(add({}, sum_), value)
