"""Random streams: what happens to an allocator on random machines, drawn by hypothesis."""

from __future__ import annotations

import copy

from hypothesis import strategies as st

from ...topology.presets import preset
from . import strategies
from .steps import Ask, AskAll, AskTooMuch, Copy, Free, FreePart, Json, Mark, Reload, Step, Stream
from .strategies import Draw

LONGEST = 6
"""Steps before the last request."""

PLAIN = -9
"""The theme of streams in which requests are plain; any other is the least form that requests have."""

REFUSED = 100
"""Added to the numbers of jobs that ask for too much."""

PRESETS = ("rfc49-a:2", "rfc49-b:2")


@st.composite
def machines(draw: Draw) -> Json:
    """Draw a machine: most often a small lopsided one, sometimes two nodes of a cluster of RFC 49."""
    if draw(st.integers(0, 7)) == 7:
        return copy.deepcopy(preset(draw(st.sampled_from(PRESETS))))
    R: Json = draw(strategies.machines(simple=draw(st.booleans())))
    R["execution"].setdefault("properties", {})
    return R


def _ids(first: int, count: int) -> str:
    return strategies.text(range(first, first + count))


@st.composite
def even_machines(draw: Draw) -> Json:
    """Draw two to four equal nodes of a few cores, sometimes with GPUs, in one or two sockets."""
    nodes, half = draw(st.integers(2, 4)), draw(st.integers(1, 4))
    gpus = draw(st.sampled_from((0, 0, 2)))
    sockets = [{"cores": _ids(k * half, half), **({"gpus": str(k)} if gpus else {})} for k in (0, 1)]
    children = {"core": _ids(0, 2 * half), **({"gpu": "0-1"} if gpus else {})}
    execution = {"R_lite": [{"rank": f"0-{nodes - 1}", "children": children}], "nodelist": [f"n[0-{nodes - 1}]"]}
    tree = [{"ranks": f"0-{nodes - 1}", "topo": {"socket": sockets}}]
    return {
        "version": 1,
        "execution": {**execution, "properties": {}, "starttime": 0, "expiration": 0},
        "scheduling": {"writer": "TreePool", "children": tree},
    }


@st.composite
def asks(draw: Draw, R: Json, job: int, theme: int) -> Ask:
    """Draw a request: of those that every allocator knows, of common forms, or of any of RFC 14."""
    form = draw(st.integers(theme, 3))
    if form < 2:
        return Ask(job, draw(plain_requests(R)))
    resources = draw(strategies.simple_requests(R) if form == 2 else strategies.full_requests(R))
    return Ask(job, resources, draw(strategies.constraints(R)))


@st.composite
def plain_requests(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw what jobs are mostly made of: slots of cores, sometimes with GPUs, on nodes or anywhere, up to all."""
    held = strategies.resources_of(R).values()
    cores, gpus = max(len(ids[0]) for ids in held), max(len(ids[1]) for ids in held)
    inside = [strategies.vertex("core", draw(st.integers(1, cores)))]
    if gpus and draw(st.integers(0, 3)) == 0:
        inside.append(strategies.vertex("gpu", draw(st.integers(1, gpus))))
    slots = draw(st.integers(1, len(held) + 1))
    if draw(st.integers(0, 3)):
        return (strategies.vertex("slot", slots, *inside, label="task"),)
    slot = strategies.vertex("slot", draw(st.integers(1, 2)), *inside, label="task")
    return (strategies.vertex("node", draw(st.integers(1, len(held))), slot),)


@st.composite
def fillings(draw: Draw, R: Json) -> tuple[Json, ...]:
    """Draw slots of cores that fill one node or more, or all but one slot."""
    held = strategies.resources_of(R).values()
    cores = max(len(ids[0]) for ids in held)
    size = draw(st.sampled_from((1, 2, 3, cores, draw(st.integers(1, cores)))))
    size = min(size, cores)
    slots = max(1, draw(st.integers(1, len(held))) * (cores // size) - draw(st.integers(0, 1)))
    return (strategies.vertex("slot", slots, strategies.vertex("core", size), label="task"),)


@st.composite
def changes(draw: Draw, ranks: list[int], jobs: int) -> Step:
    """Draw something that happens to an allocator and gives nobody anything."""
    form = draw(st.integers(0, 8)) if jobs else draw(st.sampled_from((4, 8)))
    if form == 8:
        return AskTooMuch(jobs + REFUSED, draw(st.integers(1, 2)))
    if form == 0:
        return Free(draw(st.integers(1, jobs)))
    if form < 4:
        return FreePart(draw(st.integers(1, jobs)), draw(st.integers(0, 2)))
    if form == 4:
        return Mark(draw(st.sampled_from(ranks)), draw(st.integers(0, 3)) == 0)
    return Reload() if form < 7 else Copy(draw(st.booleans()))


@st.composite
def short_streams(draw: Draw) -> Stream:
    """Draw a request, one thing that happens, and another request or one for all that is free, on equal nodes.

    This is where most of what an allocator keeps count of goes wrong: after a partial free, a reload, a rank that went
    down. So nodes are filled first, and what is asked for then has just so much room as there must be.
    """
    R = draw(even_machines())
    ranks = sorted(strategies.resources_of(R))
    first = Ask(1, draw(fillings(R) if draw(st.integers(0, 3)) else plain_requests(R)))
    down, copied = Mark(draw(st.sampled_from(ranks)), False), Copy(draw(st.booleans()))
    common = st.sampled_from((None, FreePart(1, 0), FreePart(1, 1), Reload(), down, copied))
    change = draw(common if draw(st.integers(0, 3)) else changes(ranks, 1))
    last = draw(st.integers(0, 2))
    wanted = plain_requests(R) if last == 2 else fillings(R)
    again = AskAll(2, draw(st.integers(1, 2))) if last == 0 else Ask(2, draw(wanted))
    refused = AskTooMuch(REFUSED, draw(st.integers(1, 2))) if draw(st.integers(0, 3)) == 0 else None
    return Stream(R, (first, *(step for step in (change, refused) if step is not None), again))


@st.composite
def streams(draw: Draw) -> Stream:
    """Draw a machine with what happens on it; the last step is a request.

    Where all requests are plain, an allocator that knows only these comes far enough to show what it keeps count of:
    most of those streams are short.
    """
    theme = draw(st.sampled_from((PLAIN, PLAIN, 0, 2)))
    if theme == PLAIN and draw(st.integers(0, 3)):
        return draw(short_streams())
    R = draw(even_machines() if draw(st.integers(0, 3)) == 0 else machines())
    ranks = sorted(strategies.resources_of(R))
    steps: list[Step] = []
    jobs = 0
    for _ in range(draw(st.integers(0, LONGEST))):
        if draw(st.booleans()):
            jobs += 1
            steps.append(draw(asks(R, jobs, theme)))
        else:
            steps.append(draw(changes(ranks, jobs)))
    return Stream(R, (*steps, draw(asks(R, jobs + 1, theme))))
