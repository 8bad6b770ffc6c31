"""Balance: 9 and 8 rather than 16 and 1; and so many nodes over just two chassis."""

from __future__ import annotations

from collections import Counter

import pytest

from certified import assert_as_certified
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Checker
from exactfit.solver.demand.request import Request
from exactfit.solver.options import Options
from exactfit.solver.policy.terms import parse_policy
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from racks import ids


def chassis(*sizes: int, policy: str) -> Pool:
    """Return a pool of chassis of so many nodes."""
    groups = [{"ranks": ids(sum(sizes[:n]), size)} for n, size in enumerate(sizes)]
    lite = [{"rank": ids(0, sum(sizes)), "children": {"core": "0-3"}}]
    R = {"version": 1, "execution": {"R_lite": lite}, "scheduling": {"groups": {"chassis": groups}}}
    return Pool(read_R(R), Options(policy=parse_policy(policy)))


def numbers(pool: Pool, shape: str) -> list[int]:
    """Return how many nodes each chassis gives, largest first, after a checker has judged the answer."""
    vertices = parse_resources(parse_shape(shape))
    allocation = pool.alloc(1, Request.of(vertices))
    R = allocation.to_dict()
    certificate = R["scheduling"]["certificate"]
    assert certificate["status"] == "OPTIMAL"
    verdict = Checker(pool.machine).judge(vertices, R)
    assert_as_certified(certificate, verdict)
    found = Counter({g.index: (g.members & allocation.nodes).bit_count() for g in pool.machine.groups})
    return sorted((+found).values(), reverse=True)


EVEN = "size,spread,balance.chassis,fit"


@pytest.mark.parametrize(
    ("sizes", "shape", "expected"),
    [
        ((16, 16), "node=17/slot/core", [9, 8]),
        ((16, 3, 16), "node=17/slot/core", [9, 8]),
        ((16, 16, 16), "node=33/slot/core", [11, 11, 11]),
        # Never more chassis for it, as they are compared before.
        ((16, 16), "node=4/slot/core", [4]),
        ((5, 2, 4), "node=10/slot/core", [4, 4, 2]),
        ((8, 8), "slot=34/core=1", [5, 4]),
    ],
)
def test_as_even_as_can_be(sizes: tuple[int, ...], shape: str, expected: list[int]) -> None:
    assert numbers(chassis(*sizes, policy=EVEN), shape) == expected


def test_without_the_term_the_first_chassis_is_filled() -> None:
    assert numbers(chassis(16, 16, policy="pack"), "node=17/slot/core") == [16, 1]


def test_seventeen_nodes_over_two_chassis_by_the_request() -> None:
    # RFC 14 multiplies counts, so two chassis of unlike numbers are two vertices.
    shape = "[chassis/node=9/slot{a}/core;chassis/node=8/slot{b}/core]"
    assert numbers(chassis(16, 16, 16, policy="pack"), shape) == [9, 8]


def test_a_level_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"balance\.rack: this machine has no level of groups rack"):
        chassis(4, policy="balance.rack")
    with pytest.raises(ValueError, match="no policy or term is called 'balance'"):
        parse_policy("balance,fit")
