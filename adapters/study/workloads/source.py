"""Opens what a user calls a workload: a file of a kind that its first line tells, packed by gzip or not."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from ...kinds import FLUX_JOBS, HEAD, SACCT, SACCT_COLUMNS, SACCT_COMMAS, SACCT_JSON, SWF, kind_of
from .flux_jobs import read_flux
from .sacct import read_sacct
from .swf import read_swf
from .trace import Trace, WorkloadError

READABLE = (
    "a workload is a trace in the Standard Workload Format, jobs of Flux as JSON, or Slurm accounting as "
    "sacct --parsable2 prints it, each also packed by gzip; or the generator lublin:..."
)
SACCT_LINE = (
    "sacct -a -X --parsable2 "
    "--format=JobID,Submit,Elapsed,Timelimit,NNodes,NCPUS,ReqTRES,ReqMem,Partition,User,Priority"
)
_KINDS = (SWF, SACCT, FLUX_JOBS)
_OF_SACCT = (SACCT_COMMAS, SACCT_COLUMNS, SACCT_JSON)
_LONGEST_LINE = 2**26
_MOST_CHARACTERS = 2**33
_GZIP = b"\x1f\x8b"


def read_trace(path: str) -> Trace:
    """Return the jobs of a file.

    Parameters
    ----------
    path
        A Standard Workload Format trace, Flux's jobs as JSON, or what ``sacct --parsable2`` printed; also packed.

    Raises
    ------
    WorkloadError
        When it cannot be read; the message names the line.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file, path)
    except (OSError, EOFError, zlib.error) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise WorkloadError(path, None, f"cannot read the workload: {reason}") from None
    except UnicodeDecodeError as fault:
        raise WorkloadError(path, None, f"not UTF-8 text ({fault.reason})") from None


def _read(file: IO[bytes], name: str) -> Trace:
    packed = file.read(2) == _GZIP
    file.seek(0)
    raw: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
    head = raw.read(HEAD)
    raw.seek(0)
    try:
        return _read_lines(raw, name)
    except (WorkloadError, UnicodeDecodeError):
        # What the file is says more than where it stops being a trace.
        _tell_kind(head, name)
        raise


def _read_lines(raw: IO[bytes], name: str) -> Trace:
    lines = _lines(io.TextIOWrapper(raw, encoding="utf-8-sig"), name)
    passed: list[str] = []
    for line in lines:
        passed.append(line)
        if line.strip() and not line.lstrip().startswith(";"):
            break
    first = passed[-1].strip() if passed else ""
    everything: Iterable[str] = chain(passed, lines)
    if first.startswith(("{", "[")):
        return read_flux(["".join(everything)] if first in ("{", "[") else everything, name)
    if "|" in first:
        return read_sacct(everything, name)
    return read_swf(everything, name)


def _tell_kind(head: bytes, name: str) -> None:
    kind = kind_of(head)
    if kind in _OF_SACCT:
        raise WorkloadError(name, None, f"this is {kind}: {SACCT_LINE} prints what can be read")
    if kind is not None and kind not in _KINDS:
        raise WorkloadError(name, None, f"this is {kind}; {READABLE}")


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    number = total = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        total += len(line)
        if len(line) == _LONGEST_LINE or total > _MOST_CHARACTERS:
            raise WorkloadError(name, number, "longer than can be read")
        yield line
