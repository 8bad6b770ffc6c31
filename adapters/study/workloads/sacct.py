"""Slurm's accounting: what ``sacct --allusers --parsable2 --format=...`` prints, a head line and a job a line.

What sites write for Open XDMoD has no head line; its fields are those that Open XDMoD's documentation gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from statistics import median_low

from .trace import Gathered, Trace, TraceJob, WorkloadError, number

SEPARATOR, COMMA = "|", ","
NEEDED = ("JobID", "Submit", "Elapsed")
"""Beside these, NCPUS or AllocCPUS or ReqCPUS; Timelimit, NNodes, ReqTRES, AllocTRES, ReqMem, Partition, User and
Priority are used where they are, and Start and NodeList say where a job ran."""
_FREE = ("JobName", "Comment", "AdminComment", "SystemComment", "WorkDir", "SubmitLine", "Extra", "Container")
"""Fields of any text. sacct prints a | in them as it is."""

XDMOD = (
    *("JobID", "JobIDRaw", "Cluster", "Partition", "QOS", "Account", "Group", "GID", "User", "UID"),
    *("Submit", "Eligible", "Start", "End", "Elapsed", "ExitCode", "State", "NNodes", "NCPUS", "ReqCPUS", "ReqMem"),
    *("ReqTRES", "AllocTRES", "Timelimit", "NodeList", "JobName"),
)
"""The fields of what Open XDMoD reads (``sacct --noheader``), in their order."""

_LISTS = ("ReqTRES", "AllocTRES", "NodeList")
"""Fields with commas, where these stand between fields as well (``--delimiter=,``)."""

_PROCESSORS = ("AllocCPUS", "NCPUS", "ReqCPUS")
_TIME = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})(?:\.\d{1,6})?")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)([cn]?)")
_GIB = {"K": 2.0**-20, "M": 2.0**-10, "": 2.0**-10, "G": 1.0, "T": 2.0**10, "P": 2.0**20}
_TIMES = {"K": 2**10, "M": 2**20}
_NEVER = ("", "Unknown", "None")
_DAY, _HOUR, _MINUTE = 86400, 3600, 60


def read_sacct(lines: Iterable[str], name: str) -> Trace:
    """Return the jobs of the accounting; steps of a job are passed over.

    Parameters
    ----------
    lines
        Of the file, the head line first.
    name
        Of the file, for messages.

    Raises
    ------
    WorkloadError
        For a head line that lacks what is needed, and for a line that cannot be read, with its number.
    """
    head: list[str] = []
    found = Gathered(name)
    unranked: list[int] = []
    separator = SEPARATOR
    for place, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        if not head:
            separator = SEPARATOR if SEPARATOR in text else COMMA
            fields = text.split(separator)
            if not _is_xdmod(fields):
                head = _head(fields, name, place)
                continue
            head = list(XDMOD)
        record = _record(head, text.split(separator), name, place, separator)
        if "." in record["JobID"]:
            continue
        if found.add(place, _job, record) is not None and not record.get("Priority", "").strip():
            unranked.append(len(found.jobs) - 1)
    return found.trace(_rank(found.jobs, unranked))


def _record(head: list[str], fields: list[str], name: str, place: int, separator: str) -> dict[str, str]:
    """Return a line's fields by name; what is too many belongs to the one field that may hold the separator."""
    free = [field for field in head if field in (_FREE if separator == SEPARATOR else (*_FREE, *_LISTS))]
    surplus = len(fields) - len(head)
    if surplus > 0 and len(free) == 1:
        start = head.index(free[0])
        fields = [*fields[:start], separator.join(fields[start : start + surplus + 1]), *fields[start + surplus + 1 :]]
    elif surplus:
        fault = f"the head line has {len(head)} fields, this line has {len(fields)}"
        if surplus > 0 and free:
            fault += f"; {' and '.join(free)} may hold a {separator}: print one of them at most"
        elif free:
            fault += f"; {' and '.join(free)} may hold a line break: leave it out"
        raise WorkloadError(name, place, fault)
    return dict(zip(head, fields, strict=True))


def _rank(jobs: list[TraceJob], unranked: list[int]) -> list[str]:
    """Give jobs without a priority the middle one of the others, which neither favours nor delays them; say so."""
    if not unranked or len(unranked) == len(jobs):
        return []
    without = set(unranked)
    middle = median_low(job.priority for place, job in enumerate(jobs) if place not in without)
    for place in unranked:
        jobs[place] = replace(jobs[place], priority=middle)
    return [f"{len(unranked)} without a Priority given the middle one"]


def _is_xdmod(fields: list[str]) -> bool:
    """Whether a first line is a job already, in the fields of Open XDMoD."""
    submit = XDMOD.index("Submit")
    return len(fields) >= len(XDMOD) and fields[0][:1].isdigit() and fields[submit][:1].isdigit()


def _head(fields: list[str], name: str, place: int) -> list[str]:
    missing = [field for field in NEEDED if field not in fields]
    if not any(field in fields for field in _PROCESSORS):
        missing.append(" or ".join(_PROCESSORS))
    if missing:
        raise WorkloadError(name, place, f"the head line of sacct --parsable2 lacks {', '.join(missing)}")
    return fields


def _job(record: Mapping[str, str]) -> TraceJob | None:
    asked = _tres(record.get("ReqTRES", ""))
    had = _tres(record.get("AllocTRES", ""))
    processors = next((_count(record, field) for field in _PROCESSORS if record.get(field, "").strip()), 0)
    if record["Submit"] in _NEVER:
        return None
    runtime = _seconds(record, "Elapsed")
    if processors <= 0 or runtime <= 0:
        return None
    nodes = _count(record, "NNodes")
    return TraceJob(
        name=record["JobID"][:40],
        submit=_moment(record["Submit"]),
        runtime=runtime,
        limit=_seconds(record, "Timelimit"),
        processors=processors,
        nodes=nodes,
        gpus=_gpus(asked) or _gpus(had),
        memory=_memory(record.get("ReqMem", ""), processors, nodes),
        # Slurm's priorities go beyond Flux's: only their order counts.
        priority=_count(record, "Priority") if record.get("Priority", "").strip() else 16,
        queue=record.get("Partition", "")[:64],
        user=record.get("User", "")[:64],
        start=_moment(record["Start"], "Start") if record.get("Start", "") not in _NEVER else None,
        hosts=record.get("NodeList", "") if record.get("NodeList") != "None assigned" else "",
    )


def _moment(text: str, field: str = "Submit") -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{field}: no time: {text[:40]!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _count(record: Mapping[str, str], field: str) -> int:
    """Return a whole number of a field, 0 for none; sacct writes 1024 nodes as 1K."""
    text = record.get(field, "").strip()
    times = _TIMES.get(text[-1:], 1)
    try:
        return int(max(number(text[:-1] if times > 1 else text) * times, 0)) if text else 0
    except ValueError as fault:
        raise ValueError(f"{field}: {fault}") from None


def _seconds(record: Mapping[str, str], field: str) -> float:
    """Return the seconds of ``[days-][hours:]minutes:seconds``; 0 for none or no limit."""
    text = record.get(field, "").strip()
    if text in ("", "UNLIMITED", "Partition_Limit", "INVALID", "Unknown"):
        return 0.0
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{field}: no duration: {text[:40]!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(days * _DAY + hours * _HOUR + minutes * _MINUTE + seconds)


def _tres(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(",") if "=" in part)


def _gpus(tres: Mapping[str, str]) -> int:
    plain = tres.get("gres/gpu")
    if plain is not None:
        return int(number(plain))
    return sum(int(number(value)) for key, value in tres.items() if key.startswith("gres/gpu:"))


def _memory(text: str, processors: int, nodes: int) -> float:
    """Return GiB in all of ``4Gn`` (each node), ``512Mc`` (each processor) or ``8G``; 0 for none."""
    if not text.strip():
        return 0.0
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"ReqMem: no amount of memory: {text[:40]!r}")
    amount, unit, per = match.groups()
    times = {"c": processors, "n": max(nodes, 1)}.get(per, 1)
    return float(amount) * _GIB[unit] * times
