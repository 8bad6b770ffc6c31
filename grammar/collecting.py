"""Garbage is not collected while what is made stays: many small objects, among which there is nothing to be found.

Python looks through all objects again and again while more of them come; for a machine of 10,000 nodes that all differ
that takes as long as half of the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 20_000
"""Objects that were made meanwhile: fewer are looked through in less than a millisecond."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave the garbage where it is until this is over; what is off already stays off.

    Of many objects, what was made is then put with what is old, where the next full collection finds it. Else the next
    three would go through all of it. Where a program has set something aside for good (`gc.freeze`), that stays as it
    is: whether one has is known only by counting all that is set aside, so that it is not asked for the sake of few.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MANY and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()
