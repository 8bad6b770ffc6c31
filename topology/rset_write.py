"""Write an RFC 20 R for a part of a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..grammar.bits import lowest_bit, only_bit
from ..grammar.idset import mask_text
from .groups import write_groups
from .machine import Machine
from .masks import ValuedRun, mask_of_runs, overlay, runs_of_mask
from .topo import topo_tree
from .topo_ids import Topo, cut_topo

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
    cut_ids: bool = False,
) -> dict[str, Any]:
    """Return the R of a part of a machine, ranks as in the machine.

    Parameters
    ----------
    machine : what R describes a part of.
    holdings : (positions, cores, gpus) in bitmasks: these nodes hold these ids; no node twice.
    nslots : the number of slots, for an allocation.
    starttime, expiration : seconds since the epoch, 0 if unset.
    scheduling_extra : further keys of `scheduling`, such as `placement` and `certificate`.
    cut_ids : whether `children` lists only the cores and GPUs that are held, as the R of a job has to: it may become
        that of an instance, for which Flux numbers the cores anew.

    Returns
    -------
    R, which shares `topo` objects with the machine. `scheduling` is there if the nodes have a tree or a group, or
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
    properties = _properties(machine, everyone)
    if properties:
        execution["properties"] = properties
    R: dict[str, Any] = {"version": 1, "execution": execution}
    scheduling = {**_scheduling(machine, everyone, merged, cut_ids=cut_ids), **(scheduling_extra or {})}
    if scheduling:
        R["scheduling"] = {"writer": WRITER, **scheduling}
    return R


def _properties(machine: Machine, nodes: int) -> dict[str, str]:
    """Return the ranks of some nodes by property, without instance-local ones."""
    return {
        name: machine.ids_text(mask & nodes)
        for name, mask in machine.properties.items()
        if mask & nodes and not name.startswith("+")
    }


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


def _scheduling(
    machine: Machine, everyone: int, holdings: Sequence[tuple[int, int, int]], *, cut_ids: bool
) -> dict[str, object]:
    """Return `children` and `groups` cut to some positions, nothing if these have neither a tree nor a group."""
    entries = [(mask, topo) for topo, mask in machine.topologies_at(everyone) if topo]
    groups = write_groups(machine.groups_at(everyone), everyone, machine.ids_of) if machine.groups else {}
    if not entries and not groups:
        return {}
    rest = everyone
    for mask, _ in entries:
        rest &= ~mask
    cut = _cut(machine, entries, holdings, all_of_them=cut_ids)
    if rest:
        cut.append((rest, {}))
    if len(cut) > 1:
        cut.sort(key=_lowest_position)
    children = [{"ranks": machine.ids_text(mask), "topo": topo} for mask, topo in cut]
    return {"children": children, "groups": groups} if groups else {"children": children}


def _cut(
    machine: Machine,
    entries: Sequence[tuple[int, Topo]],
    holdings: Sequence[tuple[int, int, int]],
    *,
    all_of_them: bool,
) -> list[tuple[int, Topo]]:
    """Return which `topo` stands where, with the ids that are held alone.

    Parameters
    ----------
    all_of_them : whether to cut all; else only those that would be read as if their cores had been numbered anew.
    """
    made: list[tuple[int, Topo]] = []
    uncut = [0] * len(entries)
    for entry, holding, here in _common(entries, holdings):
        topo, (_, cores, gpus) = entries[entry][1], holdings[holding]
        node_type = machine.type_at(lowest_bit(here).bit_length() - 1)
        at_node = node_type.domains[0].own_cores & cores
        if all_of_them:
            is_all = node_type.domains[0].whole and (node_type.cores, node_type.gpus) == (cores, gpus) and not at_node
        else:
            # As many others need one that `topo` does not list, which stands at the node.
            is_all = not (at_node and _looks_renumbered(topo_tree(topo).domains[0].cores, cores))
        if is_all:
            uncut[entry] |= here
        else:
            made.append((here, cut_topo(topo, cores, gpus)))
    made += [(mask, topo) for mask, (_, topo) in zip(uncut, entries, strict=True) if mask]
    return made


def _looks_renumbered(listed: int, cores: int) -> bool:
    return listed != cores and listed.bit_count() == cores.bit_count()


def _common(
    entries: Sequence[tuple[int, Topo]], holdings: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Yield (entry, holding, positions of both) where there are any; linear in the runs of either side."""
    if len(entries) == 1 or len(holdings) == 1:
        for i, (mask, _) in enumerate(entries):
            for j, (nodes, _, _) in enumerate(holdings):
                if mask & nodes:
                    yield i, j, mask & nodes
        return
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    sides = [_runs([mask for mask, _ in entries]), _runs([nodes for nodes, _, _ in holdings])]
    for first, last, i, j in overlay(*sides):
        if j >= 0:
            found.setdefault((i, j), []).append((first, last))
    for (i, j), runs in found.items():
        yield i, j, mask_of_runs(runs)


def _runs(masks: Sequence[int]) -> list[ValuedRun]:
    return sorted((first, last, i) for i, mask in enumerate(masks) for first, last in runs_of_mask(mask))
