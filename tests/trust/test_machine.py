"""The whole pool protocol in any order, through Flux's pool class and through the solver's pool, beside a model.

After every step the invariants hold; what is given is legal, and the best that trying all placements finds; and what is
refused cannot be placed by trying them all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exactfit.adapters.audit import brute, strategies
from exactfit.grammar.constraint import ALWAYS, Constraint, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import Vertex, parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R, write_R

from . import inputs, invariants
from .conftest import EXPLORES
from .model import Json, Model, held_of, part_of
from .subjects import NeverError, NotNowError, Subject, ThroughFlux, ThroughSolver

RUNS, STEPS = (3_000, 50) if EXPLORES else (70, 20)

PATIENCE = 4_000
"""Partial placements that trying them all may take: above, an answer is judged by the checker alone."""

SMALL = 48
"""Cores and GPUs up to which it is worth a try."""

CUT_OFF = "cut off"
"""What a refusal says that proves nothing."""


class PoolMachine(RuleBasedStateMachine):
    """A pool, the model beside it, and sometimes an older copy that nothing may touch."""

    subject_class: type[Subject]
    judged: Counter[str]

    @initialize(R=inputs.machines())
    def start(self, R: Json) -> None:
        self.R = R
        self.whole = read_R(R)
        self.pool = self.subject_class(R)
        self.model = Model(held_of(R))
        self.number = 0
        self.generation = self.pool.generation()
        self.aside: tuple[Subject, Model, int] | None = None

    # -- jobs -----------------------------------------------------------------------------------------------------

    # Three rules, as hypothesis likes all rules equally and without jobs the others have little to do.

    @precondition(lambda self: self.model.there)
    @rule(data=st.data(), duration=st.sampled_from((0.0, 3600.0)))
    def alloc_of_common_forms(self, data: st.DataObject, duration: float) -> None:
        self.alloc(list(data.draw(strategies.simple_requests(self.R))), data, duration)

    @precondition(lambda self: self.model.there)
    @rule(data=st.data(), duration=st.sampled_from((0.0, 3600.0)))
    def alloc_of_all_forms(self, data: st.DataObject, duration: float) -> None:
        self.alloc(list(data.draw(strategies.full_requests(self.R))), data, duration)

    @precondition(lambda self: self.model.there)
    @rule(data=st.data(), shape=st.sampled_from(inputs.ROOMY))
    def alloc_of_many(self, data: st.DataObject, shape: str) -> None:
        self.alloc(parse_shape(shape), data, 0.0)

    def alloc(self, resources: list[Json], data: st.DataObject, duration: float) -> None:
        constraint = data.draw(strategies.constraints(self.R))
        self.number += 1
        trial = Trial(self.R, self.model, resources, constraint, self.judged)
        note(trial.told)
        try:
            R = self.pool.alloc(self.number, resources, constraint, duration)
        except (NeverError, NotNowError) as refusal:
            trial.check_refusal(refusal)
            if CUT_OFF not in str(refusal):
                self.check_feasibility(resources, constraint, never=isinstance(refusal, NeverError))
            self.settled(changed=False)
            return
        end = self.pool.ends()[self.number]
        self.model.start(self.number, R, end)
        if duration == 0.0:
            assert end == self.model.expiration
        else:
            assert end > 1e9
        trial.check_answer(R)
        self.check_feasibility(resources, constraint, never=False)
        self.settled(changed=True)

    def check_feasibility(self, resources: list[Json], constraint: Json | None, *, never: bool) -> None:
        """Let check_feasibility say the same as alloc."""
        try:
            self.pool.check(resources, constraint)
        except NeverError:
            assert never
        except NotNowError:
            pass  # the search was cut off, or failed: alloc tells which
        else:
            assert not never

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), how=st.sampled_from(("whole", "final", "part", "part", "last part")))
    def free(self, data: st.DataObject, how: str) -> None:
        jobid = data.draw(st.sampled_from(sorted(self.model.jobs)))
        ranks = sorted(self.model.jobs[jobid])
        R = self.model.allocated[jobid]
        if how == "whole" or not ranks:
            self.pool.free(jobid)
            self.model.end(jobid)
        elif how == "final":
            self.pool.free_last(jobid, R)
            self.model.end(jobid)
        else:
            some = ranks if how == "last part" else data.draw(st.lists(st.sampled_from(ranks), min_size=1))
            left = set(ranks) - set(some)
            self.pool.free_part(jobid, part_of(R, some))
            self.model.keep(jobid, left)
        self.settled(changed=True)

    @rule(jobid=st.integers(1000, 1003))
    def free_unknown(self, jobid: int) -> None:
        self.pool.free(jobid)
        self.pool.expire(jobid, 1.0)
        self.settled(changed=False)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), end=st.sampled_from((0.0, 7200.0, 1e9)))
    def update_expiration(self, data: st.DataObject, end: float) -> None:
        jobid = data.draw(st.sampled_from(sorted(self.model.jobs)))
        self.pool.expire(jobid, end)
        self.model.ends[jobid] = end
        self.settled(changed=True)

    # -- ranks ----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), up=st.booleans())
    def mark(self, data: st.DataObject, up: bool) -> None:
        ranks = data.draw(self.some_ranks())
        self.pool.mark(ranks, up=up)
        self.model.down = self.model.down - ranks if up else self.model.down | ranks & self.model.there.keys()
        self.settled(changed=True)

    @rule(data=st.data(), rare=st.integers(0, 3))
    def remove_ranks(self, data: st.DataObject, rare: int) -> None:
        ranks = data.draw(self.some_ranks()) if rare == 0 else set[int]()
        self.pool.remove(ranks)
        self.model.remove(ranks)
        self.settled(changed=True)

    # Ranks that come bring their trees, and no groups: nothing says whether a rack is one that is there.
    @precondition(lambda self: not self.whole.groups and held_of(self.R).keys() - self.model.there.keys())
    @rule(data=st.data())
    def grow(self, data: st.DataObject) -> None:
        """Let ranks that were removed come back."""
        missing = sorted(held_of(self.R).keys() - self.model.there.keys())
        ranks = data.draw(st.sets(st.sampled_from(missing), min_size=1))
        self.pool.grow(only(self.whole, ranks))
        self.model.grow(held_of(self.R), ranks)
        self.settled(changed=True)

    @rule(end=st.sampled_from((0.0, 5e9)))
    def end_of_the_machine(self, end: float) -> None:
        self.pool.end(end)
        self.model.expiration = end
        self.settled(changed=True)

    def some_ranks(self) -> st.SearchStrategy[set[int]]:
        """Draw ranks, among them one that there may never have been."""
        return st.sets(st.sampled_from([*sorted(held_of(self.R)), 99]), max_size=2)

    # -- copies and reloads ---------------------------------------------------------------------------------------

    @rule(go_on_with_the_copy=st.booleans())
    def copy(self, go_on_with_the_copy: bool) -> None:
        copy = self.pool.copy()
        assert copy.generation() == self.pool.generation()
        self.compare_aside()
        if go_on_with_the_copy:
            self.pool, copy = copy, self.pool
        self.aside = copy, self.model.copy(), copy.generation()

    @rule()
    def reload(self) -> None:
        """Start anew from R, and register all jobs by what is left of their R."""
        ends = {jobid: R["execution"]["expiration"] for jobid, R in self.model.allocated.items()}
        self.pool = self.subject_class(self.R)
        self.pool.remove(held_of(self.R).keys() - self.model.there.keys())
        self.pool.mark(self.model.there, up=False)
        for jobid, R in self.model.allocated.items():
            self.pool.register(jobid, R)
        self.pool.mark(self.model.there.keys() - self.model.down, up=True)
        self.pool.end(self.model.expiration)
        self.model.ends = ends
        self.generation = self.pool.generation()

    # -- what always holds ----------------------------------------------------------------------------------------

    def settled(self, *, changed: bool) -> None:
        """See to it that the generation tells whether anything has changed."""
        now = self.pool.generation()
        invariants.the_generation_tells_of_changes(self.generation, now, changed=changed)
        self.generation = now

    @invariant()
    def all_is_accounted_for(self) -> None:
        invariants.nothing_is_held_twice(self.model.jobs)
        compare(self.whole, self.pool, self.model)

    def compare_aside(self) -> None:
        """See to it that the older copy is as it was."""
        if self.aside is not None:
            pool, model, generation = self.aside
            compare(self.whole, pool, model)
            assert pool.generation() == generation

    def teardown(self) -> None:
        if not hasattr(self, "pool"):
            return
        self.compare_aside()
        for jobid in list(self.model.jobs):
            self.pool.free(jobid)
            self.model.end(jobid)
        compare(self.whole, self.pool, self.model)
        assert self.pool.held() == {}
        assert self.pool.amounts() == {}


def compare(whole: Machine, pool: Subject, model: Model) -> None:
    machine = left_of(whole, model)
    held, amounts = pool.held(), pool.amounts()
    invariants.the_pool_holds_what_the_model_holds(held, model)
    invariants.only_what_is_there_is_held(model.there, held)
    invariants.sums_are_right(*pool.totals(), model)
    invariants.no_amount_is_held_beyond_what_there_is(machine, amounts)
    invariants.the_amounts_are_those_of_the_jobs(machine, amounts, model.allocated.values())
    invariants.the_jobs_are_the_models(pool.ends(), model)
    assert pool.down() == model.down


def left_of(whole: Machine, model: Model) -> Machine:
    """Return what is left of a machine."""
    return whole if len(model.there) == whole.size else whole.cut(whole.mask_of(IdSet.of(model.there)))


def only(whole: Machine, ranks: Iterable[int]) -> Json:
    """Return the R of some ranks of a machine."""
    machine = whole.cut(whole.mask_of(IdSet.of(ranks)))
    return write_R(machine, machine.holdings, nslots=None, starttime=0.0, expiration=0.0)


def is_small(model: Model) -> bool:
    """Tell whether it is worth trying all placements."""
    return sum(len(cores) + len(gpus) for cores, gpus in model.there.values()) <= SMALL


class Trial:
    """One request in one state, judged without the pool; `judged` counts beside what answers were held."""

    def __init__(
        self, R: Json, model: Model, resources: list[Json], constraint: Json | None, judged: Counter[str]
    ) -> None:
        self.judged = judged
        self.machine: Machine = left_of(read_R(R), model)
        self.small = is_small(model)
        self.vertices: tuple[Vertex, ...] = parse_resources(resources)
        self.constraint: Constraint = ALWAYS if constraint is None else parse_constraint(constraint)
        self.running = [R for R in model.allocated.values() if R["execution"]["R_lite"]]
        self.down_ranks = set(model.down)
        self.down = self.machine.mask_of(IdSet.of(model.down))
        self.told = json.dumps({"resources": resources, "running": self.running, "down": sorted(model.down)})

    def check_answer(self, R: Json) -> None:
        invariants.the_answer_avoids_what_is_down(R, self.down_ranks)
        invariants.the_bounds_are_bounds(R["scheduling"]["certificate"])
        checked = invariants.the_answer_is_legal(
            self.machine, self.vertices, R, self.constraint, self.running, self.down
        )
        known, best = self.best(now=True)
        beside = [name for name, is_known in (("the checker", checked), ("all placements", known)) if is_known]
        self.judged[f"placed, beside {' and '.join(beside) or 'nothing'}"] += 1
        if known:
            assert best is not None
            invariants.the_answer_is_the_best(R["scheduling"]["certificate"], best)

    def check_refusal(self, refusal: Exception) -> None:
        """Try all placements in vain; those on the empty pool as well where it is said that there never is one."""
        if CUT_OFF in str(refusal):
            self.judged["refused, cut off"] += 1
            return
        assert not str(refusal).startswith("the search failed"), refusal
        known, best = self.best(now=True)
        self.judged["refused, beside all placements" if known else "refused, beside nothing"] += 1
        assert best is None, (str(refusal), best)
        ever_known, ever = self.best(now=False)
        if known and ever_known:
            assert isinstance(refusal, NeverError) == (ever is None), (str(refusal), ever)

    def best(self, *, now: bool) -> tuple[bool, Mapping[str, Any] | None]:
        """Return whether trying all placements came to an end, and the terms of the best one."""
        if not self.small:
            return False, None
        try:
            return True, brute.best(
                self.machine,
                self.vertices,
                constraint=self.constraint,
                running=self.running if now else (),
                down=self.down if now else 0,
                patience=PATIENCE,
            )
        except brute.TooManyError:
            return False, None


@pytest.mark.parametrize("subject", [ThroughFlux, ThroughSolver])
def test_the_protocol_in_any_order(subject: type[Subject]) -> None:
    judged = Counter[str]()
    machine = type(f"Pool{subject.__name__}", (PoolMachine,), {"subject_class": subject, "judged": judged})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=RUNS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
    for what, number in sorted(judged.items()):
        print(f"{number:6} {what}")
    assert judged["placed, beside the checker and all placements"] > judged["placed, beside nothing"]
    assert judged["refused, beside all placements"] > judged["refused, cut off"]
