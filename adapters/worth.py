"""Compares what a placement is worth, term by term, with what the best one is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REVERSED = {"worst-fit": "fit"}
"""Terms of policies that are others with the sign changed."""


def first_better(best: Mapping[str, Any], terms: Mapping[str, Any]) -> str | None:
    """Return the first term in which the best placement is better.

    Parameters
    ----------
    best
        Value of each term of a policy, first compared first.
    terms
        The checker's values of the other placement.

    Returns
    -------
    None where it is better in none, or where the checker knows no value of a term before.
    """
    for name, value in best.items():
        given = value_of(terms, name)
        if given is None:
            return None
        cost, other = as_cost(name, value), as_cost(name, given)
        if cost != other:
            return name if cost < other else None
    return None


def as_cost(name: str, value: Any) -> list[int]:
    """Return a value as numbers of which less is better; of sizes, more is."""
    return [-count for count in value] if name == "size" else [value]


def value_of(terms: Mapping[str, Any], name: str) -> Any:
    """Return the checker's value of a term, None when it has none."""
    family, _, level = name.partition(".")
    if family in _REVERSED:
        value = terms.get(f"{_REVERSED[family]}.{level}")
        return None if value is None else -value
    return terms.get(name)
