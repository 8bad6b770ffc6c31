"""A job's R that is read at a glance says what it says when all of it is read."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.placement import job_R, plain_R
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R

HOSTS: tuple[Any, ...] = (["n0"], ["n7"], ["n[0-1]"], "n0", "", [], ["n0", 1])
TIMES = (-1, 5.5, True, "1", 2**63, float("nan"), float("inf"), None)

Json = dict[str, Any]


def in_full(machine: Machine, R: object) -> object:
    """Return the job, or what is said of an R that is none, without the glance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_R, "plain_job", lambda *_: None)
        return outcome(machine, R)


def outcome(machine: Machine, R: Any) -> object:
    try:
        return job_R.read_job(machine, R)
    except ValueError as error:
        return str(error)


@given(case=strategies.cases(), data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_this_pool_writes(case: strategies.Case, data: st.DataObject) -> None:
    machine = read_R(case.R)
    pool = Pool(machine)
    try:
        R = pool.alloc(1, Request.of(parse_resources(list(case.resources)))).to_dict()
    except (InfeasibleRequest, InsufficientResources):
        return
    for one in (R, *case.running):
        assert outcome(machine, one) == in_full(machine, one)
    changed = copy.deepcopy(R)
    execution, entry = changed["execution"], changed["execution"]["R_lite"][0]
    changes: list[Any] = [
        lambda: entry.update(rank=data.draw(st.sampled_from(["0", "00", "9", "-1", "0-1", "", "x", "²"]))),
        lambda: entry["children"].update(core=data.draw(st.sampled_from(["0", "0-99", "", "1-0", "a", "3"]))),
        lambda: entry["children"].update(gpu=data.draw(st.sampled_from(["0", "7", "", "x"]))),
        lambda: entry["children"].update(fpga="0"),
        lambda: execution.update(nodelist=data.draw(st.sampled_from(HOSTS))),
        lambda: execution.update(expiration=data.draw(st.sampled_from(TIMES))),
        lambda: execution.update(starttime=data.draw(st.sampled_from(TIMES))),
        lambda: execution.update(nslots=data.draw(st.sampled_from([0, -1, 3.0, True, None, 2**63]))),
        lambda: execution.update(properties=data.draw(st.sampled_from([{"fast": entry["rank"]}, {"a b": "0"}, []]))),
        lambda: changed.update(version=data.draw(st.sampled_from([1, 2, True, None]))),
        lambda: changed.update(scheduling=data.draw(st.sampled_from([None, [], {"placement": 1}, {}]))),
    ]
    data.draw(st.sampled_from(changes))()
    assert outcome(machine, changed) == in_full(machine, changed)


def test_jobs_on_one_node_are_read_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that is reloaded gets them by the hundred thousand."""

    def refuse(_: object) -> None:
        raise AssertionError("all of it is read")

    pool = Pool(read_R(preset("rfc49-a:4")))
    shape = [{"type": "slot", "count": 2, "label": "task", "with": [{"type": "core", "count": 3}]}]
    held = [pool.alloc(number, Request.of(parse_resources(shape))).to_dict() for number in range(9)]
    monkeypatch.setattr(job_R, "read_R", refuse)
    again = Pool(pool.machine)
    for number, R in enumerate(held):
        again.register_alloc(number, R)
    assert again.present[1].classes == pool.present[1].classes
    assert plain_R.plain_job(pool.machine, held[0]) == again.job(0)
