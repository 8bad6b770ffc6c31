"""The work that something takes, counted in function calls: the same on every machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def calls(of: Callable[[], object]) -> int:
    """Return how many functions something calls, those of the interpreter among them."""
    number = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before, collecting = sys.getprofile(), gc.isenabled()
    gc.disable()  # What a collection calls belongs to whatever came before.
    sys.setprofile(count)
    try:
        of()
    finally:
        sys.setprofile(before)
        if collecting:
            gc.enable()
    return number
