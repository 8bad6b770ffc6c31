"""Nothing that a user can send stops the scheduler: a module that dies takes the whole instance with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.events import Submit
from exactfit.adapters.twin.jobs import Job
from exactfit.adapters.twin.policies import Fifo, FluxBackfill
from exactfit.adapters.twin.simulation import Simulation

from flux.resource import InfeasibleRequest, InsufficientResources

Json = dict[str, Any]

SECONDS = 20
"""What refusing may take, on a slow machine and with all that is loaded on first use."""


def slot(count: Any = 1, **inside: Any) -> Json:
    return {
        "type": "slot",
        "label": "task",
        "count": count,
        "with": [{"type": t, "count": c} for t, c in inside.items()],
    }


def spec(resources: Any, constraints: Any = None, duration: Any = 60.0, **more: Any) -> Json:
    system = {"duration": duration} if constraints is None else {"duration": duration, "constraints": constraints}
    return {"version": 1, "resources": resources, "tasks": [], "attributes": {"system": system}, **more}


def nested(depth: int, inner: Any, wrap: Any) -> Any:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


ONE = [slot(core=1)]

HOSTILE: dict[str, Any] = {
    "nothing": {},
    "no mapping": [],
    "null": None,
    "resources of text": spec("core"),
    "resources of nothing": spec([]),
    "resources of null": spec(None),
    "a vertex of text": spec(["core"]),
    "a vertex without a type": spec([{"count": 1}]),
    "a type that is no text": spec([{"type": 7, "count": 1}]),
    "no slot": spec([{"type": "node", "count": 1, "with": [{"type": "core", "count": 1}]}]),
    "a slot with nothing in it": spec([{"type": "slot", "label": "a", "count": 1}]),
    "a slot in a slot": spec([{**slot(core=1), "with": ONE}]),
    "nested 100,000 times": spec(nested(100_000, ONE, lambda below: [{"type": "x", "count": 1, "with": below}])),
    "as wide as deep": spec([slot(core=1) for _ in range(50_000)]),
    "counts that multiply": spec(nested(90, ONE, lambda below: [{"type": "x", "count": 2**53 - 1, "with": below}])),
    "nodes that multiply": spec(nested(90, ONE, lambda below: [{"type": "node", "count": 2**40, "with": below}])),
    "an attribute of text": {**spec(ONE), "attributes": "none"},
    "a duration of text": spec(ONE, duration="long"),
    "a duration below 0": spec(ONE, duration=-1),
    "a duration without end": spec(ONE, duration=float("inf")),
    "a duration that is no number": spec(ONE, duration=float("nan")),
    "a constraint of text": spec(ONE, "properties"),
    "a constraint of a list": spec(ONE, [{"properties": ["a"]}]),
    "a constraint nested 100,000 times": spec(ONE, nested(100_000, {"ranks": ["0"]}, lambda c: {"and": [c]})),
    "a constraint of 100,000 properties": spec(ONE, {"properties": [f"p{i}" for i in range(100_000)]}),
    "a constraint of 2**24 hosts": spec(ONE, {"hostlist": [f"node[0-{2**24}]"]}),
    "a constraint of 2**31 ranks": spec(ONE, {"ranks": ["0-2147483647"]}),
    "an unknown operator": spec(ONE, {"xor": []}),
    "an unknown exclusive": spec([{**slot(core=1), "exclusive": "yes"}]),
    "the type of another world": spec([slot(core=1, **{"flux capacitor": 1})]),
    "an id that is no idset": spec([{"type": "node", "count": 1, "id": "a-b", "with": ONE}]),
    "memory of 2**60": spec([slot(core=1, memory=2**60)]),
    "2,000 slot types": spec([{**slot(core=1), "label": f"s{i}"} for i in range(2_000)]),
}

COUNTS: dict[str, Any] = {
    "0": 0,
    "below 0": -1,
    "a fraction": 1.5,
    "true": True,
    "null": None,
    "2**53": 2**53,
    "2**63": 2**63,
    "40 digits": 10**40,
    "a thousand digits": "1" * 1000,
    "text": "many",
    "a list": [1],
    "no min": {"max": 3},
    "max below min": {"min": 3, "max": 1},
    "an operator of its own": {"min": 1, "max": 3, "operator": "%", "operand": 1},
    "an operand of 0": {"min": 1, "max": 3, "operator": "+", "operand": 0},
    "a power of 1": {"min": 1, "max": 3, "operator": "^", "operand": 2},
    "2**50 values": {"min": 1, "max": 2**50, "operator": "+", "operand": 3},
    "an idset of 2**31": "1-2147483647",
    "100,000 intervals": ",".join(str(2 * i + 1) for i in range(100_000)),
    "without end": {"min": 2**52},
}

LEGAL = {
    "the empty constraint": {},
    "and of nothing": {"and": []},
    "or of nothing": {"or": []},
    "not of nothing": {"not": []},
    "not of two": {"not": [{"ranks": ["0"]}, {"ranks": ["1"]}]},
    "two operators": {"ranks": ["0-1"], "properties": ["slow"]},
    "no such property": {"properties": ["nonsense"]},
    "no such host": {"hostlist": ["elsewhere"]},
    "nothing nested": {"and": [{}, {"or": [{}]}]},
}


def all_specs() -> dict[str, Any]:
    specs = dict(HOSTILE)
    for name, count in COUNTS.items():
        specs[f"cores: {name}"] = spec([slot(core=count)])
        specs[f"slots: {name}"] = spec([slot(count, core=1)])
        specs[f"nodes: {name}"] = spec([{"type": "node", "count": count, "with": ONE}])
    specs.update({f"constraint: {name}": spec(ONE, constraint) for name, constraint in LEGAL.items()})
    return specs


SPECS = all_specs()


def answer(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the one of the three errors that it may raise; another escapes."""
    try:
        return call()
    except (ValueError, InfeasibleRequest, InsufficientResources) as refusal:
        return refusal


@pytest.mark.parametrize("name", SPECS)
def test_it_is_denied_or_answered_with_the_two_errors(R: Json, name: str) -> None:
    pool = ExactPool(R)
    begin = time.process_time()
    request = answer(lambda: pool.parse_resource_request(SPECS[name]))
    if isinstance(request, ValueError):
        assert 0 < len(str(request)) < 1000
    else:
        feasible = answer(lambda: pool.check_feasibility(request))
        allocation = answer(lambda: pool.alloc(1, request))
        assert isinstance(feasible, InfeasibleRequest) == isinstance(allocation, InfeasibleRequest)
        assert not isinstance(allocation, ValueError)
        if isinstance(allocation, OSError):
            assert str(allocation)
            assert pool.copy_allocated().nnodes == 0
        else:
            allocation.set_starttime(1.0)
            allocation.set_expiration(2.0)
            assert allocation.dumps() == ExactPool(allocation.to_dict()).dumps()
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize("policy", [Fifo, FluxBackfill])
def test_the_scheduler_goes_on_with_all_of_it(R: Json, policy: Any, jobspec: Any) -> None:
    simulation = Simulation(ExactPool, R, policy=policy, queue_depth=None)
    for number, name in enumerate(SPECS):
        simulation.at(1.0, Submit(Job(number, SPECS[name], 10.0)))
    simulation.at(2.0, Submit(Job(999_999, jobspec("node=4/slot=1/core=16", 60.0), 10.0)))
    simulation.run()
    assert simulation.waiting() == []
    assert simulation.jobs[999_999].ended is not None
    assert simulation.scheduler.resources.copy_allocated().nnodes == 0


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("the empty constraint", "0"),
        ("and of nothing", "0"),
        ("or of nothing", "0"),
        ("not of nothing", InfeasibleRequest),
        ("not of two", "0"),
        ("two operators", InfeasibleRequest),
        ("no such property", InfeasibleRequest),
    ],
)
def test_constraints_at_the_edge_mean_what_RFC_31_says(pool: ExactPool, name: Any, answer: Any) -> None:
    request = pool.parse_resource_request(spec(ONE, LEGAL[name]))
    if isinstance(answer, str):
        assert str(pool.alloc(1, request).impl.ranks()) == answer
    else:
        with pytest.raises(answer):
            pool.alloc(1, request)


class TestCrashes:
    """What no user can cause, and an error of ours might."""

    def test_a_crash_in_the_solver_leaves_the_state_and_is_insufficient(
        self, R: Json, alloc: Any, log: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = ExactPool(R, log=log)
        alloc(pool, 1, "slot=1/core=1")
        before = (pool.generation, pool.copy_allocated().dumps(), pool.job_end_times())

        def crash(*_: object) -> None:
            raise RecursionError("deep")

        monkeypatch.setattr(pool.impl._pool, "alloc", crash)
        with pytest.raises(InsufficientResources, match="RecursionError: deep"):
            alloc(pool, 2, "slot=1/core=1")
        assert (pool.generation, pool.copy_allocated().dumps(), pool.job_end_times()) == before
        assert "ƒ3: the pool failed (RecursionError: deep)" in log

    def test_a_crash_in_writing_R_gives_back_what_was_taken(
        self, R: Json, alloc: Any, log: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = ExactPool(R, log=log)
        before = (pool.generation, pool.copy_allocated().dumps())

        def crash(*_: object) -> None:
            raise KeyError("writing")

        monkeypatch.setattr(type(pool.impl), "_write", crash)
        with pytest.raises(InsufficientResources, match="KeyError"):
            alloc(pool, 2, "slot=1/core=1")
        assert (pool.generation, pool.copy_allocated().dumps(), pool.job_end_times()) == (*before, [])

    def test_a_job_that_holds_resources_gets_no_more_and_keeps_them(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        given = alloc(pool, 1, "slot=1/core=1")
        with pytest.raises((InsufficientResources, InfeasibleRequest)):
            alloc(pool, 1, "slot=1/core=1")
        assert pool.copy_allocated().dumps() == given.dumps()

    @pytest.mark.parametrize("ids", ["x", "1-", "-3", "5-2"])
    def test_ranks_that_are_no_idset_are_a_ValueError_and_change_nothing(self, pool: ExactPool, ids: Any) -> None:
        for call in (pool.mark_up, pool.mark_down, pool.remove_ranks):
            with pytest.raises(ValueError, match="idset"):
                call(ids)
        assert (pool.generation, pool.nnodes()) == (0, 4)
