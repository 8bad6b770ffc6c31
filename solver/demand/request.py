"""A request for resources: what a jobspec asks of the scheduler, immutable and of no particular pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...grammar.constraint import ALWAYS, Constraint
from ...grammar.jobspec import Jobspec, Vertex, parse_jobspec

INTERNED = 10_000


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


_shapes: dict[tuple[Vertex, ...], Shape] = {}


def shape_of(vertices: tuple[Vertex, ...]) -> Shape:
    """Return the shape of these vertices, the same object for equal ones."""
    shape = _shapes.get(vertices)
    if shape is None:
        if len(_shapes) >= INTERNED:
            _shapes.clear()
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
    """

    shape: Shape
    constraint: Constraint = ALWAYS
    duration: float = 0.0
    name: str = field(default="", compare=False)

    @classmethod
    def of(
        cls, vertices: tuple[Vertex, ...], constraint: Constraint = ALWAYS, duration: float = 0.0, name: str = ""
    ) -> Request:
        """Return the request for these vertices."""
        return cls(shape_of(vertices), constraint, duration, name)

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
        return cls.of(jobspec.vertices, jobspec.constraint, jobspec.duration, jobspec.name)
