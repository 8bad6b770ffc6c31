"""RFC 14 jobspecs: the tree of vertices, and messages that name the place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from exactfit.grammar.constraint import ALWAYS, Properties
from exactfit.grammar.errors import GrammarError
from exactfit.grammar.idset import IdSet
from exactfit.grammar.jobspec import parse_jobspec, parse_resources
from exactfit.grammar.unit import gib

CORE: dict[str, Any] = {"type": "core", "count": 1}
SLOT: dict[str, Any] = {"type": "slot", "count": 1, "with": [CORE]}


def nested(depth: int) -> list[dict[str, Any]]:
    resources = [CORE]
    for _ in range(depth):
        resources = [{"type": "x", "count": 1, "with": resources}]
    return resources


def jobspec(**changes: Any) -> dict[str, Any]:
    value = {
        "version": 1,
        "resources": [SLOT],
        "tasks": [{"command": ["app", "-v"], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 60}},
    }
    return {key: item for key, item in {**value, **changes}.items() if item is not None}


def system(**attributes: Any) -> dict[str, Any]:
    return jobspec(attributes={"system": {"duration": 60, **attributes}})


BAD_RESOURCES: list[tuple[Any, str]] = [
    (None, "resources: RFC 14 jobspec: expected a list, not null"),
    ("slot/core", 'resources: RFC 14 jobspec: expected a list, not "slot/core"'),
    ([], "resources: RFC 14 jobspec: the list is empty"),
    ([1], "resources[0]: RFC 14 jobspec: expected a mapping, not 1"),
    ([{"count": 1}], "resources[0]: RFC 14 jobspec: the key type is missing"),
    ([{"type": 1, "count": 1}], "resources[0].type: RFC 14 jobspec: expected text, not 1"),
    ([{"type": "core"}], "resources[0]: RFC 14 jobspec: the key count is missing"),
    ([{**CORE, "counts": 1}], 'resources[0]: RFC 14 jobspec: unknown key "counts"'),
    ([{**CORE, "exclusive": "true"}], 'resources[0].exclusive: RFC 14 jobspec: expected true or false, not "true"'),
    ([{**CORE, "label": None}], "resources[0].label: RFC 14 jobspec: expected text, not null"),
    ([{**CORE, "with": []}], "resources[0].with: RFC 14 jobspec: the list is empty"),
    ([CORE], 'resources: RFC 14 jobspec: there is no slot; tasks run in slots: put "core" in one'),
    (
        [{"type": "slot", "count": 1}],
        "resources[0]: RFC 14 jobspec: a slot needs the key with: it holds at least one resource",
    ),
    ([{**SLOT, "with": [{"type": "node", "count": 1, "with": [SLOT]}]}], "resources[0].with[0].with[0]: "),
    ([{**SLOT, "label": "a"}, SLOT], "resources[1]: RFC 14 jobspec: one of several slots needs a label"),
    (
        [{**SLOT, "label": "a"}, {**SLOT, "label": "a"}],
        'resources[1].label: RFC 14 jobspec: the label "a" is given twice',
    ),
    (
        [{**SLOT, "with": [CORE, {**CORE, "count": "2-x"}]}],
        "resources[0].with[1].count: RFC 45 count: unexpected 'x' at line 1, column 3 (in \"2-x\")",
    ),
    ([{**SLOT, "count": 0}], "resources[0].count: RFC 14 count: the count is at least 1, not 0"),
    (
        [{**SLOT, "with": [{"type": "memory", "count": 1, "unit": "GG"}]}],
        'resources[0].with[0].unit: RFC 14 unit: unknown unit "GG"',
    ),
    ([{**CORE, "id": "3-1"}], "resources[0].id: RFC 22 idset: range '3-1' does not ascend"),
    (nested(100_000), "resources[0].with[0]"),
]

SECONDS = "expected a number of seconds from 0 to 4611686018427387904"

BAD_JOBSPECS: list[tuple[Any, str]] = [
    ([], "jobspec: RFC 14 jobspec: expected a mapping, not a value of type list"),
    (jobspec(resources=None), "jobspec: RFC 14 jobspec: the key resources is missing"),
    (jobspec(version=None), "version: RFC 14 jobspec: expected a positive integer, not nothing: the key is missing"),
    (jobspec(version=True), "version: RFC 14 jobspec: expected a positive integer, not true"),
    (jobspec(attributes=[]), "attributes: RFC 14 jobspec: expected a mapping"),
    (jobspec(attributes={}), "attributes.system.duration: RFC 14 jobspec: missing, and version 1 (RFC 25) requires it"),
    (system(duration=-1), f"attributes.system.duration: RFC 14 jobspec: {SECONDS}, not -1"),
    (system(duration=1e19), f"attributes.system.duration: RFC 14 jobspec: {SECONDS}, not 1e+19"),
    (system(duration=float("inf")), f"attributes.system.duration: RFC 14 jobspec: {SECONDS}, not inf"),
    (system(duration=float("nan")), "attributes.system.duration: "),
    (system(duration=10**400), "attributes.system.duration: "),
    (system(constraints="a"), 'attributes.system.constraints: RFC 14 jobspec: expected a mapping, not "a"'),
    (
        system(constraints={"and": [{"ranks": ["0,x"]}]}),
        "attributes.system.constraints.and[0].ranks[0]: RFC 22 idset: unexpected 'x' at line 1, column 3",
    ),
]


def test_every_key_of_a_vertex() -> None:
    (node,) = parse_resources(
        [
            {
                "type": "node",
                "count": "2-8:2:*",
                "exclusive": True,
                "label": "n",
                "id": "0-3",
                "with": [{**SLOT, "with": [CORE, {"type": "memory", "count": {"min": 4}, "unit": "GB"}]}],
            }
        ]
    )
    assert (node.type, str(node.count), node.exclusive, node.label) == ("node", "2-8:2:*", True, "n")
    assert node.id == IdSet.parse("0-3")
    (slot,) = node.children
    assert (slot.is_slot, slot.label, slot.exclusive) == (True, "task", None)
    core, memory = slot.children
    assert (memory.unit, str(memory.count), core.unit) == ("GB", "4+", None)
    assert [vertex.path for vertex in node.walk()] == [
        "node",
        "node/slot",
        "node/slot/core[0]",
        "node/slot/memory[1]",
    ]


@pytest.mark.parametrize(("value", "message"), BAD_RESOURCES, ids=range(len(BAD_RESOURCES)))
def test_refuses_resources(value: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_resources(value)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 250


def test_depth_is_bounded() -> None:
    assert parse_resources([{**SLOT, "with": nested(98)}])
    with pytest.raises(GrammarError, match="more than 100 levels deep"):
        parse_resources([{**SLOT, "with": nested(99)}])


def test_a_jobspec() -> None:
    job = parse_jobspec(system(constraints={"properties": ["ssd"]}, job={"name": "mine"}))
    assert (job.version, job.duration, job.name) == (1, 60.0, "mine")
    assert job.constraint == Properties(("ssd",))


def test_a_duration_of_many_ages_is_one() -> None:
    assert parse_jobspec(system(duration=1e18)).duration == 1e18


def test_what_a_jobspec_leaves_out() -> None:
    job = parse_jobspec({"version": 999, "resources": [SLOT], "attributes": None})
    assert (job.constraint, job.duration, job.name) == (ALWAYS, 0.0, "")
    assert parse_jobspec(jobspec()).name == "app"


@pytest.mark.parametrize(("value", "message"), BAD_JOBSPECS, ids=range(len(BAD_JOBSPECS)))
def test_refuses_jobspecs(value: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_jobspec(value)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        (3, None, Fraction(3)),
        (1, "TiB", Fraction(1024)),
        (2, "GiB", Fraction(2)),
        (512, "MiB", Fraction(1, 2)),
        (1, "GB", Fraction(10**9, 2**30)),
        (1, "kB", Fraction(1000, 2**30)),
        (1, "KB", Fraction(1000, 2**30)),
        (2**30, "B", Fraction(1)),
        (1, "EiB", Fraction(2**30)),
    ],
)
def test_units(amount: int, unit: str | None, expected: Fraction) -> None:
    assert gib(amount, unit) == expected


@pytest.mark.parametrize("unit", ["", "G", "gb", "GIB", "core"])
def test_unknown_units(unit: str) -> None:
    with pytest.raises(GrammarError, match="RFC 14 unit: unknown unit"):
        gib(1, unit)
