"""Why a request does not fit, what would make it fit, and when it will.

`explain` answers the first two, `earliest_start` and `forecast` the last. `relaxation` says what can be taken away of a
request, `trials` tries requests under assumptions, `conflict` finds a minimal conflict, `corrections` what is enough to
be rid of it, `numbers` counts, `changes` finds what helps, `places` looks at each node by itself, `sentences` says it,
`when` looks ahead, in the orders of `orders`; `earliest` bounds what any order of a queue can give, by the counts of
`timetable`.
"""

from __future__ import annotations

from .answer import FITS, INFEASIBLE, INSUFFICIENT, Explanation, explain
from .earliest import Earliest, earliest
from .future import Kept, Steps, Work
from .starts import OUT_OF_WORK, Start
from .when import EASY, FIFO, FLUX, earliest_start, finding_start, forecast, forecasting

__all__ = [
    "EASY",
    "FIFO",
    "FITS",
    "FLUX",
    "INFEASIBLE",
    "INSUFFICIENT",
    "OUT_OF_WORK",
    "Earliest",
    "Explanation",
    "Kept",
    "Start",
    "Steps",
    "Work",
    "earliest",
    "earliest_start",
    "explain",
    "finding_start",
    "forecast",
    "forecasting",
]
