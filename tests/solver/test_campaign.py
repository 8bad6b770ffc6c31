"""A sample of the random requests of `benchmarks/campaign.py`: settled, right, and within their work."""

from __future__ import annotations

import pytest

from benchmarks.campaign import KINDS, machine_of, outcomes


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_random_requests_are_never_cut_off_empty_handed(seed: int) -> None:
    found = list(outcomes(25, seed))
    assert [(one.kind, one.shape, one.fault) for one in found if one.fault or one.status == "cut off"] == []
    assert {one.status for one in found} >= {"optimal", "refused"}
    assert sum(1 for one in found if one.status == "feasible") <= 4


def test_the_same_requests_come_again_and_end_with_the_same_work() -> None:
    first, second = ([(one.shape, one.status, one.work) for one in outcomes(8, 11)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_node_has_cores(kind: str) -> None:
    assert all(machine_of(kind, 2).type_at(position).cores for position in range(2))
