"""What the pool's verbs take: a mistake of the caller is an error at once, and no answer of the pool."""

from __future__ import annotations

import math

from ...grammar.errors import shown
from ...topology.machine import Machine
from ...topology.named import named_nodes
from ..options import Options


def need_machine(machine: object) -> None:
    """Refuse what is no machine with a TypeError."""
    if not isinstance(machine, Machine):
        raise TypeError(f"expected a Machine, not {shown(machine)}; read_R makes one of R")


def need_parts(machine: object, options: object, log: object) -> None:
    """Refuse what no pool can be made of with a TypeError; options and log may be None."""
    need_machine(machine)
    if options is not None and not isinstance(options, Options):
        raise TypeError(f"options: expected Options, not {shown(options)}")
    if log is not None and not callable(log):
        raise TypeError(f"log: expected a function of a priority and a message, not {shown(log)}")


def need_job(jobid: object) -> None:
    """Refuse what is no job id with a TypeError."""
    if not isinstance(jobid, int) or isinstance(jobid, bool):
        raise TypeError(f"expected a job id, an integer, not {shown(jobid)}")


def as_nodes(machine: Machine, nodes: int | str) -> int:
    """Return nodes as a bitmask of positions: from one, or from text, which names ranks or hosts, or is ``all``.

    Raises
    ------
    TypeError
        For what is neither.
    ValueError
        For nodes that are not there, and for text that is neither an idset nor a hostlist.
    """
    if isinstance(nodes, str):
        return named_nodes(machine, nodes)
    need_nodes(machine, nodes)
    return nodes


def need_nodes(machine: Machine, nodes: object) -> None:
    """Refuse what is no bitmask of positions of the machine.

    Raises
    ------
    TypeError
        For what is no integer.
    ValueError
        For positions that are not there.
    """
    if not isinstance(nodes, int) or isinstance(nodes, bool):
        raise TypeError(f"expected nodes, a bitmask of positions, not {shown(nodes)}")
    if nodes < 0:
        raise ValueError("expected a bitmask of positions, which is not negative")
    beyond = nodes >> machine.size
    if beyond:
        first = machine.size + (beyond & -beyond).bit_length() - 1
        raise ValueError(f"there is no position {first}: the machine has {machine.size}, from 0 on")


def need_time(moment: object) -> None:
    """Refuse what is no time.

    Raises
    ------
    TypeError
        For what is no number.
    ValueError
        For a time before the epoch, and for what is no number by its value.
    """
    if not isinstance(moment, int | float) or isinstance(moment, bool):
        raise TypeError(f"expected a time, seconds since the epoch, not {shown(moment)}")
    if math.isnan(moment) or moment < 0:
        raise ValueError(f"expected a time, seconds since the epoch, not {shown(moment)}")
