"""Work is counted in steps; what uses up its share leaves the rest, and the clock ends only what has gone astray."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ortools.sat.python import cp_model

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Options, Pool, Request
from exactfit.solver.cpsat import lexicographic, loading
from exactfit.solver.cpsat.budget import CLOCK_FACTOR, CLOCK_GRACE, LOOKS, STEPS, Budget, CutOff
from exactfit.solver.cpsat.lexicographic import SHORT, Goal, lexmin
from exactfit.solver.cpsat.status import Status
from exactfit.solver.policy.terms import parse_policy
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that moves when it is told to."""
    moment = [1000.0]
    monkeypatch.setattr(loading, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    return moment


def test_steps_are_spent_until_nothing_is_left() -> None:
    budget = Budget(5 / STEPS)
    budget.spend(4)
    assert budget.left == 1 / STEPS
    with pytest.raises(CutOff):
        budget.spend()
    assert budget.left == 0
    assert budget.spent == 5 / STEPS


@pytest.mark.parametrize("seconds", [0, 1e-9, 0.9 / STEPS])
def test_less_than_a_step_is_none(seconds: float) -> None:
    with pytest.raises(CutOff):
        Budget(seconds).spend(0)


def test_what_has_to_be_done_is_charged_and_raises_nothing() -> None:
    budget = Budget(1 / STEPS)
    budget.charge(3)
    assert budget.left == 0
    assert budget.spent == 3 / STEPS


def test_a_part_that_is_used_up_leaves_the_rest() -> None:
    budget = Budget(100 / STEPS)
    part = budget.part(0.3)
    with pytest.raises(CutOff):
        part.spend(30)
    assert part.left == 0
    assert budget.left == 70 / STEPS
    rest = budget.at_most(1.0)
    assert rest.left == 70 / STEPS
    rest.part(0.5).charge(35)
    assert (rest.left, budget.left) == (35 / STEPS, 35 / STEPS)


def test_no_part_has_more_than_the_whole() -> None:
    budget = Budget(100 / STEPS)
    part = budget.part(0.9)
    budget.charge(60)
    assert part.left == budget.left == 40 / STEPS
    budget.charge(60)
    with pytest.raises(CutOff):
        part.spend()


def test_the_clock_is_no_limit_unless_all_has_gone_astray(now: list[float]) -> None:
    budget = Budget(1.0)
    part = budget.part(0.5)
    now[0] += CLOCK_FACTOR + CLOCK_GRACE - 1
    part.spend(LOOKS + 1)
    assert not budget.is_late
    now[0] += 2
    with pytest.raises(CutOff):
        part.spend(LOOKS + 1)
    assert budget.is_late
    assert part.is_late
    assert budget.left == 0
    assert budget.spent == 2 * (LOOKS + 1) / STEPS


def hard(size: int) -> tuple[cp_model.CpModel, Goal]:
    """Return a model of which CP-SAT finds solutions at once and proves the best only after long: a knapsack's kin."""
    model = loading.new_model()
    x = [[model.new_bool_var("") for _ in range(size)] for _ in range(size)]
    for i, row in enumerate(x):
        model.add(sum(row) >= 1)
        for j in range(size):
            model.add(sum(x[k][(j + k * k + i) % size] for k in range(size)) <= size // 3)
    weights = [(i * 7919 + j * 104729) % 997 for i in range(size) for j in range(size)]
    total = sum(weight * variable for weight, variable in zip(weights, (v for row in x for v in row), strict=True))
    excess = model.new_int_var(0, sum(weights), "")
    model.add(excess >= total - sum(weights) // 3)
    model.add(excess >= sum(weights) // 3 - total)
    return model, Goal(excess, 0, sum(weights))


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3])
def test_a_search_takes_no_more_than_a_tenth_more_than_its_budget(seconds: float) -> None:
    model, goal = hard(20)
    budget = Budget(seconds)
    found = lexmin(model, [goal, Goal(-goal.expression, -goal.high, 0)], budget)
    assert budget.spent <= 1.1 * seconds
    assert found.status is not Status.INFEASIBLE


def test_nothing_is_searched_without_work(monkeypatch: pytest.MonkeyPatch) -> None:
    model, goal = hard(10)
    monkeypatch.setattr(cp_model.CpSolver, "solve", lambda *_: pytest.fail("there is no work left"))
    assert lexmin(model, [goal], Budget(0)).status is Status.CUT_OFF
    assert lexmin(model, [goal], Budget(lexicographic.SOLVE_STEPS / STEPS)).status is Status.CUT_OFF


def test_what_the_clock_ended_says_so_and_is_not_remembered(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    solve = cp_model.CpSolver.solve
    searches = 0

    def takes_ages(self: cp_model.CpSolver, model: cp_model.CpModel) -> object:
        nonlocal searches
        searches += 1
        now[0] += 1e6
        status = solve(self, model)
        return cp_model.FEASIBLE if status == cp_model.OPTIMAL else status

    monkeypatch.setattr(cp_model.CpSolver, "solve", takes_ages)
    said: list[str] = []
    options = Options(parse_policy("worst-fit,affinity"))
    pool = Pool(read_R(preset("rfc49-a:1")), options, lambda _, line: said.append(line))
    request = Request.of(parse_resources(parse_shape("slot=12/core=7")))
    for number in (1, 2):
        certificate = pool.copy().alloc(1, request).certificate
        assert (certificate["status"], certificate["ended"]) == ("FEASIBLE", "clock")
        assert searches == number, "who asks again may be luckier"
    pool.alloc(1, request)
    assert said == [
        "job 1: the search was cut off after 0.5 s of work, by the clock; the placement used is not proven optimal"
    ]


@pytest.mark.parametrize("linear", [True, False])
def test_a_long_run_of_cp_sat_is_more_work_than_it_counts(linear: bool) -> None:
    """It is given as much as what it counts then may be charged, to the last."""
    for work in (0.0, 0.01, SHORT, 0.05, 0.2, 0.45):
        given = lexicographic._counted(work, linear=linear)
        assert lexicographic._work(given, linear=linear) == pytest.approx(work)
        assert given == work if work <= SHORT else given < work
