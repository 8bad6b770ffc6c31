"""The work of decisions, counted and not timed: it is the same on every machine, however busy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from exactfit.solver.cpsat import lexicographic
from exactfit.solver.node.rankings import Rankings
from exactfit.solver.node.solver import NodeSolver

COUNTED: tuple[tuple[str, Any, str], ...] = (
    ("solves", lexicographic, "_solve"),
    ("models", NodeSolver, "_model"),
    ("solved", NodeSolver, "_make"),
    ("looked at", Rankings, "_settle"),
)
"""What is counted: runs of CP-SAT, nodes' models, states solved for a bundle, states looked at in a ranking."""


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what is done as long as this lasts."""
    counts: Counter[str] = Counter({name: 0 for name, _, _ in COUNTED})
    originals = [(home, function, getattr(home, function)) for _, home, function in COUNTED]
    for name, home, function in COUNTED:
        setattr(home, function, _counted(getattr(home, function), counts, name))
    try:
        yield counts
    finally:
        for home, function, original in originals:
            setattr(home, function, original)


def _counted(function: Callable[..., object], counts: Counter[str], name: str) -> Callable[..., object]:
    @wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        counts[name] += 1
        return function(*args, **kwargs)

    return call
