"""Random requests of every form on fragmented nodes of many kinds: how they end, and whether that is right.

Run by `python -m benchmarks.campaign [REQUESTS]`. Nodes are those of the presets, of hwloc's XML files among the
tests' data, and of lines; of each a few stand side by side. Jobs hold a part of every node, single cores or whole
stretches. Each request meets a pool that knows nothing. What is placed is judged by the checker: legal, worth what it
says, and not better than its bound. What is refused must not be there for first fit either, which looks at numbers
alone. All is drawn with a seed, so that the same requests come again; what is counted is the same on every machine.
"""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from exactfit.grammar.idset import mask_text
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.describe import hwloc_R
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .forms import Asked, draw

DATA = Path(__file__).parent.parent / "tests/topology/data"

KINDS = {
    "A-node": "rfc49-a",
    "B-node": "rfc49-b",
    "El Capitan": "mi300a",
    "Sierra": "sierra",
    "DGX-2": "hwloc/nvidiaDGX2.v2.xml",
    "POWER8": "hwloc/power8gpudistances.v2.xml",
    "two Xeons": "hwloc/24em64t-2n6c2t-pci.v2.xml",
    "Groups": "hwloc/16-2gr2gr2n2c+misc.v2.xml",
    "two memories": "hwloc/heteromem.v3.xml",
    "SNC": "v2-snc-nvidia.xml",
    "dies": "v2-dies.xml",
    "EPYC": "socket:2 numa:4 die:2 core:8",
    "LLC as numa": "socket:2 numa:16 core:8",
    "four levels": "socket:2 numa:4 l3:4 core:8",
    "four levels, GPUs": "socket:2 numa:4 gpu:1 l3:4 core:8",
    "two dies": "socket:2 gpu:2 numa:4 l3:2 core:8",
}
"""Names of nodes to presets, files or lines."""

NODES = (1, 1, 1, 2, 3, 4)
"""How many stand side by side; drawn from these."""


@dataclass(frozen=True)
class Outcome:
    """How a request ended.

    Attributes
    ----------
    kind, form, shape
        Of the nodes, and of the request.
    status
        "optimal", "feasible", "refused" or "cut off".
    fault
        What is wrong with the answer; empty for nothing.
    seconds, work
        Of the processor, and counted.
    open
        The first term of which it is not known whether it can be better.
    """

    kind: str
    form: str
    shape: str
    status: str
    fault: str
    seconds: float
    work: float
    open: str = ""


@cache
def machine_of(kind: str, nodes: int) -> Machine:
    """Return so many nodes of a kind."""
    text = KINDS[kind]
    if text.endswith(".xml"):
        return read_R(hwloc_R((DATA / text).read_bytes(), nodes))
    return read_R(preset(f"{text}:{nodes}") if ":" not in text else line_R(f"node:{nodes} {text}"))


def held(ways: random.Random, machine: Machine) -> list[tuple[int, int]]:
    """Return bitmasks of the cores and GPUs that jobs hold of each node."""
    taken = []
    for position in range(machine.size):
        kind, part = machine.type_at(position), ways.choice((0, 0, 0.2, 0.4, 0.6))
        cores = _stretches(ways, kind.cores) if ways.random() < 0.5 else _some(ways, kind.cores, part)
        taken.append((cores, _some(ways, kind.gpus, part)))
    return taken


def held_R(machine: Machine, taken: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return the R of a job that holds some cores and GPUs of the nodes."""
    lite = []
    for rank, masks in zip(machine.ranks, taken, strict=True):
        children = {name: mask_text(mask) for name, mask in zip(("core", "gpu"), masks, strict=True) if mask}
        if children:
            lite.append({"rank": str(rank), "children": children})
    return {"version": 1, "execution": {"R_lite": lite}}


def _some(ways: random.Random, mask: int, part: float) -> int:
    return sum(1 << bit for bit in range(mask.bit_length()) if mask >> bit & 1 and ways.random() < part)


def _stretches(ways: random.Random, mask: int) -> int:
    """Return up to seven stretches of up to thirteen neighbours."""
    taken = 0
    for _ in range(ways.randrange(8)):
        taken |= ((1 << ways.randrange(1, 14)) - 1) << ways.randrange(mask.bit_length())
    return taken & mask


def outcomes(requests: int, seed: int = 1) -> Iterator[Outcome]:
    """Draw requests, and yield how each ends."""
    ways = random.Random(seed)
    kinds = sorted(KINDS)
    while requests:
        kind = ways.choice(kinds)
        machine = machine_of(kind, ways.choice(NODES))
        taken = held(ways, machine)
        asked = draw(ways, _left(machine, taken))
        if asked is not None:
            requests -= 1
            yield decide(kind, machine, taken, asked)


def _left(machine: Machine, taken: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the free cores and GPUs of each node."""
    kinds = [machine.type_at(position) for position in range(machine.size)]
    return [
        ((kind.cores & ~cores).bit_count(), (kind.gpus & ~gpus).bit_count())
        for kind, (cores, gpus) in zip(kinds, taken, strict=True)
    ]


def decide(kind: str, machine: Machine, taken: Sequence[tuple[int, int]], asked: Asked) -> Outcome:
    """Ask a pool, and judge its answer."""
    pool, checker = Pool(machine), Checker(machine)
    before = held_R(machine, taken)
    if before["execution"]["R_lite"]:
        pool.register_alloc(1, before)
        checker.allocate(before)
    request = Request.of(parse_resources(parse_shape(asked.shape)))
    budget = Budget(pool.options.time_limit)
    start = time.process_time()
    fault, first = "", ""
    try:
        answer = pool.alloc(2, request, budget=budget)
    except (InfeasibleRequest, InsufficientResources) as refusal:
        seconds = time.process_time() - start
        proven = isinstance(refusal, InfeasibleRequest) or refusal.proven
        status = "refused" if proven else "cut off"
        if proven and asked.fits:
            fault = f"refused, though there is room: {refusal}"
    else:
        seconds = time.process_time() - start
        status = answer.proof.status.name.lower()
        fault = _fault(checker, request, answer.to_dict(), answer.certificate)
        first = _first_open(answer.certificate) if status == "feasible" else ""
    return Outcome(kind, asked.form, asked.shape, status, fault, seconds, budget.spent, first)


def _fault(checker: Checker, request: Request, R: Mapping[str, Any], certificate: Mapping[str, Any]) -> str:
    """Return what is wrong with a placement; nothing if it is what was asked for, and is worth what it says."""
    verdict = checker.judge(request.shape.vertices, R)
    if not verdict.legal:
        return "; ".join(verdict.violations)
    terms, bounds = certificate["terms"], certificate["bound"]
    for name, value in verdict.terms.items():
        if name in terms and name != "size" and terms[name] != value:
            return f"{name} is {value}, not {terms[name]}"
    for name, bound in bounds.items():
        if name != "size" and bound is not None and bound != terms[name]:
            return f"{name} is {terms[name]}, below its bound {bound}" if bound > terms[name] else ""
    return ""


def _first_open(certificate: Mapping[str, Any]) -> str:
    bounds = certificate["bound"]
    return next((name for name, value in certificate["terms"].items() if bounds.get(name) != value), "")


def show(found: list[Outcome], console: Console) -> None:
    """Print how requests ended, form by form and kind by kind."""
    for title, by in (("form", "form"), ("nodes", "kind")):
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in found:
            groups[getattr(outcome, by)].append(outcome)
        heads = ("requests", "optimal", "feasible", "refused", "cut off", "p50 ms", "p99 ms", "max ms", "max work")
        table = Table(title, *heads)
        for name, some in [*sorted(groups.items()), ("all", found)]:
            count = {status: sum(1 for one in some if one.status == status) for status in heads[1:5]}
            times = sorted(1000 * one.seconds for one in some)
            figures = [times[len(times) // 2], times[len(times) * 99 // 100], times[-1]]
            row = (len(some), *count.values(), *(f"{figure:.1f}" for figure in figures))
            table.add_row(name, *map(str, row), f"{max(one.work for one in some):.3f}")
        console.print(table)


def main(
    requests: Annotated[int, typer.Argument(help="How many.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 1,
    shown: Annotated[int, typer.Option(help="Open ones to be listed.")] = 0,
    seconds: Annotated[float, typer.Option(help="Of the processor, after which no more are drawn.")] = 1e9,
) -> None:
    """Decide random requests on fragmented nodes, and judge the answers."""
    load_solver()
    logging.disable(logging.WARNING)  # what hwloc's files have that no level stands for is known
    console = Console(width=150)
    found = []
    for number, outcome in enumerate(outcomes(requests, seed), 1):
        found.append(outcome)
        if outcome.fault or outcome.status == "cut off":
            console.print(f"{number}: {outcome.kind}: {outcome.shape}: {outcome.status} {outcome.fault}", markup=False)
        if number % 1000 == 0:
            console.print(f"{number:,} requests", style="dim")
        if time.process_time() > seconds:
            break
    for outcome in [one for one in found if one.status == "feasible"][:shown]:
        console.print(f"{outcome.kind}: {outcome.shape}: {outcome.open}, {outcome.seconds:.2f} s", markup=False)
    show(found, console)


if __name__ == "__main__":
    typer.run(main)
