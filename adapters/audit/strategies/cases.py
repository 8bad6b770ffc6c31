"""A machine with a state and a request, with the constraints and policies that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from .listed import Json, resources_of, stock_of
from .machines import Draw, machines, text
from .requests import core_and_gpu_requests, full_requests, gpu_requests, memory_requests, simple_requests
from .states import states


@dataclass(frozen=True)
class Case:
    """A machine, what runs on it, and a request."""

    R: Json
    running: tuple[Json, ...] = ()
    down: str = ""
    resources: tuple[Json, ...] = ()
    constraint: Json | None = None
    slot_exclusive: str = "shared"
    unknown_types: str = "refuse"


@st.composite
def core_and_gpu_cases(draw: Draw) -> Case:
    """Draw a machine with a state and a request of cores and GPUs."""
    R = draw(machines(simple=True))
    running, down = draw(states(R))
    return Case(R, running, down, draw(core_and_gpu_requests(R)), draw(constraints(R)))


@st.composite
def memory_cases(draw: Draw) -> Case:
    """Draw a machine with a state and slots that ask for much memory."""
    R = draw(machines().filter(lambda R: bool(stock_of(R))))
    running, down = draw(states(R))
    slot_exclusive = draw(st.sampled_from(("shared", "shared", "shared", "rfc14")))
    return Case(R, running, down, draw(memory_requests(R)), draw(constraints(R)), slot_exclusive)


@st.composite
def link_cases(draw: Draw) -> Case:
    """Draw a machine whose GPUs are not all joined alike, with a state, and slots of several GPUs."""
    R = draw(machines(draw(st.booleans())).filter(_has_links))
    running, down = draw(states(R))
    return Case(R, running, down, draw(gpu_requests(R)), draw(constraints(R)))


def _has_links(R: Json) -> bool:
    entries = R.get("scheduling", {}).get("exactfit", {}).get("links", ())
    return any(len({row[i] for row in entry["bandwidth"] for i in range(len(row)) if row[i]}) > 1 for entry in entries)


@st.composite
def policies(draw: Draw) -> str:
    """Draw a policy that ships, or terms in any order."""
    last = draw(st.sampled_from(("fit", "worst-fit")))
    terms = ("partial", "affinity", "share", "links", "spread", "intact", "shield", last)
    if draw(st.booleans()):
        return draw(st.sampled_from(("pack", "spread", "lowest")))
    return ",".join(draw(st.permutations(terms))[: draw(st.integers(1, 8))])


@st.composite
def constraints(draw: Draw, R: Json) -> Json | None:
    """Draw a constraint, most often none."""
    ranks = sorted(resources_of(R))
    form = draw(st.integers(0, 15))
    if form > 3:
        return None
    some = text(draw(st.sets(st.sampled_from(ranks), min_size=1)))
    forms: list[Json] = [
        {"properties": ["fast"]},
        {"properties": ["^fast"]},
        {"ranks": [some]},
        {"not": [{"hostlist": [f"n{ranks[0]}"]}]},
    ]
    return forms[form]


@st.composite
def cases(draw: Draw, simple: bool = False) -> Case:
    """Draw a machine with a state and a request; `simple` leaves out what only RFC 14 in full has."""
    R = draw(machines(simple))
    running, down = draw(states(R))
    resources = draw(simple_requests(R)) if simple or draw(st.integers(0, 3)) == 0 else draw(full_requests(R))
    slot_exclusive = "shared" if simple else draw(st.sampled_from(("shared", "shared", "shared", "rfc14")))
    return Case(R, running, down, resources, draw(constraints(R)), slot_exclusive)
