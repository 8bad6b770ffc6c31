"""A request for resources: what a jobspec asks of the scheduler, immutable and of no particular pool.

Equal vertices are one object (`Shape`), so that what is remembered of a request is found by identity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from ...grammar.constraint import ALWAYS, Constraint
from ...grammar.errors import shown
from ...grammar.jobspec import Jobspec, Vertex, parse_jobspec, parse_resources
from ...grammar.memory import Memory
from ..policy.terms import Policy, parse_policy

INTERNED = 10_000

_CONSTRAINTS = get_args(Constraint)
_ADVICE = "Request.from_shape makes one of a shape, Request.from_jobspec of a jobspec"


class Shape:
    """The `resources` of a request. Equal ones are one object, so that answers remembered for one serve all.

    Attributes
    ----------
    vertices
        The outermost vertices.
    """

    __slots__ = ("__weakref__", "vertices")

    def __init__(self, vertices: tuple[Vertex, ...]) -> None:
        self.vertices = vertices


_shapes: Memory[tuple[Vertex, ...], Shape] = Memory(INTERNED)


def shape_of(vertices: tuple[Vertex, ...]) -> Shape:
    """Return the shape of these vertices, the same object for equal ones."""
    shape = _shapes.get(vertices)
    if shape is None:
        shape = _shapes[vertices] = Shape(vertices)
    return shape


@dataclass(frozen=True)
class Request:
    """What a job asks for.

    Attributes
    ----------
    shape
        Its resources.
    constraint
        RFC 31: which ranks will do.
    duration
        Seconds; 0 for as long as the instance lives.
    name
        For messages and tables.
    policy
        The order of terms that the job asks for, where it has one of its own; None for the site's.

    Raises
    ------
    TypeError
        For what is none of these.
    ValueError
        For a duration that is not a number of seconds from 0 on, and for no vertices.
    """

    shape: Shape
    constraint: Constraint = ALWAYS
    duration: float = 0.0
    name: str = field(default="", compare=False)
    policy: Policy | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.shape, Shape):
            raise TypeError(f"shape: expected a Shape, not {shown(self.shape)}; {_ADVICE}")
        if not isinstance(self.constraint, _CONSTRAINTS):
            advice = "parse_constraint reads RFC 31, parse_query RFC 35"
            raise TypeError(f"constraint: expected a constraint, not {shown(self.constraint)}; {advice}")
        if isinstance(self.duration, bool) or not isinstance(self.duration, int | float):
            raise TypeError(f"duration: expected seconds, not {shown(self.duration)}")
        if not 0 <= self.duration < math.inf:
            raise ValueError(f"duration: expected seconds from 0 on, not {shown(self.duration)}")
        if not isinstance(self.name, str):
            raise TypeError(f"name: expected text, not {shown(self.name)}")
        if not isinstance(self.policy, Policy | None):
            raise TypeError(f"policy: expected a Policy, not {shown(self.policy)}; parse_policy reads one")

    @classmethod
    def of(
        cls,
        vertices: tuple[Vertex, ...],
        constraint: Constraint = ALWAYS,
        duration: float = 0.0,
        name: str = "",
        policy: Policy | None = None,
    ) -> Request:
        """Return the request for these vertices.

        Raises
        ------
        TypeError
            For what are no vertices, such as the text of a shape.
        ValueError
            For none at all.
        """
        if not isinstance(vertices, tuple | list) or not all(isinstance(vertex, Vertex) for vertex in vertices):
            raise TypeError(f"expected a tuple of vertices, not {shown(vertices)}; {_ADVICE}")
        if not vertices:
            raise ValueError("expected at least one vertex")
        return cls(shape_of(tuple(vertices)), constraint, duration, name, policy)

    @classmethod
    def from_shape(cls, text: str) -> Request:
        """Return the request of an RFC 46 shape such as ``slot=4/[core=8;gpu=1]``, on any ranks.

        Raises
        ------
        ValueError
            For text that is no shape, with line and column.
        """
        from ...grammar.shape import parse_shape  # here: Flux sends jobspecs, and its pool is to load quickly

        return cls.of(parse_resources(parse_shape(text)), name=text)

    @classmethod
    def from_jobspec(cls, jobspec: Jobspec | Mapping[str, object]) -> Request:
        """Return the request of a jobspec, parsed or not.

        Raises
        ------
        ValueError
            When it is malformed; the message names the place.
        """
        if not isinstance(jobspec, Jobspec):
            jobspec = parse_jobspec(jobspec)
        policy = None
        if jobspec.policy:
            try:
                policy = parse_policy(jobspec.policy)
            except ValueError as fault:
                raise ValueError(f"attributes.system.exactfit.{fault}") from None
        return cls.of(jobspec.vertices, jobspec.constraint, jobspec.duration, jobspec.name, policy)


Asked = Request | str
"""A request, or the text of an RFC 46 shape."""


def need_request(request: object) -> None:
    """Refuse what is no request.

    Raises
    ------
    TypeError
        Then, with what makes one.
    """
    if not isinstance(request, Request):
        raise TypeError(f"expected a Request, not {shown(request)}; {_ADVICE}")


def as_request(request: Asked) -> Request:
    """Return a request, or the one that an RFC 46 shape stands for.

    Raises
    ------
    TypeError
        For what is neither, with what makes a request.
    ValueError
        For text that is no shape, with line and column.
    """
    if isinstance(request, str):
        return Request.from_shape(request)
    need_request(request)
    return request
