"""RFC 20 R as JSON values: what every pool and set class of Flux can be read through, and what ours is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...grammar.hostlist import Hostlist, encode_hosts
from ...grammar.idset import IdSet, mask_text, text_mask
from ...topology.expect import mapping
from ...topology.machine import Machine
from ...topology.rset import WRITER, parse_R, read_R, write_R

Piece = tuple[IdSet, int, int]
"""Ranks that hold the same: (ranks, bitmask of core ids, bitmask of GPU ids)."""

_EMPTY: dict[str, Any] = {"version": 1, "execution": {"R_lite": [], "starttime": 0.0, "expiration": 0.0}}
_RFC49_WRITERS = frozenset({WRITER, "TreePool"})


def as_json(resources: object) -> Mapping[str, Any]:
    """Return the R of anything that has one: a pool or a set of any class, wrapped or not, JSON text, or a mapping.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For text that is no JSON object.
    """
    if isinstance(resources, Mapping):
        return resources
    if isinstance(resources, str):
        return parse_R(resources)
    if hasattr(resources, "to_dict"):
        return mapping(resources.to_dict(), "R")
    if hasattr(resources, "encode"):
        return parse_R(resources.encode())
    raise TypeError(f"expected a resource set, got {type(resources).__name__}")


def machine_of(resources: Mapping[str, Any] | None) -> tuple[Machine, str]:
    """Return the machine that an R describes, and what had to be left out of it, in words; nothing: the empty machine.

    Raises
    ------
    ValueError
        For a malformed R. Where another scheduler's writer is named, a ``scheduling`` that is not as RFC 49 has it is
        no fault but that writer's own: it is left out of the machine, and kept in R.
    """
    if resources is None:
        resources = _EMPTY
    try:
        return _without_foreign_placement(read_R(resources)), ""
    except ValueError as fault:
        scheduling = resources.get("scheduling")
        # Without a writer it is Fluxion's, where it looks so (RFC 20).
        writer = "fluxion" if isinstance(scheduling, Mapping) and "graph" in scheduling else WRITER
        if not isinstance(scheduling, Mapping) or _class_of(scheduling.get("writer", writer)) in _RFC49_WRITERS:
            raise
        plain = read_R({key: value for key, value in resources.items() if key != "scheduling"})
        return replace(plain, scheduling=scheduling), f"no locality: R.scheduling is not as RFC 49 has it: {fault}"


def _class_of(writer: object) -> str:
    """Return the module of a writer that names one of its classes, ``module:Class``."""
    return str(writer).partition(":")[0]


def pieces(resources: Mapping[str, Any]) -> list[Piece]:
    """Return what an R's R_lite lists.

    Raises
    ------
    ValueError
        For what is no R.
    """
    found = []
    try:
        for entry in resources["execution"]["R_lite"]:
            children = entry.get("children", {})
            cores, gpus = (text_mask(str(children.get(kind, ""))) for kind in ("core", "gpu"))
            found.append((IdSet.parse(str(entry["rank"])), cores, gpus))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"R: execution.R_lite: {type(error).__name__} {error}") from None
    return found


def ranks_of(parts: Sequence[Piece]) -> IdSet:
    """Return all ranks of some pieces."""
    ranks = IdSet()
    for ids, _, _ in parts:
        ranks |= ids
    return ranks


def write_set(
    machine: Machine,
    parts: Sequence[tuple[int, int, int]],
    *,
    starttime: float,
    expiration: float,
    nslots: int | None = None,
    scheduling: bool = True,
) -> dict[str, Any]:
    """Return the R of a part of a machine as a set: instance-local properties are kept, and R's own ``scheduling``.

    Parameters
    ----------
    parts
        (positions, cores, gpus) in bitmasks.
    scheduling
        Whether ``scheduling`` is written, where the machine was read with one.
    """
    written = write_R(machine, parts, nslots=nslots, starttime=starttime, expiration=expiration)
    everyone = 0
    for mask, _, _ in parts:
        everyone |= mask
    local = {
        name: str(machine.ids_of(mask & everyone))
        for name, mask in machine.properties.items()
        if name.startswith("+") and mask & everyone
    }
    if local:
        written["execution"]["properties"] = {**written["execution"].get("properties", {}), **local}
    ours = written.pop("scheduling", {})
    if scheduling and machine.scheduling is not None:
        written["scheduling"] = _cut_scheduling(machine.scheduling, ours, machine.ids_of(everyone))
    return written


def merge(
    left: Mapping[str, Any], right: Mapping[str, Any], *, properties_of_new_ranks: bool = False
) -> dict[str, Any]:
    """Return the R that holds what either of two Rs holds, its times and names those of the left one.

    Parameters
    ----------
    properties_of_new_ranks
        Whether the right R's properties count for those of its ranks only that the left one lacks.

    Notes
    -----
    Ranks that are new bring their trees. Groups above the nodes stay those of the left one: they have no names, so
    nothing tells whether a rack of the right one is the same, and its storage would be counted twice.
    """
    ours, theirs = pieces(left), pieces(right)
    our_ranks, their_ranks = ranks_of(ours), ranks_of(theirs)
    execution = dict(left["execution"])
    execution["R_lite"] = [
        {"rank": str(ids), "children": {"core": mask_text(cores), **({"gpu": mask_text(gpus)} if gpus else {})}}
        for ids, cores, gpus in sorted(_united(ours, theirs), key=lambda piece: piece[0].first)
    ]
    execution.pop("nodelist", None)
    if any(source["execution"].get("nodelist") for source in (left, right)):
        names = {**_names(right, their_ranks), **_names(left, our_ranks)}
        execution["nodelist"] = [encode_hosts(names[rank] for rank in our_ranks | their_ranks)]
    properties = {name: IdSet.parse(text) for name, text in execution.pop("properties", {}).items()}
    counted = their_ranks - our_ranks if properties_of_new_ranks else their_ranks
    for name, text in right["execution"].get("properties", {}).items():
        properties[name] = properties.get(name, IdSet()) | (IdSet.parse(text) & counted)
    if properties:
        execution["properties"] = {name: str(ids) for name, ids in properties.items() if ids}
    merged = {**left, "execution": execution}
    children = [*_trees(left, our_ranks), *_trees(right, their_ranks - our_ranks)]
    if children:
        merged["scheduling"] = {"writer": WRITER, **left.get("scheduling", {}), "children": children}
    return merged


def _without_foreign_placement(machine: Machine) -> Machine:
    """Drop what R says of its slots where that is told in other ranks: it is of the parent instance's job then."""
    scheduling = machine.scheduling
    placement = scheduling.get("placement") if scheduling is not None else None
    if scheduling is None or placement is None or _placed(placement) <= machine.ranks.ids:
        return machine
    return replace(
        machine, scheduling={k: v for k, v in scheduling.items() if k not in ("placement", "certificate", "amounts")}
    )


def _placed(placement: object) -> IdSet:
    ranks = IdSet()
    for entry in placement if isinstance(placement, (list, tuple)) else ():
        # What a job holds of a group's own amounts stands on no rank.
        ranks |= IdSet.parse(str(entry.get("ranks", "")))
    return ranks


def _cut_scheduling(scheduling: Mapping[str, Any], written: Mapping[str, Any], ranks: IdSet) -> dict[str, Any]:
    """Return R's ``scheduling`` with trees and groups as they are written now, and slots on these ranks only."""
    kept = {**scheduling, **{key: written[key] for key in ("children", "groups") if key in written}}
    for key in ("placement", "amounts"):
        if key in kept:
            on_ranks = [entry for entry in kept[key] if "ranks" in entry]
            cut = [{**entry, "ranks": IdSet.parse(str(entry["ranks"])) & ranks} for entry in on_ranks]
            of_groups = [entry for entry in kept[key] if "ranks" not in entry]
            kept[key] = [{**entry, "ranks": str(entry["ranks"])} for entry in cut if entry["ranks"]] + of_groups
    return kept


def _united(ours: Sequence[Piece], theirs: Sequence[Piece]) -> list[Piece]:
    united = []
    new_of_ours = {i: ids for i, (ids, _, _) in enumerate(ours)}
    for ids, cores, gpus in theirs:
        rest = ids
        for i, (our_ids, our_cores, our_gpus) in enumerate(ours):
            both = ids & our_ids
            if both:
                united.append((both, cores | our_cores, gpus | our_gpus))
                rest -= both
                new_of_ours[i] -= both
        if rest:
            united.append((rest, cores, gpus))
    return united + [(ids, ours[i][1], ours[i][2]) for i, ids in new_of_ours.items() if ids]


def _names(resources: Mapping[str, Any], ranks: IdSet) -> dict[int, str]:
    """Return the host name of each rank, ``rank5`` and so on where R names none, as Flux has it."""
    names = [name for text in resources["execution"].get("nodelist") or () for name in Hostlist.parse(text)]
    return dict(zip(ranks, names or [f"rank{rank}" for rank in ranks], strict=False))


def _trees(resources: Mapping[str, Any], ranks: IdSet) -> list[dict[str, Any]]:
    scheduling = resources.get("scheduling")
    children = scheduling.get("children") if isinstance(scheduling, Mapping) else None
    cut = [(IdSet.parse(str(entry["ranks"])) & ranks, entry["topo"]) for entry in children or ()]
    return [{"ranks": str(ids), "topo": topo} for ids, topo in cut if ids]
