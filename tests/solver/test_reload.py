"""A scheduler that is reloaded knows what running jobs hold, of memory and storage too, from their R alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusters import node, site
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest, InsufficientResources
from exactfit.solver.pool import Pool
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def reloaded(machine: Machine, jobs: dict[int, Json]) -> Pool:
    """Return a new pool that is told of jobs, their R gone through JSON."""
    pool = Pool(machine)
    for jobid, R in jobs.items():
        pool.register_alloc(jobid, json.loads(json.dumps(R)))
    return pool


def holdings(pool: Pool) -> dict[int, tuple[Any, ...]]:
    """Return all that the jobs of a pool hold, node by node and of groups."""
    found = {}
    for jobid, job in pool.jobs.items():
        on_nodes = sorted(
            (h.nodes >> i & 1 and i, h.cores, h.gpus, h.used) for h in job.holdings for i in _bits(h.nodes)
        )
        found[jobid] = (tuple(on_nodes), job.group_used)
    return found


def _bits(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def chassis() -> Machine:
    """Two chassis of four nodes, with 10 and 6 GiB of storage, and 16 GiB of memory in each node."""
    groups = [{"ranks": "0-3", "storage": 10, "licence": 2}, {"ranks": "4-7", "storage": 6}]
    return read_R(site([(8, node(2, 4, memory=8))], {"chassis": groups}))


def test_memory_is_known_by_the_domain_that_it_was_taken_from() -> None:
    machine = read_R(site([(1, node(2, 4, memory=8))]))
    pool = Pool(machine)
    R = pool.alloc(1, request("slot/[core;memory=6]")).to_dict()
    again = reloaded(machine, {1: R})
    for one in (pool, again):
        with pytest.raises(InsufficientResources):
            one.alloc(2, request("slot=4/[core;memory=3]"))
        placed = one.alloc(3, request("slot/[core;memory=8]")).placement()
        assert placed == [{"ranks": "0", "slots": [{"label": "task", "cores": "4", "memory": 8}]}]
        one.free(3)


def test_storage_of_a_chassis_is_known_however_it_was_asked_for() -> None:
    machine = chassis()
    pool = Pool(machine)
    jobs = {
        1: pool.alloc(1, request("chassis/[node=2/slot/core;storage=7]")).to_dict(),
        2: pool.alloc(2, request("slot=2/node/[core=2;storage=2]")).to_dict(),
        3: pool.alloc(3, request("chassis/slot/[core;licence]")).to_dict(),
    }
    again = reloaded(machine, jobs)
    assert holdings(again) == holdings(pool)
    for one in (pool, again):
        # 16 GiB in all: 11 are taken, and of the five left three are in one chassis.
        with pytest.raises(InsufficientResources):
            one.alloc(4, request("chassis/[slot/core;storage=4]"))
        left = one.alloc(4, request("chassis/[slot/core;storage=3]"))
        assert left.group_used == ((0, "storage", 3 * 1024),)
        one.free(4)
        with pytest.raises(InsufficientResources):
            one.alloc(5, request("chassis/slot/[core;licence=2]"))
        with pytest.raises(InfeasibleRequest):
            one.alloc(5, request("chassis/slot/[core;licence=3]"))


def test_a_slot_over_several_domains_says_where_its_memory_is() -> None:
    """The placement says how much a slot has, not from which of its domains: R says that where it matters."""
    machine = read_R(site([(1, node(1, 2, memory=4, numas=2))]))
    pool = Pool(machine)
    pool.alloc(1, request("slot/[core;memory=3]"))
    torn = pool.alloc(2, request("slot/[core=2;memory=4]")).to_dict()
    pool.free(1)
    again = reloaded(machine, {2: torn})
    assert holdings(again) == holdings(pool)
    assert torn["scheduling"]["placement"][0]["slots"][0]["memory"] == 4


def test_whole_domains_hold_their_memory_too() -> None:
    machine = read_R(site([(1, node(2, 2, memory=4))]))
    pool = Pool(machine)
    R = pool.alloc(1, request("node{x}/slot/core")).to_dict()
    again = reloaded(machine, {1: R})
    assert holdings(again) == holdings(pool)
    assert sum(amount for h in again.jobs[1].holdings for _, _, amount in h.used) == 8 * 1024


def test_what_another_job_holds_of_the_ids_is_refused_and_nothing_changes() -> None:
    machine = chassis()
    pool = Pool(machine)
    R = pool.alloc(1, request("chassis/[node=2/slot/core;storage=7]")).to_dict()
    again = reloaded(machine, {1: R})
    before = holdings(again), again.generation
    with pytest.raises(ValueError, match="another job holds"):
        again.register_alloc(2, R)
    assert (holdings(again), again.generation) == before


@pytest.mark.parametrize(
    "amounts",
    [
        [{"ranks": "0", "memory": {"socket 7": 1}}],
        [{"ranks": "0", "memory": {"socket": 1}}],
        [{"ranks": "0", "memory": {"socket 0": "much"}}],
        [{"ranks": "0", "memory": 3}],
        [{"memory": {"socket 0": 1}}],
        [3],
    ],
)
def test_amounts_that_are_none_are_refused(amounts: list[Any]) -> None:
    machine = chassis()
    R = Pool(machine).alloc(1, request("slot/[core;memory=2]")).to_dict()
    R["scheduling"]["amounts"] = amounts
    with pytest.raises(ValueError, match=r"scheduling\.(amounts|placement)"):
        Pool(machine).register_alloc(1, R)


SHAPES = (
    "slot={n}/[core={c};memory={m}]",
    "slot={n}/node/[core={c};memory={m}]",
    "slot={n}/[core={c};storage={m}]",
    "slot={n}/[core={c};memory={m}{{unit:MB}}]",
    "slot/numa{{x}}",
    "slot/node",
    "node{{x}}/slot/core",
    "node=2/[memory={m};slot/core]",
    "node/socket/[memory={m};slot/core]",
    "node/numa{{x}}/slot/core",
    "chassis/[storage={m};slot/core]",
    "chassis/[licence;slot={n}/core]",
    "slot={n}/[core={c};licence]",
    "slot={n}/node/[storage={m};core]",
)


@st.composite
def machines(draw: st.DrawFn) -> Json:
    """Draw the R of two chassis, memory at any height, storage in nodes, chassis or both."""
    parts = []
    for count in (draw(st.integers(1, 2)), 2):
        level = draw(st.sampled_from(("node", "socket", "numa")))
        amount = draw(st.integers(1, 5))
        topo = node(2, draw(st.integers(1, 2)), numas=2, memory=amount if level == "numa" else 0)
        if level == "node":
            topo["memory"] = 2 * amount
        for socket in topo["socket"] if level == "socket" else ():
            socket["memory"] = amount
        if draw(st.booleans()):
            topo["storage"] = draw(st.integers(1, 5))
        parts.append((count, topo))
    groups: list[Json] = [{"ranks": "0", "licence": 2}, {"ranks": f"1-{parts[0][0] + 1}"}]
    for group in groups:
        if draw(st.booleans()):
            group["storage"] = draw(st.integers(1, 8))
    return site(parts, {"chassis": groups})


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_reloaded_pool_is_the_pool_that_it_was(data: st.DataObject) -> None:
    machine = read_R(data.draw(machines()))
    pool = Pool(machine)
    jobs: dict[int, Json] = {}
    for jobid in range(data.draw(st.integers(1, 6))):
        numbers = {name: data.draw(st.integers(1, 4)) for name in "ncm"}
        try:
            shape = data.draw(st.sampled_from(SHAPES)).format(**numbers)
            jobs[jobid] = pool.alloc(jobid, request(shape)).to_dict()
        except (InfeasibleRequest, InsufficientResources):
            continue
        if len(jobs) > 1 and data.draw(st.integers(0, 3)) == 0:
            gone = data.draw(st.sampled_from(sorted(jobs)))
            pool.free(gone)
            del jobs[gone]
    order = data.draw(st.permutations(sorted(jobs)))
    ordered = {jobid: jobs[jobid] for jobid in order}
    again = reloaded(machine, ordered)
    assert holdings(again) == holdings(pool)
    shape = data.draw(st.sampled_from(SHAPES)).format(n=1, c=1, m=2)
    answers = [outcome(one, shape) for one in (pool, again)]
    assert answers[0] == answers[1]
    for jobid in (*ordered, 99):
        again.free(jobid)
    assert again.allocated() == []
    assert again.jobs == {}


def outcome(pool: Pool, shape: str) -> object:
    """Return the placement that the next job gets, or the kind of refusal."""
    try:
        return pool.alloc(99, request(shape)).placement()
    except (InfeasibleRequest, InsufficientResources) as refused:
        return type(refused)
