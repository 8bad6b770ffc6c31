"""The brute-force reference itself: cases that can be worked out by hand, and its placements before the checker."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import brute, strategies
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver.checker import check
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

from .conftest import FOUR, Json, answer, on


def two(*topos: Json) -> Machine:
    """Return a machine of one node for each tree, each with cores 0-5 and gpus 0-1."""
    return read_R(
        {
            "version": 1,
            "execution": {
                "R_lite": [{"rank": f"0-{len(topos) - 1}", "children": {"core": "0-5", "gpu": "0-1"}}],
                "nodelist": [f"n[0-{len(topos) - 1}]"],
            },
            "scheduling": {
                "writer": "TreePool",
                "children": [{"ranks": str(rank), "topo": topo} for rank, topo in enumerate(topos)],
            },
        }
    )


NUMA = {"numa": [{"cores": "0-2", "gpus": "0", "memory": 4}, {"cores": "3-5", "gpus": "1", "memory": 4}]}

BY_HAND: list[tuple[str, dict[str, object] | None]] = [
    # GPU-less slots go where they touch fewest free GPUs, after touching fewest domains.
    ("slot/core=2", {"size": (), "affinity.numa": 0, "spread.node": 1, "intact.numa": 1, "shield": 1, "fit.numa": 3}),
    ("slot/core=4", {"affinity.numa": 1, "shield": 2}),
    ("slot=3/core=2", {"affinity.numa": 0, "spread.node": 2, "intact.node": 2}),
    ("slot=2/[core=2;gpu]", {"affinity.numa": 0, "spread.node": 1, "shield": 0}),
    ("slot/gpu=2", {"affinity.numa": 1, "shield": 0}),
    ("node=2/slot=1-9/core", {"size": (6,), "spread.node": 2}),
    ("slot=1-9/core=2-3", {"size": (6, 2)}),
    ("slot/numa=2/core=2", {"affinity.numa": 1, "fit.numa": 6}),
    ("slot=3/numa/core", {"spread.node": 2, "intact.numa": 3}),
    ("slot=5/numa/core", None),
    ("slot/[core=2;memory=6]", {"affinity.numa": 1}),
    ("slot=2/[core;memory=3]", {"intact.numa": 2}),
    ("slot=2/node", {"affinity.numa": 2, "intact.node": 2, "fit.node": 12}),
    ("node{x}/slot=7/core", None),
    ("slot/fpga", None),
    ("slot/core=7", None),
    # What asks for nothing, and beside nodes for what is theirs.
    ("[node{-x};slot/core]", None),
    ("slot/[core;numa{-x}]", None),
    ("[slot/core;memory=1]", None),
]


@pytest.mark.parametrize(("shape", "expected"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_by_hand(shape: str, expected: dict[str, object] | None) -> None:
    found = brute.best(two(NUMA, NUMA), parse_resources(parse_shape(shape)))
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert {name: found[name] for name in expected} == expected


def test_ways_of_having_amounts_are_tried_up_to_ones_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot is one partial placement, however many domains could give it its memory."""
    machine, request = two(NUMA, NUMA), parse_resources(parse_shape("slot=2/[core=2;memory=6]"))
    assert brute.best(machine, request, patience=200) is not None
    monkeypatch.setattr(brute.world, "TRIES", 0)
    with pytest.raises(brute.TooManyError):
        brute.best(machine, request, patience=200)


def test_policies_order_the_terms() -> None:
    machine = two(NUMA, NUMA)
    request = parse_resources(parse_shape("slot/core"))
    running = [answer([on(0, "0,3")])]
    packed = brute.best(machine, request, running=running)
    spread = brute.best(machine, request, running=running, policy=brute.SPREAD)
    assert packed is not None
    assert spread is not None
    assert (packed["fit.node"], spread["fit.node"]) == (4, 6)
    assert list(spread) == ["size", "affinity.numa", "fit.node", "fit.numa"]
    assert brute.best(machine, request, policy=brute.LOWEST) == {"size": ()}


def test_a_policy_may_put_size_after_other_terms() -> None:
    found = brute.best(two(NUMA, NUMA), parse_resources(parse_shape("slot=1-4/core=2")), policy=("fit", "size"))
    assert found == {"fit.node": 6, "fit.numa": 3, "size": (1,)}


def test_state_and_constraint() -> None:
    machine = read_R(FOUR)
    request = parse_resources(parse_shape("slot/node"))
    assert brute.best(machine, request, running=[answer([on(rank, "0") for rank in range(3)])], down=0b1000) is None
    found = brute.find(machine, request, constraint=parse_constraint({"properties": ["fast"]}))
    assert found is not None
    assert found.R["execution"]["R_lite"][0]["rank"] in ("2", "3")


@pytest.mark.parametrize("simple", [True, False])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_checker_agrees_with_the_best_placement(simple: bool, data: st.DataObject) -> None:
    """Two readings of the definitions that share no code: one enumerates placements, the other judges them."""
    case = data.draw(strategies.cases(simple))
    machine = read_R(case.R)
    request = parse_resources(list(case.resources))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    down = machine.mask_of(IdSet.parse(case.down))
    try:
        found = brute.find(
            machine,
            request,
            constraint=constraint,
            running=case.running,
            down=down,
            slot_exclusive=case.slot_exclusive,
            patience=20_000,
        )
    except brute.TooManyError:
        assume(False)
    if found is None:
        return
    verdict = check(
        machine,
        request,
        found.R,
        constraint=constraint,
        running=case.running,
        down=down,
        slot_exclusive=case.slot_exclusive,
    )
    assert verdict.violations == ()
    assert {name: verdict.terms[name] for name in found.terms} == found.terms
    assert verdict.counts == found.counts
