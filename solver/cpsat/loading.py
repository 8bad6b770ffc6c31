"""CP-SAT is loaded when the first model is made: most decisions need none, and it costs more than all else together.

ortools brings pandas, and the two take 0.3 s of processor time and 70 MB, half as much again with pyarrow, if there is
one. That comes once in a process, in whichever decision is the first to search. So that it takes nothing of that
decision's time limit, time is measured with a clock that stands still meanwhile.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_CP_SAT = "ortools.sat.python.cp_model"

_took = [0.0]
"""The seconds that loading took in this process."""


def load_solver() -> None:
    """Load CP-SAT now, if it is not there yet."""
    if _CP_SAT not in sys.modules:
        start = time.monotonic()
        importlib.import_module(_CP_SAT)
        _took[0] += time.monotonic() - start


def clock() -> float:
    """Return seconds since some moment in the past, without those in which CP-SAT was loaded."""
    return time.monotonic() - _took[0]


def new_model() -> cp_model.CpModel:
    """Return an empty model, and load CP-SAT if this is the first one."""
    load_solver()
    from ortools.sat.python import cp_model

    return cp_model.CpModel()


def is_variable(expression: object) -> TypeGuard[cp_model.IntVar]:
    """Tell whether an expression is a single variable, and neither a number nor a sum."""
    if _CP_SAT not in sys.modules:
        return False
    from ortools.sat.python import cp_model

    return isinstance(expression, cp_model.IntVar)
