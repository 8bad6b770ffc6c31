"""The second opinion on random cases: small ones of all forms, and fragmented states of real nodes.

`make opinions`, or `python -m opinions [cases]` with tests/support on the path.
"""

from __future__ import annotations

import copy
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import network_cards
import several_nodes
from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.strategies import Case, Json
from exactfit.adapters.proof.instances import BeyondError
from exactfit.adapters.proof.program import Solver
from exactfit.adapters.proof.prove import Opinion, fits, prove
from exactfit.adapters.proof.question import Question
from exactfit.adapters.proof.tables import bound_by_counting, impossible_by_counting
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.hostlist import Hostlist
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.allocator.allocator import Allocator
from exactfit.solver.checker import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

SECONDS = 20.0
"""What one opinion may take."""

BATCH = 200

POLICIES = ("pack", "pack", "pack", "lowest", "affinity,spread,fit", "spread,intact,shield", "fit,affinity")


@dataclass(frozen=True)
class Said:
    """What the second opinion says of exactfit's answer.

    Attributes
    ----------
    what
        In few words, the same for all that are alike.
    is_fault
        Whether one of the two is wrong.
    detail
        The terms in question.
    """

    what: str
    is_fault: bool = False
    detail: str = ""


class _NoReasons:
    def infeasible(self, *_: object) -> str:
        return ""

    def insufficient(self, *_: object) -> str:
        return ""


def opinion_on(
    case: Case,
    policy: str = "pack",
    seconds: float = SECONDS,
    counting: bool = False,
    solver: Solver = Solver.HIGHS,
) -> Said:
    """Let exactfit answer a request, and return the second opinion on the answer.

    Where `counting` is to say what it can first, the other solver is asked the rest; else that is asked all, and
    counting must not say more than is true.
    """
    machine, vertices = read_R(case.R), parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down = machine.mask_of(IdSet.parse(case.down)) if case.down else 0
    options = Options(policy=parse_policy(policy), slot_exclusive=case.slot_exclusive, time_limit=2.0)
    pool = Allocator(machine, lambda _: _NoReasons(), options)
    for number, R in enumerate(case.running, 2):
        pool.register_alloc(number, R)
    if down:
        pool.mark_down(down)
    question = Question(machine, vertices, constraint, case.running, down, case.slot_exclusive, solver)
    try:
        R = pool.alloc(1, Request.of(vertices, constraint)).to_dict()
    except (InfeasibleRequest, InsufficientResources) as refusal:
        return _on_refusal(question, refusal, seconds, counting)
    certificate = R["scheduling"]["certificate"]
    verdict = check(
        machine,
        vertices,
        R,
        constraint=constraint,
        running=case.running,
        down=down,
        slot_exclusive=case.slot_exclusive,
    )
    if not verdict.legal:
        return Said("placed, and the checker calls it illegal", True, str(verdict.violations))
    terms = {name: value for name, value in verdict.terms.items() if name in certificate["terms"]}
    ordered = {name: terms[name] for name in certificate["terms"] if name in terms}
    values = {name: value for name, value in ordered.items() if isinstance(value, int)}
    bound = None if counting else bound_by_counting(question, verdict.counts, list(values))
    if (bound is not None and bound > list(values.values())) or impossible_by_counting(question, verdict.counts):
        return Said("placed, and counting says that there is no such placement", True, f"{bound}, {values}")
    proof = prove(question, verdict.counts, ordered, seconds, counting)
    worst = next((o for o in proof.opinions.values() if o is not Opinion.PROVEN), Opinion.PROVEN)
    proven = certificate["status"] == "OPTIMAL"
    fault = worst is Opinion.IMPOSSIBLE or (worst is Opinion.BETTER and proven)
    names = [name for name, opinion in proof.opinions.items() if opinion is worst]
    said = f"placed, {'proven' if proven else 'cut off'}: {worst.value}"
    return Said(said, fault, f"{names}: {terms} against {proof.value}; {proof.said}")


def _on_refusal(question: Question, refusal: Exception, seconds: float, counting: bool) -> Said:
    if isinstance(refusal, InsufficientResources) and not refusal.proven:
        return Said("refused, as the search was cut off")
    try:
        fit = fits(question, {}, seconds, counting)
    except BeyondError:
        return Said(f"refused: {Opinion.BEYOND.value}")
    if fit is None:
        return Said(f"refused: {Opinion.UNKNOWN.value}")
    return Said("refused: and it fits", True, str(refusal)) if fit else Said("refused: proven")


def real_cases(number: int, first: int = 0) -> Iterator[tuple[Case, str]]:
    """Go through fragmented states of real nodes with requests of cores, GPUs, domains and racks, and policies."""
    for place in range(first, first + number):
        draw = random.Random(f"real {place}")
        yield real_case(draw), draw.choice(POLICIES)


NODES = (
    "rfc49-a:1",
    "rfc49-a:2",
    "mi300a:1",
    "mi300a:2",
    "sierra:2",
    "socket:2 numa:4 l3:2 core:8 gpu:1",
    "rack:2 node:2 socket:2 numa:2 core:16 gpu:1",
    "socket:2 numa:2(memory=64) core:32 gpu:2",
)


def real_case(draw: random.Random) -> Case:
    """Return one: some jobs hold runs of cores and GPUs, a node may be down."""
    R = copy.deepcopy(machine_of(draw.choice(NODES)))
    execution = R["execution"]
    execution["nodelist"] = list(Hostlist.parse(",".join(execution["nodelist"])))
    free = strategies.resources_of(R)
    running: list[Json] = []
    for _ in range(draw.choice((0, 1, 2, 2))):
        held = {}
        for rank, (cores, gpus) in free.items():
            if draw.random() < 0.7 and cores:
                ids = sorted(cores)
                begin = draw.randrange(len(ids))
                some = set(ids[begin : begin + draw.randint(1, max(1, len(ids) // 2))])
                held[rank] = some, set(draw.sample(sorted(gpus), draw.randint(0, len(gpus) // 2)))
        if held:
            for rank, (cores, gpus) in held.items():
                free[rank] = free[rank][0] - cores, free[rank][1] - gpus
            running.append(strategies.allocated(R, held))
    ranks = sorted(free)
    down = strategies.text([draw.choice(ranks)]) if len(ranks) > 1 and draw.random() < 0.15 else ""
    return Case(R, tuple(running), down, tuple(parse_shape(_shape(draw, R))))


def machine_of(name: str) -> Json:
    """Return R of a preset or of a line."""
    if " " not in name:
        return preset(name)
    from exactfit.topology.line import line_R

    made: Json = line_R(name)
    return made


def _shape(draw: random.Random, R: Json) -> str:
    levels, groups = strategies.levels_of(R), strategies.group_levels_of(R)
    cores = draw.choice((1, 2, 3, 4, 5, 7, 8, 10, 12, 15, 16, 20, 30))
    inside = draw.choice((f"core={cores}", f"core={cores}", f"[core={cores};gpu={draw.randint(1, 2)}]", "gpu=1"))
    if "memory" in strategies.stock_of(R) and draw.random() < 0.3:
        inside = f"[{inside.strip('[]')};memory={draw.choice((1, 4, 16, 30, 60, 100))}]"
    slots = draw.choice((1, 2, 3, 4, 6, 8))
    forms = [f"slot={slots}/{inside}", f"node=1/slot={slots}/{inside}", f"slot={slots}/{inside}"]
    if levels:
        level = draw.choice(levels)
        forms += [f"slot={draw.randint(1, 3)}/{level}={draw.randint(1, 2)}/core={draw.randint(1, 8)}"]
        forms += [f"slot={draw.randint(1, 2)}/{level}{{x}}"]
    if groups:
        forms += [f"{groups[-1]}=2/slot=1/{inside}"]
    if len(strategies.resources_of(R)) > 1:
        forms += [f"node=2/slot={max(1, slots // 2)}/{inside}", "slot=1/node", f"node=1-2/slot=1-3/{inside}"]
    return draw.choice(forms)


def small(examples: int, number: int, of: st.SearchStrategy[Case] | None = None) -> Iterator[tuple[Case, str]]:
    """Go through small cases of all forms, or of some, those of one seed."""
    found: list[tuple[Case, str]] = []

    @seed(number)
    @given(strategies.cases() if of is None else of)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def draw(case: Case) -> None:
        found.append((case, random.Random(len(found) + number).choice(POLICIES)))

    draw()
    yield from found


def main(number: int = 100_000, first: int = 0) -> int:
    """Ask, count, print, and return 1 when one of the two was wrong."""
    said: Counter[str] = Counter()
    faults = 0
    began = time.process_time()
    done = 0
    while done < number:
        cases = [*small(BATCH, first + done)]
        for kind in (strategies.memory_cases, several_nodes.cases, network_cards.cases):
            cases += small(BATCH // 8, first + done, kind())
        for case, policy in [*cases, *real_cases(BATCH // 8, first + done)]:
            # Every other case without counting, as what counting says has to be true, too.
            opinion = opinion_on(case, policy, counting=bool(done % 2))
            said[opinion.what] += 1
            done += 1
            if opinion.is_fault:
                faults += 1
                print(f"{opinion.what} ({policy}): {opinion.detail}\n{case}", flush=True)
        print(f"{done} after {time.process_time() - began:.0f} s: {dict(said)}", file=sys.stderr, flush=True)
    for what, times in said.most_common():
        print(f"{times:8} {what}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:3])))
