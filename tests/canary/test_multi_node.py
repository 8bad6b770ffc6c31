"""The multi-node form: what canary documents, a test per sentence, and what its own pool gets wrong."""

from __future__ import annotations

import copy
import io
import os
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AMOUNTS, cut

FORM = "multi-node"
"""Of canary's API; see conftest.py."""

Items = list[tuple[str, float]]


def node(name: str = "a", extra: dict[str, Any] | None = None, **types: list[float]) -> dict[str, Any]:
    resources = {t: [{"id": str(i), "slots": s} for i, s in enumerate(slots)] for t, slots in types.items()}
    return {"id": name, "resources": resources, **({"additional_properties": extra} if extra else {})}


@pytest.fixture
def make(pool_class: Any) -> Any:
    return lambda *nodes, **more: pool_class({"nodes": list(nodes), **more})


@pytest.fixture
def ask(rpool: Any) -> Any:
    def request(*parts: Items, exclusive: bool = False) -> list[Any]:
        requests = []
        for items in parts:
            one = rpool.NodeRequest()
            one.resources = [{"type": name, "slots": slots} for name, slots in items]
            one.exclusive = exclusive
            requests.append(one)
        return requests

    return request


def got(allocation: dict[str, Any]) -> dict[str, list[tuple[str, str, float]]]:
    return {t: [(e["node"], e["id"], e["slots"]) for e in entries] for t, entries in allocation["resources"].items()}


class TestDocumented:
    def test_the_pool_is_canarys_own_class_too(self, pool_class: Any, rpool: Any) -> None:
        assert issubclass(pool_class, rpool.ResourcePool)

    def test_a_new_pool_is_empty(self, pool_class: Any, rpool: Any, ask: Any) -> None:
        pool = pool_class()
        assert pool.empty()
        for method in (pool.accommodates, pool.checkout):
            with pytest.raises(rpool.EmptyResourcePoolError):
                method(ask([("cpus", 1)]))

    def test_ids_become_strings_and_slots_are_one_unless_said(self, pool_class: Any) -> None:
        pool = pool_class({"nodes": [{"id": 7, "resources": {"cpus": [{"id": 3}]}}]})
        assert pool.getstate()["nodes"] == [{"id": "7", "resources": {"cpus": [{"id": "3", "slots": 1}]}}]

    def test_populate_makes_one_node_with_cpus_and_gpus(self, pool_class: Any) -> None:
        pool = pool_class()
        pool.populate(cpus=2)
        assert pool.node_ids() == [os.uname().nodename]
        assert (pool.count("cpus"), pool.count("gpus"), pool.count("nodes")) == (2, 0, 1)

    def test_types_are_sorted(self, make: Any) -> None:
        assert make(node(gpus=[1], cpus=[1]), node("b", fpgas=[1])).types == ["cpus", "fpgas", "gpus"]

    def test_count_takes_the_type_and_its_plural(self, make: Any, rpool: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        assert pool.count("cpu") == pool.count("cpus") == 2
        with pytest.raises(rpool.ResourceUnavailable):
            pool.count("fpgas")

    def test_getstate_gives_properties_and_nodes(self, make: Any) -> None:
        pool = make(node(cpus=[1]), additional_properties={"site": "here"})
        assert pool.getstate() == {
            "additional_properties": {"site": "here"},
            "nodes": [{"id": "a", "resources": {"cpus": [{"id": "0", "slots": 1}]}}],
        }

    def test_dump_writes_what_a_pool_file_holds(self, make: Any, pool_class: Any) -> None:
        pool = make(node(cpus=[1]))
        file = io.StringIO()
        pool.dump(file)
        assert pool_class(yaml.safe_load(file.getvalue())["resource_pool"]).getstate() == pool.getstate()

    def test_accommodates_judges_what_is_free_now(self, make: Any, ask: Any) -> None:
        pool = make(node(cpus=[1]))
        allocation = pool.checkout(ask([("cpus", 1)]))
        assert not pool.accommodates(ask([("cpus", 1)]))
        pool.checkin(allocation)
        assert pool.accommodates(ask([("cpus", 1)]))

    def test_checkout_says_node_id_and_slots(self, make: Any, ask: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        assert pool.checkout(ask([("cpus", 1)])) == {
            "metadata": {},
            "resources": {"cpus": [{"node": "a", "id": "0", "slots": 1}]},
        }

    def test_checkout_hands_properties_of_an_instance_on(self, pool_class: Any, ask: Any) -> None:
        gpu = {"id": "0", "slots": 1, "properties": {"vendor": "AMD"}}
        pool = pool_class({"nodes": [{"id": "a", "resources": {"gpus": [gpu]}}]})
        assert pool.checkout(ask([("gpus", 1)]))["resources"]["gpus"] == [{**gpu, "node": "a"}]

    def test_cpu_means_cpus(self, make: Any, ask: Any) -> None:
        assert got(make(node(cpus=[1])).checkout(ask([("cpu", 1)]))) == {"cpus": [("a", "0", 1)]}

    def test_an_unknown_type_is_a_false_outcome_or_unavailable(self, make: Any, ask: Any, rpool: Any) -> None:
        pool = make(node(cpus=[1]))
        outcome = pool.accommodates(ask([("fpgas", 1)]))
        assert not outcome
        assert "fpgas" in outcome.reason
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask([("fpgas", 1)]))

    def test_every_request_gets_a_node_of_its_own(self, make: Any, ask: Any) -> None:
        pool = make(node("a", cpus=[4]), node("b", cpus=[4]))
        assert {n for n, _, _ in got(pool.checkout(ask([("cpus", 1)], [("cpus", 1)])))["cpus"]} == {"a", "b"}
        assert not pool.accommodates(ask(*[[("cpus", 1)]] * 3))

    def test_a_list_of_items_may_say_how_many_nodes(self, make: Any) -> None:
        pool = make(node("a", cpus=[1, 1]), node("b", cpus=[1, 1]))
        request = [{"type": "cpus", "slots": 1}, {"type": "nodes", "slots": 2}]
        assert got(pool.checkout(request)) == {"cpus": [("a", "0", 1), ("b", "0", 1)]}
        assert got(pool.checkout([{"type": "cpus", "slots": 1}])) == {"cpus": [("a", "1", 1)]}

    def test_several_nodes_only_where_they_are_allowed(self, make: Any, ask: Any, rpool: Any) -> None:
        pool = make(node("a", cpus=[1]), node("b", cpus=[1]), allow_multinode=False)
        assert not pool.accommodates(ask([("cpus", 1)], [("cpus", 1)]))
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask([("cpus", 1)], [("cpus", 1)]))

    @pytest.mark.parametrize(
        "entries",
        [
            [{"node": "a", "id": "9", "slots": 1}],
            [{"node": "a", "id": "0", "slots": 2}],
            [{"node": "a", "id": "0", "slots": 1}, {"node": "a", "id": "0", "slots": 1}],
            [{"node": "a", "id": "0", "slots": -1}],
            [{"node": "a", "id": "0"}],
            [{"id": "0", "slots": 1}],
            ["0"],
            "0",
        ],
    )
    def test_checkin_is_atomic_and_refuses_overfill(self, make: Any, ask: Any, entries: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        allocation = pool.checkout(ask([("cpus", 1)]))
        before = copy.deepcopy(pool.getstate())
        with pytest.raises(ValueError, match=r"\w"):
            pool.checkin({"resources": {"cpus": entries}})
        assert pool.getstate() == before
        pool.checkin(allocation)
        with pytest.raises(ValueError, match="overfill"):
            pool.checkin(allocation)

    def test_nothing_changes_when_a_checkout_fails(self, make: Any, ask: Any, rpool: Any) -> None:
        pool = make(node(cpus=[1, 1], gpus=[1]))
        before = copy.deepcopy(pool.getstate())
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask([("cpus", 2), ("gpus", 2)]))
        assert pool.getstate() == before

    def test_slots_in_total_follow(self, make: Any, ask: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        pool.checkout(ask([("cpus", 1)]))
        assert pool.slots_per_resource_type["cpus"] == pool.slots_available("cpus") == 1


class TestWrongToday:
    def test_the_node_that_fits_though_another_has_more(self, make: Any, ask: Any) -> None:
        pool = make(node("A", gpus=[1, 1, 1]), node("B", gpus=[2]))
        assert got(pool.checkout(ask([("gpus", 2)]))) == {"gpus": [("B", "0", 2)]}

    def test_the_matching_that_worst_fit_misses(self, make: Any, ask: Any) -> None:
        pool = make(node("A", cpus=[1] * 4, gpus=[1]), node("B", cpus=[1] * 3))
        three, with_gpu = [("cpus", 1.0)] * 3, [("cpus", 1.0), ("gpus", 1.0)]
        for parts in ((three, with_gpu), (with_gpu, three)):
            assert pool.accommodates(ask(*parts))
        found = got(pool.checkout(ask(three, with_gpu)))
        assert found["gpus"] == [("A", "0", 1)]
        assert [n for n, _, _ in found["cpus"]] == ["B"] * 3 + ["A"]

    def test_an_exclusive_node_is_really_free(self, make: Any, ask: Any, rpool: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        allocation = pool.checkout(ask([("cpus", 1)]))
        assert not pool.accommodates(ask([("cpus", 1)], exclusive=True))
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask([("cpus", 1)], exclusive=True))
        pool.checkin(allocation)
        assert len(pool.checkout(ask([("cpus", 1)], exclusive=True))["resources"]["cpus"]) == 2

    def test_small_tests_leave_a_node_whole(self, make: Any, ask: Any) -> None:
        pool = make(node("A", cpus=[1] * 4), node("B", cpus=[1] * 4))
        pool.checkout(ask([("cpus", 1)]))
        pool.checkout(ask([("cpus", 1)]))
        assert pool.accommodates(ask([("cpus", 1)] * 1, exclusive=True))
        assert pool.accommodates(ask([("cpus", 1.0)] * 4))

    def test_half_slots_can_be_checked_in(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[1]))
        first, second = (pool.checkout(ask([("gpus", 0.5)])) for _ in range(2))
        assert got(first) == {"gpus": [("a", "0", 0.5)]}
        assert not pool.accommodates(ask([("gpus", 0.5)]))
        pool.checkin(first)
        pool.checkin(second)
        assert pool.getstate()["nodes"][0]["resources"]["gpus"] == [{"id": "0", "slots": 1}]

    def test_tenths_add_up(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[1]))
        for _ in range(10):
            pool.checkout(ask([("gpus", 0.1)]))
        assert pool.getstate()["nodes"][0]["resources"]["gpus"] == [{"id": "0", "slots": 0}]

    def test_thirds_come_back(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[2 / 3, 1]))
        for _ in range(10):
            for allocation in [pool.checkout(ask([("gpus", part)])) for part in (2 / 3, 1 / 3, 0.1, 1 / 3)]:
                pool.checkin(allocation)
        assert pool.count("gpus") == 2
        assert pool.slots_by_node("gpus") == {"a": 1}
        assert pool.getstate()["nodes"][0]["resources"]["gpus"] == [
            {"id": "0", "slots": pytest.approx(2 / 3, abs=1e-9)},
            {"id": "1", "slots": 1},
        ]

    def test_a_part_of_what_is_held_can_come_back(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[4]))
        pool.checkout(ask([("gpus", 4)]))
        for left in (1, 2, 3, 4):
            pool.checkin({"resources": {"gpus": [{"node": "a", "id": "0", "slots": 1}]}})
            assert pool.getstate()["nodes"][0]["resources"]["gpus"] == [{"id": "0", "slots": left}]
        with pytest.raises(ValueError, match="overfill"):
            pool.checkin({"resources": {"gpus": [{"node": "a", "id": "0", "slots": 1}]}})

    @pytest.mark.parametrize("slots", [-1, float("nan"), float("inf"), 1e-10, 1e7, 10**30, "many", None, True])
    def test_what_is_no_number_of_slots_is_refused(self, make: Any, ask: Any, rpool: Any, slots: Any) -> None:
        pool = make(node(gpus=[1]))
        assert not pool.accommodates(ask([("gpus", slots)]))
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask([("gpus", slots)]))
        assert pool.getstate()["nodes"][0]["resources"]["gpus"] == [{"id": "0", "slots": 1}]

    def test_two_gpus_are_two_gpus(self, make: Any, ask: Any) -> None:
        assert got(make(node(gpus=[2, 2])).checkout(ask([("gpus", 1)] * 2)))["gpus"] == [("a", "0", 1), ("a", "1", 1)]

    def test_2_2_3_on_3_and_4(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[3, 4]))
        assert got(pool.checkout(ask([("gpus", 2), ("gpus", 2), ("gpus", 3)])))["gpus"] == [
            ("a", "1", 2),
            ("a", "1", 2),
            ("a", "0", 3),
        ]

    def test_two_slots_over_two_instances(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[1, 1]))
        assert pool.accommodates(ask([("gpus", 2)]))
        allocation = pool.checkout(ask([("gpus", 2)]))
        assert got(allocation)["gpus"] == [("a", "0", 1), ("a", "1", 1)]
        pool.checkin(allocation)
        assert pool.accommodates(ask([("gpus", 2)]))

    def test_getstate_keeps_that_nodes_are_not_to_be_several(self, make: Any, pool_class: Any) -> None:
        pool = make(node(cpus=[1]), allow_multinode=False)
        assert not pool_class(pool.getstate()).allow_multinode

    def test_capacity_is_what_the_options_made_of_it(self, make: Any, ask: Any) -> None:
        pool = make(node(cpus=[1, 1]))
        # As `-r cpus=8` does.
        pool.nodes[0].resources["cpus"] = [{"id": str(i), "slots": 1} for i in range(8)]
        assert pool.slots_by_node("cpus") == {"a": 8}
        allocation = pool.checkout(ask([("cpus", 1)] * 8))
        assert pool.slots_by_node("cpus") == {"a": 8}
        pool.checkin(allocation)

    def test_slots_changed_in_place_count(self, make: Any, ask: Any) -> None:
        pool = make(node(gpus=[1]))
        assert not pool.accommodates(ask([("gpus", 2)]))
        pool.multiply_slots_per_resource("gpus", 2)
        assert pool.accommodates(ask([("gpus", 2)]))
        pool.set_slots_per_resource("gpus", 1)
        assert not pool.accommodates(ask([("gpus", 2)]))


SLOTS = st.lists(AMOUNTS, max_size=3)
PART = st.lists(st.tuples(st.sampled_from(["cpus", "gpu"]), AMOUNTS), max_size=3)
ASKED = st.tuples(st.lists(PART, min_size=1, max_size=3), st.booleans())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=st.lists(st.tuples(SLOTS, SLOTS), min_size=1, max_size=3), asked=st.lists(ASKED, max_size=5))
def test_accommodates_and_checkout_never_disagree(
    make: Any, ask: Any, rpool: Any, nodes: list[tuple[list[float], list[float]]], asked: list[tuple[list[Items], bool]]
) -> None:
    pool = make(*(node(name, cpus=cpus, gpus=gpus) for name, (cpus, gpus) in zip("abc", nodes, strict=False)))
    before = copy.deepcopy(pool.getstate())
    held = []
    for parts, exclusive in asked:
        request = ask(*parts, exclusive=exclusive)
        says = pool.accommodates(request)
        if says:
            held.append(pool.checkout(request))
        else:
            assert says.reason
            state = copy.deepcopy(pool.getstate())
            with pytest.raises(rpool.ResourceUnavailable):
                pool.checkout(request)
            assert pool.getstate() == state
    for allocation in held:
        pool.checkin(allocation)
    for now, then in zip(pool.getstate()["nodes"], before["nodes"], strict=True):
        assert now["resources"] == cut(then["resources"])
