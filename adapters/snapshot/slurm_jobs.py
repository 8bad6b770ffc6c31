"""Slurm's jobs: what those that run hold, as R, and the queue in Slurm's order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from ...grammar.errors import printable
from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet, mask_text
from ...grammar.slurm_time import parse_slurm_time
from ...topology.slurm_hosts import parse_slurm_hosts
from .model import Running, Waiting
from .slurm_machine import MIB_PER_GIB, SlurmNode
from .slurm_request import Site, jobspec_of, request_of
from .slurm_text import Record

Json = dict[str, Any]

_HOLDS: Final = ("RUNNING", "COMPLETING", "SUSPENDED", "CONFIGURING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
_PART: Final = re.compile(r"^\s+Nodes=(\S+) CPU_IDs=(\S*) Mem=(\d+) GRES=(\S*)\s*$")
_INDEX: Final = re.compile(r"([A-Za-z_][\w-]*)(?::([^:(),]+))??(?::(\d+))?(?:\((IDX|CNT):([\d,-]*)\))?(?:,|$)")
_BLOCKED: Final = {
    "JobHeldUser": "held by its user",
    "JobHeldAdmin": "held by an administrator",
    "Dependency": "depends on other jobs",
    "DependencyNeverSatisfied": "depends on what never happens",
    "JobArrayTaskLimit": "its array runs as many tasks as it may",
    "PartitionNodeLimit": "asks for more nodes than its partition allows",
    "PartitionTimeLimit": "asks for more time than its partition allows",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition is inactive",
    "BadConstraints": "asks for what no node is",
}
_MOST_OF_ARRAY: Final = 64
_CPUS: Final = IdSet.parse("0-1048575")
"""Ids that a node can have."""


@dataclass
class Jobs:
    """What was read of the jobs, and what could not be."""

    running: list[Running] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    """CPUs that running jobs hold, by host."""


def read_jobs(
    found: Iterable[Record], nodes: Sequence[SlurmNode], site: Site, queues: Mapping[str, tuple[int, str]], now: float
) -> Jobs:
    """Read the jobs of `scontrol -d show job`.

    Parameters
    ----------
    found
        Their records.
    nodes
        The machine's.
    site
        What a request means here.
    queues
        Tier, and ranks as an idset, of each partition.
    now
        Seconds since the epoch.
    """
    jobs = Jobs()
    held: dict[int, int] = {}
    for record in found:
        ident, state = ident_of(record), record.get("JobState")
        if not is_readable(record):
            jobs.unseen.append(
                f"job {printable(ident)[:20] or '?'} cannot be read: its name may hold fields of its own"
            )
        elif state == "PENDING":
            jobs.waiting += _waiting(record, site, queues, jobs.unseen, now)
        elif state.split()[0].split(",")[0] in _HOLDS:
            jobs.running.append(_running(record, nodes, site, jobs, held, now))
    tier = {name: queue[0] for name, queue in queues.items()}
    jobs.waiting.sort(
        key=lambda job: (-tier.get(job.queue.split(",")[0], 0), -job.priority, job.submit, _order(job.id))
    )
    _add_unseen(jobs, nodes, held)
    return jobs


_NEEDED: Final = frozenset(
    {
        "JobState",
        "Priority",
        "NumNodes",
        "NumTasks",
        "Partition",
        "TimeLimit",
        "NodeList",
        "UserId",
        "OverSubscribe",
        "JOB_GRES",
    }
)


def ident_of(record: Record) -> str:
    """Return the number of a job; empty where there is none."""
    return record.get("JobId").split()[0] if record.get("JobId") else ""


def is_readable(record: Record) -> bool:
    """Tell whether a record says what a job is, and does not say twice what it must say once."""
    known = re.fullmatch(r"\d{1,20}", ident_of(record)) is not None and record.get("JobState") != ""
    return known and not record.repeated & _NEEDED


def _order(ident: str) -> list[int]:
    return [int(part) for part in ident.split("_")]


# -- that run --


def _running(
    record: Record, nodes: Sequence[SlurmNode], site: Site, jobs: Jobs, held: dict[int, int], now: float
) -> Running:
    by_name = {node.name: node for node in nodes}
    parts: list[_Held] = list(_parts(record))
    if not parts:
        named = [name for name in parse_slurm_hosts(record.get("NodeList")) if name in by_name]
        jobs.unseen.append(
            f"job {record.get('JobId')}: which of their CPUs it holds is not said; its nodes are taken whole"
        )
        parts = [((name,), None, 0, "") for name in named]
    lite: list[Json] = []
    placement: list[Json] = []
    ranks_of: list[int] = []
    # Which of a node's CPUs are whose, of several tasks, Slurm does not say.
    label = "task" if 1 <= record.number("NumTasks") <= sum(len(part[0]) for part in parts) else "tasks"
    for hosts, cpus, mib, gres in parts:
        for name in hosts:
            node = by_name.get(name)
            if node is None:
                continue
            everything = (1 << node.total) - 1
            threads = node.threads
            cores = everything if cpus is None else _cores(cpus, threads) & everything
            jobs.seen[name] = jobs.seen.get(name, 0) + (node.total * threads if cpus is None else len(cpus))
            # Two jobs on the threads of one core: the first has it.
            cores &= ~held.get(node.rank, 0)
            held[node.rank] = held.get(node.rank, 0) | cores
            gpus, others = _gres(gres, node)
            children = {key: mask_text(mask) for key, mask in (("core", cores), ("gpu", gpus)) if mask}
            lite.append({"rank": str(node.rank), "children": children})
            ranks_of.append(node.rank)
            slot: Json = {"label": label, **{f"{key}s": ids for key, ids in children.items()}, **others}
            if mib and site.memory:
                slot["memory"] = min(mib, node.memory) / MIB_PER_GIB
            placement.append({"ranks": str(node.rank), "slots": [slot]})
    start, end = time_of(record.get("StartTime")), time_of(record.get("EndTime"))
    state = record.get("JobState")
    execution: Json = {"R_lite": _joined(lite, "children"), "starttime": start, "expiration": end}
    names = {node.rank: node.name for node in nodes}
    execution["nodelist"] = [str(Hostlist.of(names[rank] for rank in sorted(ranks_of)))]
    R = {"version": 1, "execution": execution, "scheduling": {"placement": _joined(placement, "slots")}}
    ended = now if state.startswith("COMPLETING") else 0.0 if state.startswith("SUSPENDED") else end
    return Running(
        _id(record), R, _name(record), _user(record), record.get("Partition"), start, ended, record.number("Priority")
    )


def _joined(entries: Iterable[Json], key: str) -> list[Json]:
    """Return the entries with those that say the same of several ranks joined."""
    name = "rank" if key == "children" else "ranks"
    alike: dict[str, tuple[Json, list[int]]] = {}
    for entry in entries:
        alike.setdefault(repr(entry[key]), (entry, []))[1].append(int(entry[name]))
    return [{**entry, name: str(IdSet.of(ranks))} for entry, ranks in alike.values()]


_Held = tuple[tuple[str, ...], list[int] | None, int, str]
"""Hosts, CPUs of each (None for all), MiB, GRES."""


def _parts(record: Record) -> Iterator[_Held]:
    """Yield the hosts, CPUs, MiB and GRES of each line of a job's resources."""
    inside = False
    for line in record.lines:
        if line.startswith("   JOB_GRES="):
            inside = True
        elif inside and line.startswith("   MinCPUsNode="):
            return
        match = _PART.match(line) if inside else None
        if match:
            yield tuple(parse_slurm_hosts(match[1])), list(IdSet.parse(match[2]) & _CPUS), int(match[3][:15]), match[4]


def _cores(cpus: Iterable[int], threads: int) -> int:
    mask = 0
    for cpu in cpus:
        mask |= 1 << min(cpu // threads, 2**16)
    return mask


def _gres(text: str, node: SlurmNode) -> tuple[int, Json]:
    """Return the bitmask of the GPUs that a text such as `gpu:a100:2(IDX:2-3)` names, and amounts of the rest."""
    gpus = 0
    others: Json = {}
    for name, _, count, kind, ids in _INDEX.findall(text):
        if name == "gpu" and kind == "IDX" and ids:
            gpus |= sum(1 << number for number in IdSet.parse(ids) & _CPUS if number < node.gpus)
        elif name in node.others:
            others[name] = others.get(name, 0) + int(count[:9] or 1)
    return gpus, others


def _add_unseen(jobs: Jobs, nodes: Sequence[SlurmNode], held: dict[int, int]) -> None:
    """Let what nodes say is held, and no job that may be seen holds, be held by a job without a name."""
    lite: list[Json] = []
    for node in nodes:
        lacking = -(-(node.allocated - jobs.seen.get(node.name, 0)) // node.threads)
        free = [core for core in range(node.total) if not held.get(node.rank, 0) >> core & 1]
        if lacking > 0 and free:
            mask = sum(1 << core for core in free[-lacking:])
            lite.append({"rank": str(node.rank), "children": {"core": mask_text(mask)}})
    if lite:
        ranks = IdSet.of(int(entry["rank"]) for entry in lite)
        jobs.unseen.append(
            f"ranks {ranks}: cores are held by jobs that may not be seen; which ones, and until when, is assumed"
        )
        execution = {"R_lite": _joined(lite, "children"), "starttime": 0.0, "expiration": 0.0}
        jobs.running.append(Running("unseen", {"version": 1, "execution": execution}))


# -- that wait --


def _waiting(
    record: Record, site: Site, queues: Mapping[str, tuple[int, str]], unseen: list[str], now: float
) -> Iterator[Waiting]:
    reason = record.get("Reason")
    begin = time_of(record.get("EligibleTime"))
    try:
        resources, constraint, left_out = request_of(record, site, now - begin if begin else 0.0)
    except ValueError as error:
        unseen.append(f"job {_id(record)}: what it asks for cannot be read: {error}")
        return
    partitions = [name for name in record.get("Partition").split(",") if name]
    ranks = [queues[name][1] for name in partitions if name in queues]
    if ranks:
        inside: Json = {"ranks": [",".join(filter(None, ranks))]}
        constraint = inside if constraint is None else {"and": [inside, constraint]}
    try:
        seconds = parse_slurm_time(record.get("TimeLimit")) or 0 if record.get("TimeLimit") else 0
    except ValueError:
        seconds = 0
    blocked = _BLOCKED.get(reason, "")
    depends = record.get("Dependency")
    if blocked and depends and "ependency" in reason:
        blocked = f"depends on {printable(depends)[:80]}"
    job = Waiting(
        _id(record),
        jobspec_of(resources, constraint, seconds),
        _name(record),
        _user(record),
        record.get("Partition"),
        record.number("Priority"),
        time_of(record.get("SubmitTime")),
        printable(reason),
        blocked,
        begin if reason == "BeginTime" else 0.0,
        record.get("Reservation"),
        left_out,
    )
    tasks = record.get("ArrayTaskId")
    if not re.fullmatch(r"[\d,-]+(:\d+)?(%\d+)?", tasks) or tasks.isdigit():
        yield job
        return
    try:
        ids, _, step = tasks.partition("%")[0].partition(":")
        numbers = IdSet.parse(ids)
    except ValueError:
        yield job
        return
    each = max(int(step[:9]), 1) if step else 1
    for number in islice(numbers, 0, _MOST_OF_ARRAY * each, each):
        yield replace(job, id=f"{record.get('ArrayJobId') or job.id}_{number}")
    more = -(-len(numbers) // each) - _MOST_OF_ARRAY
    if more > 0:
        unseen.append(f"job {job.id}: {more} more tasks of its array wait behind the first {_MOST_OF_ARRAY}")


def _id(record: Record) -> str:
    """Return the id as users say it: of a task of an array, `17_3`."""
    task = record.get("ArrayTaskId")
    if task.isdigit() and record.get("ArrayJobId").isdigit():
        return f"{record.get('ArrayJobId')}_{task}"
    return record.get("JobId").split()[0]


def _name(record: Record) -> str:
    return record.get("JobName")[:200]


def _user(record: Record) -> str:
    return record.get("UserId").partition("(")[0]


def time_of(text: str) -> float:
    """Return the seconds since the epoch of a local time; 0 for none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except (ValueError, OverflowError, OSError):
        return 0.0
