"""Weeks of a public trace for `future`: each is a workload of its own, where a generated day has its seed."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.rules import read_rules
from exactfit.adapters.study.submissions import from_trace
from exactfit.adapters.study.task import Source
from exactfit.adapters.study.workloads.source import read_trace
from exactfit.adapters.study.workloads.trace import Trace
from exactfit.topology.machine import Machine

WEEK = 7 * 24 * 3600.0

RULES = """\
{n} == 1             => slot=1/[core=<max(1, domain_cores * 2 // 3)>;gpu=1]
{n} % 2 == 1 and {n} <= node_gpus => slot=<{n}>/core=<max(1, domain_cores // 2)>
{n} <= node_gpus     => node=1/slot=<{n}>/[core=<node_cores // node_gpus>;gpu=1]
{n} % node_gpus == 0 => node=<{n} // node_gpus>/slot=<node_gpus>/[core=<node_cores // node_gpus>;gpu=1]
otherwise            => node=<ceil({n} / node_gpus)>/slot=<node_gpus>/core=<max(1, domain_cores // 2)>
"""
"""A task where the trace has a node: alone it takes a GPU and two thirds of a domain's cores, else a GPU's part of the
node or half of a domain without one, by the number of tasks."""


def rules_text(rules: Path | None, each: int) -> str:
    """Return the rules of a file; where there is none the usual ones, a task for so many processors of the trace."""
    if rules is not None:
        return rules.read_text(encoding="utf-8")
    return RULES.format(n=f"ceil(processors / {each})")


def weeks_of(trace: Trace, most: int) -> list[Trace]:
    """Return whole weeks of a trace, without the first and the last, which are parts: drawn, so that more only add."""
    by_week = defaultdict(list)
    for job in trace.jobs:
        by_week[int(job.submit // WEEK)].append(job)
    whole = sorted(by_week)[1:-1]
    random.Random(1).shuffle(whole)
    return [Trace(tuple(by_week[week])) for week in whole[:most]]


def weeks_to_run(path: Path, rules: str, there: Machine, most: int) -> list[Source]:
    """Return the workloads of a trace's weeks on a machine.

    Raises
    ------
    WorkloadError
        Where the trace cannot be read, or a rule fails.
    """
    shapes = read_rules(rules, "the rules", outline_of(there))
    return [Source.of(from_trace(week, shapes)) for week in weeks_of(read_trace(str(path)), most)]
