"""Which shape (RFC 46) a trace's processors, GPUs and memory become: a rule a line, the first that holds counts.

    gpus > 0                 => slot=<gpus>/[core=<max(1, processors // gpus)>;gpu=1]
    queue == "debug"         => slot=1/core=<processors>
    processors <= node_cores => node=1/slot=<processors>/core=1
    otherwise                => node=<ceil(processors / node_cores)>/slot=1/core=<node_cores>

What stands in angle brackets is arithmetic (see `expression`) on the job's ``processors``, ``nodes``, ``gpus``,
``memory`` (GiB in all) and, in conditions, ``queue`` and ``user``, and on the machine's ``node_cores``, ``node_gpus``,
``node_memory``, ``domains`` and ``domain_cores`` (of the finest level). ``#`` begins a comment. A mix for the generator
is the same with a weight in the place of the condition, and ``n`` for the job's size (see `generate`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .expression import Expression, Value
from .outline import Outline
from .workloads.trace import TraceJob, WorkloadError

ARROW = "=>"
OTHERWISE = "otherwise"
_MACHINE = ("node_cores", "node_gpus", "node_memory", "domains", "domain_cores")
_AMOUNTS, _WORDS = ("processors", "nodes", "gpus", "memory"), ("queue", "user")
_OF_JOBS = (*_AMOUNTS, *_WORDS)
"""What rules may ask of a job: fields of `TraceJob`."""
_NAMES = frozenset({*_AMOUNTS, *_MACHINE})
_TEXTS = frozenset(_WORDS)
MIX_NAMES = frozenset({"n", *_MACHINE})
_HOLE = re.compile("<([^<>]*)>")
_LONGEST_LINE = 2000

DEFAULT = """\
gpus > 0 and nodes > 1   => node=<nodes>/slot=<max(1, gpus // nodes)>/[core=<max(1, processors // gpus)>;gpu=1]
gpus > 0                 => slot=<gpus>/[core=<max(1, processors // gpus)>;gpu=1]
nodes > 1                => node=<nodes>/slot=<max(1, processors // nodes)>/core=1
processors <= node_cores => node=1/slot=<processors>/core=1
otherwise                => node=<ceil(processors / node_cores)>/slot=<node_cores>/core=1
"""
"""One core a processor, nodes filled one after the other, and with each GPU its part of the processors."""


@dataclass(frozen=True, slots=True)
class Template:
    """A shape with holes.

    Attributes
    ----------
    parts
        Text, and expressions whose value is written in between.
    """

    parts: tuple[str | Expression, ...]

    @classmethod
    def read(cls, text: str, names: frozenset[str]) -> Template:
        """Return the template of a text. ValueError where a hole is no expression."""
        parts: list[str | Expression] = []
        for place, part in enumerate(_HOLE.split(text.strip())):
            parts.append(Expression.read(part, names) if place % 2 else part)
        if any(isinstance(part, str) and ("<" in part or ">" in part) for part in parts):
            raise ValueError(f"a bracket < or > without its other half in {text.strip()[:80]!r}")
        return cls(tuple(parts))

    def fill(self, values: Mapping[str, Value]) -> str:
        """Return the shape. ValueError where an expression has no value."""
        return "".join(part if isinstance(part, str) else str(part.number(values)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, None for always, and the shape that it gives."""

    condition: Expression | None
    template: Template
    line: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in their order.

    Attributes
    ----------
    name
        Where they stand, for messages.
    rules
        The first that holds counts.
    outline
        The machine.
    """

    name: str
    rules: Sequence[Rule]
    outline: Outline

    def asked(self) -> tuple[str, ...]:
        """Return what of a job its shape depends on: jobs that are alike in it have the same."""
        conditions = [rule.condition for rule in self.rules if rule.condition is not None]
        holes = [part for rule in self.rules for part in rule.template.parts if not isinstance(part, str)]
        named = frozenset[str]().union(*(expression.names for expression in (*conditions, *holes)))
        return tuple(name for name in _OF_JOBS if name in named)

    def shape(self, job: TraceJob) -> str:
        """Return the shape of a job.

        Raises
        ------
        WorkloadError
            When no rule holds, or the one that does cannot be filled.
        """
        values: dict[str, Value] = {**self.outline.values(), **{name: getattr(job, name) for name in _OF_JOBS}}
        for rule in self.rules:
            try:
                if rule.condition is None or rule.condition.holds(values):
                    return rule.template.fill(values)
            except ValueError as fault:
                raise WorkloadError(self.name, rule.line, f"job {job.name}: {fault}") from None
        raise WorkloadError(self.name, None, f"no rule holds for job {job.name} of {job.processors} processors")


def read_rules(text: str, name: str, outline: Outline) -> Rules:
    """Return the rules of a text.

    Raises
    ------
    WorkloadError
        For a line that is no rule, with its number.
    """
    rules = []
    for line, left, right in lines_of(text, name):
        try:
            condition = None if left == OTHERWISE else Expression.read(left, _NAMES | _TEXTS)
            rules.append(Rule(condition, Template.read(right, _NAMES), line))
        except ValueError as fault:
            raise WorkloadError(name, line, str(fault)) from None
    if not rules:
        raise WorkloadError(name, None, "holds no rule")
    return Rules(name, tuple(rules), outline)


def lines_of(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the left and the right side of each line that is one.

    Raises
    ------
    WorkloadError
        For a line without an arrow.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        kept = line.partition("#")[0].strip()
        if not kept:
            continue
        left, arrow, right = kept.partition(ARROW)
        if not arrow or not left.strip() or not right.strip() or len(kept) > _LONGEST_LINE:
            raise WorkloadError(name, number, f"expected CONDITION {ARROW} SHAPE, got {kept[:60]!r}")
        yield number, left.strip(), right.strip()
