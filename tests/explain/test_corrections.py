"""What is in conflict is enough by itself, or it is said with what: tried against the brute force."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, assume, given, settings

from asking import ask, explained
from clusters import SLIM, site
from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.brute import TooManyError, best
from exactfit.adapters.cli.report import conflict_line
from exactfit.grammar.constraint import ALWAYS, And, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import Vertex, parse_resources
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.demand.request import Request
from exactfit.solver.explain.conflict import down_of, find_conflict, jobs_of
from exactfit.solver.explain.corrections import corrections
from exactfit.solver.explain.relaxation import Part, TermPart, VertexPart
from exactfit.solver.explain.trials import Trials
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R


def two_nodes(*jobs: str, down: int = 0, nodes: int = 2) -> Pool:
    pool = Pool(read_R(site([(nodes, SLIM)], properties={"big": "0", "fast": "1"})))
    for jobid, shape in enumerate(jobs, start=1):
        pool.alloc(jobid, ask(shape))
    pool.mark_down(down)
    return pool


WAYS = [
    # Either job alone would still be in the way of two whole nodes.
    (
        two_nodes("slot/node", "slot/node"),
        ("slot=2/node", ""),
        "slot (count) (only with held by j1); slot/node (border, whole); held by j1 and j2 (together)",
    ),
    # One is held, and one is down.
    (
        two_nodes("slot/node", down=0b10),
        ("slot=2/node", ""),
        "slot (count) (only with held by j1); slot/node (border); down: 1 (only with held by j1)",
    ),
    # Either job alone is enough: there is one conflict, and what the line names is enough one by one.
    (two_nodes("slot/node", "slot/node"), ("slot/node", ""), "slot/node (border, whole); held by j1 and j2"),
    (two_nodes("slot/node"), ("slot=2/node", ""), "slot (count); slot/node (border, whole); held by j1"),
    # Four of five ranks that are down are in a conflict, and any two of them would have to come up.
    (
        two_nodes(down=0b1111100000, nodes=10),
        ("slot=7/node", ""),
        "slot (count); slot/node (border); down: 6-9 (each only with down: 5)",
    ),
    # Two things that have nothing to do with each other.
    (
        two_nodes(),
        ("slot/[core=99;foo]", ""),
        "slot/foo[1] (type) (only with slot/core[0] (count))",
    ),
    (two_nodes(), ("slot=2/node", "big"), "slot (count); slot/node (border); the constraint big"),
    (two_nodes(), ("slot/node", "big and fast"), "slot/node (border); the constraint big; the constraint fast"),
    (
        two_nodes(down=0b10),
        ("slot/node", "fast and not big"),
        "slot/node (border); down: 1; the constraint ^big (only with the constraint fast)",
    ),
]


@pytest.mark.parametrize(("pool", "asked", "line"), WAYS, ids=[line for _, _, line in WAYS])
def test_the_line_says_what_is_enough(pool: Pool, asked: tuple[str, str], line: str) -> None:
    shape, query = asked
    assert conflict_line(explained(pool, ask(shape, query))) == line


def test_all_jobs_that_hold_what_lacks_are_named() -> None:
    explanation = explained(two_nodes("slot/node", "slot/node"), ask("slot=2/node"))
    assert "2 more are wholly or partly held by jobs j1 and j2" in explanation.reason
    assert explanation.conflict is not None
    assert explanation.conflict.all_jobs == (1, 2)
    assert explanation.to_json()["corrections"] == [
        {
            "any": [{"vertex": "slot/node", "aspect": "border"}, {"vertex": "slot/node", "aspect": "whole"}],
            "with": [],
        },
        {"any": [{"jobs": [2]}, {"vertex": "slot", "aspect": "count"}], "with": [{"jobs": [1]}]},
    ]
    fits = explained(two_nodes(), ask("slot=2/node"))
    assert fits.to_json()["corrections"] == []


def test_what_could_not_be_found_out_is_not_claimed() -> None:
    pool = two_nodes("slot/node", "slot/node")
    trials = Trials(*pool.present, ask("slot=2/node"), 5.0)
    conflict = find_conflict(trials, Budget(5.0))
    assert conflict is not None
    assert corrections(trials, conflict, Budget(0.0)) is None
    assert conflict.corrections is None


def test_many_jobs_that_are_alike_are_asked_about_once() -> None:
    nodes = 200
    pool = Pool(read_R(site([(nodes, SLIM)])))
    for jobid in range(nodes):
        pool.alloc(jobid, ask("slot/node"))
    trials = Trials(*pool.present, ask("slot=100/node"), 60.0)
    conflict = find_conflict(trials, Budget(60.0))
    assert conflict is not None
    before = trials.tried
    found = corrections(trials, conflict, Budget(60.0))
    assert found is not None
    assert trials.tried - before < 2500
    jobs = next(correction for correction in found if jobs_of(correction.parts))
    assert len(jobs_of(jobs.parts)) + len(jobs_of(jobs.together)) == nodes


def really_fits(case: strategies.Case, machine: Machine, trials: Trials, away: Sequence[Part]) -> bool | None:
    """Try everything without some parts; None where no request asks for that little, or there is too much to try."""
    gone = frozenset(part for part in away if isinstance(part, VertexPart))
    vertices = trials.relaxer.relax(trials.vertices, gone)
    if not vertices or any(below.count.min == 0 or empty_slot(below) for v in vertices for below in v.walk()):
        return None
    dropped = {part.term for part in away if isinstance(part, TermPart)}
    never = not trials.fits(trials.empty)
    jobs = () if never else tuple(R for jobid, R in enumerate(case.running) if jobid not in jobs_of(away))
    down = 0 if never else machine.mask_of(IdSet.parse(case.down)) & ~down_of(away)
    constraint = And(tuple(term for term in trials.terms if term not in dropped))
    try:
        return best(machine, vertices, constraint=constraint, running=jobs, down=down, patience=20_000) is not None
    except TooManyError:
        return None


def empty_slot(vertex: Vertex) -> bool:
    return vertex.is_slot and not vertex.children


@given(case=strategies.cases(simple=True))
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_is_enough_and_needed(case: strategies.Case) -> None:
    machine = read_R(case.R)
    pool = Pool(machine)
    for jobid, R in enumerate(case.running):
        pool.register_alloc(jobid, R)
    pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    explanation = explained(pool, Request.of(parse_resources(list(case.resources)), constraint), seconds=60.0)
    conflict = explanation.conflict
    assume(conflict is not None)
    assert conflict is not None
    assert conflict.corrections
    for correction in conflict.corrections:
        for part in correction.parts:
            things = [part, *correction.together]
            assert really_fits(case, machine, explanation.trials, things) is not False, things
            for left_out in things:
                others = [thing for thing in things if thing is not left_out]
                assert not really_fits(case, machine, explanation.trials, others), (things, left_out)
