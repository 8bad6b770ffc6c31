"""What groups above the nodes list of their own is given back with the ranks that had it, and moves with the groups."""

from __future__ import annotations

import pytest

from exactfit.adapters.audit.allocator import Allocator, InsufficientResources
from exactfit.adapters.audit.model import part_of
from exactfit.grammar.shape import parse_shape

from .inputs import NAMED
from .subjects import ThroughFlux, ThroughSolver

# Ranks 1 and 2 stand in the second rack, which has 4 GiB.
R = NAMED["racks with storage"]
SECOND = {"ranks": ["1-2"]}

both = pytest.mark.parametrize("subject", [ThroughFlux, ThroughSolver])


@both
@pytest.mark.parametrize("reloaded", [False, True])
def test_a_part_gives_back_what_its_ranks_had_of_the_group(subject: type[Allocator], reloaded: bool) -> None:
    pool = subject(R)
    given = pool.alloc(1, parse_shape("node=2/slot=1/[core=1;storage=2]"), SECOND)
    if reloaded:
        pool = subject(R)
        pool.register(1, given)
    with pytest.raises(InsufficientResources):
        pool.alloc(2, parse_shape("slot=1/[core=1;storage=1]"), SECOND)
    pool.free_part(1, part_of(given, [2]))
    pool.alloc(2, parse_shape("slot=1/[core=1;storage=2]"), SECOND)
    with pytest.raises(InsufficientResources):
        pool.alloc(3, parse_shape("slot=1/[core=1;storage=1]"), SECOND)


@both
def test_ranks_that_go_give_back_what_they_had_of_the_group(subject: type[Allocator]) -> None:
    pool = subject(R)
    pool.alloc(1, parse_shape("node=2/slot=1/[core=1;storage=2]"), SECOND)
    pool.remove([2])
    pool.alloc(2, parse_shape("slot=1/[core=1;storage=2]"), SECOND)
    with pytest.raises(InsufficientResources):
        pool.alloc(3, parse_shape("slot=1/[core=1;storage=1]"), SECOND)


@both
def test_jobs_keep_what_they_have_of_a_group_when_another_group_goes(subject: type[Allocator]) -> None:
    pool = subject(R)
    pool.alloc(1, parse_shape("slot=1/[core=1;storage=3]"), SECOND)
    pool.remove([0])
    with pytest.raises(InsufficientResources):
        pool.alloc(2, parse_shape("slot=1/[core=1;storage=2]"), SECOND)
    pool.free(1)
    pool.alloc(2, parse_shape("slot=1/[core=1;storage=4]"), SECOND)
