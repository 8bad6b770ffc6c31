"""The single-node form: what canary documents, a test per sentence, and what its own pool gets wrong."""

from __future__ import annotations

import copy
import io
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AMOUNTS, cut

FORM = "single-node"
"""Of canary's API; see conftest.py."""


@pytest.fixture
def make(pool_class: Any) -> Any:
    def pool(**types: list[float]) -> Any:
        resources = {t: [{"id": str(i), "slots": s} for i, s in enumerate(slots)] for t, slots in types.items()}
        return pool_class({"additional_properties": {}, "resources": resources})

    return pool


def ask(*items: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"type": name, "slots": slots} for name, slots in items]


class TestDocumented:
    def test_outcomes(self, rpool: Any) -> None:
        assert rpool.Outcome()
        assert not rpool.Outcome(None, "x")
        assert rpool.Outcome(False)

    def test_a_new_pool_is_empty(self, pool_class: Any, rpool: Any) -> None:
        pool = pool_class()
        assert pool.empty()
        for method in (pool.accommodates, pool.checkout):
            with pytest.raises(rpool.EmptyResourcePoolError):
                method(ask(("cpus", 1)))

    def test_fill_expands_counts_and_adds_gpus(self, pool_class: Any) -> None:
        pool = pool_class()
        pool.fill({"cpus": 2})
        assert pool.resources == {"cpus": [{"id": "0", "slots": 1}, {"id": "1", "slots": 1}], "gpus": []}

    def test_fill_forgets_what_was_there(self, make: Any) -> None:
        pool = make(cpus=[1], fpgas=[1])
        pool.checkout(ask(("cpus", 1)))
        pool.fill({"cpus": 1})
        assert pool.types == ["cpus", "gpus"]
        assert pool.checkout(ask(("cpus", 1))) == {"cpus": [{"id": "0", "slots": 1}]}

    def test_ids_become_strings_and_slots_are_one_unless_said(self, pool_class: Any) -> None:
        assert pool_class({"resources": {"cpus": [{"id": 3}]}}).resources["cpus"] == [{"id": "3", "slots": 1}]

    def test_populate(self, pool_class: Any) -> None:
        pool = pool_class()
        pool.populate(cpus=1, gpus=1)
        assert pool.resources == {"cpus": [{"id": "0", "slots": 1}], "gpus": [{"id": "0", "slots": 1}]}

    def test_count_takes_the_type_and_its_plural(self, make: Any, rpool: Any) -> None:
        pool = make(cpus=[1, 1])
        assert pool.count("cpu") == pool.count("cpus") == 2
        assert pool.count("nodes") == 1
        with pytest.raises(rpool.ResourceUnavailable):
            pool.count("fpgas")

    def test_pop_removes_a_type(self, make: Any) -> None:
        pool = make(cpus=[1], fpgas=[2])
        assert pool.pop("fpgas") == [{"id": "0", "slots": 2}]
        assert pool.pop("fpgas") is None
        assert pool.types == ["cpus", "gpus"]

    def test_clear_leaves_nothing(self, make: Any) -> None:
        pool = make(cpus=[1])
        pool.clear()
        assert pool.empty()

    def test_getstate_is_a_copy(self, make: Any) -> None:
        pool = make(cpus=[1])
        state = pool.getstate()
        state["resources"]["cpus"][0]["slots"] = 5
        assert pool.resources["cpus"] == [{"id": "0", "slots": 1}]

    def test_dump_writes_what_a_pool_file_holds(self, make: Any) -> None:
        pool = make(cpus=[1])
        file = io.StringIO()
        pool.dump(file)
        assert yaml.safe_load(file.getvalue()) == {"resource_pool": pool.getstate()}

    def test_accommodates_judges_what_there_is_and_not_what_is_free(self, make: Any) -> None:
        pool = make(cpus=[1])
        pool.checkout(ask(("cpus", 1)))
        assert pool.accommodates(ask(("cpus", 1)))
        assert not pool.accommodates(ask(("cpus", 2)))

    def test_the_reason_names_missing_types(self, make: Any) -> None:
        outcome = make(cpus=[1]).accommodates(ask(("fpgas", 1), ("asics", 1)))
        assert outcome.reason == "Resources unavailable: [bold]asics,fpgas[/]"

    def test_the_reason_names_types_of_which_there_is_too_little(self, make: Any) -> None:
        assert "insufficient slots of [bold]cpus[/]" in make(cpus=[1]).accommodates(ask(("cpus", 2))).reason

    def test_checkout_of_an_unknown_type(self, make: Any) -> None:
        with pytest.raises(TypeError):
            make(cpus=[1]).checkout(ask(("fpgas", 1)))

    def test_one_instance_per_item_the_fullest_that_fits(self, make: Any) -> None:
        pool = make(cpus=[2, 3], gpus=[3, 5])
        assert pool.checkout(ask(("cpus", 3), ("gpus", 3))) == {
            "cpus": [{"id": "1", "slots": 3}],
            "gpus": [{"id": "0", "slots": 3}],
        }

    def test_ids_in_order(self, make: Any) -> None:
        assert [e["id"] for e in make(cpus=[1] * 4).checkout(ask(*[("cpus", 1)] * 3))["cpus"]] == ["0", "1", "2"]

    def test_nothing_changes_when_a_checkout_fails(self, make: Any, rpool: Any) -> None:
        pool = make(cpus=[1], gpus=[1])
        pool.checkout(ask(("gpus", 1)))
        before = copy.deepcopy(pool.getstate())
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask(("cpus", 1), ("gpus", 1)))
        assert pool.getstate() == before

    def test_checkin_of_an_unknown_id_and_type(self, make: Any) -> None:
        pool = make(cpus=[1])
        with pytest.raises(ValueError, match="unknown ID"):
            pool.checkin({"cpus": [{"id": "9", "slots": 1}]})
        with pytest.raises(KeyError):
            pool.checkin({"fpgas": [{"id": "0", "slots": 1}]})

    def test_checkin_gives_back(self, make: Any) -> None:
        pool = make(cpus=[1, 1])
        before = pool.getstate()
        pool.checkin(pool.checkout(ask(("cpus", 1))))
        assert pool.getstate() == before


class TestWrongToday:
    def test_2_2_3_on_3_and_4(self, make: Any) -> None:
        assert [e["id"] for e in make(gpus=[3, 4]).checkout(ask(("gpus", 2), ("gpus", 2), ("gpus", 3)))["gpus"]] == [
            "1",
            "1",
            "0",
        ]

    def test_two_slots_over_two_instances(self, make: Any) -> None:
        pool = make(gpus=[1, 1])
        assert pool.accommodates(ask(("gpus", 2)))
        allocation = pool.checkout(ask(("gpus", 2)))
        assert allocation == {"gpus": [{"id": "0", "slots": 1}, {"id": "1", "slots": 1}]}
        pool.checkin(allocation)
        assert pool.resources["gpus"] == [{"id": "0", "slots": 1}, {"id": "1", "slots": 1}]

    def test_two_gpus_are_two_gpus(self, make: Any) -> None:
        assert [e["id"] for e in make(gpus=[2, 2]).checkout(ask(("gpus", 1), ("gpus", 1)))["gpus"]] == ["0", "1"]

    def test_half_slots_can_be_checked_in(self, make: Any) -> None:
        pool = make(gpus=[1])
        allocation = pool.checkout(ask(("gpus", 0.5)))
        pool.checkin(allocation)
        assert pool.resources["gpus"] == [{"id": "0", "slots": 1}]

    @pytest.mark.parametrize("slots", [-1, float("nan"), "many", None])
    def test_what_is_no_number_of_slots_is_refused(self, make: Any, rpool: Any, slots: Any) -> None:
        pool = make(gpus=[1])
        assert not pool.accommodates(ask(("gpus", slots)))
        with pytest.raises(rpool.ResourceUnavailable):
            pool.checkout(ask(("gpus", slots)))

    def test_a_pool_is_not_overfilled(self, make: Any) -> None:
        pool = make(cpus=[1])
        allocation = pool.checkout(ask(("cpus", 1)))
        pool.checkin(allocation)
        with pytest.raises(ValueError, match="overfill"):
            pool.checkin(allocation)


ITEMS = st.lists(st.tuples(st.sampled_from(["cpus", "gpus"]), AMOUNTS), max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cpus=st.lists(st.integers(0, 3), max_size=3), gpus=st.lists(AMOUNTS, max_size=3), asked=st.lists(ITEMS, max_size=5)
)
def test_accommodates_and_checkout_never_disagree(
    make: Any, rpool: Any, cpus: list[int], gpus: list[float], asked: list[list[tuple[str, float]]]
) -> None:
    pool = make(cpus=cpus, gpus=gpus)
    before = copy.deepcopy(pool.getstate())
    held: list[Any] = []
    for items in asked:
        # Here canary asks whether a test can run when nobody holds anything: on a pool of its own, it then does.
        says = bool(pool.accommodates(ask(*items)))
        alone = checked_out(make(cpus=cpus, gpus=gpus), rpool, items)
        assert (alone is not None) == says
        given_now = checked_out(pool, rpool, items)
        if given_now is not None:
            held.append(given_now)
            assert says
        assert bool(pool.accommodates(ask(*items))) == says
    for allocation in held:
        pool.checkin(allocation)
    assert pool.getstate()["resources"] == cut(before["resources"])


def checked_out(pool: Any, rpool: Any, items: list[tuple[str, float]]) -> Any:
    """Return what a checkout gives; None when it refuses."""
    try:
        return pool.checkout(ask(*items))
    except rpool.ResourceUnavailable:
        return None
