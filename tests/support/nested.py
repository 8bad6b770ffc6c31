"""Requests whose slots hold slots, on the machines and in the states of `strategies`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from exactfit.adapters.audit.strategies import (
    Case,
    Draw,
    Json,
    constraints,
    counts,
    group_levels_of,
    group_stock_of,
    levels_of,
    machines,
    states,
    stock_of,
    vertex,
)

_MARKS: tuple[Json, ...] = ({}, {}, {"exclusive": True}, {"exclusive": False})


@st.composite
def _amount(draw: Draw, names: Sequence[str]) -> list[Json]:
    if len(names) == 0 or draw(st.booleans()):
        return []
    return [vertex(draw(st.sampled_from(names)), draw(st.sampled_from((1, 1, 2, "1-2"))))]


@st.composite
def _inner(draw: Draw, R: Json, label: str) -> Json:
    """Draw a task slot: cores, gpus, or those of a domain."""
    inside = [vertex("core", draw(st.integers(1, 2)))]
    if draw(st.integers(0, 3)) == 0:
        inside = [vertex("gpu", 1)]
    levels = levels_of(R)
    if levels and draw(st.integers(0, 3)) == 0:
        inside = [vertex(draw(st.sampled_from(levels)), 1, *inside, **draw(st.sampled_from(_MARKS)))]
    return vertex("slot", draw(st.sampled_from((1, 1, 2, "1-2"))), *inside, label=label)


@st.composite
def _inside(draw: Draw, R: Json) -> list[Json]:
    """Draw what stands in an outer slot on one node: inner slots, and what is in none of them."""
    found = [draw(_inner(R, "task"))]
    if draw(st.integers(0, 2)) == 0:
        found.append(draw(_inner(R, "helper")))
    if draw(st.integers(0, 2)) == 0:
        found.append(vertex("core", draw(st.integers(1, 2))))
    if draw(st.integers(0, 5)) == 0:
        found.append(vertex("gpu", 1))
    levels = levels_of(R)
    if levels and draw(st.integers(0, 3)) == 0:
        return [vertex(draw(st.sampled_from(levels)), 1, *found, **draw(st.sampled_from(_MARKS)))]
    return found


@st.composite
def requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw a request with a slot that holds slots: around its node, on any one node, in a node, in a rack."""
    many = draw(st.sampled_from((1, 1, 2, 2, 3, "1-2")))
    inside = draw(_inside(R))
    form = draw(st.sampled_from(("around a node", "around a node", "on a node", "in a node")))
    if form == "around a node":
        node = vertex("node", 1, *inside, **draw(st.sampled_from(_MARKS)))
        made = vertex("slot", many, node, *draw(_amount(stock_of(R))), label="outer")
    elif form == "on a node":
        made = vertex("slot", many, *inside, *draw(_amount(stock_of(R))), label="outer")
    else:
        outer = vertex("slot", many, *inside, label="outer")
        made = vertex("node", draw(counts(2)), outer, **draw(st.sampled_from(_MARKS)))
    around = group_levels_of(R)
    if len(around) > 0 and draw(st.booleans()):
        listed = tuple(sorted(group_stock_of(R) & set(stock_of(R))))
        made = vertex(draw(st.sampled_from(around)), draw(st.integers(1, 2)), made, *draw(_amount(listed)))
    if draw(st.integers(0, 5)) == 0:
        made = vertex("slot", draw(st.integers(1, 2)), made, label="outermost")
    return (made,)


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a machine with a state and such a request."""
    R: Json = draw(machines())
    running, down = draw(states(R))
    exclusive: Any = draw(st.sampled_from(("shared", "shared", "rfc14")))
    return Case(R, running, down, draw(requests(R)), draw(constraints(R)), exclusive)
