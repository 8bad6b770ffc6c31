"""What `exactfit topo` says of a machine in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from rich.text import Text
from rich.tree import Tree

from ...grammar.errors import printable
from ...grammar.idset import mask_text
from ...topology.machine import Machine
from ...topology.tree import Domain, NodeType
from .console import clip, counted
from .machine_input import NamedMachine
from .machine_json import gpu_fields, nic_fields

_MOST_GROUPS = 24
_TEXT = 60


def description(named: NamedMachine) -> Iterator[Text | Tree]:
    """Yield what a machine is made of: its size, groups, properties, the tree of each type of node, devices."""
    machine = named.machine
    cores = _total(machine, [kind.cores for kind in machine.types])
    gpus = _total(machine, [kind.gpus for kind in machine.types])
    headline = Text(printable(named.name), style="bold")
    parts = [_nodes(machine, machine.all), counted(cores, "core"), *([counted(gpus, "gpu")] if gpus else [])]
    yield headline.append(f": {', '.join(parts)}", style="not bold")
    yield from _groups(machine)
    for name, mask in sorted(machine.properties.items()):
        yield Text(f"property {printable(name)}: ranks {clip(str(machine.ids_of(mask)), _TEXT)}")
    for kind, mask in zip(machine.types, machine.type_masks, strict=True):
        tree = Tree(Text(f"{_nodes(machine, mask)}: {_contents(kind.domains[0])}"))
        _grow(tree, kind, _in_place(kind), kind.domains[0])
        yield tree
    for number, gpu in enumerate(gpu_fields(named.gpus)):
        told = [f"number {gpu['number']}", gpu["vendor"], gpu["name"], gpu["bus"], gpu["uuid"]]
        yield Text(f"gpu {number}: {printable(', '.join(word for word in told if word))}")
    for card in nic_fields(named.nics):
        told = ["/".join(card["names"]), card["bus"], f"beside cores {card['cores']}" if card["cores"] else ""]
        yield Text(f"nic: {printable(', '.join(word for word in told if word))}")


def _total(machine: Machine, masks: Sequence[int]) -> int:
    return sum(ids.bit_count() * nodes.bit_count() for ids, nodes in zip(masks, machine.type_masks, strict=True))


def _nodes(machine: Machine, mask: int) -> str:
    number = mask.bit_count()
    ranks = "rank" if number == 1 else "ranks"
    return f"{counted(number, 'node')} ({ranks} {clip(str(machine.ids_of(mask)), _TEXT)})"


def _groups(machine: Machine) -> Iterator[Text]:
    for group in machine.groups[:_MOST_GROUPS]:
        line = Text(f"{group.level} {group.number}: ranks {clip(str(machine.ids_of(group.members)), _TEXT)}")
        yield line.append("".join(f", {_amount(name, amount)}" for name, amount in group.resources))
    if len(machine.groups) > _MOST_GROUPS:
        yield Text(f"and {len(machine.groups) - _MOST_GROUPS} more groups")


def _grow(tree: Tree, kind: NodeType, places: Sequence[int], domain: Domain) -> None:
    """Add what is in a domain, siblings that are equal in place as one branch."""
    alike: dict[int, list[Domain]] = {}
    for index in domain.children:
        alike.setdefault(places[index], []).append(kind.domains[index])
    for same in alike.values():
        name = f"{same[0].level} {mask_text(sum(1 << one.number for one in same))}"
        each, inside = "", ""
        if len(same) > 1:
            each = "each "
            # Numbers run through the whole node, so those below are true of one sibling alone.
            inside = f"; inside {same[0].level} {same[0].number}:" if same[0].children else ""
        _grow(tree.add(Text(f"{name}: {each}{_contents(same[0])}{inside}")), kind, places, same[0])


def _in_place(kind: NodeType) -> list[int]:
    """Return a number for each domain; equal numbers mean that the same things stand in the same places inside.

    `NodeType.kinds` is wider: there the order of what is inside does not count, and of two domains that differ in it
    the numbers that are printed for the first one would be wrong for the second.
    """
    seen: dict[tuple[object, ...], int] = {}
    places = [0] * len(kind.domains)
    for domain in reversed(kind.domains):
        below = tuple(places[child] for child in domain.children)
        own = (domain.own_cores.bit_count(), domain.own_gpus.bit_count(), domain.memory, domain.storage)
        key = (domain.level, domain.whole, own, domain.resources, below)
        places[domain.index] = seen.setdefault(key, len(seen))
    return places


def _contents(domain: Domain) -> str:
    parts = []
    for ids, name in ((domain.cores, "core"), (domain.gpus, "gpu")):
        if ids:
            parts.append(counted(ids.bit_count(), name))
    if domain.memory is not None:
        parts.append(_amount("memory", domain.memory))
    if domain.storage is not None:
        parts.append(_amount("storage", domain.storage))
    parts += [_amount(name, amount) for name, amount in domain.resources]
    return ", ".join(parts) + ("" if domain.whole else " (part of a larger one)")


def _amount(name: str, amount: int | Fraction) -> str:
    size = str(amount) if amount.denominator == 1 else f"{float(amount):.6g}"
    return f"{size} GiB {name}" if name in ("memory", "storage") else f"{printable(name)} {size}"
