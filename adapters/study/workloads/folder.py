"""A trace of several tables: Lassen's allocations, and which nodes each of them had (IBM's CSM; T. Patki et al., 2021).

The tables stand in one folder and are known by their columns. The history of steps is passed over: a job's nodes are
whole.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from ....grammar.hostlist import Hostlist
from .table import is_known, read_csv
from .trace import Trace, WorkloadError

ALLOCATION, NODE = "allocation_id", "node_name"
HOSTS = "node_names"
"""What the column of an allocation's nodes is called; the mapping of Lassen's allocations knows it."""
_MOST_FILES = 100


def read_folder(path: Path) -> Trace:
    """Return the jobs of a folder with a table of allocations and one of their nodes, as CSV.

    Raises
    ------
    WorkloadError
        Where the folder has not one of each, and as `read_csv` has it.
    OSError, UnicodeDecodeError
        For a file that cannot be read.
    """
    allocations, nodes = [], []
    files = sorted(file for file in path.iterdir() if file.suffix == ".csv")
    for file in files[:_MOST_FILES]:
        with file.open(encoding="utf-8-sig") as lines:
            head = next(csv.reader(lines), [])
        if {ALLOCATION, NODE} <= set(head):
            nodes.append(file)
        elif ALLOCATION in head and is_known(head):
            allocations.append(file)
    if len(allocations) != 1 or len(nodes) != 1:
        fault = (
            "a workload is one file, or a folder with Lassen's allocation history and node history as CSV; "
            f"this folder has {len(allocations)} and {len(nodes)} of them"
        )
        raise WorkloadError(str(path), None, fault)
    with ExitStack() as stack:
        told, where = (stack.enter_context(file.open(encoding="utf-8-sig")) for file in (allocations[0], nodes[0]))
        return read_csv(_joined(told, _hosts(where, str(nodes[0]))), str(allocations[0]))


def _hosts(lines: Iterable[str], name: str) -> dict[str, Hostlist]:
    """Return the nodes of each allocation."""
    rows = csv.reader(lines)
    head = next(rows)
    allocation, node = head.index(ALLOCATION), head.index(NODE)
    found: dict[str, list[str]] = {}
    for row in rows:
        if len(row) != len(head):
            fault = f"the head line has {len(head)} fields, this line has {len(row)}"
            raise WorkloadError(name, rows.line_num, fault)
        found.setdefault(row[allocation], []).append(row[node])
    return {key: Hostlist.of(sorted(set(names))) for key, names in found.items()}


def _joined(lines: Iterable[str], hosts: dict[str, Hostlist]) -> Iterator[str]:
    """Yield the lines of the allocations with one more column, their nodes."""
    waiting = iter(lines)
    first = next(waiting).rstrip("\r\n")
    place = next(csv.reader([first])).index(ALLOCATION)
    yield f"{first},{HOSTS}\n"
    for line in waiting:
        text = line.rstrip("\r\n")
        fields = next(csv.reader([text]), [])
        mine = hosts.get(fields[place]) if place < len(fields) else None
        yield f'{text},"{mine or ""}"\n' if text else "\n"
