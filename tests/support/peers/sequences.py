"""Random sequences of what happens to a pool: jobs ask and end, nodes go down and come up."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from exactfit.adapters.audit import strategies
from exactfit.topology.presets import preset

Json = dict[str, Any]
Draw = st.DrawFn

LONGEST = 6
PRESETS = ("rfc49-a:2", "rfc49-b:2")


@dataclass(frozen=True)
class Ask:
    """A job asks for resources, and keeps what our pool gives it."""

    resources: tuple[Json, ...]
    constraint: Json | None = None


@dataclass(frozen=True)
class End:
    """The job that has run for so many others' beginnings ends; nothing when there is none."""

    back: int


@dataclass(frozen=True)
class Turn:
    """A rank goes down, or comes up when it is down."""

    rank: int


Step = Ask | End | Turn


@dataclass(frozen=True)
class Sequence:
    """A machine and what happens on it."""

    R: Json
    steps: tuple[Step, ...]


@st.composite
def machines(draw: Draw) -> Json:
    """Draw a machine: most often a small lopsided one, sometimes two nodes of a cluster of RFC 49."""
    if draw(st.integers(0, 4)) == 4:
        return copy.deepcopy(preset(draw(st.sampled_from(PRESETS))))
    R: Json = draw(strategies.machines(simple=draw(st.booleans())))
    R["execution"].setdefault("properties", {})
    return R


@st.composite
def asks(draw: Draw, R: Json) -> Ask:
    """Draw a request: most often one that Flux's pools know as well, sometimes any of RFC 14."""
    if draw(st.integers(0, 3)) < 3:
        return Ask(draw(strategies.simple_requests(R)), draw(strategies.constraints(R)))
    return Ask(draw(strategies.full_requests(R)), draw(strategies.constraints(R)))


@st.composite
def sequences(draw: Draw) -> Sequence:
    """Draw a machine with what happens on it; the last step is a job that asks."""
    R = draw(machines())
    ranks = sorted(strategies.resources_of(R))
    others = st.one_of(asks(R), asks(R), st.builds(End, st.integers(0, 2)), st.builds(Turn, st.sampled_from(ranks)))
    return Sequence(R, (*draw(st.lists(others, max_size=LONGEST)), draw(asks(R))))
