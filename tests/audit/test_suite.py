"""The class to inherit from, and the state machine, on an allocator that is none of Flux's."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from exactfit.adapters.audit.pools import load_allocator
from exactfit.adapters.audit.protocol_machine import PoolMachine
from exactfit.adapters.audit.suite import PoolTests


class TestOurs(PoolTests):
    pool = "exactfit"
    streams = 30


SETTINGS = settings(
    max_examples=25,
    stateful_step_count=8,
    suppress_health_check=list(HealthCheck),
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate],
)


def test_the_state_machine_finds_what_is_given_twice() -> None:
    machine = type("Machine", (PoolMachine,), {"allocator_class": load_allocator("faulty:Faulty")})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=SETTINGS)
