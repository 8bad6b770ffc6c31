"""The checker finds out what is wrong: answers that are almost right, judged a second time by trying all placements."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exactfit.adapters.audit import brute, strategies
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver.checker import check
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

from .conftest import Json, bare

KINDS = (("core", "cores"), ("gpu", "gpus"))


def change(draw: st.DrawFn, machine: Machine, R: Json) -> None:
    """Let one slot have one core or gpu more, one less, or another one, in R_lite as well."""
    entry = draw(st.sampled_from([e for e in R["scheduling"]["placement"] if "slots" in e]))
    slot = draw(st.sampled_from(entry["slots"]))
    key, slot_key = draw(st.sampled_from(KINDS))
    rank = int(entry["ranks"])
    (lite,) = [e["children"] for e in R["execution"]["R_lite"] if e["rank"] == entry["ranks"]]
    kind = machine.type_at(machine.position(rank))
    mine, held = set(IdSet.parse(slot.get(slot_key, ""))), set(IdSet.parse(lite.get(key, "")))
    others = set(IdSet.from_mask(kind.cores if key == "core" else kind.gpus)) - held
    less = draw(st.booleans()) if mine and others else bool(mine)
    if less:
        gone = draw(st.sampled_from(sorted(mine)))
        mine.discard(gone)
        held.discard(gone)
    if others and (not less or draw(st.booleans())):
        new = draw(st.sampled_from(sorted(others)))
        mine.add(new)
        held.add(new)
    slot[slot_key], lite[key] = str(IdSet.of(mine)), str(IdSet.of(held))


@st.composite
def changed(draw: st.DrawFn, simple: bool) -> tuple[strategies.Case, Json]:
    """Draw a case with a placement that was changed a little."""
    case = draw(strategies.cases(simple))
    text = str(case.resources)
    assume(not any(f"'{name}'" in text for name in strategies.stock_of(case.R)))
    machine = read_R(case.R)
    try:
        found = brute.find(machine, parse_resources(list(case.resources)), patience=5_000, **arguments(case))
    except brute.TooManyError:
        found = None
    assume(found is not None)
    assert found is not None
    R = copy.deepcopy(found.R)
    for _ in range(draw(st.integers(1, 2))):
        change(draw, machine, R)
    return case, R


def arguments(case: strategies.Case) -> dict[str, Any]:
    return {
        "constraint": ALWAYS if case.constraint is None else parse_constraint(case.constraint),
        "running": case.running,
        "down": read_R(case.R).mask_of(IdSet.parse(case.down)),
        "slot_exclusive": case.slot_exclusive,
    }


@pytest.mark.parametrize("simple", [True, False])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_checker_agrees_with_trying_everything(simple: bool, data: st.DataObject) -> None:
    case, R = data.draw(changed(simple))
    machine, request = read_R(case.R), parse_resources(list(case.resources))
    try:
        allowed = brute.allows(machine, request, R, patience=20_000, **arguments(case))
    except brute.TooManyError:
        assume(False)
    verdict = check(machine, request, R, **arguments(case))
    assert verdict.legal == allowed, verdict.violations


@pytest.mark.parametrize("simple", [True, False])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_checker_finds_a_split_just_when_there_is_one(simple: bool, data: st.DataObject) -> None:
    case, R = data.draw(changed(simple))
    R = bare(R)
    del R["execution"]["nslots"]
    machine, request = read_R(case.R), parse_resources(list(case.resources))
    verdict = check(machine, request, R, **arguments(case))
    assume(not any(violation.startswith("not judged") for violation in verdict.violations))
    try:
        allowed = brute.allows(machine, request, R, patience=20_000, **arguments(case))
    except brute.TooManyError:
        assume(False)
    assert verdict.legal == allowed, verdict.violations
