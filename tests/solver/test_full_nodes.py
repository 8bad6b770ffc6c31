"""Requests on whole, idle or fragmented nodes of real size: placed and proven, with what is best about them."""

from __future__ import annotations

from typing import Any

import pytest

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.describe import describe_R
from exactfit.topology.rset import read_R
from node_trees import held_R, tree

HELD = (
    "0-4,6,9-10,12,15-23,25,32,34-36,39,42-45,47,56-64,69,71,73,75,78,80-87,93,96-103,105-109,120-121,126-128,134,142,"
    "144-154,156-160,163,165,169-170,173,175,179,181,194,200,204,206,208-216,232,234,237,240,242-250,255"
)
"""Cores of a node of 256 that jobs hold: 133 are free, few of them together."""


def cores_of(text: str) -> int:
    """Return the bitmask of a list of cores."""
    mask = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        mask |= (1 << int(last or first) + 1) - (1 << int(first))
    return mask


def placed(name: str, shape: str, policy: str = "pack", held: int = 0, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the certificate of a request on a node, after the checker has redone it."""
    machine = read_R(describe_R(tree(name), 1))
    pool, checker = Pool(machine, Options(parse_policy(policy))), Checker(machine)
    if held:
        pool.register_alloc(1, held_R(held, 0))
        checker.allocate(held_R(held, 0))
    for jobid, other in enumerate(before, 2):
        checker.allocate(pool.alloc(jobid, ask(other)).to_dict())
    request = ask(shape)
    allocation = pool.alloc(99, request)
    verdict = checker.judge(request.shape.vertices, allocation.to_dict())
    assert_as_certified(allocation.certificate, verdict)
    return allocation.certificate


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


def affinity(certificate: dict[str, Any]) -> list[int]:
    return [value for name, value in certificate["terms"].items() if name.startswith("affinity")]


@pytest.mark.parametrize(
    ("name", "shape", "crossed"),
    [
        ("EPYC", "slot=25/core=5", [1, 4, 11]),
        ("EPYC", "node=1/slot=25/core=5", [1, 4, 11]),
        ("four levels", "slot=81/core=3", [0, 1, 17]),
        ("four levels", "node=1/slot=81/core=3", [0, 1, 17]),
        ("two dies", "slot=7/core=17", [1, 7, 14]),
        ("A-node", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]", [0, 2]),
        ("cores outside", "node=1/slot=6/core=4", [0, 0]),
        ("two dies", "node=1/[slot=1{a}/[core=20;gpu=1];slot=2{b}/core=5]", [0, 1, 2]),
        ("EPYC", "node=1/[slot=1{a}/core=20;slot=2{b}/core=7]", [0, 1, 2]),
        ("A-node with memory", "node=1{x}/slot=5/[core=21;memory=19]", [1, 5]),
    ],
)
def test_torn_slots_on_idle_nodes_are_proven(name: str, shape: str, crossed: list[int]) -> None:
    certificate = placed(name, shape)
    assert certificate["status"] == "OPTIMAL"
    assert affinity(certificate) == crossed


@pytest.mark.parametrize("shape", ["slot=18/core=5", "node=1/slot=18/core=5"])
def test_small_pieces_of_32_domains(shape: str) -> None:
    certificate = placed("LLC as numa", shape, held=cores_of(HELD))
    assert certificate["status"] == "OPTIMAL"
    assert affinity(certificate) == [0, 2]


def test_each_slot_with_a_gpu_beside_torn_ones() -> None:
    shape, before = "node=1/slot=8/[core=7;gpu=1]", ("slot=4/core=13",)
    certificate = placed("A-node", shape, "partial,affinity,spread,intact,shield,fit", before=before)
    assert certificate["status"] == "OPTIMAL"
    assert affinity(certificate) == [3, 6]
    # One slot is whole in the socket of eight cores, five of its own apart, and leaves one core to the others there.
    certificate = placed("A-node", shape, before=before)
    assert (certificate["status"], affinity(certificate)) == ("OPTIMAL", [3, 6])
    assert certificate["terms"]["share.numa"] == 5 + 6 + 7 + 7


@pytest.mark.parametrize(
    "policy",
    ["intact,affinity", "fit,affinity", "shield,affinity", "worst-fit,affinity", "spread,fit", "spread,affinity"],
)
def test_any_order_of_terms(policy: str) -> None:
    assert placed("A-node", "node=1/slot=12/core=7", policy)["status"] == "OPTIMAL"


@pytest.mark.parametrize(
    ("name", "shape", "before", "crossed"),
    [
        ("EPYC with GPUs", "node=1/[slot=1{a}/core=14;slot=5{b}/[core=6;gpu=1]]", (), [0, 0, 1]),
        ("EPYC with GPUs", "node=1/[slot=1{a}/core=14;slot=5{b}/[core=6;gpu=1]]", ("slot=1/gpu=1",), [0, 0, 1]),
        ("A-node", "node=1/[slot=10{a}/core=10;slot=2{b}/core=2]", (), [0, 2]),
    ],
)
def test_two_kinds_of_slots_need_no_search(name: str, shape: str, before: tuple[str, ...], crossed: list[int]) -> None:
    machine = read_R(describe_R(tree(name), 1))
    pool = Pool(machine)
    for jobid, other in enumerate(before, 2):
        pool.alloc(jobid, ask(other))
    certificate = pool.alloc(99, ask(shape)).certificate
    assert (certificate["status"], affinity(certificate)) == ("OPTIMAL", crossed)
    assert pool.present[0].rankings.node_solver.solves == 0
