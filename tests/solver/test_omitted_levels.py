"""`socket` and `numa` where R leaves these levels out, as RFC 49 allows: the next coarser level that there is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

import omitted_names
from exactfit.adapters.audit import strategies
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker.judge import check as judged
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.pool import Pool
from exactfit.topology.line import line_R
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

from .test_against_brute_force import check

FLAT = read_R(line_R("node:3 core:8 gpu:1", None, None))
SOCKETS = read_R(line_R("node:3 socket:2(memory=8) core:8 gpu:1", None, None))
NUMA = read_R(line_R("node:3 numa:2 core:8", None, None))
BOTH = read_R(line_R("node:3 socket:2 numa:2 core:4", None, None))
DIES = read_R(line_R("node:3 socket:2 Die:2 core:4", None, None))


def request(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


MEANT: list[tuple[Machine, str, str]] = [
    (FLAT, "slot=2/numa/core=4", "slot=2/node/core=4"),
    (FLAT, "slot=3/socket/[core=4;gpu]", "slot=3/node/[core=4;gpu]"),
    (FLAT, "slot/numa{x}", "slot/node{x}"),
    (FLAT, "slot/socket=2{x}", "slot/node=2{x}"),
    (FLAT, "node=2/socket/slot=3/core=2", "node=2/slot=3/core=2"),
    (FLAT, "node=2/socket/numa/slot=3/core=2", "node=2/slot=3/core=2"),
    (FLAT, "node/[socket/slot{a}/core=2;numa/slot{b}/core=3]", "node/[slot{a}/core=2;slot{b}/core=3]"),
    (FLAT, "node=2/slot/numa/core=4", "node=2/slot/core=4"),
    (FLAT, "node=2/slot/numa{x}", "slot=2/node{x}"),
    (FLAT, "node=2/slot/socket/numa{x}", "slot=2/node{x}"),
    (FLAT, "node=2/socket{x}/slot=2/core", "node=2{x}/slot=2/core"),
    (FLAT, "node=2/slot=1-4/numa/core=2", "node=2/slot/core=2"),
    (FLAT, 'numa{id:"0"}/slot/core', "node/slot/core"),
    (FLAT, 'node{id:"1"}/numa{id:"0"}/slot/core', 'node{id:"1"}/slot/core'),
    (SOCKETS, "slot=2/numa/core=4", "slot=2/socket/core=4"),
    (SOCKETS, "slot/numa=2/core=4", "slot/socket=2/core=4"),
    (SOCKETS, "slot=2/numa{x}", "slot=2/socket{x}"),
    (SOCKETS, "slot/numa/memory=4", "slot/socket/memory=4"),
    (SOCKETS, 'slot/numa{id:"1"}/core', 'slot/socket{id:"1"}/core'),
    (SOCKETS, "slot/socket/numa/core=4", "slot/socket/core=4"),
    (SOCKETS, 'slot/socket/numa{id:"1"}/core=4', 'slot/socket{id:"1"}/core=4'),
    (SOCKETS, 'slot/socket{id:"0-1"}/numa{id:"1-2"}/core=4', 'slot/socket{id:"1"}/core=4'),
    (SOCKETS, "node/socket=2/numa/slot=2/core", "node/socket=2/slot=2/core"),
    (NUMA, "slot=2/socket/core=4", "slot=2/node/core=4"),
    (NUMA, "slot/socket/numa=2/core=4", "slot/node/numa=2/core=4"),
    (NUMA, "node/socket/slot=2/numa/core=4", "node/slot=2/numa/core=4"),
    (DIES, "slot/numa/core=4", "slot/socket/core=4"),
    (DIES, "slot/numa/Die=2/core", "slot/socket/Die=2/core"),
    (BOTH, "slot/socket/numa=2/core", "slot/socket/numa=2/core"),
]


@pytest.mark.parametrize(("machine", "shape", "meant"), MEANT, ids=[f"{row[1]}" for row in MEANT])
def test_a_level_that_is_left_out_is_the_next_coarser_one(machine: Machine, shape: str, meant: str) -> None:
    R, expected = (Pool(machine).alloc(1, request(text)).to_dict() for text in (shape, meant))
    assert expected == R
    assert R["scheduling"]["certificate"]["status"] == "OPTIMAL"
    verdict = judged(machine, request(shape).shape.vertices, R)
    assert verdict.legal, verdict.violations


NEVER = [
    (FLAT, "node/slot=2/numa/core=3", "node/slot: asks for 2 where there is one"),
    (FLAT, "node/socket=2/slot/core", "node/socket: asks for 2 where there is one"),
    (FLAT, "node/[numa/slot{a}/core;numa/slot{b}/core]", "a node here is no more than one numa"),
    (FLAT, 'slot/numa{id:"1"}/core', "slot/numa: a node here has one numa, of number 0"),
    (FLAT, "slot=4/numa/core", "4 slots of node/core need 4 nodes"),
    (SOCKETS, "slot/socket/numa=2/core", "slot/socket/numa: asks for 2 where there is one"),
    (SOCKETS, 'slot/socket{id:"0"}/numa{id:"1"}/core', "a numa here has the number of its socket"),
    (SOCKETS, "slot=7/numa/core", "sockets"),
    (SOCKETS, "slot/numa/core=9", "9 cores"),
    (FLAT, "slot/l3/core", "slot/l3: this machine has no l3"),
    (FLAT, "slot/die/core", "slot/die: this machine has no die"),
    (FLAT, "slot/sockets/core", "slot/sockets: this machine has no sockets"),
    (FLAT, "slot/NUMA/core", "slot/NUMA: this machine has no NUMA"),
]


@pytest.mark.parametrize(("machine", "shape", "reason"), NEVER, ids=[f"{row[1]}" for row in NEVER])
def test_no_more_of_it_and_no_other_name(machine: Machine, shape: str, reason: str) -> None:
    pool = Pool(machine)
    with pytest.raises(InfeasibleRequest) as refusal:
        pool.alloc(1, request(shape))
    assert reason in str(refusal.value)
    assert not judged(
        machine, request(shape).shape.vertices, Pool(machine).alloc(1, request("slot/core")).to_dict()
    ).legal


def test_the_twins() -> None:
    """Two slots of a numa each: sockets do for them, on one node; a node with neither holds one."""
    assert len(Pool(SOCKETS).alloc(1, request("slot=2/numa/core=8")).to_dict()["scheduling"]["placement"]) == 1
    R = Pool(FLAT).alloc(1, request("slot=2/numa/core=8")).to_dict()
    assert R["execution"]["R_lite"] == [{"rank": "0-1", "children": {"core": "0-7"}}]


@given(case=omitted_names.cases())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_against_the_brute_force(case: strategies.Case) -> None:
    check(case, "pack")
