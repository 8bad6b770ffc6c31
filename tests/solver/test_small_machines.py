"""What first decisions on a small machine take, in counted work, and how much is kept for the collector to go over."""

from __future__ import annotations

import gc

from benchmarks.contenders import BARE, make
from benchmarks.counting import counting
from benchmarks.machines import plain
from benchmarks.small import Run
from exactfit.solver.cpsat.loading import load_solver

DECISIONS = 200


def test_few_states_are_solved_and_little_is_kept() -> None:
    load_solver()
    site = plain(16)
    Run(site, [make(BARE, site.R)]).go(20, 1)  # what is loaded and made once is no part of it
    run = Run(site, [make(BARE, site.R)])
    gc.collect()
    before = len(gc.get_objects())
    with counting() as counts:
        run.go(DECISIONS, 5)
    gc.collect()
    kept = len(gc.get_objects()) - before
    # Each about what it is, and a tenth more: it goes with the number of states that have to be told apart.
    assert counts["solves"] <= 2
    assert counts["solved"] <= 2.5 * DECISIONS
    assert counts["looked at"] <= 6 * DECISIONS
    assert kept <= 140 * DECISIONS
