"""Ways for the solver to fail, each at a chosen one of its calls, and for anything to fail at a chosen line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from ortools.sat.python import cp_model

import exactfit.adapters.flux
import exactfit.solver.pool

SOLVER = str(Path(exactfit.solver.pool.__file__).parent)
FLUX = str(Path(exactfit.adapters.flux.__file__).parent)

Fault = Callable[[Callable[[], Any]], Any]
"""What happens in the place of a call, which it may make."""


def says(status: object) -> Fault:
    """Return a fault: CP-SAT gives this status, having done nothing."""
    return lambda _call: status


def finds_nothing(call: Callable[[], Any]) -> Any:
    """Be a fault: CP-SAT searches, and finds out nothing by the time that it has to end."""
    call()
    return cp_model.UNKNOWN


def proves_nothing(call: Callable[[], Any]) -> Any:
    """Be a fault: CP-SAT finds a solution, and no time is left to prove that it is the best."""
    status = call()
    return cp_model.FEASIBLE if status == cp_model.OPTIMAL else status


def raises(error: type[BaseException]) -> Fault:
    """Return a fault: CP-SAT, or what builds its model, raises this."""

    def fail(_call: object) -> Any:
        raise error("injected")

    return fail


class Calls:
    """Counts calls, and lets one of them fail.

    Attributes
    ----------
    number
        How many there were.
    """

    def __init__(self, at: int | None, fault: Fault, *, ever_after: bool = False) -> None:
        self.number = 0
        self._at = at
        self._fault = fault
        self._ever_after = ever_after

    @property
    def happened(self) -> bool:
        """Whether the fault came."""
        return self._at is not None and self.number > self._at

    def through(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a stand-in for a method."""

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            number, self.number = self.number, self.number + 1
            hit = self._at is not None and (number == self._at or (self._ever_after and number > self._at))
            return self._fault(lambda: real(*args, **kwargs)) if hit else real(*args, **kwargs)

        return stand_in


@contextmanager
def at_solve(at: int | None, fault: Fault, *, ever_after: bool = False) -> Iterator[Calls]:
    """Let one run of CP-SAT fail, counted from 0; None: only count. `ever_after`: all that follow as well."""
    calls = Calls(at, fault, ever_after=ever_after)
    with patch.object(cp_model.CpSolver, "solve", calls.through(cp_model.CpSolver.solve)):
        yield calls


@contextmanager
def at_model(at: int | None, fault: Fault) -> Iterator[Calls]:
    """Let one call that adds to a model fail; None: only count."""
    calls = Calls(at, fault)
    names = ("new_int_var", "new_bool_var", "add", "minimize")
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(cp_model.CpModel, name, calls.through(getattr(cp_model.CpModel, name))))
        yield calls


class Lines:
    """Counts the lines of the pools' code that are run, Flux's class and the solver, and raises at one of them.

    Attributes
    ----------
    number
        How many there were.
    """

    def __init__(self, at: int | None, error: type[BaseException], within: str | None) -> None:
        self.number = 0
        self._at = at
        self._error = error
        self._within = within
        self._depth = 0

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith((SOLVER, FLUX)):
            return None
        if self._within is not None and not self._depth and code.co_name != self._within:
            return None
        self._depth += 1
        return self._line

    def _line(self, _frame: FrameType, event: str, _arg: object) -> Any:
        if event == "return":
            self._depth -= 1
        elif event == "line":
            number, self.number = self.number, self.number + 1
            if number == self._at:
                raise self._error("injected")
        return self._line


@contextmanager
def at_line(at: int | None, error: type[BaseException], *, within: str | None = None) -> Iterator[Lines]:
    """Raise at one line of the pools' code, counted from 0; None: only count.

    Parameters
    ----------
    within
        Count lines only while this function runs.
    """
    lines = Lines(at, error, within)
    before = sys.gettrace()
    sys.settrace(lines)
    try:
        yield lines
    finally:
        sys.settrace(before)
