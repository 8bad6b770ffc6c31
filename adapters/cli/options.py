"""Arguments and options that several commands share, said once, and the objects that commands get of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

MachineArgument = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        show_default=False,
        help="R (RFC 20 JSON) or hwloc XML (lstopo --of xml) in a file, told apart by content; - for standard input; "
        "or a preset: rfc49-a, rfc49-b, mi300a, sierra, with :N for N nodes (rfc49-a:64).",
    ),
]
RequiresOption = Annotated[
    list[str] | None,
    typer.Option(
        "--requires",
        metavar="QUERY",
        show_default=False,
        help="RFC 35 constraint that nodes must meet beside the jobspec's own ('gpu and not host:a[1-3]'). "
        "May be given again: all must hold.",
    ),
]
AllocatedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allocated",
        metavar="FILE",
        show_default=False,
        help="R of jobs that hold resources already: one R, a list, or the lines of place --json. May be given again.",
    ),
]
DownOption = Annotated[
    str | None,
    typer.Option(
        "--down", metavar="RANKS", show_default=False, help="Ranks (3,8-11) or hosts (a[3,8-11]) that are down, or all."
    ),
]
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="pack, spread or lowest; or terms in the order in which they count: "
        "affinity, spread, intact, shield, fit, worst-fit, with commas between.",
    ),
]
TimeLimitOption = Annotated[
    float,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Time for one job. What was found by then is used, its certificate saying FEASIBLE.",
    ),
]
SlotExclusiveOption = Annotated[
    str,
    typer.Option(
        "--slot-exclusive",
        metavar="shared|rfc14",
        help="Whether a domain with children inside a slot is shared or taken whole where exclusive is not given.",
    ),
]
UnknownTypesOption = Annotated[
    str,
    typer.Option(
        "--unknown-types",
        metavar="refuse|ignore",
        help="Whether a resource type that the machine lacks makes a job infeasible, or is passed over.",
    ),
]
DrawOption = Annotated[
    Path | None,
    typer.Option("--draw", metavar="FILE", show_default=False, help="Draw into a file: .svg, .png or .pdf."),
]
DrawingOption = Annotated[bool, typer.Option("--drawing/--no-drawing", help="Draw in the terminal, below the table.")]


@dataclass(frozen=True)
class PictureOptions:
    """How the machine is drawn."""

    draw: DrawOption = None
    drawing: DrawingOption = True


@dataclass(frozen=True, slots=True)
class CaseOptions:
    """A machine, the state that it is in, and how a job is decided on it."""

    machine: MachineArgument
    requires: RequiresOption = None
    allocated: AllocatedOption = None
    down: DownOption = None
    policy: PolicyOption = "pack"
    time_limit: TimeLimitOption = 10.0
    slot_exclusive: SlotExclusiveOption = "shared"
    unknown_types: UnknownTypesOption = "refuse"
