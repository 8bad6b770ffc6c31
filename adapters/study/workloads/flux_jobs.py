"""Flux's jobs: one JSON object a line, or what ``flux jobs -a --json`` prints.

A line has the job's record (``t_submit``, ``t_run``, ``t_cleanup`` or ``runtime``, ``duration``, ``priority``,
``ncores``, ``nnodes``) and, where ``flux job info ID jobspec`` was asked as well, its ``jobspec``, whose resources are
then taken as they are. Where it ran is said by ``R``, as ``flux job info ID R`` gives it, or by ``nodelist``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ....grammar.errors import shown
from ....grammar.jobspec import check_version, parse_jobspec
from ....grammar.json_text import no_constant
from .trace import Gathered, Trace, TraceJob, WorkloadError, number

_LONGEST_LINE = 2**22
_LONGEST_NAME = 64
_MOST_PRIORITY = 2**32 - 1


def read_flux(lines: Iterable[str], name: str) -> Trace:
    """Return the jobs of Flux's JSON.

    Parameters
    ----------
    lines
        Of the file.
    name
        Of the file, for messages.

    Raises
    ------
    WorkloadError
        For a line that is no job, with its number, and when there is none.
    """
    found = Gathered(name)
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        for record in _records(line, name, place):
            found.add(place, partial(_job, place), record)
    return found.trace()


def _records(line: str, name: str, place: int) -> list[Any]:
    if len(line) > _LONGEST_LINE and '"jobs"' not in line[:64]:
        raise WorkloadError(name, place, f"longer than {_LONGEST_LINE // 2**20} MiB")
    try:
        value = json.loads(line, parse_constant=no_constant)
    except json.JSONDecodeError as fault:
        raise WorkloadError(name, place, f"not JSON: {fault.msg} at column {fault.colno}") from None
    except (RecursionError, ValueError) as fault:
        text = "nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise WorkloadError(name, place, f"not usable JSON: {text}") from None
    if isinstance(value, Mapping) and isinstance(value.get("jobs"), list):
        found: list[Any] = value["jobs"]
        return found
    return value if isinstance(value, list) else [value]


def _job(place: int, record: object) -> TraceJob | None:
    if not isinstance(record, Mapping):
        raise ValueError("a job is a JSON object")
    submit = _first(record, "t_submit", "submit")
    if submit is None:
        raise ValueError("a job needs t_submit")
    runtime = _runtime(record)
    jobspec = record.get("jobspec")
    limit = _first(record, "duration", "limit") or 0.0
    resources: tuple[Mapping[str, Any], ...] | None = None
    constraint = None
    if jobspec is not None:
        if not isinstance(jobspec, Mapping):
            raise ValueError("jobspec: expected an object")
        parsed = parse_jobspec(jobspec)
        check_version(parsed)
        limit = parsed.duration or limit
        resources = tuple(jobspec["resources"])
        system = (jobspec.get("attributes") or {}).get("system") or {}
        constraint = system.get("constraints") or None
    processors = int(_first(record, "ncores", "ntasks") or 0)
    if runtime is None or runtime <= 0 or (resources is None and processors <= 0):
        return None
    return TraceJob(
        name=_word(record, "id") or str(place),
        submit=submit,
        runtime=runtime,
        limit=max(limit, 0.0),
        processors=processors,
        nodes=int(_first(record, "nnodes") or 0) if "ncores" in record else 0,
        gpus=int(_first(record, "ngpus") or 0),
        priority=int(min(max(_first(record, "priority", "urgency") or 16, 0), _MOST_PRIORITY)),
        queue=_word(record, "queue"),
        user=_word(record, "username", "userid"),
        resources=resources,
        constraint=constraint,
        start=_first(record, "t_run"),
        hosts=_hosts(record.get("nodelist")),
        held=_held(record.get("R")),
    )


def _hosts(nodelist: object) -> str:
    return nodelist if isinstance(nodelist, str) else ""


def _held(R: object) -> Mapping[str, Any] | None:
    """Return the R of a record, which may stand there as JSON or as a text of JSON, as Flux keeps it."""
    if isinstance(R, str) and R:
        try:
            R = json.loads(R, parse_constant=no_constant)
        except (ValueError, RecursionError):
            raise ValueError(f"R: no JSON: {shown(R)}") from None
    return R if isinstance(R, Mapping) and "execution" in R else None


def _word(record: Mapping[str, Any], *keys: str) -> str:
    """Return the first of some names that the record has, "" for none."""
    for key in keys:
        value = record.get(key)
        if value is not None and value != "":
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"{key}: expected a name, got {shown(value)}")
            return str(value)[:_LONGEST_NAME]
    return ""


def _runtime(record: Mapping[str, Any]) -> float | None:
    given = _first(record, "runtime")
    if given is not None and given > 0:
        return given
    start, end = _first(record, "t_run"), _first(record, "t_cleanup", "t_inactive")
    return None if start is None or end is None else end - start


def _first(record: Mapping[str, Any], *keys: str) -> float | None:
    """Return the first of some numbers that the record has."""
    for key in keys:
        if record.get(key) is not None and record[key] != "":
            try:
                return number(record[key])
            except ValueError as fault:
                raise ValueError(f"{key}: {fault}") from None
    return None
