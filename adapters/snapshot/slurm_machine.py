"""Slurm's nodes and switches as R: sockets, cores, GPUs, memory and other GRES, features as properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...grammar.errors import printable
from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet, mask_text
from ...grammar.slurm_gres import Gres, parse_gres
from ...topology.rset import read_R, write_R
from ...topology.slurm_groups import with_slurm_topology
from ...topology.slurm_hosts import parse_slurm_hosts
from ...topology.slurm_topology import read_topology_conf
from ...topology.topo import MAX_LOCAL_ID
from .model import Down
from .slurm_text import Record, records

Json = dict[str, Any]

MIB_PER_GIB: Final = 1024
_DOWN: Final = frozenset(
    {"DOWN", "DRAIN", "FAIL", "ERROR", "UNKNOWN", "NOT_RESPONDING", "INVAL", "INVALID_REG", "FUTURE"}
)
_DOWN_MARKS: Final = "*"
"""Of a state: the node does not respond."""
_ILLEGAL: Final = re.compile(r"[!&'\"^`|()\s]")


@dataclass(frozen=True)
class SlurmNode:
    """A node as its record says.

    Attributes
    ----------
    name, rank
        Of the host, and its place in the order in which Slurm lists them.
    sockets, cores, threads
        How many sockets, cores of each, threads of each core.
    memory
        In MiB.
    gres
        What it has beside.
    features
        Its active ones.
    state, reason
        As Slurm says them.
    allocated
        How many CPUs jobs hold.
    """

    name: str
    rank: int
    sockets: int
    cores: int
    threads: int
    memory: int
    gres: tuple[Gres, ...]
    features: tuple[str, ...]
    state: str
    reason: str
    allocated: int

    @property
    def down(self) -> bool:
        """Whether it takes no jobs."""
        words = re.split(r"[+,]", self.state.upper())
        return any(word.rstrip("*~#!%$@^-") in _DOWN for word in words) or any(
            mark in self.state for mark in _DOWN_MARKS
        )

    @property
    def total(self) -> int:
        """How many cores it has."""
        return self.sockets * self.cores

    @property
    def gpus(self) -> int:
        """How many GPUs it has, of all types."""
        return sum(one.count for one in self.gres if one.name == "gpu")

    @property
    def others(self) -> dict[str, int]:
        """What it has beside GPUs, by name; what stands for parts of a GPU (shard, mps) is no amount of its own."""
        found: dict[str, int] = {}
        for one in self.gres:
            if one.name not in ("gpu", "shard", "mps"):
                found[one.name] = found.get(one.name, 0) + one.count
        return found


def read_nodes(text: str) -> list[SlurmNode]:
    """Read `scontrol show node`.

    Raises
    ------
    ValueError
        It holds no node, or one that says nothing of its cores.
    """
    return nodes_of(records(text, "NodeName"))


def nodes_of(found_records: Iterable[Record]) -> list[SlurmNode]:
    """Return the nodes of records, in their order.

    Raises
    ------
    ValueError
        There is none, or one that says nothing of its cores.
    """
    found = [_node(record, rank) for rank, record in enumerate(found_records)]
    if not found:
        raise ValueError("scontrol show node: no nodes")
    return found


def _node(record: Record, rank: int) -> SlurmNode:
    name = record.get("NodeName").split()[0] if record.get("NodeName") else ""
    threads = max(record.number("ThreadsPerCore", 1), 1)
    total = record.number("CPUTot")
    sockets = max(record.number("Sockets", 1), 1)
    cores = record.number("CoresPerSocket")
    if not name or not cores:
        raise ValueError(f"scontrol show node: {printable(name) or 'a node'} says nothing of its cores")
    if total and total < sockets * cores * threads and total % (sockets * cores) == 0:
        threads = max(total // (sockets * cores), 1)
    gres = parse_gres(record.get("Gres") or "(null)")
    if sockets * cores > MAX_LOCAL_ID + 1 or sum(one.count for one in gres if one.name == "gpu") > MAX_LOCAL_ID + 1:
        raise ValueError(f"scontrol show node: {printable(name)}: more than {MAX_LOCAL_ID + 1} cores, or GPUs")
    features = tuple(filter(None, (record.get("ActiveFeatures") or record.get("AvailableFeatures")).split(",")))
    allocated = record.number("CPUAlloc")
    memory = record.number("RealMemory") - record.number("MemSpecLimit")
    return SlurmNode(
        name,
        rank,
        sockets,
        cores,
        threads,
        max(memory, 0),
        gres,
        features,
        record.get("State"),
        record.get("Reason"),
        allocated,
    )


def topo_of(node: SlurmNode) -> Json:
    """Return the RFC 49 object of a node.

    GPUs that Slurm says are near one socket stand there; of those that are near several it does not say which is near
    which, so that they stand at the node.
    """
    topo: Json = {}
    if node.memory:
        mib = node.memory
        topo["memory"] = mib // MIB_PER_GIB if mib % MIB_PER_GIB == 0 else mib / MIB_PER_GIB
    topo.update(node.others)
    near: dict[int, int] = {}
    first = 0
    for one in node.gres:
        if one.name != "gpu":
            continue
        mask = ((1 << one.count) - 1) << first
        first += one.count
        sockets = list(one.sockets) if one.sockets is not None else []
        at = sockets[0] if len(sockets) == 1 and sockets[0] < node.sockets else -1
        near[at] = near.get(at, 0) | mask
    if near.get(-1):
        topo["gpus"] = mask_text(near[-1])
    if node.sockets > 1:
        topo["socket"] = [_socket(node, number, near.get(number, 0)) for number in range(node.sockets)]
    else:
        topo["cores"] = mask_text((1 << node.cores) - 1)
        if near.get(0):
            topo["gpus"] = mask_text(near.get(0, 0) | near.get(-1, 0))
    return topo


def _socket(node: SlurmNode, number: int, gpus: int) -> Json:
    ids = mask_text(((1 << node.cores) - 1) << (number * node.cores))
    return {"cores": ids, "gpus": mask_text(gpus)} if gpus else {"cores": ids}


def machine_R(nodes: Sequence[SlurmNode], topology: str) -> tuple[Json, list[str]]:
    """Return the R of the machine, and a line for each thing that could not be taken over.

    Parameters
    ----------
    nodes
        In the order of their ranks.
    topology
        What `scontrol show topology` prints; empty where there is none.

    Raises
    ------
    ValueError
        The nodes are none that R can say.
    """
    lost: list[str] = []
    by_topo: dict[str, tuple[Json, list[int]]] = {}
    by_ids: dict[tuple[int, int], list[int]] = {}
    properties: dict[str, list[int]] = {}
    for node in nodes:
        topo = topo_of(node)
        by_topo.setdefault(repr(topo), (topo, []))[1].append(node.rank)
        by_ids.setdefault((node.total, node.gpus), []).append(node.rank)
        kinds = {f"gpu:{one.type}" for one in node.gres if one.name == "gpu" and one.type}
        for name in dict.fromkeys((*node.features, *sorted(kinds))):
            if not _ILLEGAL.search(name) and name.isprintable():
                properties.setdefault(name, []).append(node.rank)
    if any(
        one.name == "gpu" and one.sockets is not None and len(one.sockets) > 1 for node in nodes for one in node.gres
    ):
        lost.append(
            "Slurm does not say which GPU is near which socket where they are near several: they stand at the node"
        )
    lite = []
    for (cores, gpus), ranks in by_ids.items():
        ids = {"core": mask_text((1 << cores) - 1), "gpu": mask_text((1 << gpus) - 1)}
        lite.append({"rank": str(IdSet.of(ranks)), "children": {name: text for name, text in ids.items() if text}})
    execution: Json = {"R_lite": lite, "starttime": 0.0, "expiration": 0.0}
    execution["nodelist"] = [str(Hostlist.of(node.name for node in nodes))]
    if properties:
        execution["properties"] = {name: str(IdSet.of(ranks)) for name, ranks in properties.items()}
    children = [{"ranks": str(IdSet.of(ranks)), "topo": topo} for topo, ranks in by_topo.values()]
    R: Json = {"version": 1, "execution": execution, "scheduling": {"children": children}}
    return _with_switches(R, topology, lost), lost


def _with_switches(R: Json, topology: str, lost: list[str]) -> Json:
    """Return R with the groups that `scontrol show topology` names."""
    lines = [line for line in topology.splitlines() if line.startswith(("SwitchName=", "BlockName="))]
    conf = "\n".join(_conf_line(line) for line in lines)
    if not conf:
        return R
    try:
        machine = with_slurm_topology(read_R(R), read_topology_conf(conf))
    except ValueError as error:
        lost.append(f"scontrol show topology: {error}; no groups are read")
        return R
    return write_R(machine, machine.holdings)


def _conf_line(line: str) -> str:
    """Return the line of topology.conf that a line of the output stands for."""
    pairs = dict(pair.partition("=")[::2] for pair in line.split() if "=" in pair)
    if "SwitchName" in pairs:
        below = "Switches" if pairs.get("Switches") and pairs["Switches"] != "(null)" else "Nodes"
        return f"SwitchName={pairs['SwitchName']} {below}={pairs.get(below, '')}"
    # What is made of base blocks is listed as AggregatedBlock; by which sizes it is not said.
    return f"BlockName={pairs['BlockName']} Nodes={pairs.get('Nodes', '')}"


def downs(nodes: Sequence[SlurmNode]) -> list[Down]:
    """Return the nodes that take no jobs, those with one reason together."""
    alike: dict[tuple[str, str], list[int]] = {}
    for node in nodes:
        if node.down:
            alike.setdefault((node.state.lower(), printable(" ".join(node.reason.split()))), []).append(node.rank)
    return [Down(str(IdSet.of(ranks)), state, why) for (state, why), ranks in alike.items()]


def ranks_of(hosts: str, by_name: Mapping[str, int]) -> list[int]:
    """Return the ranks of those of some hosts that the machine has.

    Raises
    ------
    ValueError
        The text is no hostlist of Slurm's.
    """
    return [by_name[name] for name in parse_slurm_hosts(hosts) if name in by_name] if hosts else []
