"""What slots count at the least for standing apart does not depend on what no slot can have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exactfit.solver.node.shares import _lacking, alone, least_share

BINS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=4)


@given(BINS, st.integers(1, 6), st.integers(1, 4))
def test_of_large_domains_and_those_without_gpus_one_is_as_good_as_another(
    bins: list[tuple[int, int]], cores: int, gpus: int
) -> None:
    known = tuple(sorted(bins))
    assert least_share(bins, cores, gpus) == max(alone(known, cores, gpus), _lacking(known, cores, gpus, 1))
    larger = [(c + 10 if c >= cores else c, g) for c, g in bins]
    assert least_share(larger, cores, gpus) == least_share(bins, cores, gpus)


def test_nodes_that_differ_in_that_share_what_is_known() -> None:
    alone.cache_clear()
    for free in range(8, 40):
        least_share([(3, 1), (free, 1), (free, 0), (2, 1)], 8, 3)
    assert alone.cache_info().currsize == 1
