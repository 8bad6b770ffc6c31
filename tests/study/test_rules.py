"""Rules: arithmetic of jobs and machine becomes shapes, and nothing else does anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exactfit.adapters.study.expression import Expression
from exactfit.adapters.study.outline import Outline
from exactfit.adapters.study.rules import DEFAULT, read_rules
from exactfit.adapters.study.workloads.trace import TraceJob, WorkloadError

JOB = TraceJob("1", 0.0, 60.0, 60.0, processors=16)
NAMES = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("job", "shape"),
    [
        (JOB, "node=1/slot=16/core=1"),
        (replace(JOB, processors=300), "node=3/slot=120/core=1"),
        (replace(JOB, nodes=4), "node=4/slot=4/core=1"),
        (replace(JOB, gpus=4), "slot=4/[core=4;gpu=1]"),
        (replace(JOB, gpus=4, nodes=2), "node=2/slot=2/[core=4;gpu=1]"),
    ],
)
def test_the_usual_rules(job: TraceJob, shape: str, outline: Outline) -> None:
    assert read_rules(DEFAULT, "rules", outline).shape(job) == shape


def test_the_first_rule_that_holds_counts(outline: Outline) -> None:
    text = '# a comment\nqueue == "big" and processors > 8 => slot=1/node\notherwise => slot=1/core=<processors>\n'
    rules = read_rules(text, "rules", outline)
    assert [rules.shape(replace(JOB, queue=queue)) for queue in ("big", "small")] == ["slot=1/node", "slot=1/core=16"]
    assert rules.asked() == ("processors", "queue")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("processors\n", "r:1: expected CONDITION => SHAPE"),
        ("\nprocs > 1 => slot=1/core=1\n", "r:2: 'procs' is not known"),
        ("otherwise => slot=<n/core=1\n", "r:1: a bracket < or >"),
        ("otherwise => slot=<1 +>/core=1\n", "r:1: no expression"),
        ("", "r: holds no rule"),
    ],
)
def test_a_fault_names_file_and_line(text: str, fault: str, outline: Outline) -> None:
    with pytest.raises(WorkloadError) as caught:
        read_rules(text, "r", outline)
    assert str(caught.value).startswith(fault)


def test_a_rule_that_fails_for_a_job_names_both(outline: Outline) -> None:
    rules = read_rules("otherwise => slot=<processors // gpus>/core=1", "r", outline)
    with pytest.raises(WorkloadError, match="r:1: job 1: "):
        rules.shape(JOB)


def test_no_rule_that_holds_is_said_so(outline: Outline) -> None:
    with pytest.raises(WorkloadError, match="no rule holds for job 1"):
        read_rules("gpus > 0 => slot=1/gpu=1", "r", outline).shape(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "a.b",
        "a[0]",
        "(lambda: 1)()",
        "[x for x in a]",
        "a ** b",
        "a if b else a",
        "open",
        "min",
        "f'{a}'",
        "a := 1",
        "min(*a)",
        "True",
        "1e999",
        "(" * 200 + ")" * 200,
        "a" * 1000,
        "a\0b",
    ],
)
def test_only_arithmetic_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Expression.read(text, NAMES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b * 2", 14),
        ("ceil(a / b)", 1),
        ("max(a, b) % 3", 2),
        ("-a // 3", -2),
        ("1 < a < b", 1),
        ("not a or b > 4", 1),
    ],
)
def test_arithmetic(text: str, value: int) -> None:
    assert Expression.read(text, NAMES).number({"a": 4, "b": 5}) == value


@pytest.mark.parametrize("text", ["a / (b - 5)", "a * 'x'", "'x' * a", "a + 'x'", "a * 1e15 * 1e15", "'x' < a"])
def test_values_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Expression.read(text, NAMES).number({"a": 4, "b": 5})


@pytest.mark.parametrize(
    "rule",
    [
        "otherwise => node=<" + "9" * 3000,
        "x" * 3000 + " > 1 => node",
        "(" * 400 + " => node",
        "otherwise => <" + "(" * 400 + ">",
    ],
    ids=["bracket", "name", "condition", "hole"],
)
def test_a_long_rule_is_not_repeated_whole(rule: str, outline: Outline) -> None:
    with pytest.raises(WorkloadError) as caught:
        read_rules(rule, "rules", outline)
    assert len(str(caught.value)) < 600
