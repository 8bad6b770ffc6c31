"""Items on the instances of one type: what is best, against all that there is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import pytest
from exactfit.adapters.canary.fitting import Fit, Instances, fit
from exactfit.adapters.canary.needs import Amount
from hypothesis import given
from hypothesis import strategies as st


def place(sizes: Sequence[Amount], free: Sequence[Amount], full: Sequence[Amount] | None = None) -> Fit | None:
    return fit(sizes, [False] * len(sizes), Instances(tuple(free), tuple(full or free)))


def indexes(found: Fit | None) -> list[list[int]]:
    assert found is not None
    return [[index for index, _ in pick] for pick in found.picks]


def test_items_2_2_3_fit_on_3_and_4_slots() -> None:
    assert indexes(place([2, 2, 3], [3, 4])) == [[1], [1], [0]]


def test_two_slots_are_given_over_two_instances_of_one() -> None:
    found = place([2], [1, 1])
    assert found is not None
    assert found.picks == (((0, 1), (1, 1)),)
    assert found.torn == 1


def test_a_whole_item_is_not_torn() -> None:
    assert fit([2], [True], Instances((1, 1), (1, 1))) is None
    assert fit([2, 2], [True, False], Instances((2, 1, 1), (2, 1, 1))) is not None
    assert fit([3, 2], [True, False], Instances((2, 2, 2), (2, 2, 2))) is None


def test_items_of_one_request_are_on_different_instances() -> None:
    assert indexes(place([1, 1], [2, 2])) == [[0], [1]]


def test_they_share_where_there_are_too_few() -> None:
    assert indexes(place([1, 1, 1], [2, 2])) == [[0], [0], [1]]


def test_the_fullest_instance_that_will_do() -> None:
    assert indexes(place([1], [4, 2, 3])) == [[1]]
    assert indexes(place([3], [4, 2, 3])) == [[2]]


def test_an_instance_in_use_before_one_that_is_free() -> None:
    assert indexes(place([1], [1, 2], [1, 4])) == [[1]]


def test_ids_in_order() -> None:
    assert indexes(place([1, 1, 1], [1] * 8)) == [[0], [1], [2]]


def test_half_slots() -> None:
    half = Fraction(1, 2)
    assert indexes(place([half, half], [1])) == [[0], [0]]
    assert place([half, half, half], [1]) is None


def test_nothing_asked() -> None:
    assert indexes(place([0], [])) == [[]]


def test_too_much_is_refused() -> None:
    assert place([5], [2, 2]) is None


def by_hand(sizes: list[int], free: list[int], full: list[int]) -> tuple[int, ...] | None:
    """Return the least cost without tearing, by trying everything."""
    best = None
    for places in product(range(len(free)), repeat=len(sizes)):
        left = list(free)
        for size, index in zip(sizes, places, strict=True):
            left[index] -= size
        if min(left) >= 0:
            used = set(places)
            opened = sum(free[i] == full[i] for i in used)
            cost = (len(sizes) - len(used), opened, sum(free[i] for i in used))
            best = cost if best is None else min(best, cost)
    return best


@given(st.data())
def test_it_is_the_best_of_all(data: st.DataObject) -> None:
    full = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    free = [data.draw(st.integers(0, slots)) for slots in full]
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    best = by_hand(sizes, free, full)
    found = place(sizes, free, full)
    if sum(sizes) > sum(free):
        assert found is None
        return
    assert found is not None
    taken = [0] * len(free)
    for size, pick in zip(sizes, found.picks, strict=True):
        assert sum(slots for _, slots in pick) == size
        for index, slots in pick:
            assert slots > 0
            taken[index] += int(slots)
    assert all(slots <= there for slots, there in zip(taken, free, strict=True))
    if best is None:
        assert found.torn > 0
        assert fit(sizes, [True] * len(sizes), Instances(tuple(free), tuple(full))) is None
    else:
        touched = {index for pick in found.picks for index, _ in pick}
        assert (found.torn, found.shared, found.opened, sum(free[i] for i in touched)) == (0, *best)


@pytest.mark.parametrize("count", [1, 64, 200])
def test_many_slots_torn_over_small_instances_are_quick(count: int) -> None:
    found = place([2] * count, [1] * 2 * count)
    assert found is not None
    assert found.torn == count
