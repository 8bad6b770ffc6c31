"""The parts of exactfit's scheduler modules that need no Flux: the time that annotations may take, and the log."""

from __future__ import annotations

import threading

from exactfit.adapters.flux.sched.allowance import MOST, SHARE, Allowance
from exactfit.adapters.flux.sched.said import Said


def test_a_twentieth_of_the_time_may_be_spent_and_what_is_overdrawn_is_earned_first() -> None:
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    total = 0.0
    for step in range(10_000):
        now[0] += 0.1
        if allowance.left > 0:
            allowance.spend(0.03 + 0.2 * (step % 7 == 0))
            total += 0.03 + 0.2 * (step % 7 == 0)
    assert allowance.spent == total
    assert SHARE * now[0] - 0.3 < total < MOST + SHARE * now[0] + 0.23


def test_it_saves_up_to_a_bound_and_says_how_long_to_wait() -> None:
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    now[0] = 1e6
    assert allowance.left == MOST
    assert allowance.until(0.1) == 0
    allowance.spend(MOST + 0.1)
    assert abs(allowance.until(0.1) - 4.0) < 1e-9
    now[0] += 4.0
    assert abs(allowance.left - 0.1) < 1e-9


class Logger:
    level = 6

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, int]] = []

    def __call__(self, level: int, message: str) -> None:
        self.lines.append((level, message, threading.get_ident()))


def test_what_a_thread_says_is_logged_in_the_reactor_s_and_in_order() -> None:
    logger = Logger()
    said = Said(logger)

    def say() -> None:
        for number in range(3):
            said(4, f"{number}")

    thread = threading.Thread(target=say)
    thread.start()
    thread.join()
    assert logger.lines == []
    said(3, "mine")
    said.pass_on()
    assert [message for _, message, _ in logger.lines] == ["mine", "0", "1", "2"]
    assert {where for _, _, where in logger.lines} == {threading.get_ident()}
    assert said.level == 6
