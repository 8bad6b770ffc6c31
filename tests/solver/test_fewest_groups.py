"""Nodes close together: what is said to be the fewest groups is, by trying all."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactfit.grammar.idset import IdSet
from exactfit.solver.machine.fewest_groups import FewestGroups
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def machine(groups: Json, nodes: int) -> Machine:
    execution = {
        "R_lite": [{"rank": str(IdSet.of(range(nodes))), "children": {"core": "0"}}],
        "nodelist": [f"n[{IdSet.of(range(nodes))}]"],
    }
    return read_R({"version": 1, "execution": execution, "scheduling": {"groups": groups}})


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Draw a machine of up to nine nodes in one to three levels of groups, ranks in a row or scattered."""
    nodes = draw(st.integers(1, 9))
    order = draw(st.permutations(range(nodes))) if draw(st.booleans()) else list(range(nodes))
    levels = ("rack", "row", "hall")[: draw(st.integers(1, 3))]
    cuts = sorted(draw(st.sets(st.integers(1, nodes - 1)))) if nodes > 1 else []
    bounds = [0, *cuts, nodes]
    parts: list[Json] = [{"ranks": str(IdSet.of(order[first:last]))} for first, last in pairwise(bounds)]
    for level in levels[:-1]:
        width = draw(st.integers(1, 3))
        parts = [{level: parts[first : first + width]} for first in range(0, len(parts), width)]
    return machine({levels[-1]: parts}, nodes)


def touched(machine: Machine, nodes: int) -> dict[str, int]:
    return {
        level: sum(group.level == level and bool(group.members & nodes) for group in machine.groups)
        for level in machine.group_levels
    }


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_they_stand_in_the_fewest_groups(data: st.DataObject) -> None:
    place = data.draw(machines())
    assert FewestGroups.are_in(place)
    free = data.draw(st.integers(1, place.all))
    count = data.draw(st.integers(1, free.bit_count()))
    found = FewestGroups(place).fewest(free, count)
    if found is None:
        # Three levels that have to be told apart, or a bound that does not tell: the model is asked then.
        assert len(place.group_levels) > 1
        return
    nodes, said = found
    assert nodes & ~free == 0
    assert nodes.bit_count() == count
    assert touched(place, nodes) == said
    positions = [bit for bit in range(len(place.ranks)) if free >> bit & 1]
    every = (sum(1 << bit for bit in some) for some in combinations(positions, count))
    assert tuple(said.values()) == min(tuple(touched(place, some).values()) for some in every)


@pytest.mark.parametrize(
    ("groups", "fits"),
    [
        ({"rack": [{"ranks": "0-1"}, {"ranks": "2-3"}]}, True),
        ({"row": [{"rack": [{"ranks": "0-1"}, {"ranks": "2"}]}, {"rack": [{"ranks": "3"}]}]}, True),
        ({"rack": [{"ranks": "0-1"}]}, False),
        ({"row": [{"rack": [{"ranks": "0-1"}]}, {"ranks": "2-3"}]}, False),
    ],
    ids=["racks", "rows of racks", "nodes in none", "a row without racks"],
)
def test_it_is_only_for_groups_that_nest_and_hold_all(groups: Json, fits: bool) -> None:
    assert FewestGroups.are_in(machine(groups, 4)) == fits
