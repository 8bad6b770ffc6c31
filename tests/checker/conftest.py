"""A machine on which every rule shows, and a short way to write answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import Verdict, check
from exactfit.topology.rset import read_R

Json = dict[str, Any]

BOX: Json = {
    "ib10g": 1,
    "socket": [
        {
            "gpus": "2",
            "numa": [{"cores": "0-2", "gpus": "0", "memory": 8}, {"cores": "3-5", "memory": 8}],
        },
        {"numa": [{"cores": "6-8", "gpus": "1", "memory": 8}, {"cores": "9-11", "memory": 8}]},
    ],
}
"""Two sockets of two numa domains of three cores; GPUs in numa 0, in numa 2 and, for all of it, in socket 0."""

FOUR: Json = {
    "version": 1,
    "execution": {
        "R_lite": [{"rank": "0-3", "children": {"core": "0-11", "gpu": "0-2"}}],
        "nodelist": ["n[0-3]"],
        "properties": {"fast": "2-3"},
        "starttime": 0,
        "expiration": 0,
    },
    "scheduling": {
        "writer": "TreePool",
        "children": [{"ranks": "0-3", "topo": BOX}],
        "groups": {"rack": [{"ranks": "0-1", "storage": 100}, {"ranks": "2-3", "storage": 100}]},
    },
}
"""Four such nodes in two racks that have storage."""


@dataclass
class Slot:
    """A slot of an answer: what it holds of each rank, as `cores` or `cores/gpus`."""

    of: Mapping[int, str]
    label: str = "task"
    amounts: Json = field(default_factory=dict)


def on(rank: int, cores: str, label: str = "task", **amounts: float) -> Slot:
    """Return a slot on one rank; `cores` may go on with "/" and gpus."""
    return Slot({rank: cores}, label, dict(amounts))


def answer(slots: Sequence[Slot], *, rest: Mapping[int, str] | None = None, beside: Sequence[Json] = ()) -> Json:
    """Return the R of an answer.

    `rest` is what belongs to the job and to no slot, `beside` are more entries of the placement.
    """
    held: dict[int, list[set[int]]] = {}
    placement: list[Json] = []
    for number, slot in enumerate(slots):
        for rank, text in slot.of.items():
            ids = _take(held, rank, text)
            entry: Json = {"label": slot.label, **ids, **slot.amounts}
            if len(slot.of) > 1:
                entry["slot"] = number
            placement.append({"ranks": str(rank), "slots": [entry]})
    for rank, text in (rest or {}).items():
        _take(held, rank, text)
    return allocated(held, len(slots), [*placement, *beside])


def allocated(held: Mapping[int, Sequence[set[int]]], nslots: int, placement: Sequence[Json] | None) -> Json:
    """Return the R of a job."""
    lite = []
    for rank in sorted(held):
        cores, gpus = held[rank]
        children = {"core": str(IdSet.of(cores)), **({"gpu": str(IdSet.of(gpus))} if gpus else {})}
        lite.append({"rank": str(rank), "children": children})
    R: Json = {
        "version": 1,
        "execution": {"R_lite": lite, "nslots": nslots, "nodelist": [f"n{rank}" for rank in sorted(held)]},
    }
    if placement is not None:
        R["scheduling"] = {"writer": "exactfit.adapters.flux", "placement": list(placement)}
    return R


def bare(R: Json) -> Json:
    """Return an R as other allocators write it: without a placement."""
    return {key: value for key, value in R.items() if key != "scheduling"}


def _take(held: dict[int, list[set[int]]], rank: int, text: str) -> Json:
    cores, _, gpus = text.partition("/")
    here = held.setdefault(rank, [set(), set()])
    for ids, some in zip(here, (cores, gpus), strict=True):
        ids.update(IdSet.parse(some))
    return {key: some for key, some in (("cores", cores), ("gpus", gpus)) if some}


@dataclass
class Case:
    """A machine with a state, on which answers are judged."""

    R: Json
    running: Sequence[Json] = ()
    down: str = ""

    def judge(self, shape: str, R: Json, *, constraint: Json | None = None, **options: str) -> Verdict:
        """Judge an answer to a request that is given as a shape."""
        machine = read_R(self.R)
        return check(
            machine,
            parse_resources(parse_shape(shape)),
            R,
            constraint=ALWAYS if constraint is None else parse_constraint(constraint),
            running=self.running,
            down=machine.mask_of(IdSet.parse(self.down)),
            **options,
        )


@pytest.fixture
def four() -> Case:
    """Four idle nodes."""
    return Case(FOUR)
