"""The Standard Workload Format of the Parallel Workloads Archive: a job a line, eighteen numbers each, or more fields.

S. J. Chapin et al., Benchmarks and standards for the evaluation of parallel job schedulers, JSSPP 1999; version 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable

from .trace import Gathered, Trace, TraceJob, WorkloadError, numbers

FIELDS = 18
_MOST_FIELDS = 200
_JOB, _SUBMIT, _RUN, _PROCESSORS, _USED_MEMORY = 0, 1, 3, 4, 6
_ASKED_PROCESSORS, _ASKED_TIME, _ASKED_MEMORY, _STATUS, _USER, _QUEUE = 7, 8, 9, 10, 11, 14
_PARTS = (2, 3, 4)
"""Status of a line that tells of a part of a job, between checkpoints; another line sums the job up."""
_KIB_PER_GIB = 2**20


def read_swf(lines: Iterable[str], name: str) -> Trace:
    """Return the jobs of a trace.

    Parameters
    ----------
    lines
        Of the file; those that begin with ``;`` are comments.
    name
        Of the file, for messages.

    Raises
    ------
    WorkloadError
        For a line that does not begin with eighteen numbers, or has not as many fields as the first, with its number,
        and for a trace without jobs.

    Notes
    -----
    -1 stands for what is not known, so that every line has all fields: one that has not is broken, and what it lacks
    is not guessed. Fields beyond the eighteenth, as newer traces and those of simulators have them, are a site's own.
    A job is as large as what was allocated to it, where the trace says that, as that is what the
    machine had to give. Of time and memory what was asked for goes before what was used, as a scheduler sees that.
    """
    found = Gathered(name)
    parts = others = count = 0
    for place, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        fields = text.split(None, _MOST_FIELDS)
        if len(fields) != (count or max(len(fields), FIELDS)):
            hint = ": -1 stands for what is not known" if len(fields) < (count or FIELDS) else ""
            raise WorkloadError(name, place, f"a job has {count or FIELDS} fields, this line has {len(fields)}{hint}")
        count = len(fields)
        try:
            values = numbers(fields[:FIELDS])
        except ValueError as fault:
            raise WorkloadError(name, place, str(fault)) from None
        if values[_STATUS] in _PARTS:
            parts += 1
            continue
        job = found.add(place, _job, values)
        others += job is not None and 0 < values[_ASKED_PROCESSORS] != job.processors
    notes = [f"{parts} lines on parts of jobs passed over"] if parts else []
    if count > FIELDS:
        notes.append(f"{count - FIELDS} fields a line beyond the {FIELDS} of the format passed over")
    if others:
        notes.append(f"{others} as large as what was allocated to them, which is not what they asked for")
    return found.trace(notes)


def _job(values: list[float]) -> TraceJob | None:
    had, asked = int(values[_PROCESSORS]), int(values[_ASKED_PROCESSORS])
    processors = had if had > 0 else asked
    runtime = values[_RUN]
    if processors <= 0 or runtime <= 0 or values[_SUBMIT] < 0:
        return None
    each = values[_ASKED_MEMORY] if values[_ASKED_MEMORY] > 0 else max(values[_USED_MEMORY], 0.0)
    return TraceJob(
        name=f"{values[_JOB]:.0f}",
        submit=values[_SUBMIT],
        runtime=runtime,
        limit=max(values[_ASKED_TIME], 0.0),
        processors=processors,
        memory=each * processors / _KIB_PER_GIB,
        queue=f"{values[_QUEUE]:.0f}",
        user=f"{values[_USER]:.0f}",
    )
