"""Nodes as people name them: `3,8-11`, `n[3,8-11]`, `all`."""

from __future__ import annotations

from ..grammar.errors import shown
from ..grammar.hostlist import Hostlist
from ..grammar.idset import IdSet
from .machine import Machine


def named_nodes(machine: Machine, text: str) -> int:
    """Return the bitmask of the positions that a text names: an idset of ranks, a hostlist of hosts, or ``all``.

    Raises
    ------
    ValueError
        For text that is none of these, and for ranks and hosts that the machine lacks.
    """
    if text.strip() == "all":
        return machine.all
    try:
        ids = IdSet.parse(text)
    except ValueError:
        if text[:1].isdigit() or text[:1] == "[":
            raise
        return _of_hosts(machine, text)
    missing = machine.unknown(ids)
    if missing:
        raise ValueError(f"the machine has no rank {missing}")
    return machine.mask_of(ids)


def _of_hosts(machine: Machine, text: str) -> int:
    try:
        hosts = Hostlist.parse(text)
    except ValueError as error:
        raise ValueError(f"neither an idset of ranks nor a hostlist: {error}") from None
    known = {machine.host(position) for position in range(machine.size)}
    missing = next((host for host in hosts if host not in known), None)
    if missing is not None:
        raise ValueError(f"the machine has no host {shown(missing)}")
    return machine.facts.hosts(hosts)
