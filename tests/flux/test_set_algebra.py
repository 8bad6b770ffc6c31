"""Sets of ours beside Flux's `Rv1Set`: the same operations on the same resources give the same."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool, ExactSet

from flux.idset import IDset
from flux.resource import InsufficientResources
from flux.resource.ResourcePool import ResourcePool
from flux.resource.ResourceSet import ResourceSet
from flux.resource.Rv1Set import Rv1Set

Json = dict[str, Any]


def random_R(draw: random.Random) -> Json:
    """Some of six ranks, with some of eight cores and three GPUs, and properties."""
    ranks = draw.sample(range(6), draw.randint(1, 6))
    lite = [
        {
            "rank": str(rank),
            "children": {
                "core": str(IDset(draw.sample(range(8), draw.randint(1, 8)))),
                **({"gpu": str(IDset(draw.sample(range(3), draw.randint(1, 3))))} if draw.random() < 0.5 else {}),
            },
        }
        for rank in ranks
    ]
    properties = {name: str(IDset(draw.sample(ranks, draw.randint(1, len(ranks))))) for name in draw.sample("abc", 2)}
    nodelist = [f"n{rank}" for rank in sorted(ranks)]
    times = {"starttime": float(draw.randint(0, 9)), "expiration": float(draw.randint(0, 9))}
    return {"version": 1, "execution": {"R_lite": lite, "nodelist": nodelist, "properties": properties, **times}}


def content(resources: Any) -> Any:
    """What a set holds, in a form that compares."""
    execution = resources.to_dict()["execution"]
    return (
        resources.dumps(),
        str(resources.nodelist()),
        json.loads(resources.get_properties()),
        (execution["starttime"], execution["expiration"]),
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_operations_give_what_Rv1Set_gives(seed: int) -> None:
    draw = random.Random(seed)
    one, two = random_R(draw), random_R(draw)
    ours, theirs = (ExactSet(one), ExactSet(two)), (Rv1Set(one), Rv1Set(two))
    assert content(ours[0]) == content(theirs[0])
    assert (ours[0].nnodes(), ours[0].count("core"), ours[0].count("gpu")) == (
        theirs[0].nnodes(),
        theirs[0].count("core"),
        theirs[0].count("gpu"),
    )
    assert content(ours[0].union(ours[1])) == content(theirs[0].union(theirs[1]))
    assert content(ours[0].diff(ours[1])) == content(theirs[0].diff(theirs[1]))
    for kept in ("0-2", "5", ""):
        assert content(ours[0].copy_ranks(kept)) == content(theirs[0].copy_ranks(kept))
    for change in ("append", "add"):
        grown, expected = ours[0].copy(), theirs[0].copy()
        getattr(grown, change)(ours[1])
        getattr(expected, change)(theirs[1])
        assert content(grown) == content(expected)
    left, expected = ours[0].copy(), theirs[0].copy()
    left.remove_ranks(IDset("1-3"))
    expected.remove_ranks(IDset("1-3"))
    assert left.dumps() == expected.dumps()
    assert content(ours[0]) == content(theirs[0])


@pytest.mark.parametrize("seed", range(20))
def test_intersect_goes_by_ids_as_the_set_class_documents(seed: int) -> None:
    # Rv1Set's own intersect keeps all that it holds on the ranks in common; with diff it does not add up.
    draw = random.Random(seed)
    one, two = ExactSet(random_R(draw)), ExactSet(random_R(draw))
    both = one.intersect(two)
    assert both.dumps() == two.intersect(one).dumps()
    assert one.diff(two).count("core") + both.count("core") == one.count("core")
    assert one.diff(both).dumps() == one.diff(two).dumps()


@pytest.mark.parametrize(
    "wrap", [lambda s: s, ResourceSet, lambda s: s.to_dict(), lambda s: s.encode(), lambda s: Rv1Set(s.to_dict())]
)
def test_other_sets_may_be_of_any_class_wrapped_or_not(R: Json, wrap: Any) -> None:
    whole, part = ExactSet(R), ExactSet(R).copy_ranks("1-2")
    assert whole.intersect(wrap(part)).dumps() == part.dumps()
    assert whole.diff(wrap(part)).dumps() == whole.copy_ranks("0,3").dumps()
    assert part.union(wrap(whole)).dumps() == whole.dumps()


def test_Fluxs_wrapper_works_on_our_sets(R: Json) -> None:
    whole = ExactPool(R).to_resource_set()
    part = whole.copy_ranks("1-2")
    assert (whole & part).dumps() == part.dumps()
    assert str((whole - part).ranks) == "0,3"
    assert str((part | whole.copy_ranks("0")).ranks) == "0-2"
    assert (part.ncores, part.ngpus, part.nnodes, str(part.nodelist)) == (32, 8, 2, "node[1-2]")
    assert str(whole.copy_constraint({"properties": ["slow"]}).ranks) == "2-3"


@pytest.mark.parametrize("thing", [7, object()])
def test_what_has_no_R_is_a_TypeError(R: Json, thing: object) -> None:
    with pytest.raises(TypeError):
        ExactSet(R).union(thing)


def test_levels_below_the_node_are_counted(R: Json) -> None:
    whole = ExactSet(R)
    assert {name: whole.count(name) for name in ("node", "socket", "numa", "core", "gpu", "rack")} == {
        "node": 4,
        "socket": 8,
        "numa": 16,
        "core": 64,
        "gpu": 16,
        "rack": 0,
    }
    assert (
        ExactPool(R)
        .copy_ranks("0")
        .diff({**R, "execution": {"R_lite": [{"rank": "0", "children": {"core": "0-4", "gpu": "0"}}]}})
        .count("numa")
        == 3
    )


class TestPoolsThatGrow:
    def test_appended_ranks_are_up_and_free(self, cluster: Any, alloc: Any) -> None:
        R = cluster(4)
        pool = ExactPool(ExactSet(R).copy_ranks("0-1").to_dict())
        alloc(pool, 1, "node=2/slot=1/core=16", 60.0)
        pool.mark_down("1")
        before = (pool.copy_allocated().dumps(), pool.copy_down().dumps(), pool.job_end_times(), pool.generation)
        pool.append(ExactSet(R).copy_ranks("2-3"))
        assert (pool.copy_allocated().dumps(), pool.copy_down().dumps(), pool.job_end_times()) == before[:3]
        assert pool.generation == before[3] + 1
        assert str(alloc(pool, 2, "node=2/slot=1/core=16").impl.ranks()) == "2-3"
        assert str(pool.nodelist()) == "node[0-3]"

    def test_a_job_gives_back_what_it_has_on_ranks_that_came_back(self, cluster: Any, alloc: Any) -> None:
        R = cluster(2)
        pool = ExactPool(R)
        pool.remove_ranks("1")
        pool.append(ExactSet(R).copy_ranks("1"))
        given = alloc(pool, 1, "node=2/slot=1/core=16")
        pool.free(1, given.copy_ranks("1"))
        assert str(pool.copy_allocated().ranks) == "0"
        with pytest.raises(ValueError, match="1"):
            pool.free(1, given.copy_ranks("1"))

    def test_their_tree_comes_along(self, cluster: Any, alloc: Any) -> None:
        R = cluster(2)
        pool = ExactPool(ExactSet(R).copy_ranks("0").to_dict())
        pool.add(ExactSet(R).copy_ranks("1"))
        alloc(pool, 1, "node=1{x}/slot=1/core=1")
        assert alloc(pool, 2, "slot=1/socket{x}").dumps() == "rank1/core[0-7],gpu[0-1]"

    def test_properties_and_scheduling_may_change_under_jobs(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        alloc(pool, 1, "node=1/slot=1/core=16", 0, {"ranks": ["3"]})
        pool.set_property("new", "2-3")
        assert str(alloc(pool, 2, "slot=1/core=1", 0, {"properties": ["new"]}).impl.ranks()) == "2"
        pool.impl.scheduling = None
        assert "scheduling" not in pool.to_dict()
        assert pool.copy_allocated().nnodes == 2

    def test_an_allocation_can_be_worked_on_like_any_pool(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        allocation = alloc(pool, 1, "node=2/slot=1/core=4")
        before = pool.copy_allocated().dumps()
        with pytest.raises(InsufficientResources):
            alloc(allocation, 2, "slot=1/core=1")
        allocation.free(1)
        assert alloc(allocation, 2, "node=2/slot=1/core=4").impl.count("core") == 8
        allocation.remove_ranks("0")
        assert str(allocation.ranks()) == "1"
        assert pool.copy_allocated().dumps() == before

    def test_R_of_a_wrapped_pool_is_read(self, R: Json) -> None:
        assert ExactPool(R).union(ResourcePool(R)).dumps() == ExactPool(R).dumps()
