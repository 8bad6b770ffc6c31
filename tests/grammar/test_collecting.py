"""Garbage that is left where it is while much is made: what that itself costs."""

from __future__ import annotations

import gc

import pytest

from exactfit.grammar.collecting import MANY, uncollected


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Collection is on, and it is noted when what is set aside is counted, which takes as long as there is of it."""
    found: list[bool] = []

    def count() -> int:
        found.append(True)
        return 0

    monkeypatch.setattr(gc, "get_freeze_count", count)
    gc.enable()
    gc.collect()
    return found


def test_what_is_set_aside_is_not_counted_for_few_objects(asked: list[bool]) -> None:
    for _ in range(100):
        with uncollected():
            assert not gc.isenabled()
            kept = [[n] for n in range(100)]
    assert asked == []
    assert gc.isenabled()
    assert len(kept) == 100


def test_it_is_for_many(asked: list[bool]) -> None:
    with uncollected():
        kept = [[n] for n in range(2 * MANY)]
    assert asked == [True]
    assert len(kept) == 2 * MANY


def test_what_is_off_stays_off(asked: list[bool]) -> None:
    gc.disable()
    try:
        with uncollected():
            kept = [[n] for n in range(2 * MANY)]
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert asked == []
    assert len(kept) == 2 * MANY
