"""The fewest jobs to move so that a waiting one gets the racks that it asks for."""

from __future__ import annotations

import pytest

from exactfit.grammar.constraint import parse_constraint
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.cpsat.status import Status
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InsufficientResources
from exactfit.solver.joint import MovePlan, NotJointError, plan_moves
from exactfit.solver.pool import Pool
from exactfit.topology.rset import read_R
from racks import ids

SECONDS = 5.0


def request(shape: str, rank: int | None = None) -> Request:
    vertices = parse_resources(parse_shape(shape))
    return Request.of(vertices) if rank is None else Request.of(vertices, parse_constraint({"ranks": [str(rank)]}))


def site(*busy: int, rows: int = 1) -> Pool:
    """Return three racks of eight nodes for each row, on some ranks of which a job has the node."""
    racks = [{"ranks": ids(first, 8)} for first in range(0, 24 * rows, 8)]
    groups = {"row": [{"rack": racks[n : n + 3]} for n in range(0, 3 * rows, 3)]} if rows > 1 else {"rack": racks}
    lite = [{"rank": ids(0, 24 * rows), "children": {"core": "0-3"}}]
    pool = Pool(read_R({"version": 1, "execution": {"R_lite": lite}, "scheduling": {"groups": groups}}))
    for number, rank in enumerate(busy, 1):
        pool.alloc(number, request("node/slot/core=4", rank))
    return pool


def moved(pool: Pool, plan: MovePlan) -> Pool:
    """Return the pool after the moves, each to where the plan says."""
    after = pool.copy()
    for move in plan.moves:
        after.free(move.job)
    for move in plan.moves:
        after.alloc(move.job, request("node/slot/core=4", move.new.bit_length() - 1))
    return after


@pytest.mark.parametrize(
    ("busy", "shape", "moves"),
    [
        ((3, 11, 12, 20, 21), "rack=1/node=8/slot/core=4", 1),
        ((3, 11, 12, 20, 21), "rack/slot=8/core=4", 1),
        ((3, 11, 12, 20), "rack=2/node=8/slot/core=4", 2),
        ((0, 1, 2, 8, 9, 16), "slot=2/rack/node=8", 3),
        ((0, 1, 8, 9, 16, 17), "slot=4/rack/node=4", 2),
        ((0, 1, 8, 9, 16), "slot=1/rack=2/node=7", 1),
    ],
)
def test_the_fewest_moves_that_make_room(busy: tuple[int, ...], shape: str, moves: int) -> None:
    pool = site(*busy)
    with pytest.raises(InsufficientResources):
        pool.copy().alloc(100, request(shape))
    assert plan_moves(pool, request(shape), moves - 1, SECONDS) is None
    plan = plan_moves(pool, request(shape), moves, SECONDS)
    assert plan is not None
    assert (plan.status, len(plan.moves)) == (Status.OPTIMAL, moves)
    moved(pool, plan).alloc(100, request(shape))


def test_groups_in_groups() -> None:
    # Of each row one rack has seven nodes free, and one has six.
    pool = site(0, 8, 9, 16, 17, 24, 32, 33, 40, 41, rows=2)
    plan = plan_moves(pool, request("row/rack=2/node=8/slot/core=4"), 5, SECONDS)
    assert plan is not None
    assert len(plan.moves) == 3
    moved(pool, plan).alloc(100, request("row/rack=2/node=8/slot/core=4"))


def test_racks_that_are_taken_whole_are_not_looked_for() -> None:
    with pytest.raises(NotJointError, match="whole"):
        plan_moves(site(3), request("slot=3/rack{x}/node=8"), 2, SECONDS)
