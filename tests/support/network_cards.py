"""Slots with network cards, on nodes whose domains list some beside their GPUs, as hwloc's trees do."""

from __future__ import annotations

from hypothesis import strategies as st

from exactfit.adapters.audit.strategies import Case, Draw, Json, constraints, levels_of, machines, states, vertex

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
def cases(draw: Draw) -> Case:
    """Draw such a machine with a state, and slots that ask for cards beside cores and GPUs."""
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
