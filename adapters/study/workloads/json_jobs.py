"""Jobs in one JSON document: Slurm's accounting (``sacct --json``), workloads of Batsim, and Philly's log.

- Slurm: what its data parser v0.0.39 and later writes, with times in seconds and resources as TRES.
- Batsim: ``jobs`` with their ``profiles``; a job runs as long as its profile delays. Others run as long as their
  machine makes of them, which nobody knows here.
- Philly (M. Jeon et al., USENIX ATC 2019): a list of jobs with their attempts; a job is its last one,
  with the GPUs that it had on each machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any

from ....grammar.idset import IdSet
from ....grammar.json_text import no_constant
from .trace import Gathered, Trace, TraceJob, WorkloadError, number

_LONGEST_NAME = 64
_MINUTE = 60.0
_MIB_PER_GIB = 1024


def is_other_json(head: str) -> bool:
    """Tell from its beginning whether a file holds jobs of one of these kinds."""
    return _kind(head) is not None


_Kind = Callable[[Any, Any], TraceJob | None]
"""Makes a job of the document and of what it says of the job."""


def _kind(head: str) -> _Kind | None:
    if '"attempts"' in head and '"submitted_time"' in head:
        return _philly
    if '"subtime"' in head or ('"nb_res"' in head and '"profiles"' in head):
        return _batsim
    if '"job_id"' in head and '"jobs"' in head:
        return _sacct
    return None


def read_other_json(text: str, name: str) -> Trace:
    """Return the jobs of such a file.

    Raises
    ------
    WorkloadError
        For what is no JSON, and for a job that cannot be read, with its number.
    """
    kind = _kind(text)
    assert kind is not None
    try:
        value = json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as fault:
        raise WorkloadError(name, None, f"no JSON: {fault}") from None
    found = Gathered(name)
    for count, job in enumerate(_jobs(value, name), start=1):
        found.add(None, partial(_numbered, kind, value, count), job)
    return found.trace(("an attempt after others counts alone: jobs are their last ones",) if kind is _philly else ())


def _jobs(value: Any, name: str) -> list[Any]:
    jobs = value["jobs"] if isinstance(value, Mapping) and "jobs" in value else value
    if not isinstance(jobs, list):
        raise WorkloadError(name, None, "expected a list of jobs under 'jobs'")
    return jobs


def _numbered(kind: _Kind, value: Any, count: int, job: Any) -> TraceJob | None:
    """Return a job; what is wrong with it is said with its number."""
    try:
        return kind(value, job)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as fault:
        reason = f"lacks {fault}" if isinstance(fault, KeyError) else str(fault)
        raise ValueError(f"job {count}: {reason}") from None


def _sacct(_: Any, job: Any) -> TraceJob | None:
    time, tres = job["time"], job.get("tres", {})
    had, asked = _tres(tres.get("allocated")), _tres(tres.get("requested"))
    required = number(_set(job.get("required", {}).get("CPUs", 0)))
    processors = int(had.get("cpu", 0) or asked.get("cpu", 0) or required)
    runtime = number(time["elapsed"])
    if processors <= 0 or runtime <= 0:
        return None
    return TraceJob(
        name=str(job["job_id"])[:_LONGEST_NAME],
        submit=number(time["submission"]),
        runtime=runtime,
        limit=max(number(_set(time.get("limit", 0))) * _MINUTE, 0.0),
        processors=processors,
        nodes=int(number(job.get("allocation_nodes", 0) or 0)),
        gpus=int(asked.get("gres/gpu", 0) or had.get("gres/gpu", 0)),
        memory=asked.get("mem", 0.0) / _MIB_PER_GIB,
        priority=int(number(_set(job.get("priority", 16)))) or 16,
        queue=str(job.get("partition", ""))[:_LONGEST_NAME],
        user=str(job.get("user", ""))[:_LONGEST_NAME],
        start=number(time.get("start") or 0) or None,
        hosts="" if job.get("nodes") in (None, "None assigned") else str(job["nodes"]),
    )


def _set(value: Any) -> Any:
    """Return a number that Slurm may write with whether it is set: 0 where it is not, or has no end."""
    if not isinstance(value, Mapping):
        return value
    return value.get("number", 0) if value.get("set") and not value.get("infinite") else 0


def _tres(entries: Any) -> dict[str, float]:
    """Return resources by name, gres with their own; GPUs of several types together."""
    found: dict[str, float] = {}
    for entry in entries or ():
        name = entry["type"] if entry["type"] != "gres" else f"gres/{str(entry.get('name', '')).partition(':')[0]}"
        # A plain gres/gpu is the sum of those with a type.
        typed = entry["type"] == "gres" and ":" in str(entry.get("name", ""))
        count = max(number(entry["count"]), 0.0)
        if typed:
            found[f"{name}:"] = found.get(f"{name}:", 0.0) + count
        else:
            found[name] = count
    for name in [name for name in found if name.endswith(":")]:
        found.setdefault(name[:-1], found[name])
    return found


def _batsim(value: Any, job: Any) -> TraceJob | None:
    profile = value.get("profiles", {})[job["profile"]]
    if profile.get("type") != "delay":
        kind = str(profile.get("type"))[:40]
        raise ValueError(f"its profile is of type {kind!r}: only of type delay it is known how long it runs")
    processors, runtime = int(number(job["res"])), number(profile["delay"])
    if processors <= 0 or runtime <= 0:
        return None
    return TraceJob(
        name=str(job["id"])[:_LONGEST_NAME],
        submit=number(job["subtime"]),
        runtime=runtime,
        limit=max(number(job.get("walltime", 0)), 0.0),
        processors=processors,
        user=str(job.get("user", ""))[:_LONGEST_NAME],
    )


def _philly(_: Any, job: Any) -> TraceJob | None:
    last = job["attempts"][-1] if job["attempts"] else {}
    submit, start, end = (_moment(t) for t in (job["submitted_time"], last.get("start_time"), last.get("end_time")))
    held = last.get("detail") or []
    gpus = sum(len(node["gpus"]) for node in held)
    if submit is None or start is None or end is None or end <= start or not gpus:
        return None
    return TraceJob(
        name=str(job["jobid"])[:_LONGEST_NAME],
        submit=submit,
        runtime=end - start,
        limit=0.0,
        # What a job had of cores is not in the log.
        processors=gpus,
        nodes=len(held),
        gpus=gpus,
        start=start,
        held=_held(held),
        queue=str(job.get("vc", ""))[:_LONGEST_NAME],
        user=str(job.get("user", ""))[:_LONGEST_NAME],
    )


def _held(nodes: list[Any]) -> Mapping[str, Any] | None:
    """Return the R of the GPUs that a job had on each machine; None where they are named otherwise."""
    gpus = [[re.fullmatch(r"gpu(\d{1,3})", str(gpu)) for gpu in node["gpus"]] for node in nodes]
    names = [str(node["ip"]) for node in nodes]
    if any(one is None for some in gpus for one in some) or len(set(names)) < len(names):
        return None
    entries = [
        {"rank": str(rank), "children": {"gpu": str(IdSet.of({int(one[1]) for one in some if one}))}}
        for rank, some in enumerate(gpus)
    ]
    return {"version": 1, "execution": {"R_lite": entries, "nodelist": names}}


def _moment(text: Any) -> float | None:
    if text in (None, "", "None"):
        return None
    moment = datetime.fromisoformat(str(text))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
