"""What is optimal: the terms of a policy, each a function that makes components, and policies as orders of terms.

The components, which say how a placement is counted, are in `components` and can be had from here as well. The terms of
one policy are compared lexicographically; `scale` makes one integer of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from ...grammar.errors import shown
from ...grammar.suggest import hint
from ...topology.groups import CLUSTER
from ..state.domain_state import DomainState
from ..state.seen import Seen
from .components import (
    OF_GROUPS,
    Component,
    CoreShare,
    CoreTouch,
    Cross,
    GroupBalance,
    GroupCross,
    GroupTouch,
    Links,
    PartialWhole,
    Room,
    Touch,
    check_value,
)
from .usual import UNIT, Usual, usual_of

__all__ = [
    "FUTURE",
    "LEARNED",
    "LOWEST",
    "OF_GROUPS",
    "PACK",
    "POLICIES",
    "SPREAD",
    "TERMS",
    "Balance",
    "Component",
    "CoreShare",
    "CoreTouch",
    "Cross",
    "Future",
    "GroupBalance",
    "GroupCross",
    "GroupTouch",
    "Links",
    "PartialWhole",
    "Policy",
    "Room",
    "Term",
    "Touch",
    "affinity",
    "check_value",
    "fit",
    "intact",
    "links",
    "no_room",
    "no_weight",
    "one_each",
    "parse_policy",
    "partial",
    "share",
    "shield",
    "spread",
    "worst_fit",
]

Term = Callable[[Sequence[str], Sequence[str]], "list[Component]"]
"""Makes a term's components from a machine's levels: groups, and levels below the node, both coarsest first."""


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
    """Count how much less room there is for the usual jobs afterwards.

    Attributes
    ----------
    usual
        The usual jobs.
    learns
        Whether they are those that the pool has seen; until then they are as they are given here.
    """

    usual: Usual = field(default_factory=Usual)
    learns: bool = False

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

    @property
    def usual_in_words(self) -> str:
        """What the usual jobs are."""
        if not self.usual.text:
            return "usual are whole domains"
        return "usual are such jobs as were placed of late" if self.learns else "usual are the jobs that the site lists"

    def room_in_words(self, value: int) -> str:
        """Return what a value of its term `future` means."""
        return f"room for {value / UNIT:,.12g} {'core' if value == UNIT else 'cores'} of usual jobs"

    @property
    def learns(self) -> bool:
        """Whether its usual jobs are those that the pool has seen."""
        return any(term.learns for term in self.terms if isinstance(term, Future))

    def after(self, seen: Seen) -> Policy:
        """Return the policy, if it learns, with the usual jobs that were seen."""
        usual = usual_of(seen)
        return replace(
            self,
            terms=tuple(
                replace(term, usual=usual) if isinstance(term, Future) and term.learns else term for term in self.terms
            ),
        )

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
        term, names what the usual jobs are read from, ``future=learned`` takes the jobs that the pool has placed.
        ``balance.LEVEL`` is a term for a level of groups.
    read_usual
        Reads the usual jobs of a file. None: none may be named, nor learned.

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
LEARNED = "learned"
"""In the place of a file: the usual jobs are those that the pool has placed. A file of this name is ``./learned``."""


def _term(name: str, text: str, read_usual: Callable[[str], Usual] | None) -> Term:
    if name.startswith(_BALANCE):
        return Balance(name.removeprefix(_BALANCE))
    if not name.startswith(_OF_FILE):
        return TERMS[name]
    if read_usual is None:
        raise ValueError(f"policy {text!r}: only the site names usual jobs")
    if name == _OF_FILE + LEARNED:
        return Future(learns=True)
    return Future(read_usual(name.removeprefix(_OF_FILE)))
