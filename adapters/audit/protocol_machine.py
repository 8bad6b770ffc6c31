"""The whole pool protocol in any order, as a state machine of hypothesis, beside a model of dictionaries and sets.

After every step the invariants hold; what is given is legal, and where the allocator says that it is the best, the best
that trying all placements finds; and what is refused cannot be placed by trying them all. For a test suite::

    class SiteMachine(PoolMachine):
        allocator_class = load_allocator("site.pool:Pool")

    TestSite = SiteMachine.TestCase
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ...grammar.constraint import ALWAYS, Constraint, parse_constraint
from ...grammar.idset import IdSet
from ...grammar.jobspec import Vertex, parse_resources
from ...grammar.shape import parse_shape
from ...topology.machine import Machine
from ...topology.rset import read_R, write_R
from . import brute, invariants, strategies
from .allocator import Allocator, InfeasibleRequest, InsufficientResources, NotOfferedError, UnreadError
from .model import Json, Model, held_of, part_of

PATIENCE = 4_000
"""Partial placements that trying them all may take: above, an answer is judged by the checker alone."""

SMALL = 48
"""Cores and GPUs up to which it is worth a try."""

CUT_OFF = "cut off"
"""What a refusal says that proves nothing."""


Said = TypeVar("Said")
Rule = TypeVar("Rule", bound=Callable[..., None])


def offered(verb: Callable[[], Said]) -> Said | None:
    """Return what an allocator says, None where it has no such verb."""
    try:
        return verb()
    except NotOfferedError:
        return None


def if_offered(step: Rule) -> Rule:
    """Return a rule that does nothing where the allocator lacks a verb; it changes the model after all verbs."""

    @wraps(step)
    def call(self: PoolMachine, **drawn: Any) -> None:
        with suppress(NotOfferedError):
            step(self, **drawn)

    return cast("Rule", call)


class PoolMachine(RuleBasedStateMachine):
    """An allocator, the model beside it, and sometimes an older copy that nothing may touch.

    Attributes
    ----------
    allocator_class
        Which allocator, made of R; what it does not offer is not asked for. A subclass says it.
    machines
        Draws machines; a subclass may have others.
    shapes
        RFC 46 text of requests beside those that are drawn.
    judged
        Beside what answers were held, and how often.
    """

    allocator_class: type[Allocator]
    machines: st.SearchStrategy[Json] = strategies.machines()
    shapes: Sequence[str] = ("slot=1/core=1", "slot=3/core=2", "node=2/slot=1/core=1", "slot=1/node")
    judged: ClassVar[Counter[str]] = Counter()

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """Draw a machine, and make the allocator of it."""
        R = self.R = data.draw(self.machines)
        self.whole = read_R(R)
        self.pool = self.allocator_class(R)
        self.model = Model(held_of(R))
        self.number = 0
        self.generation = offered(self.pool.generation)
        self.aside: tuple[Allocator, Model, int | None] | None = None

    # -- jobs -----------------------------------------------------------------------------------------------------

    # Three rules, as hypothesis likes all rules equally and without jobs the others have little to do.

    @precondition(lambda self: self.model.there)
    @rule(data=st.data(), duration=st.sampled_from((0.0, 3600.0)))
    def alloc_of_common_forms(self, data: st.DataObject, duration: float) -> None:
        """Ask for something in a common form."""
        self.alloc(list(data.draw(strategies.simple_requests(self.R))), data, duration)

    @precondition(lambda self: self.model.there)
    @rule(data=st.data(), duration=st.sampled_from((0.0, 3600.0)))
    def alloc_of_all_forms(self, data: st.DataObject, duration: float) -> None:
        """Ask for something of any form."""
        self.alloc(list(data.draw(strategies.full_requests(self.R))), data, duration)

    @precondition(lambda self: self.model.there)
    @rule(data=st.data())
    def alloc_of_many(self, data: st.DataObject) -> None:
        """Ask for one of the shapes."""
        self.alloc(parse_shape(data.draw(st.sampled_from(self.shapes))), data, 0.0)

    def alloc(self, resources: list[Json], data: st.DataObject, duration: float) -> None:
        """Ask, and judge the answer."""
        constraint = data.draw(strategies.constraints(self.R))
        self.number += 1
        trial = Question(self.R, self.model, resources, constraint, self.judged)
        note(trial.told)
        try:
            R = self.pool.alloc(self.number, resources, constraint, duration)
        except UnreadError:
            self.judged["not read"] += 1
            return
        except (InfeasibleRequest, InsufficientResources) as refusal:
            trial.check_refusal(refusal)
            if CUT_OFF not in str(refusal):
                self.check_feasibility(resources, constraint, never=isinstance(refusal, InfeasibleRequest))
            self.settled(changed=False)
            return
        ends = offered(self.pool.ends)
        end = 0.0 if ends is None else ends[self.number]
        self.model.start(self.number, R, end)
        if ends is not None:
            assert end == self.model.expiration if duration == 0.0 else end > 1e9
        trial.check_answer(R)
        self.check_feasibility(resources, constraint, never=False)
        self.settled(changed=True)

    def check_feasibility(self, resources: list[Json], constraint: Json | None, *, never: bool) -> None:
        """Let check_feasibility say the same as alloc."""
        try:
            self.pool.check(resources, constraint)
        except NotOfferedError:
            return
        except InfeasibleRequest:
            assert never
        except InsufficientResources:
            pass  # the search was cut off, or failed: alloc tells which
        else:
            assert not never

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), how=st.sampled_from(("whole", "final", "part", "part", "last part")))
    @if_offered
    def free(self, data: st.DataObject, how: str) -> None:
        """Return all of a job, or a part."""
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
    @if_offered
    def free_unknown(self, jobid: int) -> None:
        """Return what there is not."""
        self.pool.free(jobid)
        self.pool.expire(jobid, 1.0)
        self.settled(changed=False)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), end=st.sampled_from((0.0, 7200.0, 1e9)))
    @if_offered
    def update_expiration(self, data: st.DataObject, end: float) -> None:
        """Let a job end at another time."""
        jobid = data.draw(st.sampled_from(sorted(self.model.jobs)))
        self.pool.expire(jobid, end)
        self.model.ends[jobid] = end
        self.settled(changed=True)

    # -- ranks ----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), up=st.booleans())
    @if_offered
    def mark(self, data: st.DataObject, up: bool) -> None:
        """Let ranks go down or up."""
        ranks = data.draw(self.some_ranks())
        self.pool.mark(ranks, up=up)
        self.model.down = self.model.down - ranks if up else self.model.down | ranks & self.model.there.keys()
        self.settled(changed=True)

    @rule(data=st.data(), rare=st.integers(0, 3))
    @if_offered
    def remove_ranks(self, data: st.DataObject, rare: int) -> None:
        """Let ranks go for good."""
        ranks = data.draw(self.some_ranks()) if rare == 0 else set[int]()
        self.pool.remove(ranks)
        self.model.remove(ranks)
        self.settled(changed=True)

    # Ranks that come bring their trees, and no groups: nothing says whether a rack is one that is there.
    @precondition(lambda self: not self.whole.groups and held_of(self.R).keys() - self.model.there.keys())
    @rule(data=st.data())
    @if_offered
    def grow(self, data: st.DataObject) -> None:
        """Let ranks that were removed come back."""
        missing = sorted(held_of(self.R).keys() - self.model.there.keys())
        ranks = data.draw(st.sets(st.sampled_from(missing), min_size=1))
        self.pool.grow(only(self.whole, ranks))
        self.model.grow(held_of(self.R), ranks)
        self.settled(changed=True)

    @rule(end=st.sampled_from((0.0, 5e9)))
    @if_offered
    def end_of_the_machine(self, end: float) -> None:
        """Let the machine's resources end at another time."""
        self.pool.end(end)
        self.model.expiration = end
        self.settled(changed=True)

    def some_ranks(self) -> st.SearchStrategy[set[int]]:
        """Draw ranks, among them one that there may never have been."""
        return st.sets(st.sampled_from([*sorted(held_of(self.R)), 99]), max_size=2)

    # -- copies and reloads ---------------------------------------------------------------------------------------

    @rule(go_on_with_the_copy=st.booleans())
    @if_offered
    def copy(self, go_on_with_the_copy: bool) -> None:
        """Copy, and go on with either of the two."""
        copy = self.pool.copy()
        assert offered(copy.generation) == offered(self.pool.generation)
        self.compare_aside()
        if go_on_with_the_copy:
            self.pool, copy = copy, self.pool
        self.aside = copy, self.model.copy(), offered(copy.generation)

    @rule()
    @if_offered
    def reload(self) -> None:
        """Start anew from R, and register all jobs by what is left of their R."""
        ends = {jobid: R["execution"].get("expiration", 0.0) for jobid, R in self.model.allocated.items()}
        again = self.allocator_class(self.R)
        gone = held_of(self.R).keys() - self.model.there.keys()
        if gone:
            again.remove(gone)
        again.mark(self.model.there, up=False)
        for jobid, R in self.model.allocated.items():
            again.register(jobid, R)
        again.mark(self.model.there.keys() - self.model.down, up=True)
        with suppress(NotOfferedError):
            again.end(self.model.expiration)
        self.pool = again
        self.model.ends = ends
        self.generation = offered(self.pool.generation)

    # -- what always holds ----------------------------------------------------------------------------------------

    def settled(self, *, changed: bool) -> None:
        """See to it that the generation tells whether anything has changed."""
        now = offered(self.pool.generation)
        if now is not None and self.generation is not None:
            invariants.the_generation_tells_of_changes(self.generation, now, changed=changed)
        self.generation = now

    @invariant()
    def all_is_accounted_for(self) -> None:
        """Compare all that the allocator says of itself."""
        invariants.nothing_is_held_twice(self.model.jobs)
        compare(self.whole, self.pool, self.model)

    def compare_aside(self) -> None:
        """See to it that the older copy is as it was."""
        if self.aside is not None:
            pool, model, generation = self.aside
            compare(self.whole, pool, model)
            assert offered(pool.generation) == generation

    def teardown(self) -> None:
        """Return everything."""
        if not hasattr(self, "pool"):
            return
        self.compare_aside()
        for jobid in list(self.model.jobs):
            self.pool.free(jobid)
            self.model.end(jobid)
        compare(self.whole, self.pool, self.model)
        assert not offered(self.pool.held)
        assert not offered(self.pool.amounts)


def compare(whole: Machine, pool: Allocator, model: Model) -> None:
    """Compare all that an allocator says of itself with the model."""
    held = offered(pool.held)
    if held is not None:
        invariants.the_pool_holds_what_the_model_holds(held, model)
        invariants.only_what_is_there_is_held(model.there, held)
    totals = offered(pool.totals)
    if totals is not None:
        invariants.sums_are_right(*totals, model)
    amounts = offered(pool.amounts)
    if amounts is not None:
        machine = left_of(whole, model)
        invariants.no_amount_is_held_beyond_what_there_is(machine, amounts)
        invariants.the_amounts_are_those_of_the_jobs(machine, amounts, model.allocated.values())
    ends = offered(pool.ends)
    if ends is not None:
        invariants.the_jobs_are_the_models(ends, model)
    down = offered(pool.down)
    assert down is None or down == model.down


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


class Question:
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
        """Judge what was given."""
        invariants.the_answer_avoids_what_is_down(R, self.down_ranks)
        certificate = R.get("scheduling", {}).get("certificate")
        if certificate is not None:
            invariants.the_bounds_are_bounds(certificate)
        checked = invariants.the_answer_is_legal(
            self.machine, self.vertices, R, self.constraint, self.running, self.down
        )
        known, best = self.best(now=True)
        beside = [name for name, is_known in (("the checker", checked), ("all placements", known)) if is_known]
        self.judged[f"placed, beside {' and '.join(beside) or 'nothing'}"] += 1
        if known:
            assert best is not None
            if certificate is not None:
                invariants.the_answer_is_the_best(certificate, best)

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
            assert isinstance(refusal, InfeasibleRequest) == (ever is None), (str(refusal), ever)

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
