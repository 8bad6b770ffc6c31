"""`exactfit audit`: what an allocator does that it must not, on random machines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ...grammar.duration import parse_duration
from ...grammar.errors import printable, shown
from ..fitted_table import Column, FittedTable
from . import completions
from .bundles import flat
from .console import make_console, note
from .errors import InputError
from .json_output import json_line
from .status import DONE, NO

if TYPE_CHECKING:
    from ..audit.audit import Report
    from ..audit.findings import Finding

SECONDS = 60.0
_PROGRAMS = ("exactfit", "flux-python", "ortools", "hypothesis")


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How much is asked, and where the report goes."""

    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The same seed asks the same questions in the same order.")
    ] = 0
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="TIME",
            show_default="1m",
            help="How long it may take: seconds, or 90s, 10m, 2h.",
        ),
    ] = None
    streams: Annotated[
        int | None,
        typer.Option(
            "--streams", metavar="N", min=1, show_default=False, help="Ask N streams, however long that takes."
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            autocompletion=completions.files,
            show_default=False,
            help="Write report.html there, and a file for each fault that shows it when it is run.",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class NoMachine:
    """What other commands change of their machine: an audit has none that could be changed."""

    with_nodes: Annotated[str | None, typer.Option("--with-nodes", hidden=True)] = None
    amounts: Annotated[list[str] | None, typer.Option("--with", hidden=True)] = None
    without: Annotated[list[str] | None, typer.Option("--without", hidden=True)] = None

    def check(self) -> None:
        """Refuse each of these. InputError for it."""
        for option, given in (("--with-nodes", self.with_nodes), ("--with", self.amounts), ("--without", self.without)):
            if given:
                raise InputError(f"{option}: an audit takes no machine, it makes random ones; there is none to change")


@flat
def audit(
    pool: Annotated[
        str,
        typer.Argument(
            metavar="POOL",
            autocompletion=completions.words("exactfit", "Rv1Pool", "TreePool"),
            show_default=False,
            help="MODULE:CLASS, a pool class of Flux's protocol or an exactfit.adapters.audit.allocator.Allocator; "
            "or exactfit, Rv1Pool, TreePool.",
        ),
    ],
    asked: AuditOptions,
    none: NoMachine,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object: {"pool", "seed", "streams", "requests", "findings", "seen", "terms"}.',
        ),
    ] = False,
) -> int:
    """Look for what an allocator does that it must not, and print the smallest example of each fault.

    Random requests, returns, copies, reloads and ranks that go down are put to it on random machines. Each answer is
    judged by the checker, each refusal beside exactfit's own answer. Exit status 1 when there is a fault.

    For example:

      exactfit audit Rv1Pool --time 5m -o audit

      exactfit audit mysite.pool:Pool --seed 7 --streams 1000 --json
    """
    from ..audit.pools import load_allocator

    none.check()
    seconds = _seconds(asked.time, asked.streams)
    if find_spec("hypothesis") is None:
        raise InputError("an audit needs hypothesis: pip install 'exactfit[audit]'")
    # A pool beside the caller, as for python -m.
    sys.path.insert(0, "")
    try:
        make = load_allocator(pool)
    except (ValueError, ImportError) as fault:
        raise InputError(str(fault)) from None
    from ..audit.audit import audit as run

    report = run(make, pool=pool, seed=asked.seed, seconds=seconds, at_most=asked.streams)
    files = [] if asked.output is None else _write(report, asked.output)
    if as_json:
        print(json_line("audit", _fields(report)))
    else:
        _show(report, files)
    if report.faults:
        ours, said, stream = report.faults[0]
        raise RuntimeError(f"{ours.value}: {said}: {stream.to_json()}")
    return NO if report.findings else DONE


def _seconds(time: str | None, streams: int | None) -> float | None:
    if time is None:
        return None if streams is not None else SECONDS
    for read in (parse_duration, float):
        try:
            seconds = read(time)
        except ValueError:
            continue
        if 0 < seconds < float("inf"):
            return seconds
        break
    raise InputError(f"--time: expected a time above 0, got {shown(time)} (seconds, or 90s, 10m, 2h)")


def _versions() -> str:
    found = [f"Python {sys.version.split()[0]}"]
    for program in _PROGRAMS:
        try:
            found.append(f"{program} {version(program)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _write(report: Report, folder: Path) -> list[Path]:
    from ..audit.counterexample import write_all
    from ..audit.page import page_of

    try:
        files = write_all(report.findings, report.pool, folder)
        (folder / "report.html").write_text(page_of(report, files, _versions()), encoding="utf-8")
    except OSError as error:
        raise InputError(f"-o {folder}: {error.strerror or error}") from None
    note(f"report: {folder / 'report.html'}")
    return files


def _fields(report: Report) -> dict[str, Any]:
    return {
        "pool": report.pool,
        "seed": report.seed,
        "streams": report.streams,
        "requests": report.requests,
        "findings": [_finding_fields(finding) for finding in report.findings],
        "seen": dict(report.seen),
        "terms": {
            name: {"sum": mine, "best": best, "placements": number}
            for name, (mine, best, number) in sorted(report.terms.items())
        },
    }


def _finding_fields(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.name,
        "title": finding.title,
        "count": finding.count,
        "said": finding.said,
        "stream": finding.stream.to_json(),
    }


def _show(report: Report, files: list[Path]) -> None:
    from ..audit.page import summary
    from ..audit.steps import in_words, machine_in_words

    console = make_console()
    console.print(f"{printable(report.pool)}: {summary(report)}", highlight=False)
    for place, finding in enumerate(report.findings):
        times = "once" if finding.count == 1 else f"{finding.count} times"
        console.print(f"\n{printable(finding.title)}, {times}", style="bold", highlight=False)
        console.print(f"  {printable(machine_in_words(finding.stream.R))}", highlight=False, soft_wrap=True)
        for number, step in enumerate(finding.stream.steps, 1):
            console.print(f"  {number}. {printable(in_words(step))}", highlight=False, soft_wrap=True)
        console.print(f"  {printable(finding.said)}", highlight=False, soft_wrap=True)
        if place < len(files):
            console.print(f"  {files[place]}", highlight=False, soft_wrap=True)
    console.print()
    columns = (Column("what came of requests", lead=True), Column("times", right=True))
    console.print(FittedTable(columns, [(Text(what), Text(str(n))) for what, n in report.seen.most_common()]))
