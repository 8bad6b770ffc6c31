"""Units, words that other programs use, and names that are nearly right: refused with what is meant."""

from __future__ import annotations

from typing import Any

import pytest

from exactfit.adapters.audit import brute
from exactfit.grammar.jobspec import parse_resources
from exactfit.grammar.query import parse_query
from exactfit.grammar.shape import parse_shape
from exactfit.grammar.suggest import hint, meant
from exactfit.solver.checker.judge import check
from exactfit.solver.demand.request import Request
from exactfit.solver.errors import InfeasibleRequest
from exactfit.solver.explain import explain
from exactfit.solver.pool import Pool
from exactfit.topology.presets import preset
from exactfit.topology.rset import read_R


def chassis() -> dict[str, Any]:
    R = preset("rfc49-a:2")
    R["scheduling"]["groups"] = {"chassis": [{"ranks": "0-1", "ssd": 10, "storage": 100}]}
    return R


def ask(shape: str) -> Request:
    return Request.of(parse_resources(parse_shape(shape)))


HAS = "it has chassis, node, socket, numa, core, gpu, ssd, storage"


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("slot/[core;gpus=2]", f"slot/gpus[1]: this machine has no gpus (is gpu meant?): {HAS}"),
        ("slot/cores=2", f"slot/cores: this machine has no cores (is core meant?): {HAS}"),
        ("slot/nuba/core", f"slot/nuba: this machine has no nuba (is numa meant?): {HAS}"),
        ("slot/cpu=2", f"slot/cpu: this machine has no cpu (is core meant?): {HAS}"),
        ("slot/[core;disk=2]", f"slot/disk[1]: this machine has no disk (is storage meant?): {HAS}"),
        ("slot/[core;fpga]", f"slot/fpga[1]: this machine has no fpga: {HAS}"),
        ("chasis/slot/core", f"chasis: this machine has no chasis (is chassis meant?): {HAS}"),
        ("slot/[node;ssd=2{unit:TB}]", "slot/ssd[1]: ssd is counted and has no unit TB: only memory and storage have"),
        ("slot/core=2{unit:GiB}", "slot/core: core is counted and has no unit GiB: only memory and storage have"),
        ("slot/node{unit:GB}", "slot/node: node is counted and has no unit GB: only memory and storage have"),
    ],
)
def test_what_is_refused_says_what_is_meant(shape: str, says: str) -> None:
    pool, request = Pool(read_R(chassis())), ask(shape)
    for asked in (lambda: pool.alloc(1, request), lambda: pool.check_feasibility(request)):
        with pytest.raises(InfeasibleRequest) as refused:
            asked()
        assert str(refused.value) == says
    assert says.partition(": ")[2] in explain(pool, request).reason


def test_units_are_refused_by_the_checker_and_the_brute_force_too() -> None:
    machine = read_R(chassis())
    R = Pool(machine).alloc(1, ask("slot/[node;ssd=2]")).to_dict()
    assert check(machine, ask("slot/[node;ssd=2]").shape.vertices, R).legal
    united = ask("slot/[node;ssd=2{unit:TB}]").shape.vertices
    assert check(machine, united, R).violations == ("ssd has no unit",)
    assert brute.best(machine, united) is None
    for shape in ("slot/[node;storage=2{unit:GB}]", "slot/[node;storage=2]"):
        R = Pool(machine).alloc(1, ask(shape)).to_dict()
        assert check(machine, ask(shape).shape.vertices, R).legal


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ("slot=2/storage=4", "slot: asks for no core, no gpu and no whole domain: add core=1 beside slot/storage"),
        ("slot/[storage=1;ssd=1]", "no whole domain: add core=1 beside slot/storage[0], or a domain ({x})"),
        ("slot/numa{-x}/storage=1", "no whole domain: add core=1 beside slot/numa/storage"),
    ],
)
def test_slots_of_amounts_alone_say_what_to_add(shape: str, says: str) -> None:
    with pytest.raises(InfeasibleRequest) as refused:
        Pool(read_R(chassis())).alloc(1, ask(shape))
    assert says in str(refused.value)


def vertex(kind: str, label: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"label": label} if label else {}
    return {"type": kind, "count": 1, **named, "with": [{"type": "core", "count": 1}], **more}


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ([vertex("xor_slot", "a")], r"resources\[0\]: RFC 14 jobspec: RFC 14 has no xor_slot: a slot whose counts"),
        ([vertex("slot", "a"), vertex("or_slot", "b")], r"resources\[1\]: .* has no or_slot"),
        ([vertex("slot", "a"), vertex("slot", "a")], r'the label "a" is given twice; a label names one vertex: equal'),
        ([vertex("slot", "a", lable="b")], r'unknown key "lable" \(is label meant\?\): there are count, exclusive, id'),
        ([vertex("slot", "a", **{"with": [{"type": "memory", "count": 1, "unit": "gib"}]})], r"is GiB meant\?"),
    ],
)
def test_a_jobspec_says_what_rfc_14_has_instead(resources: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_resources(resources)


KNOWN = ["rack", "node", "socket", "numa", "core", "gpu", "memory", "ib10g"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gpus", "gpu"), ("GPU", "gpu"), ("cores", "core"), ("cpu", "core"), ("CPUs", "core"), ("ram", "memory"),
        ("mem", "memory"), ("package", "socket"), ("sokcet", "socket"), ("hosts", "node"), ("nuba", "numa"),
        ("ib-10g", "ib10g"), ("fpga", ""), ("", ""), ("disk", ""), ("x" * 10_000, ""),
    ],
)  # fmt: skip
def test_what_is_near(name: str, near: str) -> None:
    assert meant(name, KNOWN) == near


def test_a_hint_is_short_and_shows_what_does_not_print() -> None:
    assert hint("zz", [f"l{n}" for n in range(14)]) == f": there are {', '.join(f'l{n}' for n in range(12))} and 2 more"
    assert hint("gpus", ["gpu\x1b"]) == " (is gpu\\x1b meant?): there are gpu\\x1b"
    assert hint("gpu", []) == ""


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("bigmen", "no rank has the property bigmen (is bigmem meant?): there are bigmem, fast"),
        ("bigmem and bigmen", "no rank has the property bigmen (is bigmem meant?): there are bigmem, fast"),
        ("slow", "no rank has the property slow: there are bigmem, fast"),
        ("^bigmem", "no rank matches ^bigmem"),
        ("fast and bigmem", "slot/core: no rank has the property fast"),
    ],
)
def test_a_property_that_no_rank_has_is_named_with_those_that_there_are(query: str, says: str) -> None:
    R = chassis()
    R["execution"]["properties"] = {"bigmem": "0-1", "fast": "", "+local": "0"}
    request = Request.of(ask("slot/core").shape.vertices, parse_query(query))
    with pytest.raises(InfeasibleRequest) as refused:
        Pool(read_R(R)).alloc(1, request)
    assert says in str(refused.value)
