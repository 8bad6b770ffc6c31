"""The switch: gutscore's modules get exactfit's classes under the names that gutscore looks for."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from .base import ResourceSetBaseclass
from .local import ResourceSetLocal
from .manager import ResourceManager
from .slurm import ResourceSetSlurm

_PLACES: Final = {
    "scheduler.resource_set": ("ResourceSetLocal", "ResourceSetSlurm"),
    "scheduler.resource_manager": ("ResourceSetLocal", "ResourceSetSlurm", "ResourceManager"),
    "scheduler.scheduler": ("ResourceManager",),
}
_EXPECTED: Final = {
    "scheduler.resource_set": ("ResourceSetBaseclass",),
    "scheduler.scheduler": ("Scheduler",),
    "scheduler.workergroup": ("WorkerGroup",),
}

_OFFERED: Final = {
    "scheduler.resource_set": ("ResourceSetBaseclass", "ResourceSetLocal", "ResourceSetSlurm"),
    "scheduler.resource_manager": ("ResourceManager",),
}
_CALLED: Final = ("__init__", "_init_rs")
"""Beside the public methods."""

_before: dict[tuple[str, str], Any] = {}


def install() -> None:
    """Let gutscore use exactfit's resource sets and manager, in this process and in the groups that it starts.

    Raises
    ------
    ImportError
        gutscore is not there, or is not built as exactfit knows it.
    """
    ours: dict[str, type] = {
        kind.__name__: kind for kind in (ResourceManager, ResourceSetBaseclass, ResourceSetLocal, ResourceSetSlurm)
    }
    modules = _upstream()
    for module, names in _OFFERED.items():
        for name in names:
            _check_offer(getattr(modules[module], name), ours[name])
    modules["scheduler.resource_set"].ResourceSetBaseclass.register(ResourceSetBaseclass)
    for module, names in _PLACES.items():
        for name in names:
            _before.setdefault((module, name), getattr(modules[module], name))
            setattr(modules[module], name, ours[name])


def uninstall() -> None:
    """Give gutscore its own classes back."""
    for (module, name), own in _before.items():
        setattr(import_module(module), name, own)
    _before.clear()


def _upstream() -> dict[str, ModuleType]:
    """Return gutscore's modules, checked."""
    found: dict[str, ModuleType] = {}
    for places in (_PLACES, _EXPECTED):
        for module, names in places.items():
            try:
                found[module] = import_module(module)
            except ImportError as error:
                raise ImportError(
                    f"gutscore cannot be imported ({error}); it is installed from its repository"
                ) from error
            lacking = [name for name in names if not isinstance(getattr(found[module], name, None), type)]
            if lacking:
                where = getattr(found[module], "__file__", None)
                raise ImportError(
                    f"{module} ({where}) has no class {' or '.join(lacking)}: exactfit does not know this gutscore"
                )
    if not hasattr(found["scheduler.resource_set"].ResourceSetBaseclass, "register"):
        raise ImportError("scheduler.resource_set.ResourceSetBaseclass is no abstract base class: unknown gutscore")
    return found


def _check_offer(theirs: type, ours: type) -> None:
    """See to it that whatever gutscore's own class is called by, ours is called by as well."""
    if issubclass(theirs, ours):
        return  # it is ours: the switch is on
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith("_") and name not in _CALLED:
            continue
        wanted = tuple(inspect.signature(method).parameters)
        mine = getattr(ours, name, None)
        if mine is None or tuple(inspect.signature(mine).parameters) != wanted:
            raise ImportError(
                f"{theirs.__module__}.{theirs.__name__} has {name}({', '.join(wanted)}): exactfit does not know this "
                "gutscore"
            )
