"""Garbage is not collected while what is made stays: many small objects, among which there is nothing to be found.

Python looks through all objects again and again while more of them come; for a machine of 10,000 nodes that all differ
that takes as long as half of the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave the garbage where it is until this is over; what is off already stays off."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
