"""What a waiting job of Slurm asks for, as RFC 14 resources and an RFC 31 constraint.

A task is a slot. Where a job asks for GPUs by the node, or has its tasks dealt out to the nodes so that slots of one
task would not say what a node must have, a node's part of the job is one slot. What has no counterpart is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...grammar.errors import printable
from ...grammar.slurm_time import parse_slurm_time
from ...topology.slurm_hosts import parse_slurm_hosts
from .slurm_text import Record

Json = dict[str, Any]

_TRES: Final = re.compile(r"(?:gres[:/])?([A-Za-z_][\w-]*)(?::([A-Za-z_][\w.-]*))?(?::|=)?(\d+)?")
_SIZE: Final = re.compile(r"(\d{1,15})(?:\.\d+)?([KMGTP]?)", re.IGNORECASE)
_MIB: Final = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}
_FEATURES: Final = re.compile(r"[^&|()\[\]*,:\s!\"'`^]+")
_LARGEST: Final = 2**31
_BY_WHAT: Final = (
    ("TresPerTask", "task"),
    ("TresPerNode", "node"),
    ("TresPerJob", "job"),
    ("TresPerSocket", "socket"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a request means on this cluster.

    Attributes
    ----------
    threads
        Hardware threads of a core, the least of all nodes.
    memory
        Whether memory is given out.
    gpu_types
        The types of GPUs that there are.
    others
        Names of the other GRES that there are.
    switches
        Whether the machine has leaf switches as groups.
    hosts
        The nodes' names.
    """

    threads: int = 1
    memory: bool = True
    gpu_types: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    switches: bool = False
    hosts: frozenset[str] = frozenset()


@dataclass
class _Wants:
    """A request while it is read."""

    tasks: int
    cpus: int
    least: int
    most: int
    exclusive: bool
    per_node: int
    gpus: dict[str, int] = field(default_factory=dict)
    """By what they are asked for: task, node, job, socket."""
    others: dict[str, int] = field(default_factory=dict)
    """Other GRES of a node."""
    memory: dict[str, int] = field(default_factory=dict)
    """In MiB by cpu, node, gpu."""
    constraints: list[Json] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def request_of(record: Record, site: Site, waited: float = 0.0) -> tuple[list[Json], Json | None, list[str]]:
    """Return the resources (RFC 14) that a job asks for, its constraint (RFC 31), and what was left out, in words.

    Parameters
    ----------
    waited
        Seconds since it could have started, after which it may do without few switches.

    Raises
    ------
    ValueError
        A list of hosts is none.
    """
    wants = _read(record, site)
    _read_tres(record, site, wants)
    _read_places(record, site, wants)
    resources = _resources(wants, site)
    switches = record.get("Switches")
    if switches:
        most, _, wait = switches.partition("@")
        patient = not wait or waited < (parse_slurm_time(wait) or float("inf"))
        if most == "1" and site.switches and patient:
            resources = [{"type": "switch", "count": 1, "with": resources}]
        elif patient:
            wants.left_out.append(f"--switches={switches}")
    constraint = wants.constraints[0] if len(wants.constraints) == 1 else {"and": wants.constraints}
    return resources, constraint if wants.constraints else None, [printable(text) for text in wants.left_out]


def _read(record: Record, site: Site) -> _Wants:
    numbers = re.findall(r"\d{1,9}", record.get("NumNodes"))
    tres = dict(pair.partition("=")[::2] for pair in (record.get("ReqTRES") or record.get("TRES")).split(","))
    least = _int(tres.get("node"), int(numbers[0]) if numbers else 1)
    most = int(numbers[1]) if len(numbers) > 1 else 0
    per_node = _int(record.get("NtasksPerN:B:S:C").partition(":")[0], 0)
    tasks = record.number("NumTasks") or max(least, 1) * max(per_node, 1)
    cpus = max(record.number("CPUs/Task", 1), 1)
    exclusive = record.get("OverSubscribe") in ("NO", "EXCLUSIVE")
    wants = _Wants(min(tasks, _LARGEST), cpus, least, most, exclusive, per_node)
    if wants.most and wants.most != wants.least and not per_node:
        wants.left_out.append(f"--nodes={least}-{most}: any number of nodes")
    parts = record.get("NtasksPerN:B:S:C").split(":")
    for name, value in zip(("board", "socket", "core"), parts[1:], strict=False):
        if value not in ("*", "0", ""):
            wants.left_out.append(f"--ntasks-per-{name}={value}")
    ask = record.get("ReqB:S:C:T").split(":")
    for name, value in zip(("boards", "sockets-per-node", "cores-per-socket", "threads-per-core"), ask, strict=False):
        if value not in ("*", "0", "") and not (name == "threads-per-core" and value == str(site.threads)):
            wants.left_out.append(f"--{name}={value}")
    for key, name in (
        ("Licenses", "--licenses"),
        ("Contiguous", "--contiguous"),
        ("CoreSpec", "--core-spec"),
        ("BurstBuffer", "--bb"),
    ):
        value = record.get(key)
        if value and value not in ("0", "*"):
            wants.left_out.append(f"{name}={value}" if key != "Contiguous" else name)
    return wants


def _read_tres(record: Record, site: Site, wants: _Wants) -> None:
    for key, what in _BY_WHAT:
        for name, kind, count in _tres(record.get(key)):
            if name == "gpu":
                wants.gpus[what] = wants.gpus.get(what, 0) + count
                if kind and site.gpu_types - {kind}:
                    wants.constraints.append({"properties": [f"gpu:{kind}"]})
            elif name in site.others and what == "node":
                wants.others[name] = wants.others.get(name, 0) + count
            elif name != "cpu":
                wants.left_out.append(f"{name}{':' + kind if kind else ''}:{count} by the {what}")
    if "socket" in wants.gpus:
        wants.left_out.append(f"--gpus-per-socket={wants.gpus.pop('socket')}")
    for name, _, count in _tres(record.get("CpusPerTres")):
        if name == "gpu":
            _read_cpus_per_gpu(count, wants)
    if site.memory:
        _read_memory(record, wants)


def _read_cpus_per_gpu(count: int, wants: _Wants) -> None:
    if "task" in wants.gpus:
        wants.cpus = max(wants.cpus, count * wants.gpus["task"])
    elif "node" in wants.gpus:
        wants.cpus = max(wants.cpus, -(-count * wants.gpus["node"] // max(_tasks_per_node(wants), 1)))
    else:
        wants.left_out.append(f"--cpus-per-gpu={count}")


def _read_memory(record: Record, wants: _Wants) -> None:
    for key, what in (("MinMemoryCPU", "cpu"), ("MinMemoryNode", "node")):
        size = _SIZE.match(record.get(key))
        if size:
            wants.memory[what] = round(int(size[1]) * _MIB[size[2].upper()])
    if record.get("MinMemoryNode") == "0":
        wants.left_out.append("--mem=0 (all of the memory of a node)")
    for name, _, count in _tres(record.get("MemPerTres")):
        wants.memory.pop("cpu", None)
        if name == "gpu":
            wants.memory["gpu"] = count


def _tres(text: str) -> list[tuple[str, str, int]]:
    """Return name, type and count of each entry of `gres:gpu:a100:2` or `gres/gpu:a100=2`, as versions write them."""
    found = []
    for entry in filter(None, text.split(",")):
        match = _TRES.fullmatch(entry)
        if match:
            found.append((match[1], match[2] or "", min(int(match[3] or 1), _LARGEST)))
        else:
            found.append((entry, "", 1))
    return found


def _read_places(record: Record, site: Site, wants: _Wants) -> None:
    features = record.get("Features")
    if features:
        constraint = _features(features)
        if constraint is None:
            wants.left_out.append(f"--constraint={features}")
        else:
            wants.constraints.append(constraint)
    excluded = record.get("ExcNodeList")
    if excluded:
        wants.constraints.append({"not": [{"hostlist": [_hosts(excluded, site)]}]})
    required = record.get("ReqNodeList")
    if required:
        named = list(parse_slurm_hosts(required))
        if len(named) >= max(wants.least, wants.most):
            wants.constraints.append({"hostlist": [",".join(named)]})
        else:
            wants.left_out.append(f"--nodelist={required}: these nodes, and others beside")


def _hosts(text: str, site: Site) -> str:
    return ",".join(name for name in parse_slurm_hosts(text) if name in site.hosts) or text


def _features(text: str) -> Json | None:
    """Return the constraint of `--constraint`, read from left to right as Slurm does; None for its further forms."""
    parts = re.split(r"([&|])", text)
    if not all(_FEATURES.fullmatch(part) for part in parts[::2]):
        return None
    found: Json = {"properties": [parts[0]]}
    for sign, name in zip(parts[1::2], parts[2::2], strict=True):
        found = {"and" if sign == "&" else "or": [found, {"properties": [name]}]}
    return found


# -- resources --


def _resources(wants: _Wants, site: Site) -> list[Json]:
    """Return the vertices: nodes with slots, or slots that may stand anywhere."""
    nodes = _nodes(wants)
    if nodes == 0:
        return [_slot(wants, site, wants.tasks, wants.tasks, 1)]
    by_node = _tasks_per_node(wants)
    if by_node * nodes != wants.tasks:
        wants.left_out.append(f"{wants.tasks} tasks on {nodes} nodes: {by_node} of them on each")
    whole = bool(wants.gpus.get("node") or wants.others or wants.memory.get("node")) and by_node > 1
    slot = _slot(wants, site, by_node * nodes, 1, by_node) if whole else _slot(wants, site, by_node * nodes, by_node, 1)
    node: Json = {"type": "node", "count": nodes, "with": [slot]}
    if wants.exclusive:
        node["exclusive"] = True
    return [node]


def _nodes(wants: _Wants) -> int:
    """Return on how many nodes the job has to stand; 0 where that is open."""
    if wants.per_node:
        return -(-wants.tasks // wants.per_node)
    if wants.most and wants.most == wants.least:
        return wants.least
    if wants.exclusive or (wants.tasks > 1 and (wants.gpus.get("node") or wants.others or wants.memory.get("node"))):
        wants.left_out.append(f"how many nodes is open: {wants.least} is taken")
        return max(wants.least, 1)
    return 1 if wants.tasks == 1 and wants.least > 1 else 0


def _tasks_per_node(wants: _Wants) -> int:
    if wants.per_node:
        return wants.per_node
    nodes = wants.least if wants.most and wants.most == wants.least else 1
    return -(-wants.tasks // max(nodes, 1))


def _slot(wants: _Wants, site: Site, tasks: int, count: int, each: int) -> Json:
    """Return so many slots of so many tasks each, of a job of so many tasks in all."""
    cpus = wants.cpus * each
    inside: list[Json] = [{"type": "core", "count": -(-cpus // site.threads)}]
    gpus = wants.gpus.get("task", 0) * each
    if "node" in wants.gpus:
        # A slot is all that the node gives, or the only one there.
        gpus = wants.gpus["node"]
    elif "job" in wants.gpus:
        gpus, rest = divmod(wants.gpus["job"] * each, tasks)
        if rest:
            gpus += 1
        if rest or tasks > 1:
            wants.left_out.append(f"--gpus={wants.gpus['job']}: {gpus} for each {'task' if each == 1 else 'node'}")
    if gpus:
        inside.append({"type": "gpu", "count": gpus})
    mib = wants.memory.get("node", wants.memory.get("cpu", 0) * cpus) + wants.memory.get("gpu", 0) * gpus
    if mib:
        inside.append({"type": "memory", "count": mib, "unit": "MiB"})
    inside += [{"type": name, "count": amount} for name, amount in wants.others.items()]
    return {"type": "slot", "count": count, "label": "task", "with": inside}


def _int(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def jobspec_of(resources: Sequence[Json], constraint: Mapping[str, Any] | None, seconds: float) -> Json:
    """Return the jobspec of a request."""
    system: Json = {"duration": seconds}
    if constraint is not None:
        system["constraints"] = constraint
    return {"version": 9999, "resources": list(resources), "tasks": [], "attributes": {"system": system}}
