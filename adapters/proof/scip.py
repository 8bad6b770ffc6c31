"""An integer program put to SCIP, where `pyscipopt` is installed: a solver that shares no line with HiGHS.

OR-Tools brings a SCIP of its own, and two of them in one process end it. So SCIP has a process, which is started when
it is first asked, is told programs and answers in lines of JSON, and ends with the one that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from math import ceil, isinf
from typing import Any

INFEASIBLE, CUT_OFF, OPTIMAL = "infeasible", "cut off", "optimal"

Ended = tuple[str, int | None, int | None, tuple[int, ...]]
"""How a solve ended, a bound, the best value and the solution that has it, as far as there are any."""


def minimise(
    lower: Sequence[int],
    upper: Sequence[int],
    rows: Sequence[tuple[Mapping[int, int], float, float]],
    objective: Mapping[int, int],
    seconds: float,
    *,
    presolve: bool,
) -> Ended:
    """Return how a solve ended.

    Parameters
    ----------
    lower, upper
        Bounds of the variables, which are whole.
    rows
        Coefficients by variable, and within which bounds their sum is.
    objective
        Coefficients.
    seconds
        How long it may take.
    presolve
        Whether the program may be made smaller first.

    Raises
    ------
    RuntimeError
        SCIP's process ended without an answer, as it does where `pyscipopt` is not installed.
    """
    worker = _worker()
    rows_said = [[list(terms.items()), low, high] for terms, low, high in rows]
    told = [list(lower), list(upper), rows_said, list(objective.items()), seconds, presolve]
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(json.dumps(told) + "\n")
        worker.stdin.flush()
        said = worker.stdout.readline()
    except BrokenPipeError:
        said = ""
    if not said:
        _worker.cache_clear()
        raise RuntimeError(f"SCIP ended without an answer, {worker.wait()}")
    ended, bound, value, values = json.loads(said)
    return ended, bound, value, tuple(values)


@cache
def _worker() -> subprocess.Popen[str]:
    """Start SCIP's process: this file as a program."""
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _solve(
    lower: Sequence[int],
    upper: Sequence[int],
    rows: Sequence[tuple[Sequence[tuple[int, int]], float, float]],
    objective: Sequence[tuple[int, int]],
    seconds: float,
    presolve: bool,
) -> Ended:
    """Solve a program in this process."""
    from pyscipopt import Model, quicksum

    model = Model()
    model.hideOutput()
    model.setParams({"limits/time": max(seconds, 0.01), "limits/absgap": 0.5, "randomization/randomseedshift": 0})
    if not presolve:
        model.setParam("presolving/maxrounds", 0)
    variables = [model.addVar(vtype="I", lb=low, ub=high) for low, high in zip(lower, upper, strict=True)]
    for terms, low, high in rows:
        if not terms:
            continue
        total = quicksum(factor * variables[place] for place, factor in terms)
        if low == high:
            model.addCons(total == low)
        elif isinf(low):
            model.addCons(total <= high)
        else:
            model.addCons(total >= low)
    model.setObjective(quicksum(factor * variables[place] for place, factor in objective))
    model.optimize()
    status = model.getStatus()
    if status in ("infeasible", "inforunbd"):
        return INFEASIBLE, None, None, ()
    low_bound = model.getDualbound()
    bound = None if abs(low_bound) > _HUGE else ceil(low_bound - TOLERANCE)
    if not model.getNSols():
        return CUT_OFF, bound, None, ()
    values = tuple(round(model.getVal(variable)) for variable in variables)
    value = sum(factor * values[place] for place, factor in objective)
    done = status == "optimal" or (bound is not None and bound >= value)
    return OPTIMAL if done else CUT_OFF, value if done else bound, value, values


_HUGE = 1e15
"""Numbers beyond this are SCIP's infinity."""
TOLERANCE = 1e-4
"""How far a number that stands for a whole one may be from it."""


def main() -> None:
    """Answer programs as they come, a line each, each from a process of its own.

    pyscipopt 6.3 now and then ends a process that has solved several programs. What ends twice is cut off.
    """
    import pyscipopt  # noqa: F401 (each process finds it loaded)

    for line in sys.stdin:
        if not (_apart(line) or _apart(line)):
            print(json.dumps((CUT_OFF, None, None, ())), flush=True)


def _apart(line: str) -> bool:
    """Let a process solve a program and say what it came to, and return whether it did."""
    child = os.fork()
    if not child:
        told: list[Any] = json.loads(line)
        said = json.dumps(_solve(*told)) + "\n"
        os.write(sys.stdout.fileno(), said.encode())
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    main()
