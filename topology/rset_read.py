"""Read an RFC 20 R, with the RFC 49 `scheduling` and its groups or Fluxion's graph (RFC 40), into a `Machine`.

Work per rank is kept out of Python: an R of 100,000 ranks is a handful of runs, and one of 100,000 entries costs little
more than reading its JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..grammar.collecting import uncollected
from ..grammar.errors import printable
from ..grammar.hostlist import Hostlist
from ..grammar.idset import IdSet
from ..grammar.json_text import read_json
from .assign import assign_types
from .expect import array_of, intervals_of, malformed, mapping, short, sort_disjoint
from .jgf_machine import machine_of_graph
from .jgf_scheduling import graph_scheduling, ranks_of_graph
from .machine import Machine
from .masks import ValuedRun
from .ranks import Ranks
from .scheduling import Layout, read_scheduling
from .topo import local_ids

logger = logging.getLogger(__name__)

MAX_RANKS = 2**22
"""The highest number of ranks in an R."""

_ILLEGAL_IN_PROPERTY = frozenset("!&'\"^`|()")


def read_R(R: str | bytes | Mapping[str, Any]) -> Machine:
    """Read an R.

    Parameters
    ----------
    R : the JSON text, or the same parsed.

    Raises
    ------
    ValueError
        R is not as RFC 20 and RFC 49 have it; the message names the place, such as `execution.R_lite[3].rank`.
    """
    with uncollected():
        return _read_R(parse_R(R))


def _read_R(top: Mapping[str, Any]) -> Machine:  # the RFC's name
    version = top.get("version")
    if version != 1 or isinstance(version, bool):
        raise ValueError(f"R: version: {short(version)} is not 1")
    execution = mapping(top.get("execution"), "execution")
    ranks, classes, runs = _read_lite(execution.get("R_lite"))
    scheduling = top.get("scheduling")
    if scheduling is not None:
        scheduling = mapping(scheduling, "scheduling")
    hosts = _hosts(execution.get("nodelist"), len(ranks))
    layout, elsewhere = _layout(scheduling or {}, ranks, hosts, classes, runs)
    types, type_of = assign_types(len(ranks), classes, runs, layout.trees, layout.runs, layout.links)
    machine = Machine(
        ranks=ranks,
        hosts=hosts,
        types=types,
        type_of=type_of,
        properties=_properties(execution.get("properties"), ranks),
        groups=layout.groups,
        topologies=layout.topologies,
        expiration=_time(execution.get("expiration"), "execution.expiration"),
        starttime=_time(execution.get("starttime"), "execution.starttime"),
        nslots=_nslots(execution.get("nslots")),
        scheduling=scheduling,
    )
    for level in machine.group_levels:
        if level in machine.levels:
            raise ValueError(f"scheduling.groups: {level!r} is a level below the node as well")
    return machine.cut(machine.all & ~machine.mask_of(elsewhere)) if elsewhere else machine


def _layout(
    scheduling: Mapping[str, Any],
    ranks: Ranks,
    hosts: Hostlist,
    classes: Sequence[tuple[int, int]],
    runs: Sequence[ValuedRun],
) -> tuple[Layout, IdSet]:
    """Return what `scheduling` says of the positions, and the ranks that it says are no nodes."""
    elsewhere = IdSet()
    if scheduling.get("graph") and not scheduling.keys() & {"children", "groups"}:
        graph = machine_of_graph(scheduling["graph"], "scheduling.graph")
        rank_of = ranks_of_graph(graph, list(ranks), list(hosts))
        elsewhere = IdSet.of(rank_of[rank] for rank in graph.elsewhere if rank in rank_of)
        scheduling = graph_scheduling(graph, rank_of)
    return read_scheduling(scheduling, ranks, classes, runs), elsewhere


def parse_R(R: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:  # the RFC's name
    """Return an R as a JSON object, parsed if it is text; what stands in it is not looked at.

    Raises
    ------
    ValueError
        For text that is no JSON, or that is nested too deeply, and for what is no object.
    """
    if isinstance(R, (str, bytes)):
        R = read_json(R, "R", strict=False)
    return mapping(R, "R")


def _read_lite(lite: object) -> tuple[Ranks, list[tuple[int, int]], list[ValuedRun]]:
    """Return the ranks, the distinct (cores, gpus) and, in order, the runs of positions that have one of these."""
    index: dict[tuple[int, int], int] = {}
    by_text: dict[tuple[str, str], int] = {}
    found: list[tuple[int, int, int, int]] = []
    unknown: set[str] = set()
    for n, entry in enumerate(array_of(lite, "execution.R_lite")):
        try:
            text, children = entry["rank"], entry["children"]
            key = (children.get("core", ""), children.get("gpu", ""))
            kind = by_text.get(key, -1)
        except (KeyError, TypeError, AttributeError, IndexError):
            raise _malformed_lite(entry, f"execution.R_lite[{n}]") from None
        if kind < 0:
            place = f"execution.R_lite[{n}].children"
            ids = (local_ids(key[0], f"{place}.core"), local_ids(key[1], f"{place}.gpu"))
            by_text[key] = kind = index.setdefault(ids, len(index))
        if len(children) > ("core" in children) + ("gpu" in children):
            unknown |= children.keys() - {"core", "gpu"}
        found += [(first, last, n, kind) for first, last in intervals_of(text, f"execution.R_lite[{n}].rank")]
    if unknown:
        logger.warning("execution.R_lite: %s: not core or gpu, left out", ", ".join(sorted(map(str, unknown))[:5]))
    sort_disjoint(found, "execution.R_lite[{}].rank")
    ranks = Ranks([(first, last) for first, last, _, _ in found])
    if len(ranks) > MAX_RANKS:
        raise ValueError(f"execution.R_lite: {len(ranks)} ranks, more than {MAX_RANKS}")
    runs: list[ValuedRun] = []
    position = 0
    for first, last, _, kind in found:
        end = position + last - first
        if runs and runs[-1][2] == kind:
            runs[-1] = (runs[-1][0], end, kind)
        else:
            runs.append((position, end, kind))
        position = end + 1
    return ranks, list(index), runs


def _malformed_lite(entry: object, place: str) -> ValueError:
    if isinstance(entry, Mapping) and "rank" in entry and "children" in entry:
        if isinstance(entry["children"], Mapping):
            return ValueError(f"{place}.children: core and gpu have to be idset strings")
        return ValueError(f"{place}.children: not an object")
    return malformed(entry, place, "rank", "children")


def _hosts(nodelist: object, size: int) -> Hostlist:
    if nodelist is None or nodelist == []:
        return Hostlist()
    names = array_of(nodelist, "execution.nodelist")
    for n, name in enumerate(names):
        if not isinstance(name, str):
            raise ValueError(f"execution.nodelist[{n}]: not a hostlist string")
    try:
        hosts = Hostlist.parse(",".join(names))
    except ValueError as error:
        raise ValueError(f"execution.nodelist: {error}") from None
    if len(hosts) != size:
        raise ValueError(f"execution.nodelist: {len(hosts)} hosts for {size} ranks")
    return hosts


def _properties(value: object, ranks: Ranks) -> dict[str, int]:
    masks = {}
    for name, text in mapping(value if value is not None else {}, "execution.properties").items():
        if not isinstance(name, str) or _ILLEGAL_IN_PROPERTY.intersection(name):
            raise ValueError(f"execution.properties: {short(name)}: no name for a property")
        ids = intervals_of(text, f"execution.properties.{printable(name)}")
        masks[name] = ranks.mask_of(IdSet(tuple(ids)))
    return masks


def _time(value: object, place: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{place}: not a number")
    if not -(2**63) <= value < 2**63:  # also false for NaN
        raise ValueError(f"{place}: no time")
    # Flux takes what is not above 0 for unset.
    return max(float(value), 0.0)


def _nslots(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"execution.nslots: {short(value)} is no number of slots")
    return value or None
