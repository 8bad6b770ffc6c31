"""What a long search came to is remembered: searches are counted, and what wakes an answer is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.grammar.constraint import ALWAYS
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.query import parse_query
from exactfit.grammar.shape import parse_shape
from exactfit.solver import InfeasibleRequest, InsufficientResources, Options, Pool, Request
from exactfit.solver.cpsat.budget import STEPS, Budget, CutOff
from exactfit.solver.explain import earliest_start
from exactfit.solver.machine import answers
from exactfit.solver.machine.answers import has_no_more
from exactfit.solver.machine.decide import Decider
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

HARD = "[slot=6{a}/[core=15;gpu=1];slot=6{b}/core=8]"


def ask(shape: str, query: str = "", duration: float = 0.0) -> Request:
    return Request.of(parse_resources(parse_shape(shape)), parse_query(query) if query else ALWAYS, duration)


class Searches:
    """Counts decisions that are searched for, and says how they end.

    Attributes
    ----------
    count
        How many.
    outcome
        ``real``; ``cut off``: with all work spent; ``refused``: after some work.
    """

    def __init__(self) -> None:
        self.count = 0
        self.outcome = "real"

    def end(self, budget: Budget) -> bool:
        """Tell whether the outcome is that there is none."""
        self.count += 1
        if self.outcome == "cut off":
            budget.charge(int(budget.left * STEPS) + 1)
            raise CutOff
        if self.outcome == "refused":
            budget.charge(answers.WORTH_STEPS)
        return self.outcome == "refused"


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    counted = Searches()
    decide, fits = Decider.decide, Decider.fits

    def deciding(self: Decider, problem: Any, situation: Any, budget: Budget) -> Any:
        return None if counted.end(budget) else decide(self, problem, situation, budget)

    def fitting(self: Decider, demand: Any, situation: Any, budget: Budget) -> bool:
        free = sum(nodes.bit_count() * state.free_cores for state, nodes in situation.field.live())
        if free == situation.field.eligible.bit_count() * 120:
            return fits(self, demand, situation, budget)  # whether it ever fits is no matter here
        return not counted.end(budget) and fits(self, demand, situation, budget)

    monkeypatch.setattr(Decider, "decide", deciding)
    monkeypatch.setattr(Decider, "fits", fitting)
    return counted


def refused(pool: Pool, request: Request) -> str:
    with pytest.raises(InsufficientResources) as refusal:
        pool.alloc(10**6, request)
    # To read why is to search for the reason.
    return "" if refusal.value.proven else str(refusal.value)


def busy_pool(said: list[str]) -> Pool:
    """Return four nodes, each with a job that holds some of it."""
    pool = Pool(read_R(preset("rfc49-a:4")), log=lambda _, line: said.append(line))
    for jobid in range(4):
        pool.alloc(jobid, ask("node=1/slot=3/core=21", f"rank:{jobid}"))
    return pool


@pytest.mark.parametrize("outcome", ["cut off", "refused"])
class TestOfWhatWasNotPlaced:
    def test_it_is_answered_at_once_as_long_as_nothing_can_help(self, outcome: str, searches: Searches) -> None:
        said: list[str] = []
        pool, request = busy_pool(said), ask(HARD)
        searches.outcome, searches.count = outcome, 0
        first = refused(pool, request)
        told = list(said)
        assert searches.count == 1
        assert len(told) == (outcome == "cut off")
        one_core = {"version": 1, "execution": {"R_lite": [{"rank": "2", "children": {"core": "119"}}]}}
        changes: list[Callable[[], None]] = [
            lambda: pool.update_expiration(1, 5.0),
            lambda: pool.mark_down(1),
            lambda: pool.register_alloc(77, one_core),
        ]
        for change in changes:
            change()
            assert refused(pool, request) == first
            refused(pool.copy(), ask(HARD, duration=60.0))
        assert searches.count == 1
        assert said == told

    @pytest.mark.parametrize(
        "help_it",
        [
            lambda pool: pool.free(3),
            lambda pool: pool.free(3, 1 << 3),
            lambda pool: pool.mark_up(1),
            lambda pool: pool.replace_machine(read_R(preset("rfc49-a:4"))),
        ],
        ids=["a job ends", "on one node", "a node comes up", "another machine"],
    )
    def test_what_can_help_wakes_it(self, outcome: str, help_it: Any, searches: Searches) -> None:
        pool, request = busy_pool([]), ask(HARD)
        pool.mark_down(1)
        searches.outcome, searches.count = outcome, 0
        refused(pool, request)
        help_it(pool)
        refused(pool, request)
        assert searches.count == 2

    def test_what_happens_on_other_nodes_does_not(self, outcome: str, searches: Searches) -> None:
        pool, request = busy_pool([]), ask(HARD, "rank:0-1")
        searches.outcome, searches.count = outcome, 0
        refused(pool, request)
        pool.free(3)
        refused(pool, request)
        assert searches.count == 1
        pool.free(1)
        refused(pool, request)
        assert searches.count == 2

    def test_copies_that_look_ahead_share_it(self, outcome: str, searches: Searches) -> None:
        pool, request = busy_pool([]), ask(HARD)
        searches.outcome, searches.count = outcome, 0
        for _ in range(3):
            ahead = pool.copy(ahead=True)
            ahead.free(2)
            refused(ahead, request)
        assert searches.count == 1
        refused(pool.copy(ahead=True), request)  # less is free than in that copy
        assert searches.count == 1
        refused(pool, request)
        # Who decides may spend more work than who looked ahead, unless it is proven.
        assert searches.count == (2 if outcome == "cut off" else 1)

    def test_many_moments_are_asked_about_once(self, outcome: str, searches: Searches) -> None:
        pool = Pool(read_R(preset("rfc49-a:16")))
        for jobid in range(250):
            pool.alloc(jobid, ask("slot=1/core=5", duration=100.0 + jobid))
        request = ask("[slot=90{a}/[core=15;gpu=1];slot=60{b}/core=8]")
        searches.outcome, searches.count = outcome, 0

        def look_ahead() -> None:
            ahead = pool.copy(ahead=True)
            for jobid in range(250):
                ahead.free(jobid)
                refused(ahead, request)

        look_ahead()
        assert searches.count == 250
        for _ in range(3):
            look_ahead()
        assert searches.count == 250
        assert sum(map(len, pool.present[0]._answers._of.values())) <= answers.STATES

    def test_so_are_forecasts(self, outcome: str, searches: Searches) -> None:
        pool = busy_pool([])
        for jobid in range(4):
            pool.update_expiration(jobid, 1000.0 + jobid)
        searches.outcome, searches.count = outcome, 0
        request = ask(HARD)
        when = earliest_start(pool, request, 10.0)
        asked = searches.count
        assert asked
        assert earliest_start(pool, request, 10.0) == when
        assert searches.count == asked


def test_the_memory_is_bounded(searches: Searches) -> None:
    pool = busy_pool([])
    searches.outcome = "cut off"
    answers_of = pool.present[0]._answers._of
    for number in range(1, 120):
        for cores in range(1, 11):
            refused(pool, ask(f"slot={number}/core={cores}"))
    assert len(answers_of) == answers.REQUESTS


def test_short_searches_are_not_kept() -> None:
    pool = busy_pool([])
    for cores in range(1, 40):
        pool.copy().alloc(99, ask(f"slot=2/core={cores}"))
    assert not pool.present[0]._answers._of


LIMIT = 0.004


def open_pool() -> tuple[Pool, Request]:
    options = Options(parse_policy("fit,affinity"), time_limit=LIMIT)
    return Pool(read_R(preset("rfc49-a:1")), options), ask("slot=12/core=7")


def test_a_placement_that_is_not_proven_is_given_again_at_once(searches: Searches) -> None:
    pool, request = open_pool()
    first = pool.copy().alloc(1, request)
    assert first.certificate["status"] == "FEASIBLE"
    again = pool.alloc(1, request)
    assert searches.count == 1
    assert again.to_dict() == first.to_dict()
    pool.free(1)
    assert pool.alloc(2, request).to_dict() == first.to_dict()
    assert searches.count == 1


def test_a_pool_with_time_to_spare_goes_on(searches: Searches) -> None:
    pool, request = open_pool()
    first = pool.copy().alloc(1, request).certificate
    assert not Pool(pool.machine).improve(Budget(1))
    spent = Budget(4)
    assert not pool.improve(spent)
    assert 0 < spent.spent <= 4.4
    count = searches.count
    better = pool.copy().alloc(1, request).certificate
    assert searches.count == count
    assert better["status"] == "OPTIMAL"
    assert list(better["terms"].values()) <= list(first["terms"].values())
    assert not pool.improve(Budget(1))
    assert searches.count == count


def test_little_by_little_it_comes_as_far() -> None:
    pool, request = open_pool()
    pool.copy().alloc(1, request)
    work = [pool.improve(Budget(0.1)), pool.improve(Budget(0.01))]
    assert work[1] or not work[0]
    for _ in range(6):
        if not pool.improve(Budget(1)):
            break
    assert pool.alloc(1, request).certificate["status"] == "OPTIMAL"


def test_what_was_cut_off_without_a_placement_is_found_with_time_to_spare(searches: Searches) -> None:
    pool, request = open_pool()
    searches.outcome = "cut off"
    assert "cut off" in refused(pool, request)
    searches.outcome = "real"
    assert "cut off" in refused(pool, request)
    assert searches.count == 1
    pool.improve(Budget(2))
    assert pool.alloc(1, request).certificate["status"] == "OPTIMAL"


def test_whether_it_ever_fits_is_asked_once_with_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, request = Pool(read_R(preset("rfc49-a:2"))), ask("slot=2/core=3")
    asked = 0

    def fits(*_: object) -> bool:
        nonlocal asked
        asked += 1
        raise CutOff

    monkeypatch.setattr(Decider, "fits", fits)
    for _ in range(3):
        with pytest.raises(InsufficientResources, match="cut off"):
            pool.check_feasibility(request)
    assert asked == 1


SOME = ["slot=1/[core=30;gpu=1]", "slot=1/[core=2;memory=9]", "slot=2/core"]


@given(st.lists(st.tuples(st.sampled_from(["take", "end", "down", "up"]), st.integers(0, 5)), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_no_more_is_free_just_where_no_core_and_no_node_is(steps: list[tuple[str, int]], data: st.DataObject) -> None:
    machine = read_R(preset("rfc49-b:3"))
    pool = Pool(machine)
    states = [pool.present[1]]
    for step, number in steps:
        if step == "take" and number not in pool.jobs:
            request = ask(
                data.draw(st.sampled_from(["slot=1/[core=30;gpu=1]", "slot=1/[core=2;memory=9]", "slot=2/core"]))
            )
            try:
                pool.alloc(number, request)
            except (InsufficientResources, InfeasibleRequest):
                continue
        elif step == "end":
            pool.free(number)
        elif step in ("down", "up"):
            (pool.mark_down if step == "down" else pool.mark_up)(1 << number % 3)
        states.append(pool.present[1])
    nodes = data.draw(st.integers(1, 7))
    changes = pool.present[0].changes
    for less in states:
        for more in states:
            expected = True
            for position in range(3):
                if nodes >> position & 1 and less.up >> position & 1:
                    here, there = changes.free_of(less, position), changes.free_of(more, position)
                    used = {part[:2]: part[2] for part in here.used}
                    expected &= bool(more.up >> position & 1) and not here.cores & ~there.cores
                    expected &= not here.gpus & ~there.gpus
                    expected &= all(used.get((i, name), 0) >= amount for i, name, amount in there.used)
            assert has_no_more(less, more, nodes) == expected
