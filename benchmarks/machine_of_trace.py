"""Make the machine of a trace that says where its jobs ran: the nodes that it names, in groups that their names tell.

``python -m benchmarks.machine_of_trace TRACE --cores 8 --group rack=^r[0-9]+ > R.json``. Nodes that no job of the
trace had are not there, whether they were free or down: the best of a moment is rather too bad than too good.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import groupby
from typing import Annotated, Any

import typer

from exactfit.adapters.study.workloads.source import read_trace
from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet


def machine_of(path: str, cores: int, patterns: dict[str, str]) -> dict[str, Any]:
    """Return R of the nodes that a trace names.

    Parameters
    ----------
    path
        Of the trace.
    cores
        Of a node, at the least: more where a job had more on it.
    patterns
        For each group of nodes a regular expression: hosts in which it finds the same are of one group.
    """
    most: dict[str, tuple[int, int]] = {}
    for job in read_trace(path).jobs:
        hosts = Hostlist.parse(job.hosts)
        for host in hosts:
            had = most.get(host, (cores, 0))
            most[host] = (max(had[0], job.processors // len(hosts)), max(had[1], job.gpus // len(hosts)))
    names = sorted(most)
    groups: dict[str, list[dict[str, str]]] = {}
    for kind, pattern in patterns.items():
        ranks = defaultdict(list)
        for rank, name in enumerate(names):
            found = re.search(pattern, name)
            if found:
                ranks[found.group()].append(rank)
        groups[kind] = [{"ranks": str(IdSet.of(of))} for of in ranks.values()]
    lite = []
    for (cpus, gpus), same in groupby(range(len(names)), key=lambda rank: most[names[rank]]):
        children = {"core": f"0-{cpus - 1}"} | ({"gpu": f"0-{gpus - 1}"} if gpus else {})
        lite.append({"rank": str(IdSet.of(same)), "children": children})
    execution = {"R_lite": lite, "nodelist": names, "starttime": 0, "expiration": 0}
    return {"version": 1, "execution": execution, "scheduling": {"groups": groups}}


def main(
    trace: str,
    cores: Annotated[int, typer.Option(help="Cores of a node, at the least.")] = 1,
    group: Annotated[list[str] | None, typer.Option(help="KIND=EXPRESSION, coarsest first.")] = None,
) -> None:
    """Print R."""
    print(json.dumps(machine_of(trace, cores, dict(one.split("=", 1) for one in group or ()))))


if __name__ == "__main__":
    typer.run(main)
