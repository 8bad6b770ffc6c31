"""Whatever goes wrong inside, at any call: the error is one of the two, the state is as it was, the next call works.

A fault may also be got over, as where a search that is cut off has found something; what is then given is legal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from ortools.sat.python import cp_model

from exactfit.adapters.audit import invariants
from exactfit.adapters.audit.allocator import Allocator, InfeasibleRequest, InsufficientResources
from exactfit.adapters.audit.model import Json, held_of
from exactfit.adapters.flux import ExactPool
from exactfit.grammar.constraint import ALWAYS
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.node.rankings import Rankings
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R

from .conftest import EXPLORES
from .faults import Fault, at_line, at_model, at_solve, finds_nothing, proves_nothing, raises, says
from .inputs import NAMED
from .subjects import Subject, ThroughFlux, ThroughSolver, state_of

SHAPES = {
    "GPUs at the socket": "[slot=2{a}/[core=3;memory=5];slot{b}/[core=2;gpu=1]]",
    "GPUs on some numa": "slot=1-3/numa=2/core=1",
    "three levels": "slot=1-3/l3=2/core=1",
    "racks with storage": "rack=2/slot=1/[core=2;storage=1]",
    "no topology": "[slot=2-3{a}/core=2;node{x}/slot{b}/core=1]",
}
"""By machine: what CP-SAT has to be run for."""

SMALL = parse_shape("slot=1/core=1")

FAULTS: dict[str, Fault] = {
    "UNKNOWN": finds_nothing,
    "FEASIBLE": proves_nothing,
    "MODEL_INVALID": says(cp_model.MODEL_INVALID),
    "raising": raises(RuntimeError),
    "MemoryError": raises(MemoryError),
    "StopIteration": raises(StopIteration),
    "OSError": raises(OSError),
}

LINES = 400 if EXPLORES else 5
"""How many lines of a decision are tried."""

both = pytest.mark.parametrize("subject", [ThroughFlux, ThroughSolver])
on_each_machine = pytest.mark.parametrize("name", sorted(SHAPES))


def started(subject: type[Subject], name: str) -> tuple[Allocator, Json]:
    """Return a pool in which a job runs, and the R of it."""
    pool = subject(NAMED[name])
    return pool, pool.alloc(1, SMALL, None)


@cache
def answers(subject: type[Subject], name: str) -> tuple[Json, Json]:
    """Return what a pool gives to which nothing happened."""
    small = started(subject, name)[0].alloc(3, SMALL, None)
    return small, started(subject, name)[0].alloc(4, parse_shape(SHAPES[name]), None)


def goes_on(pool: Allocator, name: str) -> None:
    """See to it that the pool gives what it would have given."""
    expected = answers(type(pool), name)
    assert pool.alloc(3, SMALL, None) == expected[0]
    pool.free(3)
    assert pool.alloc(4, parse_shape(SHAPES[name]), None) == expected[1]


def answer(pool: Allocator, shape: str) -> Json | str:
    """Return the R that job 2 gets, or what is said where it gets none now."""
    try:
        return pool.alloc(2, parse_shape(shape), None)
    except InsufficientResources as refusal:
        return str(refusal)


def legal(name: str, shape: str, running: Json, R: Json) -> None:
    invariants.the_bounds_are_bounds(R["scheduling"]["certificate"])
    vertices = parse_resources(parse_shape(shape))
    invariants.the_answer_is_legal(read_R(NAMED[name]), vertices, R, ALWAYS, [running], 0)


def solves(name: str) -> int:
    """Return how often CP-SAT is run for a shape."""
    with at_solve(None, raises(AssertionError)) as calls:
        started(ThroughSolver, name)[0].alloc(2, parse_shape(SHAPES[name]), None)
    assert calls.number
    return calls.number


@on_each_machine
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("ever_after", [False, True], ids=["once", "from then on"])
def test_every_run_of_the_solver_may_fail(name: str, fault: str, ever_after: bool) -> None:
    number = solves(name)
    for at in range(number) if EXPLORES else sorted({0, number // 2, number - 1}):
        pool, running = started(ThroughFlux, name)
        before = state_of(pool)
        with at_solve(at, FAULTS[fault], ever_after=ever_after) as calls:
            R = answer(pool, SHAPES[name])
            if isinstance(R, str):
                assert "search" in R
                assert state_of(pool) == before
            else:
                # Of these, only what ends a search may be got over.
                assert fault in ("UNKNOWN", "FEASIBLE")
                legal(name, SHAPES[name], running, R)
                pool.free(2)
                assert state_of(pool)[:3] == before[:3]
        assert calls.happened
        goes_on(pool, name)


@on_each_machine
@pytest.mark.parametrize("error", [MemoryError, KeyError])
def test_the_model_may_fail_while_it_is_built(name: str, error: type[Exception]) -> None:
    with at_model(None, raises(error)) as calls:
        started(ThroughSolver, name)[0].alloc(2, parse_shape(SHAPES[name]), None)
    for at in range(0, calls.number, max(1, calls.number // LINES)):
        pool, _ = started(ThroughSolver, name)
        before = state_of(pool)
        with at_model(at, raises(error)), pytest.raises(InsufficientResources, match=error.__name__):
            pool.alloc(2, parse_shape(SHAPES[name]), None)
        assert state_of(pool) == before
    goes_on(pool, name)


@on_each_machine
@both
def test_a_decision_may_fail_at_every_line(name: str, subject: type[Subject]) -> None:
    shape = parse_shape(SHAPES[name])
    answers(subject, name)  # so that what is remembered for all pools is
    fresh, _ = started(subject, name)
    with at_line(None, MemoryError, within="_prepare") as lines:
        fresh.alloc(2, shape, None)
    # The end is denser, as there the state is made.
    chosen = {*range(0, lines.number, lines.number // LINES), *range(lines.number - 12 * LINES, lines.number, 12)}
    for at in sorted(chosen):
        pool, _ = started(subject, name)
        before = state_of(pool)
        with at_line(at, MemoryError, within="_prepare"):
            assert "MemoryError" in str(answer(pool, SHAPES[name]))
        assert state_of(pool) == before
        goes_on(pool, name)


@on_each_machine
@both
def test_an_interrupt_passes_through_at_every_line(name: str, subject: type[Subject]) -> None:
    shape = parse_shape(SHAPES[name])
    answers(subject, name)
    fresh, _ = started(subject, name)
    with at_line(None, KeyboardInterrupt, within="alloc") as lines:
        fresh.alloc(2, shape, None)
    chosen = {*range(0, lines.number, lines.number // LINES), *range(lines.number - LINES, lines.number)}
    for at in sorted(chosen):
        pool, _ = started(subject, name)
        before = state_of(pool)
        with at_line(at, KeyboardInterrupt, within="alloc"), pytest.raises(KeyboardInterrupt):
            pool.alloc(2, shape, None)
        if 2 in pool.ends():
            # It came after all was done, where it cannot be told from one that comes a moment later.
            assert at > lines.number - 10
            pool.free(2)
            assert state_of(pool)[:3] == before[:3]
        else:
            assert state_of(pool) == before
        goes_on(pool, name)


@both
@pytest.mark.parametrize("place", ["solve", "commit"])
def test_an_interrupt_at_the_solver_or_the_commit(
    subject: type[Subject], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GPUs at the socket"
    pool, _ = started(subject, name)
    before = state_of(pool)
    if place == "solve":
        with at_solve(0, raises(KeyboardInterrupt)), pytest.raises(KeyboardInterrupt):
            pool.alloc(2, parse_shape(SHAPES[name]), None)
    else:
        monkeypatch.setattr(Pool, "_commit", _failing(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pool.alloc(2, parse_shape(SHAPES[name]), None)
        monkeypatch.undo()
    assert state_of(pool) == before
    goes_on(pool, name)


def _failing(error: type[BaseException]) -> Callable[..., Any]:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise error("injected")

    return fail


@both
@pytest.mark.parametrize("step", ["allocation_of", "Job", "_commit", "born"])
@pytest.mark.parametrize("error", [RuntimeError, MemoryError, OSError])
def test_an_exception_between_decision_and_commit(
    subject: type[Subject], step: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "three levels"
    pool, _ = started(subject, name)
    before = state_of(pool)
    with monkeypatch.context() as patched:
        place = {"_commit": Pool, "born": Rankings}.get(step)
        target = (
            f"exactfit.solver.allocator.allocator.{step}"
            if place is None
            else f"{place.__module__}.{place.__name__}.{step}"
        )
        patched.setattr(target, _failing(error))
        with pytest.raises(InsufficientResources, match="the search failed"):
            pool.alloc(2, parse_shape(SHAPES[name]), None)
    assert state_of(pool) == before
    goes_on(pool, name)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("step", ["to_dict", "placement", "certificate"])
def test_an_R_that_cannot_be_written_undoes_the_allocation(
    error: type[BaseException], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "three levels"
    pool, _ = started(ThroughFlux, name)
    before = state_of(pool)
    with monkeypatch.context() as patched:
        if step == "certificate":
            patched.setattr("exactfit.solver.placement.certificate.Certificate.to_json", _failing(error))
        else:
            patched.setattr(f"exactfit.solver.placement.allocation.Allocation.{step}", _failing(error))
        with pytest.raises(InsufficientResources if issubclass(error, Exception) else error):
            pool.alloc(2, parse_shape(SHAPES[name]), None)
    assert state_of(pool) == before
    goes_on(pool, name)


def fussy(error: type[BaseException]) -> Callable[[int, str], None]:
    def log(_level: int, _message: str) -> None:
        raise error("the log is full")

    return log


@both
@pytest.mark.parametrize("fault", ["", "UNKNOWN", "raising"])
def test_a_log_that_raises_changes_nothing(subject: type[Subject], fault: str) -> None:
    name = "racks with storage"
    pool = subject(NAMED[name], fussy(RuntimeError))
    running = pool.alloc(1, SMALL, None)
    with at_solve(0 if fault else None, FAULTS[fault or "raising"], ever_after=True):
        if fault:
            with pytest.raises(InsufficientResources):
                pool.alloc(2, parse_shape(SHAPES[name]), None)
        else:
            pool.alloc(2, parse_shape(SHAPES[name]), None)
            pool.free(2)
    pool.free(1)
    pool.register(1, running)
    with pytest.raises(InfeasibleRequest):
        pool.alloc(2, parse_shape("slot=1/warp_core=1"), None)
    goes_on(pool, name)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("GPUs at the socket", "node/slot=2/[core=3;memory=5]"),
        ("GPUs on some numa", "node/slot=1/numa=2/core=1"),
        ("three levels", "node/slot=1/numa=2/core=1"),
    ],
)
def test_what_there_was_no_time_to_prove_is_proven_the_next_time(name: str, shape: str) -> None:
    expected = answer(ThroughFlux(NAMED[name]), shape)
    pool = ThroughFlux(NAMED[name])
    with at_solve(0, proves_nothing, ever_after=True):
        R = answer(pool, shape)
    assert isinstance(R, dict)
    assert R["scheduling"]["certificate"]["status"] == "FEASIBLE"
    pool.free(2)
    assert answer(pool, shape) == expected


@both
def test_a_log_that_is_interrupted_leaves_the_state_as_it_was(subject: type[Subject]) -> None:
    pool = subject(NAMED["GPUs at the socket"], fussy(KeyboardInterrupt))
    before = state_of(pool)
    with at_solve(0, FAULTS["UNKNOWN"], ever_after=True), pytest.raises(KeyboardInterrupt):
        pool.alloc(1, parse_shape(SHAPES["GPUs at the socket"]), None)
    assert state_of(pool) == before


@both
def test_a_time_out_says_that_the_search_was_cut_off(subject: type[Subject]) -> None:
    name = "racks with storage"
    said: list[str] = []
    pool = subject(NAMED[name], lambda _level, message: said.append(message))
    before = state_of(pool)
    with at_solve(0, FAULTS["UNKNOWN"], ever_after=True), pytest.raises(InsufficientResources, match="cut off"):
        pool.alloc(1, parse_shape(SHAPES[name]), None)
    assert any("cut off" in message for message in said)
    assert state_of(pool) == before
    pool.alloc(1, parse_shape(SHAPES[name]), None)


@pytest.mark.parametrize("shape", ["slot=3/[core=2;gpu=1]", "slot=9/core=1", "node=1-2/slot=1-4/core=2"])
def test_no_time_at_all_is_no_fault(shape: str) -> None:
    pool = ThroughFlux(NAMED["GPUs at the socket"])
    pool.pool = ExactPool(NAMED["GPUs at the socket"], time_limit=1e-9)
    R = answer(pool, shape)
    if isinstance(R, str):
        assert "cut off" in R
        assert pool.held() == {}
    else:
        assert pool.held() == held_of(R)


@both
def test_feasibility_that_cannot_be_known_denies_no_job(subject: type[Subject]) -> None:
    pool = subject(NAMED["GPUs at the socket"])
    shape = parse_shape("slot=3/socket=1/core=2")
    before = state_of(pool)
    for fault in ("UNKNOWN", "raising", "MemoryError"):
        with at_solve(0, FAULTS[fault], ever_after=True), suppress(InsufficientResources):
            pool.check(shape, None)
    assert state_of(pool) == before


def test_a_reason_that_cannot_be_found_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, _ = started(ThroughFlux, "three levels")
    monkeypatch.setattr("exactfit.solver.explain.reasons.Reasons.insufficient", _failing(RuntimeError))
    pool.mark({4, 5}, up=False)
    with pytest.raises(InsufficientResources, match="does not fit now"):
        pool.alloc(2, SMALL, None)
