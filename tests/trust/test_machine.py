"""The whole pool protocol in any order, through Flux's pool class and through the solver's pool, beside a model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from exactfit.adapters.audit.allocator import Allocator
from exactfit.adapters.audit.protocol_machine import PoolMachine

from . import inputs
from .conftest import EXPLORES
from .subjects import ThroughFlux, ThroughSolver

RUNS, STEPS = (3_000, 50) if EXPLORES else (70, 20)


@pytest.mark.parametrize("subject", [ThroughFlux, ThroughSolver])
def test_the_protocol_in_any_order(subject: type[Allocator]) -> None:
    judged = Counter[str]()
    members = {
        "allocator_class": subject,
        "machines": inputs.machines(),
        "shapes": inputs.ROOMY,
        "judged": judged,
    }
    machine = type(f"Pool{subject.__name__}", (PoolMachine,), members)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=RUNS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
    for what, number in sorted(judged.items()):
        print(f"{number:6} {what}")
    assert judged["placed, beside the checker and all placements"] > judged["placed, beside nothing"]
    assert judged["refused, beside all placements"] > judged["refused, cut off"]
