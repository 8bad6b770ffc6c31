"""The solver: where a job goes on a machine, proven to be the best place, or why there is none.

The names below are its door. They are looked up when they are first used, so that importing the package loads nothing.
README.md beside this file says which room is for what, what words mean, and follows one request through the house.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..topology.machine import Machine
    from .checker import Checker
    from .demand.request import Request
    from .errors import InfeasibleRequest, InsufficientResources
    from .options import Options
    from .policy.terms import Policy
    from .pool import Pool

__all__ = [
    "Checker",
    "InfeasibleRequest",
    "InsufficientResources",
    "Machine",
    "Options",
    "Policy",
    "Pool",
    "Request",
]

_HOMES = {
    "Checker": ".checker",
    "InfeasibleRequest": ".errors",
    "InsufficientResources": ".errors",
    "Machine": "..topology.machine",
    "Options": ".options",
    "Policy": ".policy.terms",
    "Pool": ".pool",
    "Request": ".demand.request",
}


if not TYPE_CHECKING:  # for type checkers, the names above are all that there are

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
