"""What a file seems to be, told by how it begins: for messages about files that are not what was expected.

A file is looked at when it could not be read as what it was to be: a wrong guess makes a message less helpful, no more.
"""

from __future__ import annotations

import re
from typing import Final

HEAD: Final = 2**16
"""Bytes from the beginning that are looked at."""

R, JOBSPEC, HWLOC, SLURM_TOPOLOGY = "R (RFC 20)", "a jobspec", "hwloc XML", "a Slurm topology"
SWF, SACCT, SACCT_COMMAS, SACCT_COLUMNS, SACCT_JSON = (
    "a trace in the Standard Workload Format",
    "Slurm accounting (sacct --parsable2)",
    "Slurm accounting with commas",
    "Slurm accounting in columns",
    "Slurm accounting as JSON (sacct --json)",
)
FLUX_JOBS = "jobs of Flux as JSON"
JGF = "a graph in JGF"
GRUG = "a recipe of Fluxion's (GRUG)"
CSV = "CSV"
PLACED = "what exactfit place --json prints"
SNAPSHOT = "what exactfit snapshot --json prints"

_MAGIC: Final = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
)
_TAR: Final = (257, b"ustar")
_EIGHTEEN_NUMBERS: Final = re.compile(r"\s*-?\d+(?:\s+-?\d+(?:\.\d+)?){17}\s*")
_KEY: Final = re.compile(r'"([A-Za-z_]+)"\s*:')
_OURS: Final = re.compile(r'\{\s*"schema"\s*:\s*"exactfit\.([a-z]+)/')
_YAML_KEY: Final = re.compile(r"^([A-Za-z_]+):(?:\s|$)", re.MULTILINE)


def kind_of(data: bytes) -> str | None:
    """Return what a file that begins so seems to be, in words; None when it does not show."""
    head = data[:HEAD]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[_TAR[0] :].startswith(_TAR[1]):
        return "a tar archive"
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        return _xml(text)
    if text.startswith(("{", "[")):
        return _json(text)
    return _lines(text)


def _xml(text: str) -> str:
    start = text[:4096].lower()
    if "<topology" in start:
        return HWLOC
    if "<graphml" in start:
        return GRUG
    return "an SVG picture" if "<svg" in start else "an HTML page" if "<html" in start else "XML"


def _json(text: str) -> str | None:
    ours = _OURS.match(text)
    if ours is not None:
        return f"what exactfit {ours[1]} --json prints"
    keys = set(_KEY.findall(text))
    if "t_submit" in keys or ("submit" in keys and "R_lite" not in keys):
        return FLUX_JOBS
    if "graph" in keys and ("nodes" in keys or "edges" in keys) and "execution" not in keys:
        return JGF
    if "execution" in keys and ("R_lite" in keys or "version" in keys):
        return R
    if "resources" in keys:
        return JOBSPEC
    return SACCT_JSON if "jobs" in keys and "job_id" in keys else None


def _lines(text: str) -> str | None:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    first = lines[0] if lines else ""
    if first.lstrip().startswith(";") or _EIGHTEEN_NUMBERS.fullmatch(first):
        return SWF
    if re.match(r"(SwitchName|BlockName|BlockSizes|LinkSpeed)\s*=", first, re.IGNORECASE):
        return SLURM_TOPOLOGY
    if re.match(r"(NodeName|PartitionName|ClusterName|SlurmctldHost)\s*=", first, re.IGNORECASE):
        return "Slurm's configuration"
    if "JobID" in first:
        return SACCT if "|" in first else SACCT_COMMAS if "," in first else SACCT_COLUMNS
    keys = set(_YAML_KEY.findall(text))
    if "resources" in keys:
        return JOBSPEC
    return CSV if _is_csv(lines[:20]) else None


def _is_csv(lines: list[str]) -> bool:
    """Tell whether lines have fields with the same sign between, as many in each."""
    return (
        len(lines) > 1
        and any(map(str.isalpha, lines[0]))
        and any(
            lines[0].count(sign) > 0 and len({line.count(sign) for line in lines[:-1] or lines}) == 1 for sign in ",;\t"
        )
    )
