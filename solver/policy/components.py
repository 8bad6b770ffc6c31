"""What a term counts, as small objects: one kind for each way in which a placement can be counted.

Every component is a sum, over the things that a placement touches or takes whole, of a weight that depends only on what
the thing was before. So the best placement of a whole machine is put together from the best placements of single nodes,
and the value of a term is a plain sum that a checker can redo. A component of a reader's own is an instance of one of
these kinds with another weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...grammar.errors import shown
from ..state.domain_state import DomainState, Fixed


@dataclass(frozen=True)
class Touch:
    """A weight for each domain of a level that holds something of the job, once a domain.

    Attributes
    ----------
    name
        As the certificate gives it.
    level
        "node" or a level below it.
    weight
        What a touched domain costs, given its state before the placement; may be negative.

    Raises
    ------
    TypeError
        For a weight that is no function, or that gives no integer.
    """

    name: str
    level: str
    weight: Callable[[DomainState], int]

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)
        _check_weight(self.name, self.level, self.weight)


@dataclass(frozen=True)
class CoreTouch:
    """A weight for each innermost domain that gives a core to a slot without GPUs, once a domain."""

    name: str
    weight: Callable[[DomainState], int]

    def __post_init__(self) -> None:
        _check_text(self.name)
        _check_weight(self.name, "node", self.weight)


@dataclass(frozen=True)
class Cross:
    """For each slot the number of domains of a level that it touches, less one, and never below zero."""

    name: str
    level: str

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)


@dataclass(frozen=True)
class GroupTouch:
    """The number of groups of a level, above the nodes, that the job touches."""

    name: str
    level: str

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)


@dataclass(frozen=True)
class GroupCross:
    """For each slot the number of groups of a level that its nodes stand in, less one, and never below zero."""

    name: str
    level: str

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)


@dataclass(frozen=True)
class GroupBalance:
    """The largest less the smallest number of the job's nodes in the groups of a level that it touches."""

    name: str
    level: str

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)


@dataclass(frozen=True)
class CoreShare:
    """For each slot of cores and GPUs, its cores in domains of a level beyond the share of its GPUs there.

    Of `c` cores and `g` GPUs those in a domain count ``max(0, g * cores - c * gpus)``: in units of a core divided by
    `g`. What stands in no domain of the level counts as in one more, and a slot of several nodes node by node.
    """

    name: str
    level: str

    def __post_init__(self) -> None:
        _check_text(self.name, self.level)


@dataclass(frozen=True)
class PartialWhole:
    """The number of domains, nodes and groups asked for whole of which R lists only a part."""

    name: str

    def __post_init__(self) -> None:
        _check_text(self.name)


@dataclass(frozen=True)
class Room:
    """What domains have less room for: over all that are touched, and the nodes, room before less room afterwards.

    Attributes
    ----------
    name
        As the certificate gives it.
    room
        Of a domain, as if so many of its cores and GPUs were free: an integer that is never less where more are.
    """

    name: str
    room: Callable[[DomainState, int, int], int]

    def __post_init__(self) -> None:
        _check_text(self.name)
        if not callable(self.room):
            raise TypeError(
                f"term {self.name}: room is a function of a domain, its cores and GPUs, not {shown(self.room)}"
            )


@dataclass(frozen=True)
class Links:
    """For each slot the pairs of its GPUs on a node, each by how much less it is joined than the node's best pair."""

    name: str

    def __post_init__(self) -> None:
        _check_text(self.name)


Component = Touch | CoreTouch | Cross | GroupTouch | GroupCross | GroupBalance | PartialWhole | CoreShare | Room | Links
OF_GROUPS = (GroupTouch, GroupCross, GroupBalance)
"""Components that are no matter of single nodes: they count groups above the nodes."""


def _check_text(*names: object) -> None:
    """Refuse a name or a level that is no text."""
    for name in names:
        if not isinstance(name, str) or not name:
            raise TypeError(f"term: expected the name of a term or a level, not {shown(name)}")


def _check_weight(name: str, level: str, weight: object) -> None:
    """Refuse a weight that is no function, or that gives no integer for some domain of 8 cores and 2 GPUs.

    A weight that cannot say anything of that domain, which has none inside, is asked again where it meets a machine.
    """
    if not callable(weight):
        raise TypeError(f"term {name}: the weight is a function of a domain's state, not {shown(weight)}")
    try:
        value = weight(DomainState(Fixed(level, 8, 2, True, ()), 5, 1, (), ()))
    except MemoryError:
        raise
    except Exception:  # whatever it trips over in a domain that has none inside
        return
    check_value(name, value)


def check_value(name: str, value: object) -> None:
    """Refuse what a weight gave if it is no integer: the values of terms are proven, and floats cannot be.

    Raises
    ------
    TypeError
        Then.
    """
    if not isinstance(value, int):
        raise TypeError(f"term {name}: a weight is an integer, not {shown(value)}: scale it to whole units")
