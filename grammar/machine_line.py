"""A machine in one line, exactfit's own: ``rack:4 node:16 socket:2 numa:4(memory=128) core:16 gpu:1``.

The order says the nesting, from the outside in; a count is per parent, 1 where none is given. What stands before
``node`` are groups of nodes. Cores and gpus belong to the level before them; nothing stands inside them. Amounts are
in GiB or have a unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final, NamedTuple

import lark

from .errors import GrammarError, shown
from .parser import Parser
from .unit import gib

NODE, CORE, GPU = "node", "core", "gpu"
MOST: Final = 2**22
"""The highest count."""

_LONGEST: Final = 10_000
_LONGEST_NAME: Final = 64
_DIGITS: Final = 18
_LEAVES: Final = (CORE, GPU)
_NO_LEVEL: Final = frozenset({"slot", "cores", "gpus", "ranks", "memory", "storage"})
_THREADS: Final = frozenset({"pu", "thread", "PU"})
_NO_AMOUNT: Final = frozenset({"node", "slot", "core", "cores", "gpu", "gpus", "ranks"})


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the line.

    Parameters
    ----------
    name
        What it is called.
    count
        How many there are in each of the level around it.
    amounts
        What each has of its own by name, memory and storage in GiB.
    cores, gpus
        How many each holds of its own, beside what the levels inside it hold.
    """

    name: str
    count: int = 1
    amounts: tuple[tuple[str, Fraction], ...] = ()
    cores: int = 0
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class MachineLine:
    """What a line says.

    Parameters
    ----------
    groups
        The levels above the node, from the outside in.
    node
        The node; its count is how many there are in each innermost group.
    levels
        The levels inside a node, from the outside in.
    counted
        Whether the line says how many nodes there are.
    """

    groups: tuple[Level, ...] = ()
    node: Level = field(default_factory=lambda: Level(NODE))
    levels: tuple[Level, ...] = ()
    counted: bool = False


class _Amount(NamedTuple):
    name: lark.Token
    number: lark.Token
    unit: lark.Token | None


class _Part(NamedTuple):
    name: lark.Token
    size: lark.Token | None
    amounts: list[_Amount]


class _Values(lark.Transformer[lark.Token, Any]):
    def levels(self, parts: list[_Part]) -> list[_Part]:
        return parts

    def level(self, parts: list[Any]) -> _Part:
        count = next((part for part in parts[1:] if isinstance(part, lark.Token)), None)
        amounts = next((part for part in parts[1:] if isinstance(part, list)), [])
        return _Part(parts[0], count, amounts)

    def amounts(self, parts: list[_Amount]) -> list[_Amount]:
        return parts

    def amount(self, parts: list[lark.Token]) -> _Amount:
        return _Amount(parts[0], parts[1], parts[2] if len(parts) > 2 else None)


_PARSER: Final = Parser(None, "machine", "machine_line.lark", _Values())


def parse_machine_line(text: str) -> MachineLine:
    """Return what a line says of a machine.

    Raises
    ------
    GrammarError
        For text that is no such line, with the place of the first fault: a level twice, a level inside cores, a name
        that means something else, no cores at all.
    """
    if not isinstance(text, str):
        raise _PARSER.error(f"expected text, not {shown(text)}")
    if len(text) > _LONGEST:
        raise _PARSER.error(f"longer than {_LONGEST} characters")
    return _Reader(text).read(_PARSER.parse(text))


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str

    def read(self, parts: list[_Part]) -> MachineLine:
        seen: set[str] = set()
        place = next((n for n, part in enumerate(parts) if part.name == NODE), None)
        above, below = ([], parts) if place is None else (parts[:place], parts[place + 1 :])
        node = self.level(parts[place], seen) if place is not None else Level(NODE)
        groups = [self.group(part, seen) for part in above]
        levels = self.inside(node, below, seen)
        if not any(level.cores for level in levels):
            raise _PARSER.error("no core: a line ends in how many cores there are, as in socket:2 core:16")
        return MachineLine(tuple(groups), levels[0], tuple(levels[1:]), place is not None or bool(groups))

    def group(self, part: _Part, seen: set[str]) -> Level:
        if part.name in _LEAVES:
            raise self.error(f"{part.name} stands in a node, not above it", part.name)
        return self.level(part, seen)

    def inside(self, node: Level, parts: list[_Part], seen: set[str]) -> list[Level]:
        """Return the node and the levels in it, each with the cores and gpus that stand behind it."""
        found = [node]
        for part in parts:
            if part.name not in _LEAVES:
                if found[-1].cores and part.name not in _THREADS:
                    raise self.error(f"{part.name} stands behind core: what holds the cores stands before", part.name)
                found.append(self.level(part, seen))
                continue
            if part.amounts:
                raise self.error(f"a {part.name} has no amounts; they belong to the level around it", part.name)
            kind = "cores" if part.name == CORE else "gpus"
            if getattr(found[-1], kind):
                raise self.error(f"{part.name} is given twice", part.name)
            count = self.count(part)
            found[-1] = replace(found[-1], cores=count) if kind == "cores" else replace(found[-1], gpus=count)
        return found

    def level(self, part: _Part, seen: set[str]) -> Level:
        name = str(part.name)
        if name in seen:
            raise self.error(f"{name} is given twice", part.name)
        if name in _THREADS:
            raise self.error("threads are not counted: a core is the least there is", part.name)
        if name in _NO_LEVEL:
            hint = f"; each {name} amount is written as numa:4({name}=128)" if name in ("memory", "storage") else ""
            raise self.error(f"no level can be called {name}{hint}", part.name)
        if len(name) > _LONGEST_NAME:
            raise self.error(f"a name of more than {_LONGEST_NAME} characters", part.name)
        seen.add(name)
        amounts: dict[str, Fraction] = {}
        for amount in part.amounts:
            if amount.name in amounts:
                raise self.error(f"{amount.name} is given twice", amount.name)
            amounts[str(amount.name)] = self.amount(amount)
        return Level(name, self.count(part), tuple(amounts.items()))

    def count(self, part: _Part) -> int:
        if part.size is None:
            return 1
        digits = part.size[1:]
        count = int(digits) if len(digits) <= _DIGITS else MOST + 1
        if not 1 <= count <= MOST:
            raise self.error(f"a count is from 1 to {MOST}", part.size)
        return count

    def amount(self, amount: _Amount) -> Fraction:
        if amount.name in _NO_AMOUNT or len(amount.name) > _LONGEST_NAME:
            raise self.error("no amount can be called so", amount.name)
        if len(amount.number) > _DIGITS:
            raise self.error(f"a number of more than {_DIGITS} characters", amount.number)
        number = Fraction(amount.number)
        if amount.unit is not None:
            try:
                number = Fraction(gib(number, str(amount.unit)))
            except ValueError as fault:
                raise self.error(str(fault), amount.unit) from None
        if amount.name != "storage" and number.denominator != 1:
            what = "whole GiB" if amount.name == "memory" or amount.unit else "a whole number"
            raise self.error(f"{amount.name}: {what} is expected", amount.number)
        return number

    def error(self, reason: str, token: lark.Token) -> GrammarError:
        return _PARSER.error(reason, self.text, token.start_pos, str(token)[:_LONGEST_NAME])
