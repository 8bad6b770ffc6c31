"""Arithmetic and conditions in rules, such as ``max(1, processors // gpus)``: Python's syntax, and nothing else of it.

The text is parsed, never run: names are those of a job and a machine, functions are four, and numbers stay small.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 240
"""Characters of an expression."""
_MOST = 2.0**60

Value = float | str | bool

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"min": min, "max": max, "ceil": math.ceil, "floor": math.floor}


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been read.

    Attributes
    ----------
    text
        As it was written.
    tree
        Its syntax.
    """

    text: str
    tree: ast.expr

    @classmethod
    def read(cls, text: str, names: frozenset[str]) -> Expression:
        """Return the expression of a text.

        Raises
        ------
        ValueError
            For what is no expression of the names.
        """
        if len(text) > LONGEST:
            raise ValueError(f"an expression of more than {LONGEST} characters")
        try:
            # What Python warns of beside (`1or 2`) is told by what comes of it, or is refused below.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError(f"no expression: {text.strip()[:80]!r}") from None
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            _check(node, names, called)
        return cls(text.strip(), tree)

    @property
    def names(self) -> frozenset[str]:
        """The names that stand in it."""
        return frozenset(node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name))

    def number(self, values: Mapping[str, Value]) -> int:
        """Return the value as a whole number; fractions are cut.

        Raises
        ------
        ValueError
            For a division by 0, a value that is no number, or one out of bounds.
        """
        return int(self.amount(values))

    def amount(self, values: Mapping[str, Value]) -> float:
        """Return the value as a number.

        Raises
        ------
        ValueError
            As `number`.
        """
        value = self._value(values)
        if isinstance(value, str):
            raise ValueError(f"{self.text[:80]}: no number: {value!r}")
        return value

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Return whether a condition holds.

        Raises
        ------
        ValueError
            As `number`.
        """
        return bool(self._value(values))

    def _value(self, values: Mapping[str, Value]) -> Value:
        try:
            value: Value = _evaluate(self.tree, values)
        except (ZeroDivisionError, OverflowError, TypeError) as fault:
            raise ValueError(f"{self.text}: {fault}") from None
        return value


def _check(node: ast.AST, names: frozenset[str], called: set[int]) -> None:
    fine: bool
    match node:
        case ast.Name(id=name):
            fine = name in (_FUNCTIONS if id(node) in called else names)
            if not fine:
                known = ", ".join(sorted(names))
                raise ValueError(f"{name[:40]!r} is not known; there are {known}")
        case ast.Constant(value=value):
            fine = isinstance(value, str) or (
                isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < _MOST
            )
        case ast.BinOp(op=op):
            fine = type(op) in _BINARY
        case ast.UnaryOp(op=op):
            fine = isinstance(op, ast.Not | ast.USub)
        case ast.Compare(ops=ops):
            fine = all(type(op) in _COMPARE for op in ops)
        case ast.Call(func=func, args=args, keywords=keywords):
            fine = isinstance(func, ast.Name) and bool(args) and not keywords
        case ast.BoolOp() | ast.boolop() | ast.operator() | ast.cmpop() | ast.unaryop() | ast.expr_context():
            fine = True
        case _:
            fine = False
    if not fine:
        raise ValueError(f"not allowed in an expression: {type(node).__name__}")


def _evaluate(node: ast.expr, values: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_BINARY[type(op)](_numeric(left, values), _numeric(right, values)))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, values)
        case ast.UnaryOp(operand=operand):
            return -_numeric(operand, values)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, values) for part in parts)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _bounded(_FUNCTIONS[name](*(_numeric(arg, values) for arg in args)))
        case ast.Compare(left=first, ops=ops, comparators=others):
            left = _evaluate(first, values)
            for comparison, other in zip(ops, others, strict=True):
                right = _evaluate(other, values)
                if not _COMPARE[type(comparison)](left, right):
                    return False
                left = right
            return True
    raise AssertionError(node)


def _numeric(node: ast.expr, values: Mapping[str, Value]) -> float:
    value = _evaluate(node, values)
    if isinstance(value, str):
        raise TypeError(f"no number: {value[:40]!r}")
    return float(value) if isinstance(value, bool) else value


def _bounded(value: float) -> float:
    if not -_MOST < value < _MOST:
        raise OverflowError("too large a number")
    return value
