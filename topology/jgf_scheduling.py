"""Fluxion's resource graph (RFC 40) as `scheduling.children` and `groups`, and a file of it as R."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..grammar.errors import shown
from ..grammar.idset import IdSet, mask_text
from .jgf_machine import GraphMachine, machine_of_graph

Json = dict[str, Any]


def ranks_of_graph(machine: GraphMachine, ranks: Sequence[int], hosts: Sequence[str]) -> dict[int, int]:
    """Return R's rank of each rank of a graph that stands in an R.

    Parameters
    ----------
    ranks, hosts : those of R_lite, ascending, and the nodes' names in the same order where R has any.

    Notes
    -----
    A sub-instance numbers its ranks from 0 and leaves the graph with those of its parent: as many are the same nodes in
    order. Else hosts that both name are the same, where the graph numbers no nodes; else only equal ranks can be meant.
    """
    known = sorted({*(node.rank for node in machine.nodes), *machine.elsewhere})
    if len(known) == len(ranks):
        by_name = dict(zip(hosts, ranks, strict=True)) if hosts and not machine.ranked else {}
        if len(by_name) == len(ranks) and all(node.name in by_name for node in machine.nodes):
            return {node.rank: by_name[node.name] for node in machine.nodes}
        return dict(zip(known, ranks, strict=True))
    if not machine.ranked:
        by_name = dict(zip(hosts, ranks, strict=True)) if hosts else {}
        return {node.rank: by_name[node.name] for node in machine.nodes if node.name in by_name}
    here = set(ranks)
    return {rank: rank for rank in known if rank in here}


def graph_scheduling(machine: GraphMachine, rank_of: Mapping[int, int]) -> Json:
    """Return `scheduling` with `children` and `groups`.

    Parameters
    ----------
    rank_of : R's rank of each rank of the graph; nodes that are not among them are left out.
    """
    by_topo: dict[str, tuple[Json, list[int]]] = {}
    for node in machine.nodes:
        if node.rank in rank_of:
            by_topo.setdefault(repr(node.topo), (node.topo, []))[1].append(rank_of[node.rank])
    children = [{"ranks": str(IdSet.of(ranks)), "topo": topo} for topo, ranks in by_topo.values()]
    groups = _with_text(machine.groups, rank_of)
    groups.pop("ranks", None)
    return {"children": children, "groups": groups} if groups else {"children": children}


def _with_text(group: Json, rank_of: Mapping[int, int]) -> Json:
    written: Json = {}
    for key, value in group.items():
        if key == "ranks":
            ranks = [rank_of[rank] for rank in value if rank in rank_of]
            if ranks:
                written[key] = str(IdSet.of(ranks))
        else:
            written[key] = [_with_text(one, rank_of) for one in value] if isinstance(value, list) else value
    return written


def graph_R(value: object, place: str) -> Json:
    """Return the R of all that a graph has.

    Raises
    ------
    ValueError
        As `machine_of_graph`, and for a graph without nodes, or with a name that no host can have or that two have.
    """
    machine = machine_of_graph(value, place)
    if not machine.nodes:
        raise ValueError(f"{place}: no node with a rank")
    names = Counter(node.name for node in machine.nodes)
    for node in machine.nodes:
        if names[node.name] > 1 or not node.name.isprintable() or set(node.name) & set(" ,[]"):
            raise ValueError(f"{place}: {shown(node.name)}: no name for a host, or that of two nodes")
    by_ids: dict[tuple[int, int], list[int]] = {}
    properties: dict[str, list[int]] = {}
    for node in machine.nodes:
        by_ids.setdefault((node.cores, node.gpus), []).append(node.rank)
        for name in node.properties:
            properties.setdefault(name, []).append(node.rank)
    lite = [
        {
            "rank": str(IdSet.of(ranks)),
            "children": {"core": mask_text(cores), **({"gpu": mask_text(gpus)} if gpus else {})},
        }
        for (cores, gpus), ranks in by_ids.items()
    ]
    execution: Json = {"R_lite": lite, "starttime": 0.0, "expiration": 0.0}
    execution["nodelist"] = [",".join(node.name for node in machine.nodes)]
    if properties:
        execution["properties"] = {name: str(IdSet.of(ranks)) for name, ranks in properties.items()}
    return {
        "version": 1,
        "execution": execution,
        "scheduling": graph_scheduling(machine, {node.rank: node.rank for node in machine.nodes}),
    }
