"""Progress where no terminal is: a line a minute, for logs of batch jobs and of pipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from ..spans import span

_MINUTE = 60.0


def progress_line(done: int, total: int, before: int, seconds: float, what: str = "simulations done") -> str:
    """Return how far a run is, and an estimate of what is left once something of it is done.

    Parameters
    ----------
    done, total
        Simulations, with those that were kept from an earlier start.
    before
        How many were kept.
    seconds
        Since this start.
    what
        Is counted.
    """
    text = f"{done} of {total} {what} after {span(seconds)}"
    if done in (before, total):
        return text
    return f"{text}, about {span(seconds / (done - before) * (total - done))} left"


@contextmanager
def a_line_a_minute(
    total: int,
    before: int,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], bool] | None = None,
    what: str = "simulations done",
) -> Iterator[Callable[[object], None]]:
    """Tell how far a run is each minute, while the context lasts; what comes out is called when a simulation is done.

    Parameters
    ----------
    total, before
        As for `progress_line`.
    tell
        Gets the lines.
    clock, wait
        Seconds, and what waits so many unless the end comes, and tells whether it has.
    what
        Is counted.
    """
    over = Event()
    done = [before]
    begin = clock()

    def tell_each() -> None:
        while not (wait or over.wait)(_MINUTE):
            tell(progress_line(done[0], total, before, clock() - begin, what))

    def count(_: object) -> None:
        done[0] += 1

    teller = Thread(target=tell_each, daemon=True)
    teller.start()
    try:
        yield count
    finally:
        over.set()
        teller.join()
