"""Any placement on any small machine is drawn whole, and what its slots cross is what the checker counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from exactfit.adapters.audit.strategies import Case, cases
from exactfit.adapters.drawing.marks import FREE_MARK, HELD_MARK
from exactfit.adapters.drawing.palette import job_mark
from exactfit.adapters.drawing.picture import lay_out
from exactfit.adapters.drawing.scene import HELD_BEFORE, Scene, Tenant, holdings, make_scene
from exactfit.adapters.drawing.terminal import draw_terminal
from exactfit.adapters.slots import Borders
from exactfit.grammar.constraint import ALWAYS, evaluate, parse_constraint
from exactfit.grammar.idset import IdSet, text_mask
from exactfit.grammar.jobspec import parse_resources
from exactfit.solver import InfeasibleRequest, InsufficientResources, Pool, Request
from exactfit.solver.options import Options
from exactfit.topology.machine import Machine
from exactfit.topology.rset import read_R

Json = dict[str, Any]


def placed(case: Case) -> tuple[Machine, Json] | None:
    """Place the request of a case, if it fits."""
    machine = read_R(case.R)
    pool = Pool(machine, Options(slot_exclusive=case.slot_exclusive))
    for number, R in enumerate(case.running, start=2):
        pool.register_alloc(number, R)
    pool.mark_down(machine.mask_of(IdSet.parse(case.down)))
    constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
    try:
        return machine, dict(pool.alloc(1, Request.of(parse_resources(list(case.resources)), constraint)).to_dict())
    except (InfeasibleRequest, InsufficientResources):
        return None


def scene_of(case: Case, machine: Machine, R: Json) -> Scene:
    vertices = parse_resources(list(case.resources))
    held = [holding for running in case.running for holding in holdings(machine, HELD_BEFORE, running)]
    held += holdings(machine, 1, R, Borders(machine, vertices))
    down = machine.mask_of(IdSet.parse(case.down))
    return make_scene("m", machine, held, down, [Tenant(1, "job")])


@settings(deadline=None, max_examples=60)
@given(cases())
def test_everything_is_drawn_once(case: Case) -> None:
    found = placed(case)
    if found is None:
        return
    machine, R = found
    scene = scene_of(case, machine, R)
    assert sum(state.count for state in scene.states) == machine.size
    cells = [cell for cell in lay_out(scene).cells if not cell.gpu]
    assert len(cells) == sum(state.type.cores.bit_count() for state in scene.states)
    mine = sum(
        text_mask(entry["children"].get("core", "")).bit_count() * len(IdSet.parse(str(entry["rank"])))
        for entry in R["execution"]["R_lite"]
    )
    drawn = sum(state.count * sum(tenant == 1 for tenant in state.cores.values()) for state in scene.states)
    assert drawn == mine
    for width in (24, 80):
        text = "".join(line.plain for line in draw_terminal(scene, width, idle_trees=True)[:-1])
        marks = Counter(text)
        shown = sum(tenant == HELD_BEFORE for state in scene.states for tenant in state.cores.values())
        assert marks[HELD_MARK] >= shown
        assert job_mark(1) in text or not mine
        assert FREE_MARK in text or "/" in text or mine


@settings(deadline=None, max_examples=60)
@given(cases())
def test_what_is_crossed_is_what_affinity_counts(case: Case) -> None:
    """What must be and what need not be, together, where no whole domain hides what is inside."""
    found = placed(case)
    if found is None:
        return
    machine, R = found
    crossed = Borders(machine, parse_resources(list(case.resources))).crossed(R)
    terms = R["scheduling"]["certificate"]["terms"]
    for level in machine.levels:
        together = crossed.avoidable.get(level, 0) + crossed.must.get(level, 0)
        assert together <= terms[f"affinity.{level}"]
        # Memory of other domains is touched too, and is no core of the slot.
        if not crossed.whole and "memory" not in str(R["scheduling"].get("placement")):
            assert together == terms[f"affinity.{level}"]


@settings(deadline=None, max_examples=60)
@given(cases())
def test_what_must_be_crossed_is_crossed_on_the_idle_machine_too(case: Case) -> None:
    """There the same job, made as large, has no placement that crosses less than what is called a must."""
    found, idle = placed(case), placed(replace(case, running=(), down=""))
    if found is None:
        return
    assert idle is not None
    machine, R = found
    best = idle[1]["scheduling"]["certificate"]["terms"]
    if best["size"] != R["scheduling"]["certificate"]["terms"]["size"]:
        return
    crossed = Borders(machine, parse_resources(list(case.resources)), among(case, machine)).crossed(R)
    for level in machine.levels:
        assert crossed.must.get(level, 0) <= best[f"affinity.{level}"]


def among(case: Case, machine: Machine) -> int:
    """The nodes that the constraint allows."""
    return evaluate(parse_constraint(case.constraint), machine.facts) if case.constraint is not None else machine.all
