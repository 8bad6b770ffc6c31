from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactfit.grammar.idset import IdSet
from exactfit.topology.masks import (
    locate_runs,
    mask_of_flags,
    mask_of_runs,
    positions_of,
    runs_of_mask,
    selectors,
    squeeze,
    union_runs,
)
from exactfit.topology.ranks import Ranks

ids = st.frozensets(st.integers(0, 400), max_size=120)


def mask(numbers: frozenset[int]) -> int:
    return sum(1 << n for n in numbers)


@given(ids)
def test_runs_and_masks_stand_for_the_same_set(numbers: frozenset[int]) -> None:
    assert mask_of_runs(runs_of_mask(mask(numbers))) == mask(numbers)
    assert list(positions_of(mask(numbers))) == sorted(numbers)
    assert [i for i, chosen in enumerate(selectors(mask(numbers))) if chosen] == sorted(numbers)
    assert mask_of_flags(i in numbers for i in range(401)) == mask(numbers)


@given(ids, ids)
def test_squeeze_closes_the_gaps(numbers: frozenset[int], keep: frozenset[int]) -> None:
    kept = sorted(keep)
    assert squeeze(mask(numbers), mask(keep)) == sum(1 << i for i, n in enumerate(kept) if n in numbers)


def test_many_runs_are_squeezed_as_few_are() -> None:
    keep = mask_of_runs([(3 * i, 3 * i + 1) for i in range(100)])
    assert squeeze(mask_of_runs([(0, 2)]), keep) == 0b11
    assert squeeze(1 << 298, keep) == 1 << 199


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_union_of_runs_in_any_order(pairs: list[tuple[int, int]]) -> None:
    runs = [(first, first + more) for first, more in pairs]
    expected = {i for first, last in runs for i in range(first, last + 1)}
    assert IdSet(tuple(union_runs(runs))) == IdSet.of(expected)


@given(ids, ids)
def test_ids_are_located_among_those_that_exist(asked: frozenset[int], there: frozenset[int]) -> None:
    runs = IdSet.of(there).intervals
    starts = [sum(last - first + 1 for first, last in runs[:i]) for i in range(len(runs))]
    intervals = IdSet.of(asked).intervals
    found = [p for first, last, _ in locate_runs(intervals, runs, starts) for p in range(first, last + 1)]
    assert found == [i for i, n in enumerate(sorted(there)) if n in asked]
    assert all(intervals[i][0] <= last for _, last, i in locate_runs(intervals, runs, [first for first, _ in runs]))


@given(ids, ids)
def test_ranks_and_their_positions(there: frozenset[int], asked: frozenset[int]) -> None:
    ranks = Ranks(IdSet.of(there).intervals)
    ordered = sorted(there)
    assert list(ranks) == ordered
    assert [ranks[i] for i in range(len(ranks))] == ordered
    assert list(ranks[1:3]) == ordered[1:3]
    assert [ranks.find(rank) for rank in ordered] == list(range(len(ordered)))
    assert all((rank in ranks) == (rank in there) for rank in asked)
    chosen = mask(frozenset(i for i, rank in enumerate(ordered) if rank in asked))
    assert ranks.mask_of(IdSet.of(asked)) == chosen
    assert ranks.ids_of(chosen) == IdSet.of(there & asked)
    assert ranks.cut(chosen) == Ranks(IdSet.of(there & asked).intervals)
    assert hash(ranks) == hash(Ranks(IdSet.of(there).intervals))


def test_ranks_from_the_end_and_beyond_it() -> None:
    ranks = Ranks([(4, 6), (7, 9)])
    assert ranks.runs == ((4, 9),)
    assert ranks[-1] == 9
    assert repr(ranks) == "Ranks(4-9)"
    assert ranks.find(10) is None
    assert ranks.find(3) is None
    with pytest.raises(IndexError, match="no position 6 among 6 ranks"):
        ranks[6]
