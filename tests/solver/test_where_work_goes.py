"""Work that is left goes where the proof is: several slot types on one node, several nodes, level after level."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from benchmarks.campaign import KINDS, decide, held, held_R, machine_of
from benchmarks.forms import Asked
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Checker, InfeasibleRequest, InsufficientResources, Machine, Pool, Request
from exactfit.solver.cpsat.budget import Budget
from exactfit.solver.machine.decide import Decider
from exactfit.topology.line import line_R
from exactfit.topology.rset import read_R

CASES = {
    "all types at once on the only node": (
        ("four levels, GPUs", [("", "")], "[slot=2{a}/[core=1;gpu=1];slot=4{b}/[core=31];slot=19{c}/[core=3]]"),
        0.1,
    ),
    "types of which one has a GPU on the only node": (
        (
            "four levels, GPUs",
            [("46-58,67-68,139-149", "1,3-4,7")],
            "[slot=1{a}/[core=17;gpu=2];slot=4{b}/[core=27];slot=1{c}/[core=8;gpu=1]]",
        ),
        0.5,
    ),
    "all types on one node of two": (
        (
            "four levels, GPUs",
            [("87-97,147-157,178-190,240-241", ""), ("", "")],
            "[slot=8{a}/[core=7;gpu=1];slot=19{b}/[core=4];slot=19{c}/[core=3]]",
        ),
        0.2,
    ),
    "levels leave work for the search": (
        (
            "LLC as numa",
            [("45-55,58-67,105-109,175-184,190,194-197,240-245", "")],
            "node=1/[slot=5{a}/[core=20];slot=8{b}/[core=7]]",
        ),
        0.45,
    ),
    "what one node leaves of its share is another's": (
        (
            "two dies",
            [("", ""), ("84-91,108-118", ""), ("", "")],
            "node=3/[slot=1{a}/[core=26;gpu=1];slot=1{b}/[core=6;gpu=1];slot=1{c}/[core=24]]",
        ),
        0.45,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_proven_with_so_much_work(name: str) -> None:
    (kind, ids, shape), most = CASES[name]
    assert kind in KINDS
    taken = [(_mask(cores), _mask(gpus)) for cores, gpus in ids]
    outcome = decide(kind, machine_of(kind, len(ids)), taken, Asked("", shape, fits=True))
    assert (outcome.status, outcome.fault) == ("optimal", "")
    assert outcome.work <= most


def _mask(ids: str) -> int:
    return sum(1 << number for number in IdSet.parse(ids)) if ids else 0


@pytest.mark.parametrize("seed", range(30))
def test_types_on_one_node_of_several_are_worth_what_the_best_of_all_ways_is(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all slots are best on one node, going through all that each node may give comes to the same."""
    ways = random.Random(seed)
    machine = read_R(line_R(f"node:2 {ways.choice(('numa:2 gpu:1 core:3', 'socket:2 numa:2 gpu:1 core:2'))}"))
    taken = held(ways, machine)
    asked = [
        f"slot={ways.randint(1, 2)}{{a}}/[core={ways.randint(1, 3)};gpu=1]",
        f"slot={ways.randint(1, 3)}{{b}}/core=1",
    ]
    shape = f"[{';'.join(asked)}]"
    at_once = _certificate(machine, taken, shape)
    monkeypatch.setattr(Decider, "_all_on_one_node", lambda *_: None)
    assert _certificate(machine, taken, shape) == at_once


def _certificate(machine: Machine, taken: Sequence[tuple[int, int]], shape: str) -> object:
    pool, checker = Pool(machine), Checker(machine)
    before = held_R(machine, taken)
    if before["execution"]["R_lite"]:
        pool.register_alloc(1, before)
        checker.allocate(before)
    request = Request.of(parse_resources(parse_shape(shape)))
    try:
        allocation = pool.alloc(2, request, budget=Budget(5))
    except (InfeasibleRequest, InsufficientResources) as refusal:
        return type(refusal)
    verdict = checker.judge(request.shape.vertices, allocation.to_dict())
    assert verdict.legal, verdict.violations
    certificate = allocation.certificate
    assert certificate["status"] == "OPTIMAL"
    assert all(verdict.terms[name] == value for name, value in certificate["terms"].items() if name != "size")
    return certificate["terms"]
