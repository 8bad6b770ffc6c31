"""Requests for a machine, as the resources of a jobspec (RFC 14)."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from .listed import Json, group_levels_of, group_stock_of, levels_of, resources_of, stock_of
from .machines import Draw, text


@st.composite
def counts(draw: Draw, most: int) -> int | str | Json:
    """Draw a count of any form that RFC 14 knows, mostly up to `most`."""
    form = draw(st.integers(0, 11))
    low = min(draw(st.integers(1, most)), draw(st.integers(1, most)), draw(st.integers(1, most)))
    high = draw(st.integers(low, most + 2))
    step = draw(st.integers(2, 3))
    if form < 5:
        return low
    if form == 5:
        return {"min": low}
    if form == 6:
        return {"min": low, "max": high}
    if form == 7:
        return {"min": low, "max": high + 1, "operator": "+", "operand": step}
    if form == 8:
        return {"min": low, "max": 2 * high, "operator": "*", "operand": step}
    if form == 9:
        return f"{low}+"
    if form == 10:
        return text(draw(st.sets(st.integers(1, most + 2), min_size=1, max_size=3)))
    return {"min": low + 1, "max": (low + 1) ** 2, "operator": "^", "operand": 2}


def vertex(type_: str, count: object, *children: Json, **more: object) -> Json:
    """Return a vertex of a request."""
    made: Json = {"type": type_, "count": count, **more}
    if children:
        made["with"] = list(children)
    return made


@st.composite
def contents(draw: Draw, levels: Sequence[str]) -> list[Json]:
    """Draw what a slot of a simple request holds: cores, gpus, or whole domains."""
    form = draw(st.integers(0, 9))
    if form < 5 or (form > 7 and not levels):
        return [vertex("core", draw(counts(4)))]
    if form == 5:
        return [vertex("gpu", draw(counts(2)))]
    if form < 8:
        return [vertex("core", draw(counts(3))), vertex("gpu", draw(counts(2)))]
    marked = {"exclusive": True} if draw(st.booleans()) else {}
    return [vertex(draw(st.sampled_from(levels)), draw(counts(2)), **marked)]


@st.composite
def simple_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw a request of one slot type, with or without nodes, in any order of node and slot."""
    levels = levels_of(R)
    nodes = len(resources_of(R))
    form = draw(st.sampled_from(("slot", "node/slot", "node/slot", "slot/node", "slot/whole node", "node{x}/slot")))
    inside = draw(contents(levels))
    slots = draw(counts(4))
    if form == "slot":
        return (vertex("slot", slots, *inside, label="task"),)
    if form == "slot/whole node":
        marked = draw(st.sampled_from(({}, {"exclusive": True})))
        return (vertex("slot", draw(counts(nodes)), vertex("node", 1, **marked), label="task"),)
    if form == "slot/node":
        marked = draw(st.sampled_from(({}, {}, {"exclusive": True}, {"exclusive": False})))
        inner = vertex("node", draw(st.sampled_from((1, 1, 2, "1-2"))), *inside, **marked)
        return (vertex("slot", draw(counts(nodes)), inner, label="task"),)
    marked = {"exclusive": True} if form == "node{x}/slot" else {}
    return (vertex("node", draw(counts(nodes)), vertex("slot", slots, *inside, label="task"), **marked),)


_EXCLUSIVE: tuple[Json, ...] = ({}, {}, {}, {}, {"exclusive": True}, {"exclusive": False})


@st.composite
def _amounts(draw: Draw, R: Json) -> list[Json]:
    names = stock_of(R)
    if not names or draw(st.integers(0, 2)):
        return []
    name = draw(st.sampled_from(names))
    if name in {"memory", "storage"}:
        unit = draw(st.sampled_from(({}, {}, {"unit": "GiB"}, {"unit": "GB"}, {"unit": "MiB"})))
        if unit == {"unit": "MiB"}:
            return [vertex(name, draw(st.sampled_from((512, 1024, 1536, 2560))), **unit)]
        return [vertex(name, draw(counts(3)), **unit)]
    return [vertex(name, draw(st.integers(1, 2)))]


@st.composite
def _slots(draw: Draw, R: Json, label: str, below: Sequence[str], with_nodes: bool, most: int) -> Json:
    """Draw a slot vertex; `below` are the levels that may stand in it."""
    cores = vertex("core", draw(counts(3)))
    if draw(st.integers(0, 7)) == 0:
        cores["id"] = draw(st.sampled_from(("0", "0-2", "1,3", "2-9")))
    gpus = vertex("gpu", draw(counts(2)))
    inside = [[cores], [cores], [cores, gpus], [gpus], []][draw(st.integers(0, 4))]
    inside = [*inside, *draw(_amounts(R))]
    if len(below) > 0 and (draw(st.booleans()) or not any(v["type"] in {"core", "gpu"} for v in inside)):
        marked = draw(st.sampled_from(_EXCLUSIVE if inside else _EXCLUSIVE[:5]))
        level = vertex(draw(st.sampled_from(tuple(below))), draw(counts(2)), *inside, **marked)
        if draw(st.integers(0, 5)) == 0:
            level["id"] = draw(st.sampled_from(("0", "0-1", "1-2")))
        inside = [level]
        if draw(st.integers(0, 5)) == 0:
            inside.insert(draw(st.integers(0, 1)), vertex("core", 1))
        if draw(st.integers(0, 5)) == 0:
            inside += draw(_amounts(R))
    elif not any(v["type"] in {"core", "gpu"} for v in inside):
        inside = [cores, *inside]
    if with_nodes and draw(st.booleans()):
        node = vertex("node", draw(st.sampled_from((1, 1, 1, 2))), *inside, **draw(st.sampled_from(_EXCLUSIVE)))
        # Beside several nodes of one slot an amount is refused: it has to be said of each node.
        inside = [node, *(draw(_amounts(R)) if node["count"] == 1 else ())]
    return vertex("slot", draw(counts(most)), *inside, label=label)


@st.composite
def full_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw a request that may use all of RFC 14: hard levels, groups, amounts, ids, one or two slot types."""
    levels, around = levels_of(R), group_levels_of(R)

    def branch(label: str, most: int) -> Json:
        # Outermost last: what stands above the slot is wrapped around it.
        above = []
        with_node = draw(st.booleans())
        if levels and draw(st.integers(0, 3)) == 0:
            above.append(draw(st.sampled_from(levels)))
        if with_node:
            above.append("node")
        if len(around) > 0 and draw(st.booleans()):
            above.append(draw(st.sampled_from(around)))
        below = levels[levels.index(above[0]) + 1 :] if above and above[0] in levels else levels
        made = draw(_slots(R, label, below, not with_node and not above, most))
        for type_ in above:
            beside = []
            if draw(st.integers(0, 5)) == 0:
                beside = draw(_amounts(R))
            if type_ in around:
                # An amount above the nodes is one that groups list.
                beside = [amount for amount in beside if amount["type"] in group_stock_of(R)]
            if type_ == "node" and draw(st.integers(0, 9)) == 0:
                beside = [vertex("core", 1)]
            marked = (
                draw(st.sampled_from(_EXCLUSIVE)) if type_ in ("node", *levels) or not draw(st.integers(0, 3)) else {}
            )
            many = draw(counts(2)) if draw(st.booleans()) else 1
            made = vertex(type_, many, made, *beside, **marked)
        return made

    if draw(st.integers(0, 2)):
        return (branch("task", 3),)
    if draw(st.booleans()):
        return (branch("read", 2), branch("write", 1))
    inside = [draw(_slots(R, label, levels, False, 2)) for label in ("read", "write")]
    return (vertex("node", draw(counts(2)), *inside),)


@st.composite
def core_and_gpu_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw one to three slot types of cores and GPUs, some of them on nodes that they name."""
    nodes = len(resources_of(R))

    def slot(label: str) -> Json:
        cores, gpus = vertex("core", draw(st.integers(1, 4))), vertex("gpu", draw(st.integers(1, 2)))
        inside = draw(st.sampled_from(([cores], [cores], [cores, gpus], [gpus])))
        return vertex("slot", draw(counts(3)), *inside, label=label)

    def branch(label: str) -> Json:
        form = draw(st.integers(0, 4))
        if form > 1:
            return slot(label)
        inside = [slot(label), *([slot(f"{label}2")] if draw(st.booleans()) else ())]
        return vertex("node", draw(counts(nodes)), *inside)

    return tuple(branch(label) for label in "abc"[: draw(st.sampled_from((1, 2, 2, 3)))])


@st.composite
def memory_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw slots that ask for more memory, or other amounts, than the domains of their cores may have."""
    names, levels = stock_of(R), levels_of(R)

    def amounts() -> list[Json]:
        some = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)) if names else []
        return [vertex(name, draw(st.integers(1, 9 if name in {"memory", "storage"} else 3))) for name in some]

    def slot(label: str) -> Json:
        cores, gpus = vertex("core", draw(st.sampled_from((1, 1, 2, 3)))), vertex("gpu", draw(st.integers(1, 2)))
        inside = [*draw(st.sampled_from(([cores], [cores], [cores, gpus], [gpus]))), *amounts()]
        if levels and draw(st.integers(0, 4)) == 0:
            level = vertex(
                draw(st.sampled_from(levels)), draw(st.integers(1, 2)), **draw(st.sampled_from(_EXCLUSIVE[:5]))
            )
            if draw(st.booleans()):
                level["with"] = inside
                inside = [level, *(amounts() if draw(st.booleans()) else ())]
            else:
                inside = [level, *inside]
        return vertex("slot", draw(counts(3)), *inside, label=label)

    def branch(label: str) -> Json:
        made, above = slot(label), draw(st.sampled_from(("", "", "", "node", "node", *levels)))
        if not above:
            return made
        beside = amounts() if draw(st.integers(0, 3)) == 0 else []
        return vertex(above, 1, made, *beside, **draw(st.sampled_from(_EXCLUSIVE[:5])))

    return tuple(branch(label) for label in "ab"[: draw(st.sampled_from((1, 1, 2)))])


@st.composite
def gpu_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw slots of several GPUs, with cores or whole domains beside them, below a node or not."""
    levels = levels_of(R)

    def slot(label: str) -> Json:
        gpus, form = vertex("gpu", draw(st.sampled_from((2, 2, 3, 4)))), draw(st.integers(0, 7))
        inside = [vertex("core", draw(st.integers(1, 2))), gpus] if form < 5 else [gpus]
        if form == 6 and levels:
            inside = [
                vertex(draw(st.sampled_from(levels)), draw(st.integers(1, 2)), **draw(st.sampled_from(_EXCLUSIVE[:5])))
            ]
        if form == 7:
            inside = [vertex("node", 1, *draw(st.sampled_from(([], [gpus]))))]
        return vertex("slot", draw(st.sampled_from((1, 1, 2, {"min": 1}))), *inside, label=label)

    made = tuple(slot(label) for label in "ab"[: draw(st.sampled_from((1, 1, 2)))])
    if any(below["type"] == "node" for one in made for below in one["with"]) or draw(st.booleans()):
        return made
    return (vertex("node", 1, *made),)
