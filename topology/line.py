"""Machines made from one line: equal nodes, in groups where the line has any."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

from ..grammar.hostlist import Hostlist
from ..grammar.idset import mask_text
from ..grammar.machine_line import Level, parse_machine_line
from .describe import describe_R
from .groups import MAX_GROUPS
from .listing import MAX_DEPTH
from .rset_read import MAX_RANKS
from .topo import MAX_DOMAINS, MAX_LOCAL_ID

Json = dict[str, Any]


def line_R(text: str, nodes: int | None = None, hosts: str | None = None) -> Json:
    """Return the R of the machine that a line says.

    Parameters
    ----------
    text
        As `parse_machine_line` reads it.
    nodes
        How many nodes there are, where the line does not say; 1, or one for each host, by default.
    hosts
        Their names as an RFC 29 hostlist.

    Raises
    ------
    ValueError
        The text is no such line, the machine is larger than can be, or there are not as many names as nodes.

    Notes
    -----
    Cores and gpus are numbered through the node in the order of the domains, those of a domain itself before those of
    the domains in it.
    """
    line = parse_machine_line(text)
    if line.counted and nodes is not None:
        raise ValueError("the line itself says how many nodes there are")
    if max(len(line.groups), len(line.levels)) > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels")
    sizes = [group.count for group in line.groups]
    if _total(sizes) > MAX_GROUPS:
        raise ValueError(f"more than {MAX_GROUPS} groups")
    if nodes is None:
        nodes = prod(sizes) * line.node.count if line.counted or hosts is None else len(Hostlist.parse(hosts))
    if nodes > MAX_RANKS:
        raise ValueError(f"{nodes} nodes: more than {MAX_RANKS}")
    _check_size(line.node, line.levels)
    R = describe_R(_Numbering().topo((line.node, *line.levels)), nodes, hosts)
    if line.groups:
        R["scheduling"]["groups"] = _groups(line.groups, 0, nodes)
    return R


def _total(counts: Sequence[int]) -> int:
    """Return how many domains there are of all levels together."""
    total, each = 0, 1
    for count in counts:
        each *= count
        total += each
    return total


def _check_size(node: Level, levels: Sequence[Level]) -> None:
    domains = _total([level.count for level in levels])
    if domains >= MAX_DOMAINS:
        raise ValueError(f"{domains} domains in a node: more than {MAX_DOMAINS - 1}")
    each = 1
    cores = gpus = 0
    for level in (node, *levels):
        each *= level.count if level is not node else 1
        cores += each * level.cores
        gpus += each * level.gpus
    for name, count in (("cores", cores), ("gpus", gpus)):
        if count > MAX_LOCAL_ID + 1:
            raise ValueError(f"{count} {name} in a node: more than {MAX_LOCAL_ID + 1}")


class _Numbering:
    """Makes the RFC 49 object of a node; the next core and gpu to be given out are kept."""

    def __init__(self) -> None:
        self.next = {"cores": 0, "gpus": 0}

    def topo(self, levels: Sequence[Level]) -> Json:
        """Return the object of one domain of the first level, with the others in it."""
        this, *inner = levels
        found: Json = {name: _written(amount) for name, amount in this.amounts}
        for key, count in (("cores", this.cores), ("gpus", this.gpus)):
            if count:
                first = self.next[key]
                self.next[key] = first + count
                found[key] = mask_text(((1 << count) - 1) << first)
        if inner:
            found[inner[0].name] = [self.topo(inner) for _ in range(inner[0].count)]
        return found


def _written(amount: Fraction) -> int | float:
    return amount.numerator if amount.denominator == 1 else float(amount)


def _groups(levels: Sequence[Level], first: int, nodes: int) -> Json:
    """Return the groups of so many nodes from a rank on, level by level."""
    level, *inner = levels
    size = nodes // level.count
    members = []
    for number in range(level.count):
        begin = first + number * size
        member: Json = {name: _written(amount) for name, amount in level.amounts}
        if inner:
            member |= _groups(inner, begin, size)
        else:
            member["ranks"] = f"{begin}-{begin + size - 1}" if size > 1 else str(begin)
        members.append(member)
    return {level.name: members}
