"""Slots of several nodes that are asked for different things, on the machines and in the states of `strategies`."""

from __future__ import annotations

from hypothesis import strategies as st

from exactfit.adapters.audit.strategies import (
    Case,
    Draw,
    Json,
    levels_of,
    machines,
    resources_of,
    states,
    stock_of,
    vertex,
)


@st.composite
def _node(draw: Draw, R: Json) -> Json:
    """Draw a node vertex: cores, GPUs, both, or those of a domain, and an amount beside them."""
    levels, names = levels_of(R), stock_of(R)
    cores, gpus = vertex("core", draw(st.integers(1, 2))), vertex("gpu", 1)
    inside = draw(st.sampled_from(([cores], [cores], [cores, gpus], [gpus])))
    if levels and draw(st.integers(0, 4)) == 0:
        inside = [vertex(draw(st.sampled_from(levels)), 1, *draw(st.sampled_from(([], inside))))]
    if names and draw(st.integers(0, 2)) == 0:
        inside = [*inside, vertex(draw(st.sampled_from(names)), draw(st.integers(1, 3)))]
    return vertex("node", draw(st.sampled_from((1, 1, 1, 2))), *inside)


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a machine with a state, and slots of one to three node vertices."""
    R = draw(machines(draw(st.booleans())).filter(lambda R: len(resources_of(R)) > 1))
    running, down = draw(states(R))
    nodes = [draw(_node(R)) for _ in range(draw(st.sampled_from((1, 2, 2, 3))))]
    return Case(R, running, down, (vertex("slot", draw(st.sampled_from((1, 1, 2))), *nodes, label="task"),))
