"""What `exactfit check --prove` adds: the second opinion on a placement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...grammar.duration import parse_duration
from ...grammar.errors import printable, shown
from ..fitted_table import Column, FittedTable
from ..proof.program import Solver
from .case import Case
from .errors import InputError
from .tables import value_text

if TYPE_CHECKING:
    from rich.console import Console

    from ...solver.checker import Verdict
    from ..proof.prove import Proof

SECONDS = 60.0
_REVERSED = "worst-fit"


@dataclass(frozen=True, slots=True)
class ProveOptions:
    """Whether there is to be a second opinion, and how long it may take."""

    prove: Annotated[
        bool,
        typer.Option(
            "--prove",
            help="Let counting and another solver (HiGHS), each in its own formulation, prove that nothing is better.",
        ),
    ] = False
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="TIME", show_default="1m", help="How long --prove may take: 30s, 10m."),
    ] = None

    solver: Annotated[
        Solver,
        typer.Option("--solver", help="Whom --prove asks: highs, or scip where pyscipopt is installed."),
    ] = Solver.HIGHS

    def seconds(self) -> float:
        """Return how long it may take."""
        if self.solver is not Solver.HIGHS and not self.prove:
            raise InputError("--solver goes with --prove")
        if self.within is None:
            return SECONDS
        if not self.prove:
            raise InputError("--within goes with --prove")
        for read in (parse_duration, float):
            try:
                seconds = read(self.within)
            except ValueError:
                continue
            if 0 < seconds < float("inf"):
                return seconds
            break
        raise InputError(f"--within: expected a time above 0, got {shown(self.within)} (seconds, or 30s, 10m)")


_PACKAGES = {Solver.HIGHS: ("highspy", "HiGHS", "prove"), Solver.SCIP: ("pyscipopt", "SCIP", "scip")}
"""By solver: its Python package, its name, and the extra that installs it."""


def second_opinion(read: Case, verdict: Verdict, seconds: float, solver: Solver) -> Proof:
    """Return the second opinion on a legal placement, in the terms of the policy.

    Raises
    ------
    InputError
        Where the solver is missing, or the placement has no values.
    """
    package, name, extra = _PACKAGES[solver]
    if find_spec(package) is None:
        raise InputError(f"--prove needs {name}: pip install 'exactfit[{extra}]'")
    if not verdict.legal:
        raise InputError(f"--prove: the placement is illegal: {verdict.violations[0]}")
    from ..proof.prove import prove
    from ..proof.question import Question

    machine, jobspec = read.machine, read.jobs[0].jobspec
    question = Question(
        machine,
        jobspec.vertices,
        jobspec.constraint,
        [held for _, held in read.before],
        read.down,
        read.options.slot_exclusive,
        solver,
    )
    names = [component.name for component in read.options.policy.components(machine.group_levels, machine.levels)]
    return prove(question, verdict.counts, {"size": verdict.terms["size"], **values_of(names, verdict)}, seconds)


def values_of(names: Sequence[str], verdict: Verdict) -> dict[str, Any]:
    """Return what the checker says of the terms of a policy, those that are the reverse of another one included.

    Raises
    ------
    InputError
        For a term of which it has no value.
    """
    found: dict[str, Any] = {}
    for name in names:
        family, _, level = name.partition(".")
        if family == _REVERSED and f"fit.{level}" in verdict.terms:
            value = verdict.terms[f"fit.{level}"]
            found[name] = -value if isinstance(value, int) else value
        elif name in verdict.terms:
            found[name] = verdict.terms[name]
        else:
            raise InputError(f"--prove: the checker has no value of the term {name}")
    return found


def proof_fields(proof: Proof | None) -> dict[str, Any] | None:
    """Return a second opinion as JSON."""
    if proof is None:
        return None
    return {
        "holds": proof.holds,
        "terms": {name: opinion.name for name, opinion in proof.opinions.items()},
        "better": proof.better,
        "said": proof.said,
    }


def show_proof(console: Console, proof: Proof, terms: Mapping[str, Any], solver: Solver) -> None:
    """Print a second opinion."""
    columns = (Column("term", lead=True), Column("value", right=True, least=12), Column("second opinion"))
    rows = []
    for name, opinion in proof.opinions.items():
        value = -terms[f"fit.{name.partition('.')[2]}"] if name.startswith(_REVERSED) else terms.get(name)
        rows.append((Text(name), Text(value_text(value)), Text(opinion.value)))
    console.print(FittedTable(columns, rows))
    if proof.holds:
        by = _PACKAGES[solver][1]
        console.print(f"nothing is better: proven by counting or by {by}, in another formulation", soft_wrap=True)
    elif proof.better is not None:
        import json

        console.print(f"better, with {value_text(proof.value)}:", soft_wrap=True)
        console.print(json.dumps(proof.better), soft_wrap=True, highlight=False, markup=False)
    elif proof.said:
        console.print(f"not proven: {printable(proof.said)}", soft_wrap=True)
    else:
        console.print("not proven", soft_wrap=True)
