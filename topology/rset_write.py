"""Write an RFC 20 R for a part of a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..grammar.bits import lowest_bit, only_bit
from ..grammar.idset import mask_text
from .groups import write_groups
from .machine import Machine

WRITER: Final = "exactfit.adapters.flux"
"""The pool class that a sub-instance loads for what is written here."""


def write_R(
    machine: Machine,
    holdings: Sequence[tuple[int, int, int]],
    *,
    nslots: int | None = None,
    starttime: float = 0.0,
    expiration: float = 0.0,
    scheduling_extra: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return the R of a part of a machine, ranks as in the machine.

    Parameters
    ----------
    machine : what R describes a part of.
    holdings : (positions, cores, gpus) in bitmasks: these nodes hold these ids; no node twice.
    nslots : the number of slots, for an allocation.
    starttime, expiration : seconds since the epoch, 0 if unset.
    scheduling_extra : further keys of `scheduling`, such as `placement` and `certificate`.

    Returns
    -------
    R, which shares its `topo` objects with the machine. `scheduling` is there if the nodes have a tree or a group, or
    if it gets further keys.

    Raises
    ------
    ValueError
        A node stands in two holdings.

    Notes
    -----
    Instance-local properties (`+name`) are left out, as RFC 20 asks. `scheduling.children` has all ranks of R, those
    without a tree with an empty one: a sub-instance numbers its ranks anew and then finds them again by order.
    """
    merged, everyone = _merge(machine, holdings)
    execution: dict[str, Any] = {
        "R_lite": [
            {"rank": machine.ids_text(mask), "children": _children(cores, gpus)} for mask, cores, gpus in merged
        ],
        "starttime": starttime,
        "expiration": expiration,
    }
    if everyone and len(machine.hosts):
        execution["nodelist"] = [_hosts(machine, everyone)]
    if nslots is not None:
        execution["nslots"] = nslots
    if machine.properties:
        properties = {
            name: machine.ids_text(mask & everyone)
            for name, mask in machine.properties.items()
            if mask & everyone and not name.startswith("+")
        }
        if properties:
            execution["properties"] = properties
    R: dict[str, Any] = {"version": 1, "execution": execution}
    scheduling = {**_scheduling(machine, everyone), **(scheduling_extra or {})}
    if scheduling:
        R["scheduling"] = {"writer": WRITER, **scheduling}
    return R


def _merge(machine: Machine, holdings: Sequence[tuple[int, int, int]]) -> tuple[Sequence[tuple[int, int, int]], int]:
    """Return the holdings with equal ones merged, by their lowest positions, and the mask of all their nodes."""
    if len(holdings) == 1 and holdings[0][0]:
        return holdings, holdings[0][0]
    merged: dict[tuple[int, int], int] = {}
    everyone = 0
    for mask, cores, gpus in holdings:
        if mask & everyone:
            raise ValueError(f"holdings: rank {machine.ids_of(mask & everyone).first} is in two of them")
        everyone |= mask
        merged[cores, gpus] = merged.get((cores, gpus), 0) | mask
    parts = [(mask, cores, gpus) for (cores, gpus), mask in merged.items() if mask]
    return sorted(parts, key=_lowest_position), everyone


def _lowest_position(part: tuple[Any, ...]) -> int:
    return lowest_bit(part[0]).bit_length()


def _hosts(machine: Machine, mask: int) -> str:
    position = only_bit(mask)
    return str(machine.hosts_at(mask)) if position is None else machine.hosts[position]


def _children(cores: int, gpus: int) -> dict[str, str]:
    """Return the ids; ``core`` is required by RFC 20, also where there is none."""
    children = {"core": mask_text(cores)}
    if gpus:
        children["gpu"] = mask_text(gpus)
    return children


def _scheduling(machine: Machine, everyone: int) -> dict[str, object]:
    """Return `children` and `groups` cut to some positions, nothing if these have neither a tree nor a group."""
    entries = [(part, topo) for topo, mask in machine.topologies if topo and (part := mask & everyone)]
    groups = write_groups(machine.groups_at(everyone), everyone, machine.ids_of) if machine.groups else {}
    if not entries and not groups:
        return {}
    rest = everyone
    for mask, _ in entries:
        rest &= ~mask
    if rest:
        entries.append((rest, {}))
    if len(entries) > 1:
        entries.sort(key=_lowest_position)
    children = [{"ranks": machine.ids_text(mask), "topo": topo} for mask, topo in entries]
    return {"children": children, "groups": groups} if groups else {"children": children}
