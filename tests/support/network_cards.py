"""Slots with network cards, on nodes whose domains list some beside their GPUs, as hwloc's trees do."""

from __future__ import annotations

from hypothesis import strategies as st

from exactfit.adapters.audit.strategies import (
    Case,
    Draw,
    Json,
    constraints,
    levels_of,
    machines,
    resources_of,
    states,
    vertex,
)

NIC = "nic"


@st.composite
def _machines(draw: Draw) -> Json:
    """Draw a machine of which every domain of a level lists cards, or some do, or the nodes do as well."""
    R: Json = draw(machines(simple=True).filter(lambda R: "children" in R.get("scheduling", {})))
    entries = R["scheduling"]["children"]
    level = draw(st.sampled_from(levels_of(R)))

    def with_cards(topo: Json, here: str) -> Json:
        inside = {
            key: [with_cards(one, key) for one in value] if isinstance(value, list) else value
            for key, value in topo.items()
        }
        cards = draw(st.sampled_from((1, 1, 1, 2, 0))) if here == level else 0
        if here == "node" and draw(st.integers(0, 3)) == 0:
            cards = 1
        return {**inside, NIC: cards} if cards else inside

    R["scheduling"]["children"] = [{**entry, "topo": with_cards(entry["topo"], "node")} for entry in entries]
    return R


@st.composite
def _node(draw: Draw, R: Json) -> Json:
    """Draw what one node vertex of a slot asks for: most often cards, and not always of the domain of its cores."""
    cores, gpus = vertex("core", draw(st.sampled_from((1, 1, 2)))), vertex("gpu", 1)
    inside = [*draw(st.sampled_from(([cores], [cores], [cores, gpus], [gpus])))]
    if draw(st.integers(0, 3)):
        inside.append(vertex(NIC, draw(st.sampled_from((1, 1, 2)))))
    if draw(st.integers(0, 4)) == 0:
        inside = [vertex(draw(st.sampled_from(levels_of(R))), 1, *inside)]
    return vertex("node", draw(st.sampled_from((1, 2, 2))), *inside)


@st.composite
def several_node_cases(draw: Draw) -> Case:
    """Draw such a machine with a state, and slots of several nodes that ask for cards."""
    R = draw(_machines().filter(lambda R: len(resources_of(R)) > 1))
    running, down = draw(states(R))
    nodes = [draw(_node(R)) for _ in range(draw(st.sampled_from((1, 1, 2))))]
    return Case(R, running, down, (vertex("slot", draw(st.sampled_from((1, 1, 2))), *nodes, label="task"),))


@st.composite
def cases(draw: Draw) -> Case:
    """Draw such a machine with a state, and slots that ask for cards beside cores and GPUs; some have several nodes."""
    if draw(st.integers(0, 3)) == 0:
        return draw(several_node_cases())
    R = draw(_machines())
    running, down = draw(states(R))

    def slot(label: str) -> Json:
        cores, gpus = (
            vertex("core", draw(st.sampled_from((1, 1, 2, 3)))),
            vertex("gpu", draw(st.sampled_from((1, 1, 2)))),
        )
        inside = [*draw(st.sampled_from(([cores], [cores, gpus], [cores, gpus], [gpus])))]
        inside.append(vertex(NIC, draw(st.sampled_from((1, 1, 1, 2)))))
        return vertex("slot", draw(st.sampled_from((1, 1, 2, 2, 3, {"min": 1}))), *inside, label=label)

    made = tuple(slot(label) for label in "ab"[: draw(st.sampled_from((1, 1, 2)))])
    if draw(st.integers(0, 2)) == 0:
        made = (vertex("node", 1, *made),)
    return Case(R, running, down, made, draw(constraints(R)))
