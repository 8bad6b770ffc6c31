"""The second opinion on small cases of all forms, beside the solver."""

from __future__ import annotations

import pytest

from opinions import opinion_on, small


@pytest.mark.parametrize(("first", "share"), [(0, 0.85), (1, 0.85)])
def test_it_agrees_with_the_solver_on_small_cases_of_all_forms(first: int, share: float) -> None:
    said = [opinion_on(case, policy) for case, policy in small(300, first)]
    assert [one for one in said if one.is_fault] == []
    assert sum(one.what.endswith("proven") for one in said) > share * len(said)
