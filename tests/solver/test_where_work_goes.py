"""Work that is left goes where the proof is: several slot types on one node, several nodes, level after level."""

from __future__ import annotations

import pytest

from benchmarks.campaign import KINDS, decide, machine_of
from benchmarks.forms import Asked
from exactfit.grammar.idset import IdSet

CASES = {
    "all types at once on the only node": (
        ("four levels, GPUs", [("", "")], "[slot=2{a}/[core=1;gpu=1];slot=4{b}/[core=31];slot=19{c}/[core=3]]"),
        0.1,
    ),
    "types of which one has a GPU on the only node": (
        (
            "four levels, GPUs",
            [("46-58,67-68,139-149", "1,3-4,7")],
            "[slot=1{a}/[core=17;gpu=2];slot=4{b}/[core=27];slot=1{c}/[core=8;gpu=1]]",
        ),
        0.5,
    ),
    "levels leave work for the search": (
        (
            "LLC as numa",
            [("45-55,58-67,105-109,175-184,190,194-197,240-245", "")],
            "node=1/[slot=5{a}/[core=20];slot=8{b}/[core=7]]",
        ),
        0.45,
    ),
    "what one node leaves of its share is another's": (
        (
            "two dies",
            [("", ""), ("84-91,108-118", ""), ("", "")],
            "node=3/[slot=1{a}/[core=26;gpu=1];slot=1{b}/[core=6;gpu=1];slot=1{c}/[core=24]]",
        ),
        0.45,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_proven_with_so_much_work(name: str) -> None:
    (kind, held, shape), most = CASES[name]
    assert kind in KINDS
    taken = [tuple(_mask(ids) for ids in some) for some in held]
    outcome = decide(
        kind, machine_of(kind, len(held)), [(cores, gpus) for cores, gpus in taken], Asked("", shape, True)
    )
    assert (outcome.status, outcome.fault) == ("optimal", "")
    assert outcome.work <= most


def _mask(ids: str) -> int:
    return sum(1 << number for number in IdSet.parse(ids)) if ids else 0
