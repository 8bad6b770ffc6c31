"""The algebra of constraints: what one node must be, whichever text it was written in.

The operators are those of RFC 31, without values they mean what RFC 31 and Flux's C library say: no properties, `and`
and `or` match everything; `not`, no hosts and no ranks match nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from .hostlist import Hostlist
from .idset import IdSet

NEGATED: Final = "^"
"""Stands before the name of a property that a node must not have."""


class Facts(Protocol):
    """What is known of the nodes; every mask has bit i set for the node at position i."""

    @property
    def all(self) -> int:
        """Every node."""

    def property(self, name: str) -> int:
        """Return the nodes that have a property."""

    def hosts(self, names: Hostlist) -> int:
        """Return the nodes with one of the names."""

    def ranks(self, ids: IdSet) -> int:
        """Return the nodes with one of the ranks."""


@dataclass(frozen=True, slots=True)
class Properties:
    """A node has every property named, and none of those with a `^` before the name."""

    names: tuple[str, ...]

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        if not self.names:
            return NEVER
        flipped = [Properties((n[1:] if n.startswith(NEGATED) else NEGATED + n,)) for n in self.names]
        return flipped[0] if len(flipped) == 1 else Or(tuple(flipped))


@dataclass(frozen=True, slots=True)
class Hosts:
    """A node has one of the names."""

    names: Hostlist

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        return Not(self)


@dataclass(frozen=True, slots=True)
class Ranks:
    """A node has one of the ranks."""

    ids: IdSet

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        return Not(self)


@dataclass(frozen=True, slots=True)
class Not:
    """A node does not match the part."""

    part: Constraint

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        return self.part


@dataclass(frozen=True, slots=True)
class And:
    """A node matches every part; with no parts, every node does."""

    parts: tuple[Constraint, ...]

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        return Or(tuple(part.negate() for part in self.parts)) if self.parts else NEVER


@dataclass(frozen=True, slots=True)
class Or:
    """A node matches a part; with no parts, every node does (RFC 31)."""

    parts: tuple[Constraint, ...]

    def negate(self) -> Constraint:
        """Return the constraint that matches where this does not."""
        return And(tuple(part.negate() for part in self.parts)) if self.parts else NEVER


Constraint: TypeAlias = Properties | Hosts | Ranks | Not | And | Or

ALWAYS: Final[Constraint] = And(())
NEVER: Final[Constraint] = Not(ALWAYS)


def evaluate(constraint: Constraint, facts: Facts) -> int:
    """Return the mask of the nodes that match."""
    if isinstance(constraint, Properties):
        matching = facts.all
        for name in constraint.names:
            if name.startswith(NEGATED):
                matching &= ~facts.property(name[1:])
            else:
                matching &= facts.property(name)
        return matching
    if isinstance(constraint, Hosts):
        return facts.hosts(constraint.names) & facts.all
    if isinstance(constraint, Ranks):
        return facts.ranks(constraint.ids) & facts.all
    if isinstance(constraint, Not):
        return facts.all & ~evaluate(constraint.part, facts)
    if isinstance(constraint, And) or not constraint.parts:
        matching = facts.all
        for part in constraint.parts:
            matching &= evaluate(part, facts)
        return matching
    matching = 0
    for part in constraint.parts:
        matching |= evaluate(part, facts)
    return matching


def failing(constraint: Constraint, facts: Facts, position: int) -> Constraint | None:
    """Return the smallest part on whose account a node does not match, None when it does."""
    if evaluate(constraint, facts) >> position & 1:
        return None
    if isinstance(constraint, And):
        for part in constraint.parts:
            found = failing(part, facts, position)
            if found is not None:
                return found
    if isinstance(constraint, Properties):
        for name in constraint.names:
            single = Properties((name,))
            if not evaluate(single, facts) >> position & 1:
                return single
    return constraint


def simplify(constraint: Constraint) -> Constraint:
    """Return an equal constraint in a normal form.

    Notes
    -----
    In the normal form `And` and `Or` have two parts at least, none of their own kind, none twice and none that is
    `ALWAYS` or `NEVER`; an `And` has one `Properties` and one `Ranks` at most, an `Or` one `Ranks`; `Not` stands before
    several properties, hosts, ranks, `And` or `Or` only. Equal constraints may still differ in it.
    """
    if isinstance(constraint, Properties):
        names = tuple(dict.fromkeys(constraint.names))
        if any(NEGATED + name in names for name in names):
            return NEVER
        return Properties(names) if names else ALWAYS
    if isinstance(constraint, Hosts):
        return constraint if constraint.names else NEVER
    if isinstance(constraint, Ranks):
        return constraint if constraint.ids else NEVER
    if isinstance(constraint, Not):
        part = simplify(constraint.part)
        if isinstance(part, Not) or (isinstance(part, Properties) and len(part.names) == 1):
            return part.negate()
        return NEVER if part == ALWAYS else Not(part)
    if isinstance(constraint, And) or not constraint.parts:
        return _all_of(map(simplify, constraint.parts))
    return _any_of(map(simplify, constraint.parts))


def _all_of(parts: Iterable[Constraint]) -> Constraint:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    names = simplify(Properties(tuple(name for part in flat if isinstance(part, Properties) for name in part.names)))
    ranks = [part.ids for part in flat if isinstance(part, Ranks)]
    common = ranks[0] if ranks else IdSet.EMPTY
    for ids in ranks[1:]:
        common &= ids
    merged: dict[Constraint, None] = {}
    for part in flat:
        merged[names if isinstance(part, Properties) else Ranks(common) if isinstance(part, Ranks) else part] = None
    if NEVER in merged or (ranks and not common) or any(Not(part) in merged for part in merged):
        return NEVER
    return next(iter(merged)) if len(merged) == 1 else And(tuple(merged))


def _any_of(parts: Iterable[Constraint]) -> Constraint:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    ranks = IdSet.EMPTY
    for part in flat:
        if isinstance(part, Ranks):
            ranks |= part.ids
    merged = {Ranks(ranks) if isinstance(part, Ranks) else part: None for part in flat if part != NEVER}
    if ALWAYS in merged or any(_opposite(part) in merged for part in merged):
        return ALWAYS
    if not merged:
        return NEVER
    return next(iter(merged)) if len(merged) == 1 else Or(tuple(merged))


def _opposite(constraint: Constraint) -> Constraint:
    if isinstance(constraint, Properties) and len(constraint.names) == 1:
        return constraint.negate()
    return Not(constraint)
