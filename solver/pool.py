"""The pool: an allocator that says why a request does not fit. Programs make this one.

This is the one place that knows both the allocator and those who explain. They ask the allocator, so it cannot import
them; it is handed what makes reasons instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..topology.machine import Machine
from .allocator import Allocator, Asked, JobName, Log
from .knowledge import Knowledge, Reasons
from .options import Options

if TYPE_CHECKING:
    from .explain import Explanation


def _reasons(knowledge: Knowledge) -> Reasons:
    from .explain import reasons  # here, since most pools are never asked why, and what explains is large

    return reasons.Reasons(knowledge)


class Pool(Allocator):
    """Allocates the resources of a machine, and says why where it cannot.

    Parameters
    ----------
    machine
        What there is. All of it starts free and up.
    options
        What the site chose.
    log
        Called with a syslog priority and a message. A call that raises is no error of the pool's.
    job_name
        What messages call a job; its number by default.
    """

    def __init__(
        self, machine: Machine, options: Options | None = None, log: Log | None = None, job_name: JobName = str
    ) -> None:
        super().__init__(machine, _reasons, options, log, job_name)

    def explain(self, request: Asked, *, seconds: float = 0.8) -> Explanation:
        """Say why a request does not fit now, or never, and what would make it fit. The pool is not changed.

        Parameters
        ----------
        request
            What is asked for, or the text of an RFC 46 shape.
        seconds
            Of work, that looking for the smallest conflict and for changes may take.

        Raises
        ------
        CutOff
            When it could not even be found out whether the request fits.
        TypeError
            For what is no request.
        ValueError
            For no time at all, and for text that is no shape.
        """
        from .explain import explain

        return explain(self, request, seconds=seconds)
