"""Items on the instances of one type: what is best, against all that there is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.adapters.canary import fitting_model
from exactfit.adapters.canary.fitting import Fit, Instances, fit
from exactfit.adapters.canary.needs import Amount


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


def splits(size: int, free: Sequence[int], *, whole: bool) -> list[tuple[int, ...]]:
    """Return every way to lay an item of so many half slots on the instances."""
    found = product(*(range(min(room, size) + 1) for room in free))
    return [split for split in found if sum(split) == size and not (whole and max(split) < size)]


def best_of_halves(
    sizes: Sequence[int], whole: Sequence[bool], free: Sequence[int], full: Sequence[int]
) -> tuple[int, ...] | None:
    """Return the least cost of items in half slots, torn or not, by trying everything."""
    costs = []
    for placed in product(*(splits(size, free, whole=stays) for size, stays in zip(sizes, whole, strict=True))):
        taken = [sum(column) for column in zip(*placed, strict=True)]
        if all(slots <= room for slots, room in zip(taken, free, strict=True)):
            pieces = sum(part > 0 for split in placed for part in split)
            used = [i for i, slots in enumerate(taken) if slots]
            opened = sum(free[i] == full[i] for i in used)
            costs.append((pieces - len(sizes), pieces - len(used), opened, sum(free[i] for i in used)))
    return min(costs, default=None)


@given(st.data())
def test_half_slots_and_items_that_stay_whole_are_the_best_of_all(data: st.DataObject) -> None:
    full = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    free = [data.draw(st.integers(0, slots)) for slots in full]
    items = data.draw(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=3))
    sizes, whole = zip(*items, strict=True)
    best = best_of_halves(sizes, whole, free, full)

    def exact(halves: int) -> Amount:
        return halves // 2 if halves % 2 == 0 else Fraction(halves, 2)

    found = fit([exact(size) for size in sizes], whole, Instances(tuple(map(exact, free)), tuple(map(exact, full))))
    assert (found is None) == (best is None)
    if found is None or best is None:
        return
    touched = {index for pick in found.picks for index, _ in pick}
    assert (found.torn, found.shared, found.opened, sum(free[i] for i in touched)) == best
    taken = [sum(slots * 2 for pick in found.picks for index, slots in pick if index == i) for i in range(len(free))]
    assert all(slots <= room for slots, room in zip(taken, free, strict=True))
    assert all(sum(n * 2 for _, n in pick) == size for pick, size in zip(found.picks, sizes, strict=True))
    assert all(len(pick) == 1 for pick, stays in zip(found.picks, whole, strict=True) if stays)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_whether_it_fits_does_not_depend_on_the_time(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting_model, "SECONDS", seconds)
    half = Fraction(1, 2)
    assert place([half, half, 1], [1, 1]) is not None
    assert place([2, 2, 3], [3, 4]) is not None
    assert fit([2, 2, 2], [True] * 3, Instances((3, 3), (3, 3))) is None


@pytest.mark.parametrize("count", [1, 64, 200])
def test_many_slots_torn_over_small_instances_are_quick(count: int) -> None:
    found = place([2] * count, [1] * 2 * count)
    assert found is not None
    assert found.torn == count
