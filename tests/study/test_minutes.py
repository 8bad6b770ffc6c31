"""Progress on a pipe, with a clock and a minute of the test's own."""

from __future__ import annotations

from threading import Event

import pytest

from exactfit.adapters.cli.minutes import a_line_a_minute, progress_line


@pytest.mark.parametrize(
    ("done", "before", "seconds", "line"),
    [
        (0, 0, 60.0, "0 of 12 simulations done after 1 min"),
        (4, 4, 60.0, "4 of 12 simulations done after 1 min"),
        (6, 4, 120.0, "6 of 12 simulations done after 2 min, about 6 min left"),
        (1, 0, 3600.0, "1 of 12 simulations done after 1 h 00 min, about 11 h 00 min left"),
        (12, 0, 60.0, "12 of 12 simulations done after 1 min"),
    ],
)
def test_a_line_says_how_far_it_is(done: int, before: int, seconds: float, line: str) -> None:
    assert progress_line(done, 12, before, seconds) == line


def test_a_line_comes_each_minute_until_the_end() -> None:
    told: list[str] = []
    counted, finished = Event(), Event()
    times = iter((0.0, 60.0, 120.0))
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        counted.wait()
        waits.append(seconds)
        if len(waits) < 3:
            return False
        finished.set()
        return True

    with a_line_a_minute(4, 1, told.append, lambda: next(times), wait) as count:
        count(None)
        counted.set()
        finished.wait()
    assert waits == [60.0] * 3
    assert told == [
        "2 of 4 simulations done after 1 min, about 2 min left",
        "2 of 4 simulations done after 2 min, about 4 min left",
    ]
