"""Which share of a day's decisions has a certificate that plain code verifies.

`python -m day_proofs [MACHINE LOAD EVERY]` with tests/support on the path: a generated day, first come first
served, and a certificate of every so many of its placements.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from exactfit.adapters.proof.certificate import Verified, make_certificate, verify
from exactfit.adapters.study.outline import outline_of
from exactfit.adapters.study.task import Source, machine_R
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver import Pool, Request
from exactfit.solver.checker import check
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.topology.machine import Machine

Json = dict[str, Any]
SECONDS = 20.0
"""For the arguments of one certificate."""


def placements(machine: Machine, load: str) -> Iterator[tuple[Json, Json, list[Json]]]:
    """Go through the placements of a day: the resources of the job, its R, and the R of what runs."""
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
            yield {"resources": resources}, R, list(running.values())
            running[job.number] = R
            heapq.heappush(ends, (now + job.runtime, job.number))
            break


def certified(machine: Machine, request: Json, R: Json, running: list[Json]) -> Verified:
    """Make a certificate of a placement, and look at it."""
    vertices = parse_resources(request["resources"])
    verdict = check(machine, vertices, R, running=running)
    values = {name: verdict.terms[name] for name in R["scheduling"]["certificate"]["terms"]}
    state = {"R": machine_R(machine), "running": running, "down": "", "constraint": None, "slot_exclusive": "shared"}
    return verify(make_certificate({**state, **request, "placement": R}, values, verdict.counts, SECONDS))


def main(name: str = "rfc49-a", load: str = "0.8", every: int = 10) -> int:
    """Count and print; return 1 when a certificate is false."""
    machine = Machine.preset(name)
    terms, plain, faults, words = Counter[str](), 0, 0, Counter[str]()
    done = 0
    for number, (request, R, running) in enumerate(placements(machine, load)):
        if number % every:
            continue
        verified = certified(machine, request, R, running)
        done += 1
        plain += verified.is_plain
        faults += bool(verified.faults)
        terms.update(verified.arguments.values())
        words.update(term for term, argument in verified.arguments.items() if argument == "word")
        print(f"{plain} of {done} by plain code; {dict(terms)}", file=sys.stderr, flush=True)
    print(f"{plain} of {done} decisions, {100 * plain / done:.0f} %, by plain code alone; terms: {dict(terms)}")
    print(f"on the solver's word: {dict(words)}; false: {faults}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])) if sys.argv[3:] else main())
