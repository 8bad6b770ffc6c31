"""A certificate that travels: machine, state, request and placement, and for each term why nothing is better.

Who reads it needs none of exactfit's solver and no solver at all. The checker says that the placement is legal and
worth what it says, and each argument is looked at with plain arithmetic:

- ``fixed``: the request leaves no count open.
- ``zero``: the value is 0, and the term is a sum of things that are never below 0.
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
from .prove import Question, larger_counts
from .terms import Worth
from .trees import grown, holds

Json = dict[str, Any]
SCHEMA = "exactfit.proof/1"
ARGUED = ("dual", "cases", "word")
"""Arguments about a program; the others are seen from the value alone."""
Value = int | tuple[int, ...]
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
    formulation: Formulation | None = None
    worth: Worth | None = None
    for name, value in values.items():
        try:
            if isinstance(value, tuple):
                found[name] = [
                    argue(question.formulation(larger).program, {}, None) for larger in larger_counts(question, counts)
                ]
                continue
            if formulation is None:
                formulation = question.formulation(counts)
                worth = Worth(formulation)
            assert worth is not None
            sum_ = worth.of(name)
        except BeyondError:
            return {**found, **{other: [{"argument": "word"}] for other in values if other not in found}}
        if value == 0 and all(factor >= 0 for factor in sum_.values()):
            found[name] = [{"argument": "zero"}]
        else:
            found[name] = [argue(formulation.program, sum_, value)]
        if sum_:
            formulation.program.at_most(add({}, sum_), value)
    return found
