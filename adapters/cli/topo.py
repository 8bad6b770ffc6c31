"""`exactfit topo`: what a machine is made of, and hwloc XML and Slurm topologies as R."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from ...grammar.errors import printable
from ...grammar.idset import mask_text
from ...topology.machine import Machine
from ...topology.rset import write_R
from ...topology.tree import Domain, NodeType
from ..drawing.scene import make_scene
from . import options
from .bundles import flat
from .console import clip, make_console
from .errors import InputError
from .machine_input import NamedMachine, read_machine
from .output import Output
from .pictures import check_pictures, show_pictures
from .slurm_input import with_slurm_groups
from .source import Sources

_MOST_GROUPS = 24
_TEXT = 60


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
            help="hwloc XML only: the machine has N such nodes, not one.",
        ),
    ] = None
    hosts: Annotated[
        str | None,
        typer.Option(
            "--hosts",
            metavar="HOSTLIST",
            show_default=False,
            help="hwloc XML only: the names of the nodes (RFC 29, n[0-63]); with it, --nodes can be left out.",
        ),
    ] = None
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
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
        named = read_machine(machine, sources, nodes=self.nodes, hosts=self.hosts)
        if self.slurm is not None:
            return with_slurm_groups(named, self.slurm, self.topology, sources)
        if self.topology is not None:
            raise InputError("--topology names a topology of the file that --slurm gives")
        return named


@flat
def topo(
    machine: options.MachineArgument,
    making: Making,
    pictures: options.PictureOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="Write the machine as R with its tree in scheduling (RFC 49); - for standard output.",
        ),
    ] = None,
) -> int:
    """Show a machine: its nodes, the tree inside each type of node, groups and properties; convert hwloc XML to R.

    For example:

      exactfit topo rfc49-a

      lstopo --of xml | exactfit topo - --hosts 'n[0-63]' -o R.json

      exactfit topo R.json --slurm /etc/slurm/topology.conf -o R-with-switches.json
    """
    named = making.read(machine)
    check_pictures(pictures)
    target = Output(str(output)) if output is not None else None
    if target is not None:
        target.write(1, json.dumps(_machine_R(named.machine)))
    console = make_console(stderr=bool(target and target.is_stdout))
    for renderable in _description(named):
        console.print(renderable, soft_wrap=isinstance(renderable, Text))
    if pictures.drawing:
        console.print()
    show_pictures(pictures, lambda: make_scene(printable(named.name), named.machine), console, idle_trees=True)
    return 0


def _machine_R(machine: Machine) -> dict[str, object]:
    return write_R(
        machine,
        machine.holdings,
        nslots=machine.nslots,
        starttime=machine.starttime,
        expiration=machine.expiration,
        scheduling_extra={},
    )


def _description(named: NamedMachine) -> Iterator[Text | Tree]:
    machine = named.machine
    cores = _total(machine, [kind.cores for kind in machine.types])
    gpus = _total(machine, [kind.gpus for kind in machine.types])
    headline = Text(printable(named.name), style="bold")
    parts = [_nodes(machine, machine.all), _count(cores, "core"), *([_count(gpus, "gpu")] if gpus else [])]
    yield headline.append(f": {', '.join(parts)}", style="not bold")
    yield from _groups(machine)
    for name, mask in sorted(machine.properties.items()):
        yield Text(f"property {printable(name)}: ranks {clip(str(machine.ids_of(mask)), _TEXT)}")
    for kind, mask in zip(machine.types, machine.type_masks, strict=True):
        tree = Tree(Text(f"{_nodes(machine, mask)}: {_contents(kind.domains[0])}"))
        _grow(tree, kind, kind.domains[0])
        yield tree


def _total(machine: Machine, masks: Sequence[int]) -> int:
    return sum(ids.bit_count() * nodes.bit_count() for ids, nodes in zip(masks, machine.type_masks, strict=True))


def _nodes(machine: Machine, mask: int) -> str:
    number = mask.bit_count()
    ranks = "rank" if number == 1 else "ranks"
    return f"{_count(number, 'node')} ({ranks} {clip(str(machine.ids_of(mask)), _TEXT)})"


def _groups(machine: Machine) -> Iterator[Text]:
    for group in machine.groups[:_MOST_GROUPS]:
        line = Text(f"{group.level} {group.number}: ranks {clip(str(machine.ids_of(group.members)), _TEXT)}")
        yield line.append("".join(f", {_amount(name, amount)}" for name, amount in group.resources))
    if len(machine.groups) > _MOST_GROUPS:
        yield Text(f"and {len(machine.groups) - _MOST_GROUPS} more groups")


def _grow(tree: Tree, kind: NodeType, domain: Domain) -> None:
    """Add what is in a domain, equal siblings as one branch."""
    alike: dict[int, list[Domain]] = {}
    for index in domain.children:
        alike.setdefault(kind.kinds[index], []).append(kind.domains[index])
    for same in alike.values():
        name = f"{same[0].level} {mask_text(sum(1 << one.number for one in same))}"
        each = "each " if len(same) > 1 else ""
        _grow(tree.add(Text(f"{name}: {each}{_contents(same[0])}")), kind, same[0])


def _contents(domain: Domain) -> str:
    parts = []
    for ids, name in ((domain.cores, "core"), (domain.gpus, "gpu")):
        if ids:
            parts.append(_count(ids.bit_count(), name))
    if domain.memory is not None:
        parts.append(_amount("memory", domain.memory))
    if domain.storage is not None:
        parts.append(_amount("storage", domain.storage))
    parts += [_amount(name, amount) for name, amount in domain.resources]
    return ", ".join(parts) + ("" if domain.whole else " (part of a larger one)")


def _amount(name: str, amount: int | Fraction) -> str:
    size = str(amount) if amount.denominator == 1 else f"{float(amount):.6g}"
    return f"{size} GiB {name}" if name in ("memory", "storage") else f"{printable(name)} {size}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
