"""What Flux documents of its pools and a caller can observe: a test a sentence, on every pool class that promises it.

The sentences are those of the docstrings of `flux.resource.ResourcePoolImplementation`, `ResourceSetImplementation`,
`ResourcePool`, `Rv1Set`, `Rv1Pool` and `TreePool`, and of "Writing a Python Scheduler" in Flux's documentation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from exactfit.adapters.flux import ExactPool

from flux.hostlist import Hostlist
from flux.idset import IDset
from flux.resource import InfeasibleRequest, InsufficientResources
from flux.resource.ResourcePool import ResourcePool
from flux.resource.ResourcePoolImplementation import ResourcePoolImplementation
from flux.resource.ResourceSet import ResourceSet

Json = dict[str, Any]


class TestMaking:
    def test_a_pool_is_made_of_R_as_text(self, any_pool: Any, R: Json) -> None:
        assert any_pool(json.dumps(R)).to_dict() == any_pool(R).to_dict()

    def test_a_pool_wraps_an_implementation_that_it_is_given(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        assert any_pool(pool.impl).impl is pool.impl

    def test_another_version_of_R_is_a_ValueError(self, any_pool: Any, R: Json) -> None:
        with pytest.raises(ValueError, match="2"):
            any_pool({**R, "version": 2})

    def test_an_argument_of_another_type_is_a_TypeError(self, any_pool: Any) -> None:
        with pytest.raises(TypeError):
            any_pool(42)

    def test_the_pool_knows_its_version(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).version == 1

    def test_the_pool_is_a_ResourcePool_around_a_pool_implementation(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        assert isinstance(pool, ResourcePool)
        assert isinstance(pool.impl, ResourcePoolImplementation)

    def test_the_errors_are_attributes_of_the_class(self, any_pool: Any) -> None:
        assert any_pool.InsufficientResources is InsufficientResources
        assert any_pool.InfeasibleRequest is InfeasibleRequest

    def test_the_implementation_has_a_name_for_people(self, any_pool: Any, R: Json) -> None:
        assert isinstance(any_pool(R).impl.name, str)
        assert any_pool(R).impl.name

    def test_the_implementation_names_the_options_that_it_knows(self, any_pool: Any, R: Json) -> None:
        assert all(isinstance(option, str) for option in any_pool(R).impl.known_options)

    def test_no_logger_is_needed(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).impl.log(7, "nobody hears this") is None

    def test_messages_go_to_the_logger_that_the_pool_was_given(
        self, any_pool: Any, R: Json, log: Any, alloc: Any
    ) -> None:
        alloc(any_pool(R, log=log), 1, "slot=1/core=1")
        assert "alloc" in log


class TestResources:
    def test_dumps_is_a_short_text(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).dumps() == "rank[0-3]/core[0-15],gpu[0-3]"

    def test_encode_is_the_R_as_JSON(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        assert json.loads(impl.encode()) == impl.to_dict()

    def test_to_dict_gives_R_back(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).to_dict() == R

    def test_ranks_is_an_IDset(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).impl.ranks() == IDset("0-3")

    def test_nodelist_is_a_Hostlist_in_the_order_of_ranks(self, any_pool: Any, R: Json) -> None:
        nodelist = any_pool(R).impl.nodelist()
        assert isinstance(nodelist, Hostlist)
        assert str(nodelist) == "node[0-3]"

    def test_nnodes_is_the_number_of_nodes(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).impl.nnodes() == 4

    @pytest.mark.parametrize(("name", "count"), [("core", 64), ("gpu", 16), ("banana", 0)])
    def test_count_totals_a_type(self, any_pool: Any, R: Json, name: Any, count: Any) -> None:
        assert any_pool(R).impl.count(name) == count

    def test_count_does_not_care_what_is_up(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.mark_down("all")
        assert pool.impl.count("core") == 64

    def test_get_properties_is_an_RFC_20_object_as_text(self, any_pool: Any, R: Json) -> None:
        assert json.loads(any_pool(R).impl.get_properties()) == R["execution"]["properties"]

    def test_scheduling_is_kept_and_given_back(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).to_dict()["scheduling"] == R["scheduling"]

    def test_times_are_read_from_R(self, any_pool: Any, cluster: Any) -> None:
        impl = any_pool(cluster(starttime=1.5, expiration=2.5)).impl
        assert (impl.get_starttime(), impl.get_expiration()) == (1.5, 2.5)

    def test_times_can_be_set_and_stand_in_R(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.set_starttime(10.0)
        pool.set_expiration(20.0)
        execution = pool.to_dict()["execution"]
        assert (execution["starttime"], execution["expiration"]) == (10.0, 20.0)

    @pytest.mark.parametrize("used", [False, True])
    def test_jobs_without_an_end_end_with_the_instance(self, any_pool: Any, R: Json, alloc: Any, used: bool) -> None:
        pool = any_pool(R)
        if used:
            alloc(pool, 1, "slot=1/core=1")
            pool.free(1)
        pool.expiration = 5e9
        alloc(pool, 2, "slot=1/core=1")
        assert dict(pool.job_end_times()) == {2: 5e9}

    def test_expiration_is_a_property_too(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.expiration = 99.0
        assert pool.expiration == pool.impl.expiration == pool.impl.get_expiration() == 99.0


class TestSets:
    def test_copy_ranks_has_only_those_ranks(self, any_pool: Any, R: Json) -> None:
        part = any_pool(R).impl.copy_ranks("1,3")
        assert part.dumps() == "rank[1,3]/core[0-15],gpu[0-3]"
        assert str(part.nodelist()) == "node[1,3]"

    def test_copy_ranks_keeps_of_a_property_what_is_left(self, any_pool: Any, R: Json) -> None:
        assert json.loads(any_pool(R).impl.copy_ranks(IDset("0")).get_properties()) == {"fast": "0", "+local": "0"}

    def test_copy_ranks_has_nothing_allocated(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=16")
        assert pool.impl.copy_ranks("0").copy_allocated().count("core") == 0

    def test_copy_ranks_keeps_what_is_down(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.mark_down("0")
        assert pool.impl.copy_ranks("0-1").copy_down().dumps().startswith("rank0/")

    def test_union_has_what_either_has(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        assert impl.copy_ranks("0").union(impl.copy_ranks("2-3")).dumps() == impl.copy_ranks("0,2-3").dumps()

    def test_union_puts_the_ids_of_one_rank_together(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        one, two = alloc(pool, 1, "node=1/slot=1/core=2"), alloc(pool, 2, "node=1/slot=1/core=2")
        assert one.impl.union(two.impl).count("core") == 4

    def test_union_leaves_both_as_they_were(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        one, two = impl.copy_ranks("0"), impl.copy_ranks("1")
        one.union(two)
        assert (one.nnodes(), two.nnodes()) == (1, 1)

    def test_intersect_has_the_ranks_that_both_have(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        assert impl.copy_ranks("0-2").intersect(impl.copy_ranks("2-3")).dumps() == impl.copy_ranks("2").dumps()

    def test_diff_has_the_ids_that_the_other_has_not(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        taken = alloc(pool, 1, "node=1{x}/slot=1/core=1")
        assert pool.impl.diff(taken.impl).count("core") == 48

    def test_diff_has_no_ranks_of_which_nothing_is_left(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        assert str(impl.diff(impl.copy_ranks("1")).ranks()) == "0,2-3"

    def test_append_adds_ranks_in_place(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).to_resource_set().impl
        part = impl.copy_ranks("0")
        part.append(impl.copy_ranks("3"))
        assert str(part.ranks()) == "0,3"
        assert str(part.nodelist()) == "node[0,3]"

    def test_append_merges_the_ids_of_one_rank(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        one, two = alloc(pool, 1, "node=1/slot=1/core=2"), alloc(pool, 2, "node=1/slot=1/core=2")
        merged = ResourceSet(one.to_dict())
        merged.append(ResourceSet(two.to_dict()))
        ours = one.to_resource_set().impl
        ours.append(two.to_resource_set().impl)
        assert ours.dumps() == merged.dumps()

    def test_add_takes_properties_for_new_ranks_only(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).to_resource_set().impl
        part = impl.copy_ranks("0")
        other = impl.copy_ranks("0-1")
        other.set_property("extra")
        part.add(other)
        assert json.loads(part.get_properties())["extra"] == "1"

    def test_remove_ranks_takes_ranks_out(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.remove_ranks(IDset("1-2"))
        assert pool.impl.count("core") == 32
        assert str(pool.impl.ranks()) == "0,3"

    def test_remove_ranks_takes_them_out_of_properties(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.remove_ranks(IDset("0"))
        assert json.loads(pool.impl.get_properties())["fast"] == "1"

    def test_remove_ranks_passes_over_ranks_that_are_not_there(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.remove_ranks(IDset("7"))
        assert pool.impl.nnodes() == 4

    def test_nothing_is_placed_on_removed_ranks(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        pool.remove_ranks(IDset("0-2"))
        assert str(alloc(pool, 1, "node=1/slot=1/core=1").impl.ranks()) == "3"

    def test_set_property_refuses_names_and_ranks_that_cannot_be(self, any_pool: Any, R: Json) -> None:
        impl = any_pool(R).impl
        for name, ranks in (("", None), ("^no", None), ("yes", "9")):
            with pytest.raises(ValueError, match=r"property|rank"):
                impl.to_set().set_property(name, ranks)

    def test_copy_constraint_has_the_ranks_that_match(self, any_pool: Any, R: Json) -> None:
        for constraint in ({"properties": ["fast"]}, '{"properties": ["fast"]}'):
            assert str(any_pool(R).impl.copy_constraint(constraint).ranks()) == "0-1"

    def test_the_wrapper_gives_Fluxs_resource_sets(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.mark_down("3")
        assert all(
            isinstance(made, ResourceSet) for made in (pool.to_resource_set(), pool.copy_allocated(), pool.copy_down())
        )
        assert (pool.copy_down() & pool.to_resource_set()).ranks == IDset("3")


class TestAvailability:
    def test_nothing_is_placed_on_ranks_that_are_down(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        pool.mark_down("0-2")
        assert str(alloc(pool, 1, "node=1/slot=1/core=1").impl.ranks()) == "3"

    def test_all_means_all(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        pool.mark_down("all")
        with pytest.raises(InsufficientResources):
            alloc(pool, 1, "slot=1/core=1")
        pool.mark_up("all")
        assert alloc(pool, 1, "node=4/slot=1/core=16").impl.nnodes() == 4

    def test_ranks_that_are_not_there_are_passed_over(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.mark_down("2-9")
        pool.mark_up("3-9")
        assert str(pool.copy_down().ranks) == "2"

    def test_copy_down_has_the_ranks_that_are_down_whole(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=1")
        pool.mark_down("1")
        assert pool.copy_down().dumps() == "rank1/core[0-15],gpu[0-3]"

    def test_a_job_keeps_what_it_holds_on_a_rank_that_goes_down(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=16")
        pool.mark_down("0")
        pool.mark_up("0")
        with pytest.raises(InsufficientResources):
            alloc(pool, 2, "slot=1/core=1")


class TestAlloc:
    def test_the_answer_holds_only_what_is_allocated(self, any_pool: Any, R: Json, alloc: Any) -> None:
        allocation = alloc(any_pool(R), 1, "node=2/slot=1/[core=3;gpu=1]")
        assert (allocation.impl.nnodes(), allocation.impl.count("core"), allocation.impl.count("gpu")) == (2, 6, 2)

    def test_the_answer_is_a_pool_of_the_same_class(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        assert type(alloc(pool, 1, "slot=1/core=1")) is type(pool)

    def test_what_is_allocated_is_not_given_again(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        given = [alloc(pool, jobid, "node=1/slot=1/core=8").impl for jobid in range(8)]
        whole = given[0]
        for part in given[1:]:
            assert whole.diff(part).count("core") == whole.count("core")
            whole = whole.union(part)
        with pytest.raises(InsufficientResources):
            alloc(pool, 99, "slot=1/core=1")

    def test_the_answer_has_nslots_and_nodelist(self, any_pool: Any, R: Json, alloc: Any) -> None:
        execution = alloc(any_pool(R), 1, "node=2/slot=3/core=1").to_dict()["execution"]
        assert execution["nslots"] == 6
        assert execution["nodelist"] == ["node[0-1]"]

    def test_the_answer_has_the_properties_of_its_ranks(self, any_pool: Any, R: Json, alloc: Any) -> None:
        properties = alloc(any_pool(R), 1, "node=2/slot=1/core=1").to_dict()["execution"]["properties"]
        assert properties["fast"] == "0-1"
        assert "slow" not in properties

    def test_instance_local_properties_are_left_out_of_the_answer(self, any_pool: Any, R: Json, alloc: Any) -> None:
        constraint = {"properties": ["+local"]}
        assert "+local" not in json.dumps(alloc(any_pool(R), 1, "slot=1/core=1", 0, constraint).to_dict()["execution"])

    def test_scheduling_travels_with_the_answer(self, any_pool: Any, R: Json, alloc: Any) -> None:
        scheduling = alloc(any_pool(R), 1, "node=1/slot=1/[core=16;gpu=4]").to_dict()["scheduling"]
        assert scheduling["children"][0]["topo"] == R["scheduling"]["children"][0]["topo"]

    def test_scheduling_is_cut_to_the_ranks_of_the_answer(self, tree_pool: Any, R: Json, alloc: Any) -> None:
        scheduling = alloc(tree_pool(R), 1, "node=2/slot=1/core=16").to_dict()["scheduling"]
        assert [entry["ranks"] for entry in scheduling["children"]] == ["0-1"]

    def test_times_of_the_answer_can_be_set(self, any_pool: Any, R: Json, alloc: Any) -> None:
        allocation = alloc(any_pool(R), 1, "slot=1/core=1")
        allocation.set_starttime(5.0)
        allocation.set_expiration(6.0)
        execution = allocation.to_dict()["execution"]
        assert (execution["starttime"], execution["expiration"]) == (5.0, 6.0)

    def test_a_duration_gives_the_jobs_end(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        before = time.time()
        alloc(pool, 7, "slot=1/core=1", 100.0)
        ((jobid, end),) = pool.job_end_times()
        assert jobid == 7
        assert before + 100 <= end <= time.time() + 100

    def test_without_a_duration_a_job_ends_with_the_pool(self, any_pool: Any, cluster: Any, alloc: Any) -> None:
        pool = any_pool(cluster(expiration=5000.0))
        alloc(pool, 1, "slot=1/core=1")
        pool.expiration = 6000.0
        alloc(pool, 2, "slot=1/core=1")
        assert pool.job_end_times() == [(1, 5000.0), (2, 6000.0)]

    def test_without_duration_and_expiration_a_jobs_end_is_0(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "slot=1/core=1")
        assert pool.job_end_times() == [(1, 0.0)]

    def test_what_does_not_fit_now_is_insufficient(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=3/slot=1/core=16")
        with pytest.raises(InsufficientResources):
            alloc(pool, 2, "node=4/slot=1/core=16")

    @pytest.mark.parametrize(
        "shape", ["slot=1/core=17", "node=5/slot=1/core=1", "slot=65/core=1", "slot=1/[core=1;gpu=5]"]
    )
    def test_what_never_fits_is_infeasible(self, any_pool: Any, R: Json, alloc: Any, shape: str) -> None:
        pool = any_pool(R)
        with pytest.raises(InfeasibleRequest):
            alloc(pool, 1, shape)

    def test_a_failed_alloc_changes_nothing(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "slot=1/core=1")
        before = (pool.generation, pool.copy_allocated().dumps(), pool.job_end_times())
        for shape in ("node=4/slot=1/core=16", "slot=1/core=99"):
            with pytest.raises((InsufficientResources, InfeasibleRequest)):
                alloc(pool, 2, shape)
        assert (pool.generation, pool.copy_allocated().dumps(), pool.job_end_times()) == before

    def test_nodes_asked_for_are_distinct(self, any_pool: Any, R: Json, alloc: Any) -> None:
        assert alloc(any_pool(R), 1, "node=3/slot=1/core=1").impl.nnodes() == 3

    def test_an_exclusive_node_is_given_whole(self, any_pool: Any, R: Json, alloc: Any) -> None:
        allocation = alloc(any_pool(R), 1, "node=1{x}/slot=1/core=1")
        assert allocation.dumps() == "rank0/core[0-15],gpu[0-3]"

    def test_an_exclusive_node_must_be_free(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=1")
        with pytest.raises(InsufficientResources):
            alloc(pool, 2, "node=1{x}/slot=1/core=1")

    def test_as_many_as_there_are_up_to_the_greatest_count(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        assert alloc(pool, 1, "slot=2-5/core=4").impl.count("core") == 20
        assert alloc(pool, 2, "slot=1+/core=4").impl.count("core") == 44

    @pytest.mark.parametrize(
        ("constraint", "ranks"),
        [
            ({"properties": ["slow"]}, {2, 3}),
            ({"properties": ["^slow"]}, {0, 1}),
            ({"hostlist": ["node[1-2]"]}, {1, 2}),
            ({"ranks": ["3"]}, {3}),
            ({"and": [{"properties": ["fast"]}, {"hostlist": ["node1"]}]}, {1}),
            ({"or": [{"ranks": ["0"]}, {"ranks": ["3"]}]}, {0, 3}),
            ({"not": [{"properties": ["fast"]}]}, {2, 3}),
        ],
    )
    def test_constraints_are_kept(self, any_pool: Any, R: Json, alloc: Any, constraint: Any, ranks: Any) -> None:
        pool = any_pool(R)
        allocation = alloc(pool, 1, f"node={len(ranks)}/slot=1/core=1", 0, constraint)
        assert set(allocation.impl.ranks()) == ranks
        with pytest.raises(InfeasibleRequest):
            alloc(pool, 2, f"node={len(ranks) + 1}/slot=1/core=1", 0, constraint)

    def test_a_whole_container_is_given(self, tree_pool: Any, R: Json, alloc: Any) -> None:
        pool = tree_pool(R)
        assert alloc(pool, 1, "slot=1/numa{x}").dumps() == "rank0/core[0-3],gpu0"
        assert alloc(pool, 2, "slot=1/socket{x}").dumps() == "rank0/core[8-15],gpu[2-3]"

    def test_cores_and_gpu_of_a_slot_stand_close(self, tree_pool: Any, R: Json, alloc: Any) -> None:
        pool = tree_pool(R)
        for jobid, numa in enumerate(("rank0/core[0-1],gpu0", "rank0/core[4-5],gpu1", "rank0/core[8-9],gpu2")):
            assert alloc(pool, jobid, "slot=1/[core=2;gpu=1]").dumps() == numa

    def test_a_node_in_use_is_filled_before_another_is_broken_into(self, tree_pool: Any, R: Json, alloc: Any) -> None:
        pool = tree_pool(R)
        alloc(pool, 1, "slot=1/core=1")
        assert str(alloc(pool, 2, "slot=1/core=4").impl.ranks()) == "0"


class TestFeasibility:
    def test_it_does_not_matter_what_is_allocated_or_down(
        self, any_pool: Any, R: Json, alloc: Any, jobspec: Any
    ) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=16")
        pool.mark_down("all")
        pool.check_feasibility(pool.parse_resource_request(jobspec("node=4/slot=1/core=16")))

    def test_what_can_never_be_is_refused(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        pool = any_pool(R)
        with pytest.raises(InfeasibleRequest):
            pool.check_feasibility(pool.parse_resource_request(jobspec("node=5/slot=1/core=1")))

    def test_constraints_count(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        pool = any_pool(R)
        request = pool.parse_resource_request(jobspec("node=3/slot=1/core=1", 0, {"properties": ["fast"]}))
        with pytest.raises(InfeasibleRequest):
            pool.check_feasibility(request)

    def test_it_changes_nothing(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        pool = any_pool(R)
        pool.check_feasibility(pool.parse_resource_request(jobspec("node=4/slot=1/core=16")))
        assert (pool.generation, pool.copy_allocated().ncores) == (0, 0)


class TestFree:
    def test_all_of_a_job_is_freed(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=4/slot=1/core=16")
        pool.free(1)
        assert pool.job_end_times() == []
        assert alloc(pool, 2, "node=4/slot=1/core=16").impl.count("core") == 64

    def test_an_unknown_job_is_no_error(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.free(1)
        pool.free(1, final=True)
        assert pool.copy_allocated().ncores == 0

    def test_a_part_of_a_job_is_freed_by_rank(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = alloc(pool, 1, "node=4/slot=1/core=16")
        pool.free(1, ResourcePool(whole.to_dict()).impl.copy_ranks("1-2"))
        assert str(pool.copy_allocated().ranks) == "0,3"
        assert [jobid for jobid, _ in pool.job_end_times()] == [1]

    def test_the_last_of_a_job_is_freed_by_what_is_left(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=4/slot=1/core=16").to_dict()).impl
        pool.free(1, whole.copy_ranks("1-2"))
        pool.free(1, whole.copy_ranks("0,3"), final=True)
        assert pool.copy_allocated().ncores == 0
        assert pool.job_end_times() == []

    def test_final_without_R_frees_what_is_left(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=4/slot=1/core=16").to_dict()).impl
        pool.free(1, whole.copy_ranks("1-2"))
        pool.free(1, final=True)
        assert pool.copy_allocated().ncores == 0

    def test_a_job_is_known_until_its_last_is_freed(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=2/slot=1/core=16").to_dict()).impl
        pool.free(1, whole.copy_ranks("0"))
        pool.free(1, whole.copy_ranks("1"))
        assert [jobid for jobid, _ in pool.job_end_times()] == [1]
        pool.free(1, final=True)
        assert pool.job_end_times() == []

    def test_ranks_that_are_not_the_jobs_are_a_ValueError(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=1/slot=1/core=16")
        with pytest.raises(ValueError, match="3"):
            pool.free(1, pool.impl.copy_ranks("3"))
        assert pool.copy_allocated().ncores == 16

    def test_a_rank_is_not_freed_twice(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=4/slot=1/core=16").to_dict()).impl
        pool.free(1, whole.copy_ranks("0"))
        other = alloc(pool, 2, "node=1/slot=1/core=16")
        with pytest.raises(ValueError, match="allocation"):
            pool.free(1, whole.copy_ranks("0"))
        pool.free(1, whole.copy_ranks("1-3"), final=True)
        assert pool.copy_allocated().dumps() == other.dumps()

    def test_a_final_R_without_all_that_is_left_is_a_ValueError(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=4/slot=1/core=16").to_dict()).impl
        with pytest.raises(ValueError, match="final"):
            pool.free(1, whole.copy_ranks("0"), final=True)
        assert pool.copy_allocated().ncores == 64

    def test_a_final_R_with_other_ids_is_a_ValueError(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        given = alloc(pool, 1, "node=1/slot=1/core=4").to_dict()
        given["execution"]["R_lite"][0]["children"]["core"] = "0-2"
        with pytest.raises(ValueError, match="final"):
            pool.free(1, ResourcePool(given), final=True)

    def test_the_simulation_frees_what_is_left_of_a_job(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        whole = ResourcePool(alloc(pool, 1, "node=4/slot=1/core=16").to_dict()).impl
        pool.free(1, whole.copy_ranks("0-1"))
        other = alloc(pool, 2, "node=2/slot=1/core=16")
        simulation = pool.copy()
        simulation.free(1)
        assert simulation.copy_allocated().dumps() == other.dumps()


class TestRegister:
    def test_registered_resources_are_taken(self, any_pool: Any, R: Json, alloc: Any) -> None:
        given = alloc(any_pool(R), 1, "node=1/slot=1/core=16")
        pool = any_pool(R)
        pool.register_alloc(1, given)
        assert pool.copy_allocated().dumps() == given.dumps()
        assert str(alloc(pool, 2, "node=3/slot=1/core=16").impl.ranks()) == "1-3"

    def test_the_jobs_end_is_the_expiration_of_its_R(self, any_pool: Any, R: Json, alloc: Any) -> None:
        given = alloc(any_pool(R), 1, "slot=1/core=1")
        given.set_expiration(5000.0)
        pool = any_pool(R)
        pool.register_alloc(1, given)
        assert pool.job_end_times() == [(1, 5000.0)]

    def test_ranks_that_the_pool_lacks_are_a_ValueError(self, any_pool: Any, R: Json, alloc: Any) -> None:
        given = alloc(any_pool(R), 1, "node=1/slot=1/core=1")
        pool = any_pool(R)
        pool.remove_ranks(given.impl.ranks())
        with pytest.raises(ValueError, match="ranks"):
            pool.register_alloc(1, given)
        assert pool.job_end_times() == []

    def test_ranks_may_be_down(self, any_pool: Any, R: Json, alloc: Any) -> None:
        given = alloc(any_pool(R), 1, "node=1/slot=1/core=1")
        pool = any_pool(R)
        pool.mark_down("all")
        pool.register_alloc(1, given)
        assert pool.copy_allocated().dumps() == given.dumps()

    def test_it_is_logged(self, any_pool: Any, R: Json, alloc: Any, log: Any) -> None:
        given = alloc(any_pool(R), 1, "node=1/slot=1/core=1")
        any_pool(R, log=log).register_alloc(1, given)
        assert f"hello: ƒ2: {given.dumps()}" in log


class TestEndTimes:
    def test_the_end_of_a_job_can_be_changed(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "slot=1/core=1", 60.0)
        pool.update_expiration(1, 9999.0)
        assert pool.job_end_times() == [(1, 9999.0)]

    def test_an_unknown_job_is_passed_over(self, any_pool: Any, R: Json) -> None:
        pool = any_pool(R)
        pool.update_expiration(1, 9999.0)
        assert (pool.job_end_times(), pool.generation) == ([], 0)


class TestGeneration:
    def test_it_starts_at_0_and_goes_up_by_1(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        seen = [pool.generation]
        given = alloc(pool, 1, "node=2/slot=1/core=16")
        part = ResourcePool(given.to_dict()).impl
        changes: list[Callable[[], object]] = [
            lambda: None,
            lambda: pool.update_expiration(1, 50.0),
            lambda: pool.mark_down("3"),
            lambda: pool.mark_up("3"),
            lambda: pool.free(1, part.copy_ranks("0")),
            lambda: pool.free(1, final=True),
            lambda: pool.register_alloc(2, given),
            lambda: pool.remove_ranks(IDset("3")),
        ]
        for change in changes:
            change()
            seen.append(pool.generation)
        assert seen == list(range(len(changes) + 1))

    def test_a_copy_starts_from_it(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "slot=1/core=1")
        copy = pool.copy()
        assert copy.generation == pool.generation
        copy.free(1)
        assert copy.generation != pool.generation


class TestCopy:
    def test_it_has_the_same_jobs_on_the_same_resources(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=1/slot=1/core=16")
        pool.mark_down("3")
        copy = pool.copy()
        assert copy.copy_allocated().dumps() == pool.copy_allocated().dumps()
        assert copy.copy_down().dumps() == pool.copy_down().dumps()
        assert copy.job_end_times() == pool.job_end_times()
        assert copy.to_dict() == pool.to_dict()

    def test_it_is_independent(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=1/slot=1/core=16")
        copy = pool.copy()
        copy.free(1)
        copy.mark_down("all")
        copy.expiration = 5.0
        copy.remove_ranks(IDset("2"))
        assert pool.copy_allocated().ncores == 16
        assert (pool.copy_down().nnodes, pool.expiration, pool.impl.nnodes()) == (0, 0.0, 4)

    def test_it_does_not_log(self, any_pool: Any, R: Json, alloc: Any, log: Any) -> None:
        copy = any_pool(R, log=log).copy()
        alloc(copy, 1, "slot=1/core=1")
        copy.free(1)
        assert log.lines == []

    def test_it_is_of_the_same_class(self, any_pool: Any, R: Json) -> None:
        assert type(any_pool(R).copy()) is type(any_pool(R))

    def test_a_request_serves_the_pool_and_its_copies(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        pool = any_pool(R)
        request = pool.parse_resource_request(jobspec("node=4/slot=1/core=16"))
        dumps = [each.alloc(1, request).dumps() for each in (pool.copy(), pool.copy(), pool)]
        assert len(set(dumps)) == 1

    def test_copy_allocated_has_what_is_allocated(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        given = alloc(pool, 1, "node=2/slot=1/[core=3;gpu=1]")
        assert pool.copy_allocated().dumps() == given.dumps()

    def test_copy_allocated_keeps_the_properties_of_its_ranks(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "node=1/slot=1/core=1")
        assert json.loads(pool.copy_allocated().get_properties()) == {"fast": "0", "+local": "0"}

    def test_copy_allocated_of_an_idle_pool_is_empty(self, any_pool: Any, R: Json) -> None:
        assert any_pool(R).copy_allocated().nnodes == 0

    def test_to_set_has_everything(self, any_pool: Any, R: Json, alloc: Any) -> None:
        pool = any_pool(R)
        alloc(pool, 1, "slot=1/core=1")
        pool.mark_down("0")
        assert pool.to_resource_set().dumps() == pool.dumps()


class TestRequest:
    def test_a_job_without_resources_is_a_ValueError(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        with pytest.raises(ValueError, match="resources"):
            any_pool(R).parse_resource_request({**jobspec("slot=1/core=1"), "resources": []})

    @pytest.mark.parametrize("missing", ["duration", "system"])
    def test_version_1_needs_a_duration(self, any_pool: Any, R: Json, jobspec: Any, missing: Any) -> None:
        spec = jobspec("slot=1/core=1")
        if missing == "system":
            spec["attributes"] = {}
        else:
            del spec["attributes"]["system"]["duration"]
        with pytest.raises(ValueError, match=r"duration|system"):
            any_pool(R).parse_resource_request(spec)

    @pytest.mark.parametrize("version", [2, 9999, None, "one"])
    def test_the_version_is_not_looked_at_otherwise(self, any_pool: Any, R: Json, jobspec: Any, version: Any) -> None:
        spec = {**jobspec("slot=1/core=1"), "version": version, "attributes": {}}
        assert any_pool(R).parse_resource_request(spec).duration == 0.0

    def test_a_job_without_slots_is_a_ValueError(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        spec = {**jobspec("slot=1/core=1"), "resources": [{"type": "node", "count": 1}]}
        with pytest.raises(ValueError, match="slot"):
            any_pool(R).parse_resource_request(spec)

    def test_the_jobspec_stays_at_hand(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        spec = jobspec("slot=1/core=1", 60.0)
        assert any_pool(R).parse_resource_request(spec).jobspec == spec

    def test_duration_and_constraint_stay_at_hand(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        request = any_pool(R).parse_resource_request(jobspec("slot=1/core=1", 60.0, {"ranks": ["0"]}))
        assert (request.duration, request.constraint) == (60.0, {"ranks": ["0"]})

    def test_no_constraint_is_None(self, any_pool: Any, R: Json, jobspec: Any) -> None:
        assert any_pool(R).parse_resource_request(jobspec("slot=1/core=1")).constraint is None


def test_the_wrapper_offers_the_set_protocol_too(R: dict[str, Any], alloc: Any) -> None:
    """Flux's wrapper leaves it to the implementation; ours answers on both."""
    pool = ExactPool(R)
    given = alloc(pool, 1, "node=1/slot=1/core=2")
    assert json.loads(pool.encode()) == pool.to_dict()
    assert (str(pool.nodelist()), str(pool.ranks()), pool.nnodes(), pool.count("numa")) == ("node[0-3]", "0-3", 4, 16)
    assert json.loads(pool.get_properties()) == R["execution"]["properties"]
    assert pool.scheduling == R["scheduling"]
    assert pool.diff(given).count("core") == 62
    assert pool.intersect(given).dumps() == given.dumps()
    assert pool.copy_ranks("0").union(pool.copy_ranks("1")).dumps() == pool.copy_ranks("0-1").dumps()
    assert (pool.get_starttime(), pool.starttime, pool.get_expiration()) == (0.0, 0.0, 0.0)
    assert (pool.name, pool.to_set().dumps()) == ("exactfit", pool.dumps())
