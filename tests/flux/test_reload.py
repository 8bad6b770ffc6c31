"""Reloads and sub-instances: R of every running job comes back as Flux gives it, and R of a job starts an instance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool
from exactfit.adapters.twin.simulation import Simulation
from sub_instance import renumbered

from flux.idset import IDset
from flux.resource import InfeasibleRequest, InsufficientResources
from flux.resource.ResourcePool import ResourcePool
from flux.resource.TreePool import TreePool

Json = dict[str, Any]


def stored(allocation: Any) -> Json:
    """What the KVS gives back of an R."""
    value: Json = json.loads(json.dumps(allocation.to_dict()))
    return value


def hello(pool: ExactPool, jobid: int, R: Json, free: str = "") -> None:
    """What `flux.scheduler` does with a job's R when it starts."""
    if free:
        trimmed = ExactPool(R, log=pool.impl.log)
        trimmed.remove_ranks(IDset(free))
        R = trimmed.to_dict()
    pool.register_alloc(jobid, ExactPool(R, log=pool.impl.log))


class TestHello:
    def test_jobs_on_any_ranks_are_registered(self, R: Json, alloc: Any) -> None:
        # TreePool insists on ranks from 0.
        before = ExactPool(R)
        given = {
            jobid: stored(alloc(before, jobid, shape))
            for jobid, shape in enumerate(["node=2/slot=1/core=16", "slot=2/numa{x}", "slot=3/[core=1;gpu=1]"])
        }
        after = ExactPool(R)
        after.mark_down("all")
        for jobid, resources in given.items():
            hello(after, jobid, resources)
        after.mark_up("all")
        assert after.copy_allocated().dumps() == before.copy_allocated().dumps()
        assert alloc(after, 9, "slot=1/[core=2;gpu=1]").dumps() == alloc(before, 9, "slot=1/[core=2;gpu=1]").dumps()

    def test_hosts_that_changed_their_ranks_are_warned_of_and_the_ranks_count(self, R: Json, alloc: Any) -> None:
        """An error would end the job; what it holds is on the ranks that its shells were started on."""
        R["execution"]["nodelist"] = ["a,b,c,d"]
        resources = stored(alloc(ExactPool(R), 1, "node=1/slot=1/core=4", 0, {"ranks": ["2"]}))
        said: list[str] = []
        moved = {**R, "execution": {**R["execution"], "nodelist": ["a,c,b,d"]}}
        pool = ExactPool(moved, log=lambda _, text: said.append(text))
        hello(pool, 1, resources)
        (warning,) = [text for text in said if "R says" in text]
        assert warning.endswith(": R says that rank 2 is c: here it is b, and c is rank 1; the rank counts")
        assert str(pool.copy_allocated().ranks) == "2"

    def test_a_core_that_the_node_lacks_is_said_to_be_lacking(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=1/slot=1/core=4"))
        resources["execution"]["R_lite"][0]["children"]["core"] = "900"
        resources.pop("scheduling")
        with pytest.raises(ValueError, match="R holds core 900 of rank 0, which has no such core"):
            hello(ExactPool(R), 1, resources)

    def test_a_job_that_returned_a_part_is_registered_with_the_rest(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=4/slot=1/[core=8;gpu=1]"))
        pool = ExactPool(R)
        hello(pool, 1, resources, "0,2")
        assert str(pool.copy_allocated().ranks) == "1,3"
        pool.free(1, ResourcePool(ExactPool(resources).copy_ranks("1,3").to_dict()), final=True)
        assert pool.copy_allocated().nnodes == 0

    def test_what_is_left_of_R_is_cut_along(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=4/slot=1/[core=8;gpu=1;memory=4]"))
        pool = ExactPool(resources)
        pool.remove_ranks(IDset("0,2"))
        left = pool.to_dict()
        assert left["execution"]["nodelist"] == ["node[1,3]"]
        assert left["execution"]["properties"] == {"fast": "1", "slow": "3"}
        assert [entry["ranks"] for entry in left["scheduling"]["children"]] == ["1,3"]
        assert [entry["ranks"] for entry in left["scheduling"]["placement"]] == ["1,3"]

    def test_memory_is_registered(self, R: Json, alloc: Any) -> None:
        # 64 GiB a node, 16 in each numa.
        resources = stored(alloc(ExactPool(R), 1, "node=4/slot=4/[core=1;memory=12]"))
        pool = ExactPool(R)
        hello(pool, 1, resources)
        with pytest.raises(InsufficientResources):
            alloc(pool, 2, "slot=1/[core=1;memory=17]")
        pool.free(1, ResourcePool(resources), final=True)
        alloc(pool, 2, "slot=1/[core=1;memory=17]")

    def test_memory_of_a_part_is_registered(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=4/slot=4/[core=1;memory=12]"))
        pool = ExactPool(R)
        hello(pool, 1, resources, "3")
        assert str(alloc(pool, 2, "slot=1/[core=1;memory=12]").impl.ranks()) == "3"

    @pytest.mark.parametrize("pool_class", [ResourcePool, TreePool, ExactPool])
    def test_jobs_that_another_pool_class_placed_are_registered(self, R: Json, alloc: Any, pool_class: Any) -> None:
        resources = stored(alloc(pool_class(R), 1, "node=2/slot=1/[core=8;gpu=1]"))
        pool = ExactPool(R)
        hello(pool, 1, resources)
        assert pool.copy_allocated().ncores == 16

    @pytest.mark.parametrize(
        "scheduling",
        [
            None,
            {"writer": "fluxion", "graph": {"nodes": [{"id": "0"}], "edges": []}},
            {"graph": {"nodes": [], "edges": []}},
            {"writer": "someone", "children": "not ours", "groups": 7},
            {"writer": "TreePool", "children": [{"ranks": "0-3", "topo": {}}]},
        ],
    )
    def test_R_of_other_writers_is_read_cut_and_given_back(self, R: Json, alloc: Any, scheduling: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=2/slot=1/core=16"))
        del resources["scheduling"]
        if scheduling is not None:
            resources["scheduling"] = scheduling
        pool = ExactPool(R)
        hello(pool, 1, resources, "0")
        assert pool.copy_allocated().dumps() == "rank1/core[0-15]"

    def test_a_job_on_a_rank_that_is_gone_is_refused(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=1/slot=1/core=1"))
        pool = ExactPool(R)
        pool.remove_ranks("0")
        with pytest.raises(ValueError, match="0"):
            hello(pool, 1, resources)

    def test_a_job_on_what_another_holds_is_refused(self, R: Json, alloc: Any) -> None:
        resources = stored(alloc(ExactPool(R), 1, "node=1/slot=1/core=1"))
        pool = ExactPool(R)
        hello(pool, 1, resources)
        with pytest.raises(ValueError, match="job ƒ3"):
            hello(pool, 2, resources)
        assert [jobid for jobid, _ in pool.job_end_times()] == [1]


class TestShrink:
    def test_a_job_may_return_ranks_that_shrank_away(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        resources = stored(alloc(pool, 1, "node=4/slot=1/core=16"))
        pool.remove_ranks(IDset("3"))
        pool.free(1, ResourcePool(ExactPool(resources).copy_ranks("2-3").to_dict()))
        pool.free(1, ResourcePool(ExactPool(resources).copy_ranks("0-1").to_dict()), final=True)
        assert (pool.copy_allocated().nnodes, pool.job_end_times()) == (0, [])

    def test_a_final_R_with_ranks_that_shrank_away_matches(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        resources = stored(alloc(pool, 1, "node=4/slot=1/core=16"))
        pool.remove_ranks(IDset("0"))
        pool.free(1, ResourcePool(resources), final=True)
        assert pool.job_end_times() == []

    def test_what_is_placed_after_it_stands_on_the_right_ranks(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        alloc(pool, 1, "node=1/slot=1/core=16", 0, {"ranks": ["2"]})
        pool.mark_down("3")
        pool.remove_ranks(IDset("0"))
        assert str(alloc(pool, 2, "node=1/slot=1/core=1").impl.ranks()) == "1"
        assert str(pool.copy_down().ranks) == "3"
        assert str(pool.copy_allocated().ranks) == "1-2"


class TestSubInstance:
    def test_the_writer_names_our_class(self, R: Json, alloc: Any) -> None:
        scheduling = alloc(ExactPool(R), 1, "node=1/slot=1/core=1").to_dict()["scheduling"]
        assert scheduling["writer"] == "exactfit.adapters.flux"

    def test_the_tree_is_matched_by_order(self, cluster: Any, alloc: Any) -> None:
        R = cluster(4)
        R["scheduling"]["children"] = [
            {"ranks": "0-1", "topo": R["scheduling"]["children"][0]["topo"]},
            {"ranks": "2-3", "topo": {"cores": "0-15", "gpus": "0-3"}},
        ]
        parent = ExactPool(R)
        child = ExactPool(renumbered(stored(alloc(parent, 1, "node=3{x}/slot=1/core=1", 0, {"ranks": ["1-3"]}))))
        assert child.dumps() == "rank[0-2]/core[0-15],gpu[0-3]"
        assert str(alloc(child, 1, "slot=1/numa{x}").impl.ranks()) == "0"
        # Ranks 1 and 2 were 2 and 3, and have no numa.
        with pytest.raises(InfeasibleRequest):
            alloc(child, 2, "node=1/slot=1/numa{x}", 0, {"ranks": ["1-2"]})

    def test_containers_of_which_R_holds_a_part_are_whole_with_what_it_holds(self, R: Json, alloc: Any) -> None:
        # Four cores and their GPU in one numa, two cores of the next.
        shape = "node=1/[slot=1{a}/numa{x};slot=1{b}/core=2]"
        child = ExactPool(renumbered(stored(alloc(ExactPool(R), 1, shape))))
        assert child.dumps() == "rank0/core[0-5],gpu0"
        assert alloc(child, 1, "slot=1/numa{x}").dumps() == "rank0/core[0-3],gpu0"
        assert alloc(child, 2, "slot=1/numa{x}").dumps() == "rank0/core[4-5]"
        child.free(2)
        assert alloc(child, 3, "slot=1/core=2").dumps() == "rank0/core[4-5]"

    def test_a_part_of_a_node_can_be_asked_for_as_a_node(self, R: Json, alloc: Any) -> None:
        # `flux run -N1` and nested `flux alloc -N1` in a job that holds a part of a node.
        child = ExactPool(renumbered(stored(alloc(ExactPool(R), 1, "node=1/slot=4/core=2"))))
        for jobid, shape in enumerate(("node=1{x}/slot=1/core=1", "slot=1/node", "slot=1/node{x}/core=8")):
            assert alloc(child, jobid, shape).dumps() == "rank0/core[0-7]"
            child.free(jobid)
        with pytest.raises(InfeasibleRequest):
            alloc(child, 9, "node=1{x}/slot=1/core=9")

    def test_a_child_of_a_child_works(self, R: Json, alloc: Any) -> None:
        pool = ExactPool(R)
        for jobid, (shape, ranks) in enumerate(
            [
                ("node=3/slot=1/[core=16;gpu=4]", ["1-3"]),
                ("node=2/slot=1/[core=16;gpu=4]", ["1-2"]),
                ("node=1/slot=1/socket{x}", ["1"]),
            ]
        ):
            resources = stored(alloc(pool, jobid, shape, 0, {"ranks": ranks}))
            pool = ExactPool(renumbered(resources))
        assert alloc(pool, 9, "slot=1/[core=4;gpu=1]").dumps() == "rank0/core[0-3],gpu0"
        assert pool.to_dict()["execution"]["nodelist"] == ["node3"]

    def test_the_parents_placement_is_not_the_childs(self, R: Json, alloc: Any) -> None:
        parent = ExactPool(R)
        alloc(parent, 1, "node=1/slot=1/core=16")
        resources = renumbered(stored(alloc(parent, 2, "node=2/slot=1/[core=16;gpu=4]")))
        child = ExactPool(resources)
        assert "placement" not in child.to_dict()["scheduling"]
        child.remove_ranks("1")
        assert child.to_dict()["scheduling"]["children"][0]["ranks"] == "0"

    def test_a_default_pool_can_run_it_too(self, R: Json, alloc: Any) -> None:
        resources = renumbered(stored(alloc(ExactPool(R), 1, "node=2/slot=1/core=16")))
        assert alloc(ResourcePool(resources), 1, "slot=1/core=4").impl.count("core") == 4

    @pytest.mark.parametrize("pool_class", [None, ExactPool])
    def test_the_scheduler_finds_the_class_by_its_writer(self, R: Json, alloc: Any, pool_class: Any) -> None:
        resources = renumbered(stored(alloc(ExactPool(R), 1, "node=2/slot=1/[core=16;gpu=4]")))
        assert type(Simulation(pool_class, resources).scheduler.resources) is ExactPool


@pytest.mark.parametrize("own", [ResourcePool, TreePool])
class TestGoingBack:
    """Flux makes our class of a job's R, as its writer says, and gives it to the pool of its own that is loaded."""

    def test_jobs_are_taken_over(self, own: type[ResourcePool], R: Json, alloc: Any) -> None:
        ours, theirs = ExactPool(R), own(R)
        for jobid, shape in enumerate(["node=2/slot=1/core=16", "slot=3/[core=1;gpu=1]", "slot=2/[core=2;memory=4]"]):
            theirs.register_alloc(jobid, ExactPool(stored(alloc(ours, jobid, shape)), log=ours.impl.log))
        assert theirs.copy_allocated().dumps() == ours.copy_allocated().dumps()
        assert dict(theirs.job_end_times()) == dict(ours.job_end_times())

    def test_and_end_there_in_parts(self, own: type[ResourcePool], R: Json, alloc: Any) -> None:
        ours, theirs = ExactPool(R), own(R)
        resources = stored(alloc(ours, 1, "node=4/slot=1/[core=8;gpu=1]"))
        theirs.register_alloc(1, ExactPool(resources))
        theirs.free(1, ResourcePool(ExactPool(resources).copy_ranks("0,2").to_dict()))
        assert str(theirs.copy_allocated().ranks) == "1,3"
        theirs.free(1, ResourcePool(ExactPool(resources).copy_ranks("1,3").to_dict()), final=True)
        assert theirs.copy_allocated().nnodes == 0

    def test_also_after_a_part_came_back(self, own: type[ResourcePool], R: Json, alloc: Any) -> None:
        trimmed = ExactPool(stored(alloc(ExactPool(R), 1, "node=4/slot=1/[core=8;gpu=1]")))
        trimmed.remove_ranks(IDset("0,2"))
        theirs = own(R)
        theirs.register_alloc(1, trimmed)
        assert str(theirs.copy_allocated().ranks) == "1,3"
