"""Opens what a user calls a workload: a file of a kind that its beginning tells, packed by gzip or zip, or not."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from ...kinds import CSV, FLUX_JOBS, HEAD, SACCT, SACCT_COLUMNS, SACCT_COMMAS, SACCT_JSON, SWF, kind_of
from .flux_jobs import read_flux
from .folder import read_folder
from .json_jobs import is_other_json, read_other_json
from .sacct import read_sacct
from .swf import read_swf
from .table import is_known, read_csv, read_parquet
from .trace import Trace, WorkloadError

READABLE = (
    "a workload is a trace in the Standard Workload Format, jobs of Flux as JSON, Slurm accounting as sacct "
    "--parsable2 or --json prints it, a workload of Batsim, Philly's log, or a table in CSV or Parquet, each also "
    "packed by gzip or zip; or the generator lublin:..."
)
SACCT_LINE = (
    "sacct -a -X --parsable2 "
    "--format=JobID,Submit,Elapsed,Timelimit,NNodes,NCPUS,ReqTRES,ReqMem,Partition,User,Priority"
)
_KINDS = (SWF, SACCT, SACCT_COMMAS, SACCT_JSON, FLUX_JOBS, CSV)
_OF_SACCT = (SACCT_COLUMNS,)
_LONGEST_LINE = 2**26
_MOST_CHARACTERS = 2**33
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
_MOST_UNPACKED = 2**33


def read_trace(path: str, columns: str | None = None, columns_name: str = "--columns") -> Trace:
    """Return the jobs of a file.

    Parameters
    ----------
    path
        One of the `READABLE` kinds, also packed; a folder with Lassen's tables; ``-`` for standard input.
    columns, columns_name
        What the columns of a table mean, and where that is said; None where the table is known.

    Raises
    ------
    WorkloadError
        When it cannot be read; the message names the line.
    """
    meaning = _Columns(columns, columns_name)
    try:
        if path == "-":
            return _read(io.BytesIO(sys.stdin.buffer.read()), "standard input", meaning)
        if Path(path).is_dir():
            return read_folder(Path(path))
        with Path(path).open("rb") as file:
            return _read(file, path, meaning)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise WorkloadError(path, None, f"cannot read the workload: {reason}") from None
    except UnicodeDecodeError as fault:
        raise WorkloadError(path, None, f"not UTF-8 text ({fault.reason})") from None


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a table mean, and where that is said."""

    text: str | None
    name: str


def _read(file: IO[bytes], name: str, columns: _Columns) -> Trace:
    magic = file.read(4)
    file.seek(0)
    if magic == _ZIP:
        return _read_zip(file, name, columns)
    if magic == _PARQUET:
        return read_parquet(file, name, columns.text, columns.name)
    raw: IO[bytes] = gzip.GzipFile(fileobj=file) if magic[:2] == _GZIP else file  # type: ignore[assignment]
    head = raw.read(HEAD)
    raw.seek(0)
    try:
        return _read_lines(raw, name, head, columns)
    except (WorkloadError, UnicodeDecodeError):
        # What the file is says more than where it stops being a trace.
        _tell_kind(head, name)
        raise


def _read_zip(file: IO[bytes], name: str, columns: _Columns) -> Trace:
    with zipfile.ZipFile(file) as archive:
        inside = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX")]
        if len(inside) != 1:
            raise WorkloadError(name, None, f"a zip archive of {len(inside)} files; a workload is one")
        if inside[0].file_size > _MOST_UNPACKED:
            raise WorkloadError(name, None, f"unpacked it is larger than {_MOST_UNPACKED // 2**30} GiB")
        with archive.open(inside[0]) as member:
            # A table in Parquet is read from its end.
            return _read(io.BytesIO(member.read()), f"{name}:{inside[0].filename[:200]}", columns)


def _read_lines(raw: IO[bytes], name: str, head: bytes, columns: _Columns) -> Trace:
    lines = _lines(io.TextIOWrapper(raw, encoding="utf-8-sig"), name)
    passed: list[str] = []
    for line in lines:
        passed.append(line)
        if line.strip() and not line.lstrip().startswith(";"):
            break
    first = passed[-1].strip() if passed else ""
    everything: Iterable[str] = chain(passed, lines)
    if first.startswith(("{", "[")):
        if is_other_json(head.decode("utf-8-sig", errors="replace")):
            return read_other_json("".join(everything), name)
        return read_flux(["".join(everything)] if first in ("{", "[") else everything, name)
    if columns.text is not None:
        return read_csv(everything, name, columns.text, columns.name)
    if "|" in first or first.startswith("JobID,"):
        return read_sacct(everything, name)
    if is_known(re.split("[,;\t]", first)) or (kind_of(head) == CSV and not first[:1].isdigit()):
        return read_csv(everything, name)
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
