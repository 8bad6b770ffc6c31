"""A snapshot of Slurm, by the commands that every user may run: scontrol, and JSON where that is in doubt."""

from __future__ import annotations

import re
import time
from typing import Any, Final

from ...grammar.errors import printable
from ...grammar.idset import IdSet
from ...grammar.slurm_time import parse_slurm_time
from .commands import Run, or_nothing, run_command
from .model import Queue, Reservation, Snapshot
from .slurm_doubts import job_records
from .slurm_jobs import read_jobs, time_of
from .slurm_json import node_records
from .slurm_machine import SlurmNode, downs, machine_R, nodes_of, ranks_of, read_nodes
from .slurm_request import Site
from .slurm_text import Record, records

_KEPT: Final = ("MAINT", "OVERLAP", "FLEX", "IGNORE_JOBS", "SPEC_NODES", "ALL_NODES", "DAILY", "WEEKLY")


def take_slurm(run: Run = run_command) -> Snapshot:
    """Return a snapshot of the Slurm that answers here.

    Parameters
    ----------
    run
        What runs the commands.

    Raises
    ------
    SystemDownError
        Slurm does not answer.
    ValueError
        What it says cannot be read.
    """
    now = time.time()
    nodes = _nodes(run)
    topology = or_nothing(run, "scontrol", "show", "topology")
    R, unseen = machine_R(nodes, topology)
    config = or_nothing(run, "scontrol", "show", "config")
    by_name = {node.name: node.rank for node in nodes}
    queues = read_partitions(run("scontrol", "-a", "show", "partition"), by_name)
    tiers = {queue.name: (queue.tier, queue.ranks) for queue in queues}
    site = site_of(nodes, R, config)
    text = run("scontrol", "-d", "-a", "show", "job")
    jobs = read_jobs(job_records(text, nodes, run), nodes, site, tiers, now)
    reservations = read_reservations(or_nothing(run, "scontrol", "-a", "show", "reservation"), by_name)
    return Snapshot(
        system="slurm",
        version=_setting(config, "SLURM_VERSION"),
        taken=now,
        R=R,
        cluster=_setting(config, "ClusterName"),
        down=downs(nodes),
        queues=queues,
        running=jobs.running,
        waiting=jobs.waiting,
        reservations=reservations,
        unseen=[*unseen, *jobs.unseen],
    )


def _nodes(run: Run) -> list[SlurmNode]:
    """Return the nodes by their text; where that cannot be read, by their JSON, which has another name in 22.05."""
    try:
        return read_nodes(run("scontrol", "show", "node"))
    except ValueError as fault:
        for words in (("scontrol", "show", "node", "--json"), ("sinfo", "--json")):
            try:
                return nodes_of(node_records(or_nothing(run, *words)))
            except ValueError:
                continue
        raise fault from None


def site_of(nodes: list[SlurmNode], R: dict[str, Any], config: str) -> Site:
    """Return what a request means on this cluster; memory is given out unless the configuration says otherwise."""
    gres = [one for node in nodes for one in node.gres]
    parameters = _setting(config, "SelectTypeParameters").upper()
    groups = R.get("scheduling", {}).get("groups", {})
    return Site(
        threads=min(node.threads for node in nodes),
        memory="MEMORY" in parameters if parameters else True,
        gpu_types=frozenset(one.type for one in gres if one.name == "gpu" and one.type),
        others=frozenset(name for node in nodes for name in node.others),
        switches='"switch"' in str(groups).replace("'", '"'),
        hosts=frozenset(node.name for node in nodes),
    )


def read_partitions(text: str, by_name: dict[str, int]) -> list[Queue]:
    """Read `scontrol show partition`."""
    found = []
    for record in records(text, "PartitionName"):
        limits: dict[str, float] = {}
        if record.get("MaxNodes").isdigit():
            limits["nodes"] = record.number("MaxNodes")
        seconds = _seconds(record)
        if seconds:
            limits["seconds"] = seconds
        ranks = str(IdSet.of(ranks_of(record.get("Nodes"), by_name)))
        up = record.get("State", "UP") == "UP"
        found.append(Queue(printable(record.get("PartitionName")), ranks, up, record.number("PriorityTier"), limits))
    return found


def _seconds(record: Record) -> float:
    try:
        return float(parse_slurm_time(record.get("MaxTime")) or 0) if record.get("MaxTime") else 0.0
    except ValueError:
        return 0.0


def read_reservations(text: str, by_name: dict[str, int]) -> list[Reservation]:
    """Read `scontrol show reservation`."""
    found = []
    for record in records(text, "ReservationName"):
        ranks = str(IdSet.of(ranks_of(record.get("Nodes"), by_name)))
        if ranks:
            flags = ", ".join(flag.lower() for flag in record.get("Flags").split(",") if flag == "MAINT")
            users = record.get("Users")
            why = ", ".join(filter(None, (flags, f"for {users}" if users else "")))
            times = time_of(record.get("StartTime")), time_of(record.get("EndTime"))
            found.append(Reservation(printable(record.get("ReservationName")), ranks, *times, printable(why)))
    return found


def _setting(config: str, name: str) -> str:
    match = re.search(rf"^{name}\s*=\s*(\S.*)$", config, re.MULTILINE)
    return printable(match[1].strip())[:200] if match and match[1].strip() != "(null)" else ""
