"""`exactfit topo`: what a machine is made of, and hwloc XML and Slurm topologies as R."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ...grammar.errors import printable
from ...topology.machine import Machine
from ...topology.rset import write_R
from ..drawing.scene import make_scene
from . import completions, options
from .bundles import flat
from .console import make_console
from .errors import InputError
from .json_output import json_line
from .listing import description
from .machine_input import NamedMachine, read_machine
from .machine_json import machine_fields
from .output import Output
from .pictures import check_pictures, show_pictures
from .slurm_input import with_slurm_groups
from .source import Sources
from .what_if import as_it_would_be


@dataclass(frozen=True, slots=True)
class Making:
    """What machine is made of that which is read."""

    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes",
            metavar="N",
            min=1,
            show_default=False,
            help="hwloc XML or a line: the machine has N such nodes, not one.",
        ),
    ] = None
    hosts: Annotated[
        str | None,
        typer.Option(
            "--hosts",
            metavar="HOSTLIST",
            show_default=False,
            help="hwloc XML or a line: the names of the nodes (RFC 29, n[0-63]); with it, --nodes can be left out.",
        ),
    ] = None
    nics: Annotated[
        bool,
        typer.Option(
            "--nics",
            help="hwloc XML: list the network cards of the fabric, in the domains that they are near, as amounts that "
            "slots may ask for (nic=1).",
        ),
    ] = False
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
            autocompletion=completions.files,
            metavar="FILE",
            show_default=False,
            help="Slurm's topology.conf or topology.yaml, told apart by content: its switches or blocks become groups "
            "(levels switch, switch2, ... or block, block2, ... from the leaves up). - for standard input.",
        ),
    ] = None
    topology: Annotated[
        str | None,
        typer.Option(
            "--topology",
            metavar="NAME",
            show_default=False,
            help="With --slurm: which topology of a topology.yaml; its default if not given.",
        ),
    ] = None

    def read(self, machine: str) -> NamedMachine:
        """Return the machine of that name, with what is added to it.

        Raises
        ------
        InputError
            For what cannot be read, and for options that do not go with it.
        """
        sources = Sources()
        named = read_machine(machine, sources, nodes=self.nodes, hosts=self.hosts, nics=self.nics)
        if self.slurm is not None:
            return with_slurm_groups(named, self.slurm, self.topology, sources)
        if self.topology is not None:
            raise InputError("--topology names a topology of the file that --slurm gives")
        return named


@flat
def topo(
    machine: options.MachineArgument,
    making: Making,
    what_if: options.WhatIf,
    pictures: options.PictureOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            autocompletion=completions.files,
            metavar="FILE",
            show_default=False,
            help="Write the machine as R with its tree in scheduling (RFC 49); - for standard output.",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object and nothing else: {"machine", "nodes", "cores", "gpus", "ranks", "levels", '
            '"group_levels", "properties", "groups", "types", "gpu_devices", "nics"}; each type of nodes has its tree.',
        ),
    ] = False,
) -> int:
    """Show a machine: its nodes, the tree inside each type of node, groups and properties; write it as R.

    For example:

      exactfit topo rfc49-a

      lstopo --of xml | exactfit topo - --nics --hosts 'n[0-63]' -o R.json

      exactfit topo 'socket:2 numa:4(memory=128) core:16 gpu:1' --nodes 64 -o R.json

      exactfit topo R.json --slurm /etc/slurm/topology.conf -o R-with-switches.json
    """
    named = as_it_would_be(making.read(machine), what_if)
    check_pictures(pictures, as_json=as_json)
    target = Output(str(output)) if output is not None else None
    if as_json and target is not None and target.is_stdout:
        raise InputError("--json and -o - both want standard output")
    if target is not None:
        target.write(1, json.dumps(_machine_R(named.machine)))
    if as_json:
        print(json_line("topo", machine_fields(named)))
    console = None if as_json else make_console(stderr=bool(target and target.is_stdout))
    if console is not None:
        _show(console, named)
    show_pictures(pictures, lambda: [make_scene(printable(named.name), named.machine)], console, idle_trees=True)
    return 0


def _show(console: Console, named: NamedMachine) -> None:
    for renderable in description(named):
        console.print(renderable, soft_wrap=isinstance(renderable, Text))


def _machine_R(machine: Machine) -> dict[str, object]:
    return write_R(
        machine,
        machine.holdings,
        nslots=machine.nslots,
        starttime=machine.starttime,
        expiration=machine.expiration,
        scheduling_extra=_chosen(machine),
    )


def _chosen(machine: Machine) -> dict[str, object]:
    """Return what the site chose in R, which stays there."""
    scheduling = machine.scheduling or {}
    return {"exactfit": scheduling["exactfit"]} if "exactfit" in scheduling else {}
