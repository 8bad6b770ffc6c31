"""What Slurm prints as JSON, as the records that `scontrol show` prints as text: for where the text cannot be read.

Three forms are known: that of 22.05 (openapi v0.0.38), where a number is a number and one that is not there is null;
that of 23.02 and 23.11 (data_parser v0.0.39 and v0.0.40), where it is `{"set", "infinite", "number"}` and a state is a
list of words; and that of 24.05 and later, where what a job holds is listed under `nodes.allocation`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from ...grammar.idset import IdSet
from .slurm_text import Record

Shape = tuple[int, int]
"""Cores of a socket of a node, and threads of a core."""

_TEXTS: Final = {
    "JobName": "name",
    "Partition": "partition",
    "Dependency": "dependency",
    "ReqNodeList": "required_nodes",
    "ExcNodeList": "excluded_nodes",
    "ReqTRES": "tres_req_str",
    "Features": "features",
    "Licenses": "licenses",
    "Reservation": "resv_name",
    "BurstBuffer": "burst_buffer",
    "Reason": "state_reason",
    "TresPerTask": "tres_per_task",
    "TresPerNode": "tres_per_node",
    "TresPerJob": "tres_per_job",
    "TresPerSocket": "tres_per_socket",
    "CpusPerTres": "cpus_per_tres",
    "MemPerTres": "memory_per_tres",
}
_TIMES: Final = {
    "SubmitTime": "submit_time",
    "EligibleTime": "eligible_time",
    "StartTime": "start_time",
    "EndTime": "end_time",
}
_MOST_CORES: Final = 2**16


def job_records(text: str, shapes: Mapping[str, Shape]) -> dict[str, Record]:
    """Return the jobs of `squeue --json` by id.

    Parameters
    ----------
    shapes
        Of the nodes, by name.

    Raises
    ------
    ValueError
        It is no such JSON.
    """
    found = {}
    for job in _listed(text, "jobs"):
        record = _job(job, shapes)
        found[record.get("JobId")] = record
    return found


def node_records(text: str) -> Iterator[Record]:
    """Yield the nodes of `scontrol show node --json`, or of the `sinfo --json` of 22.05.

    Raises
    ------
    ValueError
        It is no such JSON.
    """
    for node in _listed(text, "nodes"):
        fields = {
            "NodeName": _text(node, "name"),
            "CPUTot": _count(node, "cpus"),
            "Sockets": _count(node, "sockets"),
            "CoresPerSocket": _count(node, "cores"),
            "ThreadsPerCore": _count(node, "threads"),
            "RealMemory": _count(node, "real_memory"),
            "MemSpecLimit": _count(node, "specialized_memory"),
            "CPUAlloc": _count(node, "alloc_cpus"),
            "Gres": _text(node, "gres"),
            "ActiveFeatures": ",".join(_words(node, "active_features")),
            "State": "+".join((*_words(node, "state"), *_words(node, "state_flags"))).upper(),
            "Reason": _text(node, "reason"),
        }
        yield Record({key: value for key, value in fields.items() if value})


def _listed(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    items = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        raise ValueError(f"no {name}")
    yield from (item for item in items if isinstance(item, Mapping))


def _job(job: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Record:
    fields = {key: _text(job, name) for key, name in _TEXTS.items()}
    fields |= {key: _time(job, name) for key, name in _TIMES.items()}
    nodes, most = _count(job, "node_count"), _count(job, "max_nodes")
    tasks, cpus = int(_count(job, "tasks") or 0), int(_count(job, "cpus") or 0)
    fields |= {
        "JobId": _count(job, "job_id"),
        "UserId": f"{_text(job, 'user_name')}({_count(job, 'user_id') or 0})",
        "Priority": _count(job, "priority"),
        "JobState": ",".join(_words(job, "job_state")),
        "TimeLimit": "UNLIMITED" if _infinite(job, "time_limit") else _count(job, "time_limit"),
        "NodeList": _text(job, "nodes"),
        "NumNodes": f"{nodes}-{most}" if most not in ("", "0") else nodes,
        "NumTasks": str(tasks or ""),
        # 22.05 leaves it out.
        "CPUs/Task": _count(job, "cpus_per_task") or (str(cpus // tasks) if tasks else ""),
        "ReqB:S:C:T": _ratio(job, "sockets_per_board", "sockets_per_node", "cores_per_socket", "threads_per_core"),
        "NtasksPerN:B:S:C": _ratio(job, "tasks_per_node", "tasks_per_board", "tasks_per_socket", "tasks_per_core"),
        "MinMemoryCPU": _mib(job, "memory_per_cpu"),
        "MinMemoryNode": _mib(job, "memory_per_node"),
        "OverSubscribe": "NO" if "none" in [word.lower() for word in _words(job, "shared")] else "OK",
        "Contiguous": "1" if job.get("contiguous") is True else "0",
        "CoreSpec": _count(job, "core_spec"),
        "ArrayJobId": _count(job, "array_job_id").removeprefix("0"),
        "ArrayTaskId": _text(job, "array_task_string") or _count(job, "array_task_id"),
    }
    switches = _count(job, "required_switches")
    if switches not in ("", "0"):
        seconds = int(_count(job, "maximum_switch_wait_time") or 0)
        fields["Switches"] = (
            f"{switches}@{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else switches
        )
    held = tuple(_held(job, shapes))
    lines = ("   JOB_GRES=", *held, "   MinCPUsNode=") if held else ()
    return Record({key: value for key, value in fields.items() if value}, lines=lines)


def _held(job: Mapping[str, Any], shapes: Mapping[str, Shape]) -> Iterator[str]:
    """Yield a line for each node of a job, as `scontrol -d show job` has it."""
    gres = job.get("gres_detail")
    details = gres if isinstance(gres, list) else []
    for place, (name, mib, cores) in enumerate(_allocated(job.get("job_resources"))):
        per_socket, threads = shapes.get(name, (0, 0))
        cpus = [
            (socket * per_socket + core) * threads + thread
            for socket, core in cores
            if core < per_socket
            for thread in range(threads)
        ]
        detail = str(details[place]) if place < len(details) else ""
        if name and " " not in name:
            yield f"     Nodes={name} CPU_IDs={IdSet.of(cpus)} Mem={mib} GRES={''.join(detail.split())}"


def _allocated(value: object) -> Iterator[tuple[str, int, list[tuple[int, int]]]]:
    """Yield name, MiB, and sockets with cores, of each node that a job holds."""
    resources = value if isinstance(value, Mapping) else {}
    older, nodes = resources.get("allocated_nodes"), resources.get("nodes")
    for one in older if isinstance(older, list) else []:
        if isinstance(one, Mapping):
            yield (
                _text(one, "nodename"),
                int(_count(one, "memory_allocated") or 0),
                list(_older_cores(one.get("sockets"))),
            )
    newer = nodes.get("allocation") if isinstance(nodes, Mapping) else None
    for one in newer if isinstance(newer, list) else []:
        if isinstance(one, Mapping):
            memory = one.get("memory")
            mib = _count(memory, "allocated") if isinstance(memory, Mapping) else ""
            yield _text(one, "name"), int(mib or 0), list(_newer_cores(one.get("sockets")))


def _older_cores(sockets: object) -> Iterator[tuple[int, int]]:
    for socket, inside in sockets.items() if isinstance(sockets, Mapping) else ():
        cores = inside.get("cores") if isinstance(inside, Mapping) else None
        for core, state in cores.items() if isinstance(cores, Mapping) else ():
            if str(socket).isdecimal() and str(core).isdecimal() and "allocated" in str(state).lower():
                yield min(int(socket), _MOST_CORES), min(int(core), _MOST_CORES)


def _newer_cores(sockets: object) -> Iterator[tuple[int, int]]:
    for socket in _mappings(sockets):
        for core in _mappings(socket.get("cores")):
            if "allocated" in str(core.get("status")).lower():
                yield int(_count(socket, "index") or 0), int(_count(core, "index") or 0)


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


# -- values --


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _words(value: Mapping[str, Any], name: str) -> list[str]:
    """Return the words of a list, or of a text with commas."""
    found = value.get(name)
    if isinstance(found, list):
        return [str(word) for word in found]
    return [word for word in found.split(",") if word] if isinstance(found, str) else []


def _count(value: Mapping[str, Any], name: str) -> str:
    """Return a number that is not negative as text; nothing where there is none."""
    found: Any = value.get(name)
    if isinstance(found, Mapping):
        found = found.get("number") if found.get("set") is True and found.get("infinite") is not True else None
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    number = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**63
    return str(found) if number else ""


def _infinite(value: Mapping[str, Any], name: str) -> bool:
    found = value.get(name)
    return isinstance(found, Mapping) and found.get("infinite") is True


def _time(value: Mapping[str, Any], name: str) -> str:
    seconds = int(_count(value, name) or 0)
    try:
        return datetime.fromtimestamp(seconds).isoformat() if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _mib(value: Mapping[str, Any], name: str) -> str:
    number = _count(value, name)
    return f"{number}M" if number not in ("", "0") else number


def _ratio(value: Mapping[str, Any], *names: str) -> str:
    return ":".join(_count(value, name) or "*" for name in names)
