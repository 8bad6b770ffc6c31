"""The smallest conflict: what is in it, what is not, and that it is found quickly among many jobs that are alike."""

from __future__ import annotations

import time

import pytest

from asking import ask, explained
from clusters import SLIM, WIDE, node, site
from exactfit.grammar.constraint import And, Not, Or, Properties, parse_query
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.explain import FITS, INSUFFICIENT, explain
from exactfit.solver.explain.conflict import Conflict, find_conflict
from exactfit.solver.explain.relaxation import JobPart, terms_of
from exactfit.solver.explain.trials import Trials
from exactfit.solver.options import Options
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def slim(nodes: int, **more: dict[str, str]) -> Pool:
    return Pool(read_R(site([(nodes, SLIM)], **more)))


def conflict_of(pool: Pool, shape: str, query: str = "") -> Conflict:
    conflict = explained(pool, ask(shape, query)).conflict
    assert conflict is not None
    return conflict


def test_a_request_that_fits_has_numbers_and_no_conflict() -> None:
    explanation = explained(slim(2), ask("slot=2/node"))
    assert explanation.status == FITS
    assert explanation.conflict is None
    assert [(row.path, row.asked, row.free) for row in explanation.rows] == [("slot", 2, 2), ("slot/node", 2, 2)]


def test_only_jobs_that_are_in_the_way_are_in_conflict() -> None:
    pool = slim(4)
    for jobid in range(1, 5):
        pool.alloc(jobid, ask("node/slot/core=16" if jobid < 4 else "slot/core"))
    # One node is missing, whichever of the four holders gives it: each of them is in the way.
    assert conflict_of(pool, "slot/node").jobs == (1, 2, 3, 4)
    # Rank 3 alone is big, and job 4 holds its core.
    pool = slim(4, properties={"big": "3"})
    for jobid in range(1, 5):
        pool.alloc(jobid, ask("node/slot/core=16" if jobid < 4 else "slot/core"))
    assert conflict_of(pool, "slot/node", "big").jobs == (4,)


def test_two_jobs_on_one_node_are_told_apart() -> None:
    pool = slim(1)
    pool.alloc(1, ask("slot/core=4"))
    pool.alloc(2, ask("slot/core=8"))
    # Without job 1 there are eight cores, without job 2 twelve.
    assert conflict_of(pool, "slot/core=12").jobs == (2,)
    assert conflict_of(pool, "slot/core=13").jobs in ((1,), (2,))


def test_of_ranks_that_are_alike_as_many_are_in_conflict_as_must_be_down() -> None:
    pool = slim(10)
    pool.mark_down(0b1111100000)
    # Seven of ten, five are up: with two more it fits, so of five that are down four must be.
    assert conflict_of(pool, "slot=7/node").down.bit_count() == 4
    assert conflict_of(pool, "slot=6/node").down.bit_count() == 5


def test_a_rank_that_would_not_help_is_not_in_conflict() -> None:
    pool = Pool(read_R(site([(2, node(1, 4)), (2, node(1, 8))])))
    pool.mark_down(0b1111)
    conflict = conflict_of(pool, "slot=2/node/core=8")
    assert conflict.down & 0b0011 == 0
    assert conflict.down


def test_a_job_on_a_rank_that_is_down_is_not_in_the_way_of_others() -> None:
    pool = slim(2)
    pool.alloc(1, ask("node/slot/core=16"))
    pool.mark_down(0b01)
    conflict = conflict_of(pool, "slot=2/node/core")
    assert conflict.jobs == ()
    assert conflict.down == 0b01


def test_the_terms_of_a_constraint_are_told_apart() -> None:
    pool = slim(4, properties={"big": "0-1", "fast": "0-3"})
    conflict = conflict_of(pool, "slot=3/node", "fast and big and not host:n9")
    assert [part.term for part in conflict.terms] == [Properties(("big",))]


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("a", [Properties(("a",))]),
        ("a,b", [Properties(("a",)), Properties(("b",))]),
        ("a and (b and a)", [Properties(("a",)), Properties(("b",))]),
        ("a or b", [Or((Properties(("a",)), Properties(("b",))))]),
        ("not (a or b)", [Not(Or((Properties(("a",)), Properties(("b",)))))]),
    ],
)
def test_a_constraint_has_terms_that_must_all_hold(query: str, terms: list[object]) -> None:
    assert list(terms_of(parse_query(query))) == terms
    assert list(terms_of(And(()))) == []


def test_slots_that_fit_one_by_one_are_added_up() -> None:
    explanation = explained(slim(1), ask("[slot=2{a}/core=5;slot{b}/core=7]"))
    assert explanation.reason == "slot[0]/core and slot[1]/core need 17 cores together: 16 exist"


def test_slot_exclusive_as_in_rfc14_can_be_what_is_in_the_way() -> None:
    pool = Pool(read_R(site([(1, SLIM)])), Options(slot_exclusive="rfc14"))
    pool.alloc(1, ask("slot/core"))
    conflict = conflict_of(pool, "slot/node/core=2")
    assert "slot/node:whole" in [f"{part.path}:{part.aspect.value}" for part in conflict.vertices]


def test_unknown_types_that_are_ignored_are_not_in_conflict() -> None:
    pool = Pool(read_R(site([(1, WIDE)])), Options(unknown_types="ignore"))
    conflict = conflict_of(pool, "slot/[core=99;nvme=1]")
    assert [part.path for part in conflict.vertices] == ["slot/core[0]"]


def test_jobs_that_are_alike_cost_a_few_trials_however_many_they_are() -> None:
    pool = slim(500)
    for jobid in range(1, 401):
        pool.alloc(jobid, ask("slot/node"))
    # With time to spare: how many trials there are must not depend on how fast they are.
    trials = Trials(*pool.present, ask("slot=300/node"), 60.0)
    conflict = find_conflict(trials, Budget(600))
    assert conflict is not None
    assert conflict.complete
    # Two hundred must end, so whichever 201 stay are enough to be in the way.
    assert len(conflict.jobs) == 201
    assert all(isinstance(part, JobPart) and len(part.jobs) == 1 for part in conflict.parts[:201])
    assert trials.tried < 30


def explained_without_trying(pool: Pool, shape: str) -> None:
    explanation = explain(pool, ask(shape))
    assert explanation.status == INSUFFICIENT
    assert explanation.conflict is not None


def test_a_busy_machine_of_a_thousand_nodes_is_explained_within_a_second() -> None:
    pool = Pool(read_R(preset("rfc49-a:1000")))
    shapes = ("node=1/slot=7/[core=15;gpu=1]", "node=4/slot=1/core=100", "slot=16/core=6", "slot/[core=60;gpu=4]")
    jobid = 0
    free = 120_000
    while free > 18_000:
        jobid += 1
        try:
            allocation = pool.alloc(jobid, ask(shapes[jobid % 4]))
        except InsufficientResources:
            continue
        pool.update_expiration(jobid, 1000.0 + 37 * jobid % 3600)
        free -= sum(held.nodes.bit_count() * held.cores.bit_count() for held in allocation.holdings)
    pool.mark_down(0b111 << 600)
    explained_without_trying(pool, "slot=1000/node")
    for shape in ("slot=500/node", "slot=1500/socket/core=20", "node=800/slot/core=110", "slot=3000/[core=15;gpu=1]"):
        start = time.process_time()
        explained_without_trying(pool, shape)
        assert time.process_time() - start < 30, shape
