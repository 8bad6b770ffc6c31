"""Racks and clusters that are taken whole, by jobs and by slots, compared with trying everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.adapters.audit.strategies import counts, vertex

from .test_against_brute_force import check

Json = dict[str, Any]


@st.composite
def requests(draw: st.DrawFn, R: Json) -> tuple[Json, ...]:
    """Draw a request with a group that is taken whole."""
    level = draw(st.sampled_from(strategies.group_levels_of(R)))
    cores = [vertex("core", draw(counts(3)))]
    node = vertex("node", draw(counts(2)), *cores, **draw(st.sampled_from(({}, {"exclusive": True}))))
    slot = vertex("slot", draw(counts(2)), *cores, label="task")
    forms: list[Json] = [
        vertex("slot", draw(counts(2)), vertex(level, draw(counts(2))), label="task"),
        vertex("slot", draw(counts(2)), vertex(level, 1, node, exclusive=True), label="task"),
        vertex("slot", 1, vertex(level, 1, *cores, exclusive=True), label="task"),
        vertex(level, draw(counts(2)), slot, exclusive=True),
        vertex(level, draw(counts(2)), vertex("node", draw(counts(2)), slot), exclusive=True),
        vertex(level, 1, vertex("slot", draw(counts(2)), node, label="task"), exclusive=True),
        vertex(level, 1, vertex("slot", 1, node, label="other"), slot, exclusive=True),
    ]
    made = draw(st.sampled_from(forms))
    if draw(st.integers(0, 3)):
        return (made,)
    return made, vertex("slot", draw(counts(2)), vertex("core", 1), label="beside")


@st.composite
def cases(draw: st.DrawFn) -> strategies.Case:
    R = draw(strategies.machines())
    # A machine without a tree has no groups either: they would be its tree.
    scheduling = R.setdefault("scheduling", {"writer": "TreePool", "children": []})
    scheduling["groups"] = draw(strategies.groups(sorted(strategies.resources_of(R))))
    if not scheduling.get("children"):
        scheduling.pop("children", None)
    running, down = draw(strategies.states(R))
    if draw(st.booleans()):
        running, down = (), ""
    return strategies.Case(R, running, down, draw(requests(R)))


@pytest.mark.parametrize("policy", ["pack", "spread"])
@given(case=cases())
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_as_good_as_trying_everything(policy: str, case: strategies.Case) -> None:
    check(case, policy)
