"""Slurm's accounting: what ``sacct --allusers --parsable2 --format=...`` prints, a head line and a job a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from .trace import Trace, TraceJob, WorkloadError, in_order, number

NEEDED = ("JobID", "Submit", "Elapsed")
"""Beside these, NCPUS or AllocCPUS or ReqCPUS; Timelimit, NNodes, ReqTRES, AllocTRES, ReqMem, Partition, User and
Priority are used where they are."""

_PROCESSORS = ("ReqCPUS", "NCPUS", "AllocCPUS")
_TIME = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})(?:\.\d{1,6})?")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMGTP]?)([cn]?)")
_GIB = {"K": 2.0**-20, "M": 2.0**-10, "": 2.0**-10, "G": 1.0, "T": 2.0**10, "P": 2.0**20}
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
    jobs: list[TraceJob] = []
    left_out = 0
    for place, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        fields = text.split("|")
        if not head:
            head = _head(fields, name, place)
            continue
        if len(fields) != len(head):
            raise WorkloadError(name, place, f"the head line has {len(head)} fields, this line has {len(fields)}")
        record = dict(zip(head, fields, strict=True))
        if "." in record["JobID"]:
            continue
        try:
            job = _job(record)
        except ValueError as fault:
            raise WorkloadError(name, place, str(fault)) from None
        if job is None:
            left_out += 1
        else:
            jobs.append(job)
    return in_order(jobs, left_out, name)


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
    processors = next((int(number(record[f])) for f in _PROCESSORS if record.get(f, "").strip()), 0)
    if record["Submit"] in ("", "Unknown", "None"):
        return None
    runtime = _seconds(record["Elapsed"])
    if processors <= 0 or runtime <= 0:
        return None
    nodes = int(number(record["NNodes"])) if record.get("NNodes", "").strip() else 0
    return TraceJob(
        name=record["JobID"][:40],
        submit=_moment(record["Submit"]),
        runtime=runtime,
        limit=_seconds(record.get("Timelimit", "")),
        processors=processors,
        nodes=max(nodes, 0),
        gpus=_gpus(asked) or _gpus(had),
        memory=_memory(record.get("ReqMem", ""), processors, nodes),
        # Slurm's priorities go beyond Flux's: only their order counts.
        priority=int(max(number(record["Priority"]), 0)) if record.get("Priority", "").strip() else 16,
        queue=record.get("Partition", "")[:64],
        user=record.get("User", "")[:64],
    )


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"Submit: no time: {text[:40]!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _seconds(text: str) -> float:
    """Return the seconds of ``[days-][hours:]minutes:seconds``; 0 for none or no limit."""
    if text in ("", "UNLIMITED", "Partition_Limit", "INVALID", "Unknown"):
        return 0.0
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"no duration: {text[:40]!r}")
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
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return 0.0
    amount, unit, per = match.groups()
    times = {"c": processors, "n": max(nodes, 1)}.get(per, 1)
    return float(amount) * _GIB[unit] * times
