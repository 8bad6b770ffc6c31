"""Which share of a day's decisions has a certificate that plain code verifies.

`make proofs`, or `python -m day_proofs [EVERY]` with tests/support on the path: certificates of every so many of the
placements of a generated day, first come first served, and of jobs of all shapes on machines that are filled and
emptied by a half. All are made, and verified again from their text.
"""

from __future__ import annotations

import heapq
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from benchmarks.shapes import draw
from exactfit.adapters.proof.certificate import Verified, make_certificate, verify
from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.task import Source, machine_R
from exactfit.grammar.idset import text_mask
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Pool, Request
from exactfit.solver.checker import check
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.topology.machine import Machine

Json = dict[str, Any]
SECONDS = 20.0
"""For the arguments of one certificate, beside what is counted."""

GOAL = 0.95
"""The share of decisions that rest on no solver."""

SHAPES = 300
"""Placements of jobs of all shapes, on each machine."""


@dataclass(frozen=True)
class Decision:
    """A placement, with what was asked for and what ran beside it."""

    machine: Machine
    resources: Sequence[Mapping[str, Any]]
    R: Json
    running: list[Json]

    def certified(self) -> Verified:
        """Make a certificate, write it, and look at what is written."""
        verdict = check(self.machine, parse_resources(list(self.resources)), self.R, running=self.running)
        values = {name: verdict.terms[name] for name in self.R["scheduling"]["certificate"]["terms"]}
        case = {"R": machine_R(self.machine), "running": self.running, "resources": list(self.resources), "down": ""}
        more = {"constraint": None, "slot_exclusive": "shared", "placement": self.R}
        return verify(json.loads(json.dumps(make_certificate({**case, **more}, values, verdict.counts, SECONDS))))


def day(machine: Machine, load: str = "0.8") -> Iterator[Decision]:
    """Go through the placements of a day."""
    workload = Source(generator=f"lublin:days=1,load={load}").workload(outline_of(machine), 1, None)
    pool = Pool(machine)
    running: dict[int, Json] = {}
    ends: list[tuple[float, int]] = []
    now = 0.0
    for job in workload.jobs:
        now = max(now, job.submit)
        resources = list(workload.forms[job.form].resources)
        request = Request.of(parse_resources(resources))
        while True:
            while ends and ends[0][0] <= now:
                _, jobid = heapq.heappop(ends)
                pool.free(jobid)
                del running[jobid]
            try:
                R = pool.alloc(job.number, request).to_dict()
            except InsufficientResources:
                now = ends[0][0]
                continue
            except InfeasibleRequest:
                break
            yield Decision(machine, resources, R, list(running.values()))
            running[job.number] = R
            heapq.heappush(ends, (now + job.runtime, job.number))
            break


def shapes(machine: Machine, seed: int = 5) -> Iterator[Decision]:
    """Go through placements of jobs of which every one is new; half of what runs ends when no more of it fits."""
    pool, ways = Pool(machine), random.Random(seed)
    running: dict[int, Json] = {}
    room = cores = sum(kind.cores.bit_count() for kind in map(machine.type_at, range(machine.size)))
    refused = jobid = 0
    while True:
        jobid += 1
        resources = list(parse_shape(draw(ways, machine.size)))
        try:
            R = pool.alloc(jobid, Request.of(parse_resources(resources))).to_dict()
        except (InfeasibleRequest, InsufficientResources):
            refused += 1
        else:
            yield Decision(machine, resources, R, list(running.values()))
            refused, running[jobid] = 0, R
            room -= _cores(R)
        if refused == 3 or room < cores // 20:
            while running and room < cores // 2:
                gone = ways.choice(list(running))
                room += _cores(running.pop(gone))
                pool.free(gone)
            refused = 0


def _cores(R: Json) -> int:
    lite = R["execution"]["R_lite"]
    return sum(text_mask(one["rank"]).bit_count() * text_mask(one["children"]["core"]).bit_count() for one in lite)


@dataclass
class Share:
    """What came of some decisions."""

    done: int
    plain: int
    false: int
    arguments: Counter[str]
    words: Counter[str]

    def __str__(self) -> str:
        terms = ", ".join(f"{kind} {number}" for kind, number in self.arguments.most_common())
        words = ", ".join(f"{term} {number}" for term, number in self.words.most_common()) or "none"
        said = f"{self.plain} of {self.done} decisions, {100 * self.plain / self.done:.1f} %, by plain code alone"
        return f"{said}; terms: {terms}; on the solver's word: {words}; false: {self.false}"


def share_of(decisions: Iterable[Decision]) -> Share:
    """Count what is verified by plain code."""
    share = Share(0, 0, 0, Counter(), Counter())
    for decision in decisions:
        verified = decision.certified()
        share.done += 1
        share.plain += verified.is_plain
        share.false += bool(verified.faults)
        share.arguments.update(verified.arguments.values())
        share.words.update(term for term, argument in verified.arguments.items() if argument == "word")
    return share


def main(every: int = 1) -> int:
    """Count and print; return 1 when a certificate is false, or the share is below the goal."""
    shares = []
    for said, decisions in (
        ("a day on 16 nodes", day(Machine.preset("rfc49-a"))),
        *((f"all shapes on {n} nodes", islice(shapes(Machine.preset(f"rfc49-a:{n}")), SHAPES)) for n in (1, 4, 16)),
    ):
        shares.append(share_of(islice(decisions, 0, None, every)))
        print(f"{said}: {shares[-1]}", flush=True)
    return int(any(share.false or share.plain < GOAL * share.done for share in shares))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
