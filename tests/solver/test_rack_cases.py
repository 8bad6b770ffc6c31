"""A sample of the cases of `support/racks.py`: unequal racks, segments, layers and balance, beside the brute force."""

from __future__ import annotations

from collections import Counter

import pytest

from racks import GOOD, cases, judged


@pytest.mark.parametrize("seed", range(4))
def test_random_requests_of_racks(seed: int) -> None:
    found: Counter[str] = Counter()
    for case in cases(60, seed):
        outcome = judged(case)
        assert outcome in GOOD, case
        found[outcome] += 1
    assert found["optimal"] >= 15
    assert found["best, not proven"] + found["worse, and not proven"] <= 1
