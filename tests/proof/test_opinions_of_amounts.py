"""The second opinion on memory, storage and network cards, of slots, whole domains and several nodes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

import network_cards
import several_nodes
from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.strategies import Case
from opinions import opinion_on, small

Kind = Callable[[], st.SearchStrategy[Case]]


@pytest.mark.parametrize(
    ("kind", "number", "first", "share"),
    [
        (strategies.memory_cases, 100, 3, 0.85),
        (strategies.memory_cases, 100, 4, 0.85),
        (several_nodes.cases, 80, 3, 0.8),
        (network_cards.cases, 60, 3, 0.8),
    ],
)
def test_it_agrees_with_the_solver_on_amounts(kind: Kind, number: int, first: int, share: float) -> None:
    said = [opinion_on(case, policy) for case, policy in small(number, first, kind())]
    assert [one for one in said if one.is_fault] == []
    assert sum(one.what.endswith("proven") for one in said) > share * len(said)
