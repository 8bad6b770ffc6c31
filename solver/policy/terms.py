"""What is optimal: the terms of a policy as small objects, and policies as orders of terms.

Every term is a sum, over the things that a placement touches or takes whole, of a weight that depends only on what the
thing was before. So the best placement of a whole machine is put together from the best placements of single nodes,
and the value of a term is a plain sum that a checker can redo. A term of a reader's own is a subclass of one of the
kinds below, or an instance with another weight.

The terms of one policy are compared lexicographically; `scale` makes one integer of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from ...grammar.errors import shown
from ...grammar.suggest import hint
from ...topology.groups import CLUSTER
from ..state.domain_state import DomainState, Fixed
from .usual import Usual


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

Term = Callable[[Sequence[str], Sequence[str]], "list[Component]"]
"""Makes a term's components from a machine's levels: groups, and levels below the node, both coarsest first."""


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


def partial(_groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count what is asked for whole and is not whole in R."""
    return [PartialWhole("partial")]


def affinity(groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count how far slots are torn apart, over groups but the cluster and levels below the node, coarsest first."""
    across: list[Component] = [GroupCross(f"affinity.{level}", level) for level in groups if level != CLUSTER]
    return [*across, *(Cross(f"affinity.{level}", level) for level in levels)]


def share(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count how far the cores of slots stand from the share of their GPUs, level by level from the coarsest."""
    return [CoreShare(f"share.{level}", level) for level in levels]


def one_each(_domain: DomainState) -> int:
    """Weigh whatever is touched alike."""
    return 1


def no_weight(_domain: DomainState) -> int:
    """Weigh nothing."""
    return 0


def spread(groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count groups touched, coarsest level first, then nodes touched."""
    return [*(GroupTouch(f"spread.{level}", level) for level in groups), Touch("spread.node", "node", one_each)]


def _broken(domain: DomainState) -> int:
    return 1 if domain.intact else 0


def intact(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count domains that were wholly free and are touched: nodes, then level by level from the coarsest."""
    return [Touch(f"intact.{level}", level, _broken) for level in ("node", *levels)]


def _free_gpus(domain: DomainState) -> int:
    return domain.free_gpus


def shield(_groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count free GPUs that stand in the innermost domains that slots without GPUs take cores of."""
    return [CoreTouch("shield", _free_gpus)]


def _free_cores(domain: DomainState) -> int:
    return domain.free_cores


def fit(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Count free cores, before the placement, in the domains touched: nodes, then level by level."""
    return [Touch(f"fit.{level}", level, _free_cores) for level in ("node", *levels)]


def _taken_cores(domain: DomainState) -> int:
    return -domain.free_cores


def worst_fit(_groups: Sequence[str], levels: Sequence[str]) -> list[Component]:
    """Turn fit round: the domains with the most free cores first."""
    return [Touch(f"worst-fit.{level}", level, _taken_cores) for level in ("node", *levels)]


@dataclass(frozen=True)
class Balance:
    """Count how unevenly the job's nodes are spread over the groups of a level that it touches."""

    level: str

    def __call__(self, _groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
        """Make the component."""
        return [GroupBalance(f"{_BALANCE}{self.level}", self.level)]


@dataclass(frozen=True)
class Future:
    """Count how much less room there is for the usual jobs afterwards."""

    usual: Usual = field(default_factory=Usual)

    def __call__(self, _groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
        """Make the component."""
        return [Room("future", self.usual.room)]


def no_room(_domain: DomainState, _cores: int, _gpus: int) -> int:
    """Let a domain have no room, whatever is free."""
    return 0


def links(_groups: Sequence[str], _levels: Sequence[str]) -> list[Component]:
    """Count how much less the GPUs of slots are joined than by the best links of their node."""
    return [Links("links")]


_BALANCE = "balance."

TERMS: dict[str, Term] = {
    "partial": partial,
    "affinity": affinity,
    "share": share,
    "spread": spread,
    "intact": intact,
    "shield": shield,
    "fit": fit,
    "worst-fit": worst_fit,
    "links": links,
    "future": Future(),
}
"""Terms by the name that a site writes. ``size`` comes first in every policy and ``ids`` last: they are not listed.

``balance.LEVEL`` is one more, of any level of groups.
"""


@dataclass(frozen=True)
class Policy:
    """An ordered list of terms, between ``size`` and ``ids``.

    Attributes
    ----------
    name
        What the site calls it.
    terms
        The makers of its components, first compared first.
    """

    name: str
    terms: tuple[Term, ...] = field(default=())

    def __post_init__(self) -> None:
        for term in self.terms if isinstance(self.terms, tuple) else [self.terms]:
            if not callable(term) or isinstance(term, get_args(Component)):
                raise TypeError(
                    f"policy {self.name}: a term is a function that makes components of a machine's levels, "
                    f"in a tuple, not {shown(term)}"
                )

    @property
    def usual(self) -> Usual:
        """The usual jobs of its term `future`; whole domains where it has none."""
        return next((term.usual for term in self.terms if isinstance(term, Future)), Usual())

    def components(self, groups: Sequence[str], levels: Sequence[str]) -> tuple[Component, ...]:
        """Return the policy's components on a machine with these levels, first compared first."""
        return tuple(component for term in self.terms for component in term(groups, levels))


PACK = Policy("pack", (partial, affinity, share, spread, intact, shield, fit))
FUTURE = Policy("future", (partial, affinity, share, Future(), spread, intact, shield, fit))
SPREAD = Policy("spread", (affinity, worst_fit))
LOWEST = Policy("lowest", ())
POLICIES = {policy.name: policy for policy in (PACK, FUTURE, SPREAD, LOWEST)}


def parse_policy(text: str, read_usual: Callable[[str], Usual] | None = None) -> Policy:
    """Return the policy of a name, or of a site's own order of terms.

    Parameters
    ----------
    text
        ``pack``, ``future``, ``spread``, ``lowest``, or names of `TERMS` with commas between them, such as
        ``size,affinity,fit,ids``; ``size`` and ``ids`` may be left out. ``future=FILE``, of the policy and of the
        term, names what the usual jobs are read from. ``balance.LEVEL`` is a term for a level of groups.
    read_usual
        Reads the usual jobs of a file. None: no file may be named.

    Raises
    ------
    ValueError
        For a name that is neither, a term given twice, ``size`` not first or ``ids`` not last; and what `read_usual`
        raises.
    """
    if text in POLICIES:
        return POLICIES[text]
    names = [name.strip() for name in text.split(",")]
    if len(names) == 1 and names[0].startswith(_OF_FILE):
        future = _term(names[0], text, read_usual)
        return Policy(text, tuple(future if isinstance(term, Future) else term for term in FUTURE.terms))
    if names[:1] == ["size"]:
        names = names[1:]
    if names[-1:] == ["ids"]:
        names = names[:-1]
    kinds = [name.partition("=")[0] if name.startswith(_OF_FILE) else name for name in names]
    for name in kinds:
        if name in ("size", "ids"):
            raise ValueError(f"policy {text!r}: {name} stands {'first' if name == 'size' else 'last'} or is left out")
        if name not in TERMS and not (name.startswith(_BALANCE) and name != _BALANCE):
            known = [*POLICIES, *TERMS, f"{_BALANCE}LEVEL"]
            raise ValueError(f"policy {text!r}: no policy or term is called {name!r}{hint(name, known)}")
        if kinds.count(name) > 1:
            raise ValueError(f"policy {text!r}: the term {name} is given twice")
    return Policy(text, tuple(_term(name, text, read_usual) for name in names))


_OF_FILE = "future="


def _term(name: str, text: str, read_usual: Callable[[str], Usual] | None) -> Term:
    if name.startswith(_BALANCE):
        return Balance(name.removeprefix(_BALANCE))
    if not name.startswith(_OF_FILE):
        return TERMS[name]
    if read_usual is None:
        raise ValueError(f"policy {text!r}: only the site names a file of usual jobs")
    return Future(read_usual(name.removeprefix(_OF_FILE)))
