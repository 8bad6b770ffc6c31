"""Jobs of a trace with what they really held: cores and GPUs where it says them, whole nodes where they took all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar.hostlist import Hostlist
from ...grammar.idset import IdSet, mask_text
from ...solver.checker import Checker
from ...topology.machine import Machine
from ..twin.jobs import R
from .submissions import Form, Workload
from .workloads.trace import TraceJob


@dataclass(frozen=True, slots=True)
class Lived:
    """A job as it was.

    Attributes
    ----------
    number, name
        In the workload, and as the trace calls it.
    start, end
        Seconds, on the trace's own clock.
    form
        What it asked for.
    held
        R of what it had; None where the trace does not say which cores.
    nodes
        Bitmask of positions of the nodes that it stood on.
    """

    number: int
    name: str
    start: float
    end: float
    form: Form
    held: R | None
    nodes: int


@dataclass(frozen=True, slots=True)
class History:
    """The jobs of a trace that says where they ran, by their starts.

    Attributes
    ----------
    jobs
        Those whose nodes are known.
    nowhere
        How many have no start or no nodes in the trace.
    elsewhere
        How many had nodes or cores that the machine does not have.
    """

    jobs: tuple[Lived, ...]
    nowhere: int
    elsewhere: int


def history_of(machine: Machine, trace: Sequence[TraceJob], workload: Workload) -> History:
    """Return where the jobs of a workload ran.

    Parameters
    ----------
    machine
        Where. Nodes are found by host name where both sides name hosts, else by rank.
    trace
        The jobs that the workload was made of, in its order.
    workload
        What they ask for.
    """
    found: list[Lived] = []
    empty = Checker(machine)
    nowhere = elsewhere = 0
    for job, submission in zip(trace, workload.jobs, strict=False):
        if job.start is None or (not job.hosts and job.held is None):
            nowhere += 1
            continue
        form = workload.forms[submission.form]
        try:
            held = _held(machine, job.held) if job.held is not None else None
            nodes = _nodes(machine, job, held)
            if held is not None:
                # What the empty machine does not have, it never had.
                empty.allocate(held)
                empty.release(held)
        except (ValueError, KeyError, TypeError, AttributeError):
            elsewhere += 1
            continue
        if held is None:
            held = _all_of(machine, nodes, form)
        found.append(Lived(submission.number, job.name, job.start, job.start + job.runtime, form, held, nodes))
    found.sort(key=lambda one: one.start)
    return History(tuple(found), nowhere, elsewhere)


def _nodes(machine: Machine, job: TraceJob, held: R | None) -> int:
    if held is not None:
        ranks = IdSet.of({rank for entry in held["execution"]["R_lite"] for rank in IdSet.parse(entry["rank"])})
        if machine.unknown(ranks):
            raise ValueError("ranks that the machine does not have")
        return machine.mask_of(ranks)
    return machine.facts.hosts(_known(machine, Hostlist.parse(job.hosts)))


def _known(machine: Machine, hosts: Hostlist) -> Hostlist:
    """Return hosts that the machine all has. ValueError for others."""
    if machine.facts.hosts(hosts).bit_count() != len(set(hosts)):
        raise ValueError("hosts that the machine does not have")
    return hosts


def _held(machine: Machine, said: Mapping[str, Any]) -> R:
    """Return an R of a trace with the machine's ranks, and without what only its own instance knows."""
    execution = said["execution"]
    ranks = [rank for entry in execution["R_lite"] for rank in IdSet.parse(str(entry["rank"]))]
    hosts = Hostlist.parse(",".join(execution.get("nodelist") or ()))
    there = {rank: rank for rank in ranks}
    if len(hosts) == len(ranks) and len(machine.hosts):
        # Hosts stand in the order of the ranks.
        for rank, host in zip(sorted(ranks), _known(machine, hosts), strict=True):
            (there[rank],) = machine.ids_of(machine.facts.hosts(Hostlist.of([host])))
    entries = [
        {
            "rank": str(IdSet.of({there[rank] for rank in IdSet.parse(str(entry["rank"]))})),
            "children": entry["children"],
        }
        for entry in execution["R_lite"]
    ]
    scheduling = said.get("scheduling")
    read: dict[str, Any] = {"R_lite": entries}
    if not isinstance(scheduling, Mapping) or "placement" not in scheduling or any(a != b for a, b in there.items()):
        return {"version": 1, "execution": read}
    # Slots that are said by the ranks of another instance say nothing here.
    read["nslots"] = execution.get("nslots")
    return {"version": 1, "execution": read, "scheduling": {"placement": scheduling["placement"]}}


def _all_of(machine: Machine, nodes: int, form: Form) -> R | None:
    """Return all of some nodes, where the job takes all their cores; None where it shared them."""
    pieces = list(_pieces(machine, nodes))
    if sum(cores.bit_count() * mask.bit_count() for mask, cores, _ in pieces) != form.cores:
        return None
    entries = []
    for mask, cores, gpus in pieces:
        children = {"core": mask_text(cores)}
        # What it did not ask for is no part of it; without cores nobody else can use it.
        if gpus and form.gpus:
            children["gpu"] = mask_text(gpus)
        entries.append({"rank": machine.ids_text(mask), "children": children})
    return {"version": 1, "execution": {"R_lite": entries}}


def _pieces(machine: Machine, nodes: int) -> Iterator[tuple[int, int, int]]:
    for mask, cores, gpus in machine.holdings:
        if mask & nodes:
            yield mask & nodes, cores, gpus
