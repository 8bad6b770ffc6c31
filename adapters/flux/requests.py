"""Requests as Flux's pools know them, both ways.

A jobspec becomes a `ParsedRequest`: the request that the solver takes, with the attributes of Flux's
`ResourceRequest` and `TreeResourceRequest` as a summary beside it. An object that has only those attributes, parsed by
another pool or made by hand, is written out as the RFC 14 resources that its class means, and read like any jobspec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...grammar.constraint import ALWAYS, parse_constraint
from ...grammar.errors import GrammarError
from ...grammar.jobspec import Jobspec, parse_jobspec, parse_resources
from ...solver.demand.request import Request
from .summary import Summary, summarize

_V1 = 1
_OTHER = 9999
"""Stands for a version that is missing or no number: Flux's pools do not look at it but for 1, nor does this one."""


class ParsedRequest:
    """A jobspec's request: immutable, and good for every pool and every copy of one.

    Parameters
    ----------
    jobspec
        The jobspec as a mapping.

    Attributes
    ----------
    request
        What the solver takes.
    jobspec
        The jobspec as it was given.
    duration
        Time limit in seconds, 0.0 for none.
    constraint
        RFC 31 constraint as the jobspec gives it, None where it gives none.

    Raises
    ------
    ValueError
        For a malformed jobspec; the message names the place.
    """

    __slots__ = ("_summary", "constraint", "duration", "jobspec", "request")

    request: Request
    jobspec: Mapping[str, Any]
    duration: float
    constraint: Mapping[str, Any] | None
    _summary: Summary | None

    def __init__(self, jobspec: Mapping[str, Any]) -> None:
        parsed = parse_jobspec(_lenient(jobspec))
        system = (jobspec.get("attributes") or {}).get("system") or {}
        self._set("request", Request.from_jobspec(parsed))
        self._set("jobspec", jobspec)
        self._set("duration", parsed.duration)
        self._set("constraint", system.get("constraints") or None)
        self._set("_summary", None)

    def lasting(self, jobspec: Mapping[str, Any], duration: float) -> ParsedRequest:
        """Return the request of a jobspec that differs in its time limit alone, which is in seconds."""
        made = object.__new__(ParsedRequest)
        made._set("request", replace(self.request, duration=duration))
        made._set("jobspec", jobspec)
        made._set("duration", duration)
        made._set("constraint", self.constraint)
        made._set("_summary", self._summary)
        return made

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: requests are shared between a pool and its copies."""
        raise AttributeError(f"{name}: a parsed request is immutable")

    def __delattr__(self, name: str) -> None:
        """Refuse."""
        raise AttributeError(f"{name}: a parsed request is immutable")

    def __repr__(self) -> str:
        return f"ParsedRequest({self.request!r})"

    @property
    def summary(self) -> Summary:
        """The counts that Flux's request classes give, made when they are first asked for."""
        summary = self._summary
        if summary is None:
            summary = summarize(self.request.shape.vertices)
            self._set("_summary", summary)
        return summary

    @property
    def node_count(self) -> Any:
        """The nodes' count as a `ResourceCount`, counts above them multiplied in; None where no node is named."""
        return self.summary.node_count

    @property
    def slot_count(self) -> Any:
        """The slots' count as a `ResourceCount`: in each node where nodes are named, in all where not."""
        return self.summary.slot_count

    @property
    def slot_size(self) -> int:
        """Cores of a slot at least; of the first slot where there are several."""
        return self.summary.slot_size

    @property
    def gpu_per_slot(self) -> int:
        """GPUs of a slot at least; of the first slot where there are several."""
        return self.summary.gpu_per_slot

    @property
    def exclusive(self) -> bool:
        """Whether nodes are asked for whole."""
        return self.summary.exclusive

    @property
    def container_level(self) -> str | None:
        """The level of domains below the node that are asked for whole and hold nothing else; None for no such."""
        return self.summary.container_level

    @property
    def nnodes(self) -> int:
        """The least number of nodes; 0 where no node is named."""
        return self.summary.nnodes

    @property
    def nnodes_max(self) -> int | None:
        """The greatest number of nodes; None for no limit, 0 where no node is named."""
        return self.summary.nnodes_max

    @property
    def nslots(self) -> int:
        """The least number of slots, all told."""
        return self.summary.nslots

    @property
    def nslots_max(self) -> int | None:
        """The greatest number of slots, all told; None for no limit."""
        return self.summary.nslots_max

    @property
    def ncores(self) -> int:
        """The least number of cores, all told."""
        return self.summary.ncores

    @property
    def ngpus(self) -> int:
        """The least number of GPUs, all told."""
        return self.summary.ngpus


def solver_request(request: object) -> Request:
    """Return the solver's request for a parsed one, or for an object with the attributes of Flux's request classes.

    Raises
    ------
    TypeError
        For an object that is neither.
    ValueError
        For attributes that make no request.
    """
    if isinstance(request, ParsedRequest):
        return request.request
    if isinstance(request, Request):
        return request
    return Request.from_jobspec(_jobspec_of(request))


def _lenient(jobspec: object) -> Mapping[str, Any]:
    """Return the jobspec with what Flux's pools let pass put right."""
    if not isinstance(jobspec, Mapping):
        raise ValueError(f"jobspec: expected a mapping, got {type(jobspec).__name__}")
    fixed = dict(jobspec)
    version = jobspec.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < _V1:
        fixed["version"] = _OTHER
    attributes = jobspec.get("attributes")
    system = attributes.get("system") if isinstance(attributes, Mapping) else None
    if isinstance(system, Mapping):
        dropped = [key for key in ("constraints", "duration") if key in system and system[key] is None]
        if dropped:
            kept = {key: value for key, value in system.items() if key not in dropped}
            fixed["attributes"] = {**(attributes or {}), "system": kept}
    return fixed


def _jobspec_of(request: object) -> Jobspec:
    missing = [name for name in ("slot_count", "slot_size") if not hasattr(request, name)]
    if missing:
        raise TypeError(f"{type(request).__name__} has no {missing[0]}")
    constraint = getattr(request, "constraint", None)
    try:
        vertices = parse_resources(_resources(request))
    except GrammarError as fault:
        raise ValueError(f"{type(request).__name__}: {fault}") from fault
    return Jobspec(
        vertices=vertices,
        constraint=ALWAYS if constraint is None else parse_constraint(constraint),
        duration=float(getattr(request, "duration", 0.0) or 0.0),
    )


def _resources(request: Any) -> list[dict[str, Any]]:
    """Return the RFC 14 resources that the attributes stand for.

    Notes
    -----
    As the classes document them: with nodes, slots are counted in each node; an exclusive request takes its nodes
    whole, and one that names no cores asks for nothing else of them; a container level asks for one whole container a
    slot.
    """
    nodes = getattr(request, "node_count", None)
    exclusive = bool(getattr(request, "exclusive", False))
    level = getattr(request, "container_level", None)
    inside = [
        {"type": kind, "count": int(count)}
        for kind, count in (("core", request.slot_size), ("gpu", getattr(request, "gpu_per_slot", 0)))
        if count
    ]
    if level is not None:
        inside = [{"type": str(level), "count": 1, "exclusive": True, **({"with": inside} if inside else {})}]
    slots = _count(request.slot_count)
    if exclusive and nodes is None:
        nodes, slots = request.slot_count, 1
    if not inside and exclusive and slots == 1:
        return [_slot(_count(nodes), [{"type": "node", "count": 1, "exclusive": True}])]
    if nodes is None:
        return [_slot(slots, inside)]
    node: dict[str, Any] = {"type": "node", "count": _count(nodes), "with": [_slot(slots, inside)]}
    if exclusive:
        node["exclusive"] = True
    return [node]


def _slot(count: object, inside: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "slot", "count": count, "label": "task", "with": inside}


def _count(count: Any) -> int | str | dict[str, Any]:
    """Return a `ResourceCount`, or a number, as an RFC 14 count."""
    if isinstance(count, int):
        return count
    values = getattr(count, "_values", None)
    if values is not None:
        return str(values)
    if count.max is None:
        return {"min": int(count.min)}
    if count.min == count.max:
        return int(count.min)
    return {"min": int(count.min), "max": int(count.max), "operator": "+", "operand": 1}
