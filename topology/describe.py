"""Machines that are described rather than read: equal nodes from one RFC 49 `topo` object or one hwloc XML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..grammar.errors import shown
from ..grammar.hostlist import Hostlist
from ..grammar.idset import mask_text
from .hwloc import HwlocNode, hwloc_node
from .links import links_entry
from .machine import Machine
from .rset_read import MAX_RANKS, read_R
from .rset_write import WRITER
from .topo import topo_tree


def describe_R(
    topo: Mapping[str, object],
    nodes: int = 1,
    hosts: str | None = None,
    *,
    cores: int | None = None,
    gpus: int | None = None,
) -> dict[str, Any]:
    """Return the R of equal nodes.

    Parameters
    ----------
    topo : the RFC 49 object of a node.
    nodes : how many there are, ranks 0, 1, ...
    hosts : their names as an RFC 29 hostlist; `node[0-N]` by default.
    cores, gpus : bitmasks of the ids of a node; all that `topo` lists by default.

    Raises
    ------
    ValueError
        `topo` is not as RFC 49 has it, or there are not as many names as nodes, or one is given twice.
    """
    if not 1 <= nodes <= MAX_RANKS:
        raise ValueError(f"a machine of {nodes} nodes: not between 1 and {MAX_RANKS}")
    ranks = f"0-{nodes - 1}" if nodes > 1 else "0"
    if hosts is None:
        hosts = f"node[{ranks}]" if nodes > 1 else "node0"
    else:
        check_names(Hostlist.parse(hosts), nodes)
    listed = topo_tree(topo).domains[0]
    ids = {
        "core": mask_text(listed.cores if cores is None else cores),
        "gpu": mask_text(listed.gpus if gpus is None else gpus),
    }
    return {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": ranks, "children": {name: text for name, text in ids.items() if text}}],
            "starttime": 0.0,
            "expiration": 0.0,
            "nodelist": [hosts],
        },
        "scheduling": {"writer": WRITER, "children": [{"ranks": ranks, "topo": topo}]},
    }


def check_names(hosts: Hostlist, nodes: int) -> None:
    """Refuse host names that are not as many as the nodes, or not all different.

    Raises
    ------
    ValueError
        Then.
    """
    if len(hosts) != nodes:
        raise ValueError(f"{len(hosts)} host names for {nodes} nodes")
    known: set[str] = set()
    for host in hosts:
        if host in known:
            raise ValueError(f"the host name {shown(host)} is given twice")
        known.add(host)


def machine_from_topo(topo: Mapping[str, object], nodes: int = 1, hosts: str | None = None) -> Machine:
    """Return the machine of equal nodes; parameters and errors are those of `describe_R`."""
    return read_R(describe_R(topo, nodes, hosts))


def hwloc_R(xml: str | bytes, nodes: int = 1, hosts: str | None = None, *, nics: bool = False) -> dict[str, Any]:
    """Return the R of nodes that are all as an hwloc XML file has it.

    Parameters
    ----------
    xml : the text of the file.
    nodes : how many there are.
    hosts : their names as an RFC 29 hostlist; the name in the file for a single node by default.
    nics : list the network cards; see `read_hwloc`.

    Raises
    ------
    ValueError
        The text is no hwloc XML, or there are not as many names as nodes.
    """
    return node_R(hwloc_node(xml, nics=nics), nodes, hosts)


def node_R(node: HwlocNode, nodes: int = 1, hosts: str | None = None) -> dict[str, Any]:
    """Return the R of nodes that are all as one that was read; parameters and errors are those of `hwloc_R`."""
    if hosts is None and nodes == 1:
        hosts = node.host
    R = describe_R(node.topo, nodes, hosts, cores=node.cores, gpus=node.gpus)
    if node.links is not None:
        (entry,) = R["execution"]["R_lite"]
        links = [links_entry(entry["rank"], mask_text(node.gpus), node.links)]
        R["scheduling"]["exactfit"] = {"links": links}
    return R
