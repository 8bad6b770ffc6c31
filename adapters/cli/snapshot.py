"""`exactfit snapshot`: the running system into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...grammar.errors import printable
from ..snapshot.anonymous import anonymized
from ..snapshot.model import Snapshot
from ..snapshot.take import take
from . import completions, options
from .bundles import flat
from .console import make_console
from .output import Output

_MOST_LINES = 12


@flat
def snapshot(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            autocompletion=completions.files,
            show_default=False,
            help="Where the snapshot goes; - for standard output.",
        ),
    ],
    system: options.SystemOption = None,
    anonymize: Annotated[
        bool,
        typer.Option(
            "--anonymize",
            help="Replace users, hosts, job names and reservations by numbers, and leave out what people wrote.",
        ),
    ] = False,
) -> int:
    """Take the running system into a file: machine, what is down and why, who runs until when, and the queue.

    By commands that every user may run, and that change nothing. What may not be seen is named. The file can be given
    wherever a machine is taken, and to `exactfit explain JOBID --snapshot FILE`. Exit status 3 when the system does not
    answer.

    For example:

      exactfit snapshot -o now.json

      exactfit snapshot --anonymize -o ticket.json

      exactfit place now.json 'slot=4/[core=8;gpu=1]'
    """
    options.check_system(system)
    target = Output(str(output))
    taken = take(system)
    if anonymize:
        taken = anonymized(taken)
    target.write(1, taken.text().rstrip("\n"))
    console = make_console(stderr=target.is_stdout)
    for line in summary(taken):
        console.print(line, soft_wrap=True, markup=False)
    return 0


def summary(taken: Snapshot) -> list[str]:
    """Return what a snapshot holds, in lines."""
    from ...grammar.idset import IdSet

    nodes = len(IdSet.parse(",".join(str(entry["rank"]) for entry in taken.R["execution"]["R_lite"])))
    down = len({rank for one in taken.down for rank in IdSet.parse(one.ranks)})
    where = f" on {printable(taken.cluster)}" if taken.cluster else ""
    parts = [f"{nodes} nodes", *([f"{down} of them down"] if down else [])]
    parts += [f"{len(taken.running)} jobs run", f"{len(taken.waiting)} wait"]
    lines = [f"{taken.system} {printable(taken.version)}{where}: {', '.join(parts)}"]
    lines += [f"not seen: {printable(line)}" for line in taken.unseen[:_MOST_LINES]]
    if len(taken.unseen) > _MOST_LINES:
        lines.append(f"and {len(taken.unseen) - _MOST_LINES} more, in the file")
    return lines
