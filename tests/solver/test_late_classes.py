"""Jobs that a pool is told of: the states of their nodes are found once, when they are asked for, and are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.solver.state.domain_state import arrange
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

SHAPES = (
    "slot=2/core=3",
    "node/slot/[core=2;gpu=1]",
    "slot=1/core=1",
    "node=2/slot=1/core=1",
    "slot=1+/[core=1;gpu=1]",
)


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def outcome(pool: Pool, jobid: int, shape: str) -> object:
    try:
        return pool.alloc(jobid, ask(shape)).to_dict()
    except (InfeasibleRequest, InsufficientResources) as refusal:
        return type(refusal), str(refusal)


def seen(pool: Pool) -> tuple[dict[Any, int], int, dict[int, Any]]:
    """Return what is free, how, of which nodes, and the jobs."""
    state = pool.present[1]
    return dict(state.classes), state.generation, dict(state.jobs)


def one_core(rank: int, core: int) -> dict[str, Any]:
    lite = [{"rank": str(rank), "children": {"core": str(core)}}]
    return {"version": 1, "execution": {"R_lite": lite, "starttime": 0, "expiration": 0}}


@given(case=strategies.cases(), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pool_that_is_read_after_each_job_is_the_same(case: strategies.Case, data: st.DataObject) -> None:
    machine = read_R(case.R)
    at_once, each = Pool(machine), Pool(machine)
    down = machine.mask_of(IdSet.parse(case.down))
    looks: tuple[Callable[[Pool], object], ...] = (seen, Pool.copy, lambda pool: pool.mark_down(0))
    before = data.draw(st.booleans())
    if before:
        for pool in (at_once, each):
            pool.mark_down(down)
    for number, R in enumerate(case.running):
        for pool in (at_once, each):
            pool.register_alloc(number, R)
        data.draw(st.sampled_from(looks))(each)
        refused = [False, False]
        for place, pool in enumerate((at_once, each)):
            try:
                pool.register_alloc(1000 + number, R)
            except ValueError:
                refused[place] = True
        assert refused[0] == refused[1]
    for pool in (at_once, each):
        if not before:
            pool.mark_down(down)
    assert seen(at_once)[0] == seen(each)[0]
    assert seen(at_once)[2] == seen(each)[2]
    for number, shape in enumerate(data.draw(st.lists(st.sampled_from(SHAPES), max_size=3))):
        assert outcome(at_once, 2000 + number, shape) == outcome(each, 2000 + number, shape)
    leaving = data.draw(st.sets(st.sampled_from(sorted(at_once.jobs)))) if at_once.jobs else set()
    for jobid in sorted(leaving):
        at_once.free(jobid)
        each.free(jobid)
    assert seen(at_once)[0] == seen(each)[0]


def test_states_on_the_way_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each node the state before the first job and after the last one is looked at, however many there are."""
    looked = 0

    def counted(*args: Any) -> Any:
        nonlocal looked
        looked += 1
        return arrange(*args)

    monkeypatch.setattr("exactfit.solver.state.late.arrange", counted)
    pool = Pool(read_R(preset("rfc49-a:20")))
    for rank in range(20):
        for core in range(rank + 5):
            pool.register_alloc(100 * rank + core, one_core(rank, core))
    assert looked == 0
    generation = pool.generation
    classes = pool.present[1].classes
    assert looked == 2 * 20
    assert len(classes) == 20
    assert (pool.generation, pool.present[1].classes) == (generation, classes)
    assert looked == 2 * 20


def test_a_copy_and_its_original_go_their_own_ways() -> None:
    pool = Pool(read_R(preset("rfc49-a:2")))
    pool.register_alloc(1, one_core(0, 0))
    copy = pool.copy()
    copy.register_alloc(2, one_core(1, 5))
    pool.register_alloc(3, one_core(1, 5))
    assert set(pool.jobs) == {1, 3}
    assert set(copy.jobs) == {1, 2}
    assert pool.present[1].classes == copy.present[1].classes
    with pytest.raises(ValueError, match="another job holds"):
        pool.register_alloc(4, one_core(1, 5))
    copy.free(2)
    assert pool.present[1].classes != copy.present[1].classes
