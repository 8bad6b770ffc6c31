"""The second opinion on fragmented states of real nodes, beside the solver."""

from __future__ import annotations

import pytest

from opinions import opinion_on, real_cases


@pytest.mark.parametrize("first", [0, 30])
def test_it_agrees_with_the_solver_on_fragmented_states_of_real_nodes(first: int) -> None:
    cases = real_cases(30, first)
    said = [opinion_on(case, policy, counting=bool(k % 2)) for k, (case, policy) in enumerate(cases)]
    assert [one for one in said if one.is_fault] == []
    assert sum(one.what.endswith("proven") for one in said) > 24
