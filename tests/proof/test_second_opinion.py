"""The second opinion: on what the solver says, beside the brute force, on what is worse, and from the command line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from exactfit.adapters.audit import brute, strategies
from exactfit.adapters.cli.app import app
from exactfit.adapters.proof.instances import BeyondError
from exactfit.adapters.proof.prove import Opinion, fits, prove
from exactfit.adapters.proof.question import Question
from exactfit.grammar.constraint import ALWAYS, parse_constraint
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.shape import parse_shape
from exactfit.solver import Pool, Request
from exactfit.solver.checker import check
from exactfit.topology.line import line_R
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R
from opinions import small


def test_it_agrees_with_the_brute_force() -> None:
    """Without the solver: what all placements come to is proven, and one more is called better."""
    proven = 0
    for case, _ in [*small(80, 7), *small(40, 8, strategies.memory_cases())]:
        machine, vertices = read_R(case.R), parse_resources(list(case.resources))
        constraint = ALWAYS if case.constraint is None else parse_constraint(case.constraint)
        down = machine.mask_of(IdSet.parse(case.down)) if case.down else 0
        state: dict[str, Any] = {"constraint": constraint, "running": case.running, "down": down}
        question = Question(machine, vertices, constraint, case.running, down, case.slot_exclusive)
        try:
            best = brute.find(machine, vertices, **state, slot_exclusive=case.slot_exclusive, patience=2_000)
            if best is None:
                assert fits(question, {}, 20) is not True
                continue
            proof = prove(question, best.counts, best.terms, 20)
        except (brute.TooManyError, BeyondError):
            continue
        assert not {Opinion.BETTER, Opinion.IMPOSSIBLE} & set(proof.opinions.values()), (case, proof)
        if proof.holds:
            proven += 1
            _worse_is_seen(question, best, random.Random(proven))
    assert proven > 20


def _worse_is_seen(question: Question, best: Any, draw: random.Random) -> None:
    """Add one to a term: there is better; take one away: that is impossible."""
    names = [name for name in best.terms if name != "size"]
    name = draw.choice(names)
    before = {other: best.terms[other] for other in names[: names.index(name)]}
    for change, opinion in ((1, Opinion.BETTER), (-1, Opinion.IMPOSSIBLE)):
        # Of nothing less than 0 is not asked at all.
        if best.terms[name] + change > 0:
            proof = prove(question, best.counts, {**before, name: best.terms[name] + change}, 20)
            assert proof.opinions[name] is opinion, (name, best.terms, proof)


def test_a_better_placement_is_shown_and_legal() -> None:
    machine, vertices = read_R(preset("rfc49-a:1")), parse_resources(parse_shape("slot=2/core=10"))
    lite = [{"rank": "0", "children": {"core": "0-9,14-23"}}]
    slots = [{"label": "task", "cores": "0-9"}, {"label": "task", "cores": "14-23"}]
    R = {
        "version": 1,
        "execution": {"R_lite": lite, "nodelist": [machine.host(0)], "nslots": 2},
        "scheduling": {"placement": [{"ranks": "0", "slots": slots}]},
    }
    verdict = check(machine, vertices, R)
    assert verdict.legal
    values = {name: verdict.terms[name] for name in ("size", "partial", "affinity.socket", "affinity.numa")}
    proof = prove(Question(machine, vertices), verdict.counts, values, 30)
    assert proof.opinions["affinity.numa"] is Opinion.BETTER
    assert proof.better is not None
    better = check(machine, vertices, proof.better)
    assert better.legal, better.violations
    assert better.terms["affinity.numa"] == proof.value == 0


def test_a_domain_is_whole_beside_a_job_that_holds_memory_of_the_node() -> None:
    topo = {"numa": [{"cores": "0-1"}, {"cores": "2-3"}], "memory": 4}
    lite = [{"rank": "0", "children": {"core": "0-3"}}]
    execution = {"R_lite": lite, "nodelist": ["n0"], "starttime": 0, "expiration": 0}
    children = [{"ranks": "0", "topo": topo}]
    machine = read_R({"version": 1, "execution": execution, "scheduling": {"children": children}})
    held = {"R_lite": [{"rank": "0", "children": {"core": "0"}}], "nodelist": ["n0"]}
    placement = [{"ranks": "0", "slots": [{"label": "task", "cores": "0", "memory": 1}]}]
    running = [{"version": 1, "execution": held, "scheduling": {"placement": placement}}]
    for shape, is_there in (("slot=1/numa{x}", True), ("slot=2/numa{x}", False), ("slot=1/node", False)):
        question = Question(machine, parse_resources(parse_shape(shape)), running=running)
        assert fits(question, {}, 10) is is_there


@pytest.mark.parametrize(
    ("shape", "affinity"),
    [
        ("slot/[core;memory=4]", 0),
        ("slot/[core;memory=5]", 1),
        ("slot/[core;memory=9]", None),
        ("slot=2/[core;memory=4]", 0),
        ("slot=2/[core;memory=3]", 0),
        ("slot=2/[core;memory=5]", None),
        ("slot=3/[core;memory=2]", 0),
        ("slot=2/[core=2;memory=1]", 0),
        ("slot=1/[core=2;gpu;memory=5]", 1),
        ("node/slot=3/[core;memory=2]", 0),
        ("slot/node/[core;memory=8]", 1),
        ("slot/[core;nic=2]", 0),
        ("slot/[core;nic=3]", None),
    ],
)
def test_amounts_come_from_the_domains_of_the_cores_and_from_others_at_a_price(
    shape: str, affinity: int | None
) -> None:
    machine = read_R(line_R("node:1(nic=2) numa:2(memory=4) core:3 gpu:1"))
    question = Question(machine, parse_resources(parse_shape(shape)))
    assert fits(question, {}, 20) is (affinity is not None)
    if affinity is None:
        return
    for value, opinion in ((affinity, Opinion.PROVEN), (affinity + 1, Opinion.BETTER)):
        proof = prove(question, {}, {"affinity.numa": value}, 20)
        assert proof.opinions["affinity.numa"] is opinion
    assert proof.better is not None
    verdict = check(machine, question.vertices, proof.better)
    assert verdict.legal, verdict.violations
    assert verdict.terms["affinity.numa"] == affinity


def test_amounts_that_jobs_hold_are_taken() -> None:
    machine = read_R(line_R("node:1(memory=8) core:4"))
    running = [Pool(machine).alloc(1, Request.of(parse_resources(parse_shape("slot/[core;memory=5]")))).to_dict()]
    for gib, is_there in ((3, True), (4, False)):
        asked = parse_resources(parse_shape(f"slot/[core;memory={gib}]"))
        assert fits(Question(machine, asked, running=running), {}, 20) is is_there


@pytest.mark.parametrize(
    ("shape", "is_there"),
    [
        ("slot=1/node/memory=16", True),
        ("slot=1/node/memory=17", False),
        ("slot/numa/[core;memory=12]", True),
        ("slot/numa/[core;memory=13]", False),
        # A whole domain has what is listed in it, at least; what else the slot has may come from anywhere.
        ("slot/numa{x}/memory=4", True),
        ("slot/numa{x}/memory=5", False),
        ("slot/[numa{x};memory=16]", True),
        ("slot=2/[numa{x};memory=8]", True),
        # What one slot has whole gives another nothing.
        ("node/[slot{a}/numa{x};slot{b}/[core;memory=12]]", True),
        ("node/[slot{a}/numa{x};slot{b}/[core;memory=13]]", False),
        # Beside slots it is the node's own.
        ("node/[memory=8;slot/core]", True),
        ("node/[memory=9;slot/core]", False),
        ("node/[memory=2;slot/[core;memory=14]]", True),
        ("node/[memory=2;slot/[core;memory=15]]", False),
        ("numa/[memory=4;slot/core]", True),
        ("numa/[memory=5;slot/core]", False),
    ],
)
def test_whole_domains_and_what_stands_beside_slots_have_amounts(shape: str, is_there: bool) -> None:
    machine = read_R(line_R("node:1(memory=8) numa:2(memory=4) core:3"))
    vertices = parse_resources(parse_shape(shape))
    assert fits(Question(machine, vertices), {}, 20) is is_there
    assert (brute.find(machine, vertices) is not None) is is_there


@pytest.mark.parametrize(
    "shape",
    [
        "slot=1/[numa{x};memory=12]",
        "slot=2/node/[core;memory=12]",
        "node/[memory=2;slot/[core;memory=6]]",
        "slot=2/numa{x}",
    ],
)
def test_a_placement_with_amounts_that_is_better_is_legal(shape: str) -> None:
    machine = read_R(line_R("node:2(memory=8) numa:2(memory=4) core:3"))
    question = Question(machine, parse_resources(parse_shape(shape)))
    proof = prove(question, {}, {"spread.node": 3}, 20)
    assert proof.opinions["spread.node"] is Opinion.BETTER
    assert proof.better is not None
    verdict = check(machine, question.vertices, proof.better)
    assert verdict.legal, verdict.violations


@pytest.mark.parametrize("shape", ["slot/[node/core;memory]", "slot/memory"])
def test_it_knows_what_is_beyond_it(shape: str) -> None:
    machine = read_R(line_R("node:2(memory=8) numa:2(memory=4) core:3"))
    with pytest.raises(BeyondError, match="memory"):
        fits(Question(machine, parse_resources(parse_shape(shape))), {}, 5)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = read_R(preset("rfc49-a:1"))
    R = Pool(machine).alloc(1, Request.of(parse_resources(parse_shape("node/slot=12/core=10")))).to_dict()
    path = tmp_path / "R.json"
    path.write_text(json.dumps(R), encoding="utf-8")
    arguments = ["check", "rfc49-a:1", "node/slot=12/core=10", str(path), "--prove"]
    for more in ([], ["--json"], ["--policy", "affinity"]):
        with pytest.raises(SystemExit) as end:
            app([*arguments, *more])
        assert end.value.code == 0
        told = capsys.readouterr().out
        if more == ["--json"]:
            proof = json.loads(told)["proof"]
            assert proof["holds"] is True
            assert proof["terms"]["affinity.numa"] == "PROVEN"
        else:
            assert "nothing is better" in told
    with pytest.raises(SystemExit) as end:
        app([*arguments[:-1], "--within", "5s"])
    assert end.value.code == 2
