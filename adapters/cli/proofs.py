"""Certificates that travel: `exactfit place --proof` writes them, `exactfit verify` looks at them with plain code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...grammar.constraint import ALWAYS, evaluate
from ...grammar.errors import printable
from ...grammar.jobspec import Vertex
from ...topology.rset import write_R
from ..fitted_table import Column, FittedTable
from . import completions
from .bundles import flat
from .case import Case
from .console import make_console, note
from .errors import InputError
from .json_output import json_line
from .outcome import Outcome
from .second_opinion import values_of
from .source import Sources, decode
from .status import DONE, NO

if TYPE_CHECKING:
    from ..proof.certificate import Verified

SECONDS = 60.0
"""How long the search for the arguments of one certificate may take."""

ProofOption = Annotated[
    str | None,
    typer.Option(
        "--proof",
        metavar="FILE",
        autocompletion=completions.files,
        show_default=False,
        help="Write a certificate of each job placed, one a line, that exactfit verify checks without any solver.",
    ),
]


def check_proof(proof: str | None) -> None:
    """Refuse a proof that cannot be made.

    Raises
    ------
    InputError
        Where HiGHS is missing.
    """
    if proof is not None and find_spec("highspy") is None:
        raise InputError("--proof needs HiGHS: pip install 'exactfit[prove]'")


def write_proofs(read: Case, outcomes: Sequence[Outcome], path: str) -> None:
    """Write the certificates of the jobs that were placed, each on what those before it have left.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    running = [dict(R) for _, R in read.before]
    lines = []
    for outcome in outcomes:
        if outcome.R is not None:
            lines.append(json.dumps(_certificate(read, outcome, running)))
            running.append(dict(outcome.R))
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise InputError(f"--proof {path}: {error.strerror or error}") from None
    note(f"proofs: {path}")


def _certificate(read: Case, outcome: Outcome, running: Sequence[dict[str, Any]]) -> dict[str, Any]:
    from ...solver.checker import check
    from ..proof.certificate import make_certificate

    machine, jobspec, options = read.machine, outcome.job.jobspec, read.options
    matching = evaluate(jobspec.constraint, machine.facts)
    case = {
        "R": write_R(machine, machine.holdings),
        "running": list(running),
        "down": machine.ids_text(read.down) if read.down else "",
        "resources": [_vertex(vertex) for vertex in jobspec.vertices],
        "constraint": None if jobspec.constraint == ALWAYS else {"ranks": [machine.ids_text(matching)]},
        "slot_exclusive": options.slot_exclusive,
        "placement": outcome.R,
    }
    verdict = check(
        machine,
        jobspec.vertices,
        outcome.R or {},
        constraint=jobspec.constraint,
        running=running,
        down=read.down,
        slot_exclusive=options.slot_exclusive,
        unknown_types=options.unknown_types,
    )
    names = [name for name in outcome.certificate["terms"] if name != "size"]
    values = {"size": verdict.terms["size"], **values_of(names, verdict)}
    return make_certificate(case, values, verdict.counts, SECONDS)


def _vertex(vertex: Vertex) -> dict[str, Any]:
    """Return a vertex of a request as RFC 14 has it."""
    said = {"label": vertex.label, "exclusive": vertex.exclusive, "unit": vertex.unit}
    made: dict[str, Any] = {"type": vertex.type, "count": vertex.count.to_json()}
    made |= {key: value for key, value in said.items() if value is not None}
    if vertex.id is not None:
        made["id"] = str(vertex.id)
    if vertex.children:
        made["with"] = [_vertex(child) for child in vertex.children]
    return made


@flat
def verify(
    proof: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Certificates as place --proof writes them; - for standard input.",
        ),
    ],
    as_json: Annotated[
        bool,
        typer.Option("--json", help='Print one JSON object each: {"certificate", "faults", "terms", "plain"}.'),
    ] = False,
) -> int:
    """Check certificates with plain code: no solver of any kind takes part.

    The checker says that the placement is legal and worth what the certificate says. Then each argument is followed:
    arithmetic with the multipliers of a dual certificate, case by case where there are cases. What is left to the
    solver's word is named. Exit status 1 when something is wrong.

    For example:

      exactfit place rfc49-a 'slot=2/core=8' --proof proof.json

      exactfit verify proof.json
    """
    from ..proof.certificate import verify as look

    text = decode(Sources().read(proof, "a certificate"), proof)
    found: list[Verified] = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        try:
            found.append(look(json.loads(line)))
        except ValueError as error:
            raise InputError(f"{proof}: certificate {number}: {error}") from None
    if not found:
        raise InputError(f"{proof}: is empty")
    for number, one in enumerate(found, 1):
        if as_json:
            fields = {"certificate": number, "faults": list(one.faults), "terms": dict(one.arguments)}
            print(json_line("verify", {**fields, "plain": one.is_plain}))
        else:
            _show(number, one)
    return NO if any(one.faults for one in found) else DONE


def _show(number: int, one: Verified) -> None:
    console = make_console()
    kinds = Counter(one.arguments.values())
    said = "false" if one.faults else "holds, by plain code alone" if one.is_plain else "holds, with the solver's word"
    console.print(f"certificate {number}: {said}", style="bold red" if one.faults else "bold green")
    for fault in one.faults:
        console.print(f"  {printable(fault)}", soft_wrap=True)
    if not one.faults:
        columns = (Column("term", lead=True), Column("argument"))
        console.print(FittedTable(columns, [(Text(name), Text(kind)) for name, kind in one.arguments.items()]))
        console.print(f"{sum(kinds.values()) - kinds['word']} of {sum(kinds.values())} terms by plain code")
