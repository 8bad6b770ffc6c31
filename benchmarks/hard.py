"""The hard kinds of requests by name: how they end, the time of the processor and the work that they take.

Run by `python -m benchmarks.hard [NAME...]`. Each meets a pool that knows nothing, in a state that is the same in every
run; CP-SAT is loaded before. Work is counted (`exactfit.solver.cpsat.budget`), so it is the same on every machine.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from exactfit.grammar.idset import mask_text
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.cpsat.loading import load_solver
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

from .counting import counting

EPYC = "socket:2 numa:4 die:2 core:8"
L3 = "socket:2 numa:4 l3:4 core:8"
A_NODE = "socket:2 numa:4 core:15 gpu:1"
A_WITH_MEMORY = "socket:2 numa:4(memory=64) core:15 gpu:1"
TWO_TYPES = "[slot=1{a}/core=14;slot=5{b}/[core=6;gpu=1]]"
THREE_TYPES = "[slot=2{a}/[core;gpu];slot=3,5,8{b}/[core;gpu];slot{c}/[core=7;gpu=2]]"


@dataclass(frozen=True)
class Hard:
    """One request.

    Attributes
    ----------
    name
        Of its kind.
    machine
        A preset, or a line.
    shape
        What is asked for.
    after
        What other jobs have got before.
    free
        Cores that are left of each node, chosen at random; None for all.
    gpus
        Whether the GPUs are free.
    policy
        The order of terms.
    """

    name: str
    machine: str
    shape: str
    after: tuple[str, ...] = ()
    free: int | None = None
    gpus: bool = True
    policy: str = "pack"


HARD = (
    Hard("slots of cores on three levels", EPYC, "slot=25/core=5"),
    Hard("many slots on four levels", L3, "slot=81/core=3"),
    Hard("two slot types, large", "rfc49-a:2", "[slot=2{a}/core=50;slot=2{b}/core=20]"),
    Hard("two slot types, four each", "rfc49-a:2", "[slot=4{a}/core=25;slot=4{b}/core=10]"),
    Hard("two slot types, one with GPUs", "rfc49-a:2", "[slot=6{a}/[core=15;gpu=1];slot=6{b}/core=8]"),
    Hard("one slot type on one node", "rfc49-a:2", "[node=1/slot=10{a}/core=12;slot=1{b}/core=2]"),
    Hard("open count beside torn slots", "rfc49-a", "slot=1+/[core=3;gpu=1]", after=("slot=7/core=13",)),
    Hard("torn slots with GPUs", "rfc49-a:1", "node=1/slot=8/[core=7;gpu=1]", after=("slot=4/core=13",)),
    Hard("large slots on l3", "socket:2 numa:4 l3:2 core:8", "slot=7/core=17"),
    Hard("two slot types, nearly full", "rfc49-a:1", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]"),
    Hard("memory in whole nodes", f"node:16 {A_WITH_MEMORY}", "node=1{x}/slot=5/[core=21;memory=19]"),
    Hard("open counts, fragmented", "rfc49-a:64", "slot=1+/core=1+", free=70),
    Hard("LLC as numa, fragmented", "socket:2 numa:16 core:8", "slot=18/core=5", free=133),
    Hard("fragments of four levels", L3, "slot=20/core=5", free=134),
    Hard("two slot types on three levels", "socket:2 numa:4 gpu:1 l3:4 core:8", TWO_TYPES),
    Hard("no GPU left", "socket:2 numa:4 gpu:1 l3:4 core:8", TWO_TYPES, gpus=False),
    Hard("terms in another order", "rfc49-a:1", "slot=12/core=7", policy="intact,affinity"),
    Hard("spread and fit", "rfc49-a:1", "slot=12/core=7", policy="spread,fit"),
    Hard("idset counts over nodes", "rfc49-a:12", THREE_TYPES),
    Hard("many loose slots in a dragonfly", f"group:4 switch:8 node:4 {A_NODE}", "slot=400/core=7"),
)


def machine_of(text: str) -> Machine:
    """Return the machine of a preset or a line."""
    return read_R(preset(text) if text.startswith("rfc49") else line_R(text))


def prepared(hard: Hard) -> Pool:
    """Return a pool in the state that the request meets."""
    machine = machine_of(hard.machine)
    pool = Pool(machine, Options(parse_policy(hard.policy)))
    if hard.free is not None or not hard.gpus:
        ways = random.Random(17)
        for position, rank in enumerate(machine.ranks):
            kind = machine.type_at(position)
            cores = [core for core in range(kind.cores.bit_length()) if kind.cores >> core & 1]
            held = sum(1 << core for core in ways.sample(cores, len(cores) - (hard.free or len(cores))))
            children = {"core": mask_text(held)} if held else {}
            if not hard.gpus:
                children["gpu"] = mask_text(kind.gpus)
            lite = [{"rank": str(rank), "children": children}]
            pool.register_alloc(position + 1, {"version": 1, "execution": {"R_lite": lite}})
    for number, shape in enumerate(hard.after, machine.size + 1):
        pool.alloc(number, _request(shape))
    return pool


def _request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


@dataclass(frozen=True)
class Outcome:
    """How a request ended: its status, seconds of the processor, seconds of work, and runs of CP-SAT."""

    status: str
    seconds: float
    work: float
    solves: int


def measure(hard: Hard) -> Outcome:
    """Decide a request."""
    pool, request = prepared(hard), _request(hard.shape)
    budget = Budget(pool.options.time_limit)
    with counting() as counts:
        start = time.process_time()
        try:
            status = pool.alloc(0, request, budget=budget).proof.status.name
        except InfeasibleRequest:
            status = "infeasible"
        except InsufficientResources as refusal:
            status = "insufficient" if refusal.proven else "cut off"
        seconds = time.process_time() - start
    return Outcome(status, seconds, budget.spent, counts["solves"])


def main(names: Annotated[list[str] | None, typer.Argument(help="Words of names; all by default.")] = None) -> None:
    """Decide the hard kinds."""
    load_solver()
    table = Table(
        "kind", "machine", "request", "status", "s", "work", "solves", title="hard kinds", title_justify="left"
    )
    for hard in HARD:
        if names and not any(name in hard.name for name in names):
            continue
        outcome = measure(hard)
        figures = f"{outcome.seconds:.4f}", f"{outcome.work:.4f}", str(outcome.solves)
        table.add_row(hard.name, hard.machine, hard.shape.replace("[", "\\["), outcome.status, *figures)
    Console(width=190).print(table)


if __name__ == "__main__":
    typer.run(main)
