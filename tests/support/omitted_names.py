"""Requests that name `socket` and `numa` on machines of which some have no such level."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from exactfit.adapters.audit import strategies

Json = dict[str, Any]
_COUNTS: st.SearchStrategy[Any] = st.sampled_from([1, 1, 1, 2, {"min": 1, "max": 2, "operator": "+", "operand": 1}])


@st.composite
def asking(draw: st.DrawFn) -> tuple[Json, ...]:
    """Draw a slot among domains, named in their order and each there or not, with a count, an id, or whole."""

    def domains(names: tuple[str, ...], inside: list[Json]) -> list[Json]:
        for name in reversed(names):
            if not draw(st.booleans()):
                continue
            more: Json = {}
            if draw(st.integers(0, 5)) == 0:
                more["exclusive"] = draw(st.booleans()) if inside else True  # else it asks for nothing
            if name != "node" and draw(st.integers(0, 9)) == 0:
                more["id"] = draw(st.sampled_from(["0", "1", "0-1"]))
            inside = [strategies.vertex(name, draw(_COUNTS), *inside, **more)]
        return inside

    taken = [strategies.vertex("core", draw(_COUNTS))]
    if draw(st.integers(0, 2)) == 0:
        taken.append(strategies.vertex("gpu", 1))
    cut = draw(st.integers(0, 3))
    names = ("node", "socket", "numa")
    inside = domains(names[cut:], taken)
    if draw(st.integers(0, 5)) == 0 and inside is not taken and inside[0]["type"] != "node":
        inside = domains(names[cut:], []) or inside
    slot = strategies.vertex("slot", draw(_COUNTS), *inside, label="task")
    return tuple(domains(names[:cut], [slot]))


@st.composite
def cases(draw: st.DrawFn) -> strategies.Case:
    """Draw a machine with a state and such a request."""
    R = draw(strategies.machines(simple=True))
    running, down = draw(strategies.states(R))
    mode = draw(st.sampled_from(["shared", "shared", "rfc14"]))
    return strategies.Case(R, running, down, draw(asking()), slot_exclusive=mode)
