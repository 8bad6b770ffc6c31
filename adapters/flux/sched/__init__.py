"""Flux's Python scheduler modules, made to answer: jobs that wait are told why and how long, and no decision blocks.

They are sched-simple, sched-fifo and sched-backfill themselves, with what `attentive` adds:

- a decision that takes more than a moment is made in a thread beside the reactor, so that the module answers meanwhile;
- jobs that wait carry `sched.reason_pending` and, where it is known, `sched.t_estimate`, and lose them when they no
  longer hold.

`simple.py`, `fifo.py` and `backfill.py` are what ``flux module load`` takes: files, by their paths.
"""

from __future__ import annotations

from typing import Any

from .classes import CLASSES

__all__ = ["CLASSES", "run"]


def run(name: str, handle: Any, *arguments: str) -> None:
    """Run a module until it is removed.

    Parameters
    ----------
    name
        ``simple``, ``fifo`` or ``backfill``.
    handle
        Flux's, of the module.
    arguments
        As those of Flux's module of that name.

    Raises
    ------
    ValueError
        For an argument that the module does not know, and for a pool class that is not exactfit's.
    OSError
        When the module cannot start, or ends with an error.
    """
    CLASSES[name]()(handle, *arguments).run()
