"""Arguments and options that several commands share, said once, and the objects that commands get of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from ..snapshot.take import SYSTEMS
from . import completions
from .errors import InputError

MachineArgument = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        autocompletion=completions.machines,
        show_default=False,
        help="R (RFC 20 JSON), Fluxion's graph (JGF or GRUG) or hwloc XML (lstopo --of xml) in a file, told apart by "
        "content; - for standard input; "
        "a preset: rfc49-a, rfc49-b, mi300a, sierra, with :N for N nodes (rfc49-a:64); or a line that makes one: "
        "'node:4 socket:2 numa:4(memory=128) core:16 gpu:1', nested in this order, each count per parent.",
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
        autocompletion=completions.files,
        metavar="FILE",
        show_default=False,
        help="R of jobs that hold resources already: one R, a list, or the lines of place --json. May be given again.",
    ),
]
DownOption = Annotated[
    list[str] | None,
    typer.Option(
        "--down",
        autocompletion=completions.words("all"),
        metavar="RANKS",
        show_default=False,
        help="Ranks (3,8-11) or hosts (a[3,8-11]) that are down, or all. May be given again.",
    ),
]
_SITE = "unless the site chose another"
PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        autocompletion=completions.policies,
        metavar="POLICY",
        show_default=f"pack {_SITE}",
        help="pack, future, spread or lowest; or terms in the order in which they count: "
        "partial, affinity, share, spread, intact, shield, fit, worst-fit, future, with commas between. "
        "future=FILE takes the usual jobs of a file, WEIGHT => SHAPE a line; future=learned those that were placed.",
    ),
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option(
        "--time-limit",
        metavar="TIME",
        show_default=f"500ms {_SITE}",
        help="How much work one job may take, as time on an ordinary core: seconds, or 500ms, 10s, 2m. Work is "
        "counted, so that a search ends at the same point everywhere. What was found by then is used, and is FEASIBLE.",
    ),
]
SlotExclusiveOption = Annotated[
    str | None,
    typer.Option(
        "--slot-exclusive",
        autocompletion=completions.words("shared", "rfc14"),
        show_default=f"shared {_SITE}",
        metavar="shared|rfc14",
        help="Whether a domain with children inside a slot is shared or taken whole where exclusive is not given.",
    ),
]
UnknownTypesOption = Annotated[
    str | None,
    typer.Option(
        "--unknown-types",
        autocompletion=completions.words("refuse", "ignore"),
        show_default=f"refuse {_SITE}",
        metavar="refuse|ignore",
        help="Whether a resource type that the machine lacks makes a job infeasible, or is passed over.",
    ),
]
DrawOption = Annotated[
    Path | None,
    typer.Option(
        "--draw",
        metavar="FILE",
        autocompletion=completions.files,
        show_default=False,
        help="Draw into a file: .svg, .png or .pdf.",
    ),
]
DrawingOption = Annotated[
    bool | None,
    typer.Option(
        "--drawing/--no-drawing", show_default=False, help="Draw in the terminal, below the table, or do not."
    ),
]

SnapshotOption = Annotated[
    str | None,
    typer.Option(
        "--snapshot",
        metavar="FILE",
        autocompletion=completions.files,
        show_default=False,
        help="What exactfit snapshot took, in the place of the system that runs here.",
    ),
]
SystemOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="flux|slurm",
        autocompletion=completions.words(*SYSTEMS),
        show_default="the one that is here",
        help="Which system to ask.",
    ),
]


def check_system(system: str | None) -> None:
    """Refuse what is no system.

    Raises
    ------
    InputError
        For it.
    """
    if system is not None and system not in SYSTEMS:
        raise InputError(f"--from: expected flux or slurm, got {system!r}")


WithNodesOption = Annotated[
    int | None,
    typer.Option(
        "--with-nodes",
        metavar="N",
        min=1,
        show_default=False,
        help="What if: so many nodes more, each as most nodes are, in no group.",
    ),
]
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="'LEVEL NAME=AMOUNT'",
        show_default=False,
        help="What if: every domain, node or group of the level has so much ('numa memory=256', in GiB; 'rack "
        "power=90'). May be given again.",
    ),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="NODES",
        show_default=False,
        help="What if: the machine without a group (rack[3]), ranks (3,8-11) or hosts (a[3,8-11]). May be given again.",
    ),
]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What is to be different of a machine."""

    with_nodes: WithNodesOption = None
    amounts: WithOption = None
    without: WithoutOption = None


class OfMachineAsItWouldBe:
    """What options have in common that say what is to be different of a machine."""

    __slots__ = ()

    with_nodes: WithNodesOption
    amounts: WithOption
    without: WithoutOption

    @property
    def what_if(self) -> WhatIf:
        """What is to be different of the machine."""
        return WhatIf(self.with_nodes, self.amounts, self.without)


@dataclass(frozen=True)
class PictureOptions:
    """How the machine is drawn."""

    usual: ClassVar[bool] = True
    """Whether it is drawn in the terminal where nothing is said of that."""

    draw: DrawOption = None
    drawing: DrawingOption = None

    @property
    def in_terminal(self) -> bool:
        """Whether it is drawn in the terminal."""
        return self.usual if self.drawing is None else self.drawing

    def check(self, *, as_json: bool) -> None:
        """Refuse a drawing among JSON.

        Raises
        ------
        InputError
            For both.
        """
        if as_json and self.drawing:
            raise InputError("--drawing and --json exclude each other: JSON is all that is printed then")


@dataclass(frozen=True, slots=True)
class CaseOptions(OfMachineAsItWouldBe):
    """A machine, the state that it is in, and how a job is decided on it."""

    machine: MachineArgument
    requires: RequiresOption = None
    allocated: AllocatedOption = None
    down: DownOption = None
    policy: PolicyOption = None
    time_limit: TimeLimitOption = None
    slot_exclusive: SlotExclusiveOption = None
    unknown_types: UnknownTypesOption = None
    with_nodes: WithNodesOption = None
    amounts: WithOption = None
    without: WithoutOption = None

    @property
    def choice(self) -> dict[str, str | None]:
        """What is said of how jobs are decided, by the name of the setting; None where nothing is."""
        return {
            "policy": self.policy,
            "time_limit": self.time_limit,
            "slot_exclusive": self.slot_exclusive,
            "unknown_types": self.unknown_types,
        }
