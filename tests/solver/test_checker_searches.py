"""The searches inside the checker: lower bounds, whether a split is proven, flows of memory, domains by themselves."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest

from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import check, packing
from exactfit.solver.checker.ground import Ground, Place
from exactfit.solver.checker.packing import Item, NodePacker
from exactfit.solver.checker.state import Demand, State
from exactfit.solver.demand.request import Request
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R, machine_from_topo
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]


# Core 4 and GPUs 1 and 2 stand in no numa domain.
LOOSE = {"numa": [{"cores": "0-1", "gpus": "0"}, {"cores": "2-3"}]}


@pytest.mark.parametrize(
    ("cores", "gpus", "least"),
    [
        (1, 0, 0),
        # Two of one domain and the one that is in none.
        (3, 0, 0),
        # One of a domain would do, with the other.
        (2, 0, 0),
        (4, 0, 1),
        (5, 0, 1),
        (1, 1, 0),
        # The GPUs that are in none cost nothing.
        (0, 3, 0),
        (3, 3, 0),
    ],
)
def test_what_stands_in_no_domain_costs_nothing(cores: int, gpus: int, least: int) -> None:
    packer = NodePacker(Ground(read_R(describe_R(LOOSE, cores=0b11111, gpus=0b111))), (0, 0), 0b11111, 0b111)
    assert packer._least(Item("task", 1, cores, gpus)) == (least,)


@pytest.mark.parametrize(("gpus", "least"), [(2, 0), (3, 1), (4, 2)])
def test_gpus_are_counted_by_domain(gpus: int, least: int) -> None:
    numa = [{"cores": "0", "gpus": "0"}, {"cores": "1", "gpus": "1"}, {"cores": "2", "gpus": "2-3"}]
    packer = NodePacker(Ground(machine_from_topo({"numa": numa})), (0, 0), 0b111, 0b1111)
    assert packer._least(Item("task", 1, 0, gpus)) == (least,)


UNEVEN = {"numa": [{"cores": "0-3"}, {"cores": "4-5"}]}


@pytest.mark.parametrize("exact", [False, True])
def test_a_split_is_proven_when_that_of_each_node_is(exact: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = machine_from_topo(UNEVEN, 2)
    # On the first node two slots of three cores do not both fit into a domain, so the quick split proves nothing.
    held: Json = {
        "version": 1,
        "execution": {
            "R_lite": [{"rank": "0", "children": {"core": "0-5"}}, {"rank": "1", "children": {"core": "0-2"}}],
            "nslots": 3,
        },
    }
    if not exact:
        monkeypatch.setattr(packing, "MAX_STATES", 0)
        monkeypatch.setattr(packing, "MAX_MIXTURES", 0)
    verdict = check(machine, parse_resources(parse_shape("slot=3/core=3")), held)
    assert verdict.violations == ()
    assert any("there may be a better one" in note for note in verdict.notes) is not exact


def memory(*sizes: int) -> Machine:
    sockets = [{"cores": str(i), "memory": size} for i, size in enumerate(sizes)]
    return machine_from_topo({"socket": sockets})


def demand(*sockets: int) -> Demand:
    places: frozenset[Place] = frozenset((0, 1 + i) for i in sockets)
    return "memory", places


@pytest.mark.parametrize(("last", "fits"), [(2, True), (1, False)])
def test_requests_for_memory_displace_each_other_in_a_chain(last: int, fits: bool) -> None:
    state = State(Ground(memory(2, 2, last, 1, 1)))
    # The last one finds nothing free but what two others leave for places further on.
    wanted = {
        demand(3): Fraction(1),
        demand(4): Fraction(1),
        demand(0, 1): Fraction(2),
        demand(1, 2): Fraction(2),
        demand(0, 3, 4): Fraction(2),
    }
    assert (state.lacks(wanted) is None) is fits


def test_a_request_takes_the_rest_of_several_places() -> None:
    state = State(Ground(memory(2, 3, 2)))
    assert state.lacks({demand(0, 1): Fraction(4), demand(1, 2): Fraction(3)}) is None
    assert state.lacks({demand(0, 1): Fraction(4), demand(1, 2): Fraction(4)}) == "memory"


def test_a_domain_that_is_asked_for_nothing_but_memory_is_taken_whole() -> None:
    topo = {"numa": [{"cores": "0-1", "memory": 4}, {"cores": "2-3", "memory": 4}]}
    machine = machine_from_topo(topo)
    vertices = parse_resources(parse_shape("slot=1/numa/memory=2"))
    R = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
    assert R["execution"]["R_lite"][0]["children"]["core"] == "0-1"
    assert check(machine, vertices, R).violations == ()
    part = copy.deepcopy(R)
    part["execution"]["R_lite"][0]["children"]["core"] = "0"
    part["scheduling"]["placement"][0]["slots"][0]["cores"] = "0"
    assert check(machine, vertices, part).violations != ()


@pytest.mark.parametrize(("socket", "legal"), [("socket 0", False), ("socket 1", True)])
def test_where_a_running_job_has_its_memory_from_counts(socket: str, legal: bool) -> None:
    machine = machine_from_topo({"socket": [{"cores": "0-1", "memory": 2}, {"cores": "2-3", "memory": 2}]})
    running: Json = {
        "version": 1,
        "execution": {"R_lite": [{"rank": "0", "children": {"core": "3"}}], "nslots": 1},
        "scheduling": {
            "placement": [{"ranks": "0", "slots": [{"label": "task", "cores": "3", "memory": 2}]}],
            "amounts": [{"ranks": "0", "memory": {socket: 2}}],
        },
    }
    said = copy.deepcopy(running)
    said["execution"]["R_lite"][0]["children"]["core"] = "0"
    said["scheduling"] = {"placement": [{"ranks": "0", "slots": [{"label": "task", "cores": "0", "memory": 1}]}]}
    verdict = check(machine, parse_resources(parse_shape("slot=1/[core=1;memory=1]")), said, running=[running])
    assert (verdict.violations == ()) is legal


@pytest.mark.parametrize(("said", "legal"), [(4, True), (5, False)])
def test_an_open_count_of_memory_in_a_domain_that_is_whole(said: int, legal: bool) -> None:
    machine = machine_from_topo({"numa": [{"cores": "0", "memory": 4}, {"cores": "1", "memory": 4}]})
    vertices = parse_resources(parse_shape("slot=1/numa{x}/[core=1;memory=1-8]"))
    R = Pool(machine).alloc(1, Request.of(vertices)).to_dict()
    assert R["scheduling"]["placement"][0]["slots"][0]["memory"] == 4
    R["scheduling"]["placement"][0]["slots"][0]["memory"] = said
    assert (check(machine, vertices, R).violations == ()) is legal
